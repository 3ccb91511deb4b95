#include "measure/echo.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "cell/relay.h"
#include "crypto/aes.h"
#include "crypto/aes128.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

enum {
    AHEAD = 8,    /* cells of which AES makes the payloads in one go */
    CHOICES = 64, /* cells over which it is decided in one go */
    BLOCKS = ECHO_STRIDE / AES128_BLOCK_LEN,
    FRAMED_HEAD = 11, /* tor-spec 6.1: command, recognized, stream id, digest, length */
};

static const char label[] = "tunic measure echo 1", choice_label[] = "tunic measure check 1";

/* Payloads one after the other. */
struct run_of {
    struct aes_ctr *cipher;
    uint8_t ahead[AHEAD * ECHO_STRIDE];
    unsigned left; /* of them, at the end */
};

struct echo {
    struct run_of out, in; /* in: only if all cells are checked */
    uint64_t sent, back;
    size_t at, len;    /* of the payload in a body */
    bool all;          /* each is checked */
    uint64_t below;    /* else those whose choice is below, of 2^32 */
    struct aes128 any; /* payloads of whichever cell */
    struct aes_ctr *choice;
    uint32_t choices[CHOICES];
    unsigned choices_left;
};

/* ---- keys ---- */

static void derive(const uint8_t *secret, size_t secret_len, const char *what,
                   const struct echo_config *config, uint8_t key[ECHO_KEY_LEN])
{
    uint8_t bytes[sizeof label + 8 + MEAS_NAME_MAX + 8], mac[SHA256_LEN];
    struct wr w = wr_over(bytes, sizeof bytes);
    size_t name_len = strlen(config->name);
    name_len = name_len < MEAS_NAME_MAX ? name_len : MEAS_NAME_MAX;
    wr_bytes(&w, what, strlen(what));
    wr_u32(&w, config->meas_id);
    wr_u16(&w, config->circuit);
    wr_u8(&w, (uint8_t)name_len);
    wr_bytes(&w, config->name, name_len);
    hmac_sha256(secret, secret_len, bytes, w.len, mac);
    memcpy(key, mac, ECHO_KEY_LEN);
    secret_wipe(mac, sizeof mac);
}

void echo_key(const struct echo_config *config, uint8_t key[ECHO_KEY_LEN])
{
    derive(config->seed, MEAS_SEED_LEN, label, config, key);
}

/* ---- life ---- */

/* What is chosen, and the payloads of single cells. */
static err_t choose_from(struct echo *e, const struct echo_config *config,
                         const uint8_t key[ECHO_KEY_LEN])
{
    uint8_t choice_key[ECHO_KEY_LEN];
    e->below = (uint64_t)(config->check * 4294967296.0);
    TRY(aes128_init(&e->any, aes128_fastest(), AES128_STREAM));
    TRY(e->any.kind->rekey(&e->any, key));
    derive(config->secret, ECHO_SECRET_LEN, choice_label, config, choice_key);
    e->choice = aes_ctr_new(choice_key, 128, NULL);
    secret_wipe(choice_key, sizeof choice_key);
    return e->choice ? OK : ERR_NOMEM;
}

static err_t begin(struct echo *e, const struct echo_config *config)
{
    uint8_t key[ECHO_KEY_LEN];
    err_t why = OK;
    bool framed = config->form == MEAS_ECHO_FRAMED;
    e->at = framed ? FRAMED_HEAD : 0;
    e->len = CELL_BODY_LEN - e->at;
    e->all = config->check >= 1;
    echo_key(config, key);
    e->out.cipher = aes_ctr_new(key, 128, NULL);
    e->in.cipher = e->all ? aes_ctr_new(key, 128, NULL) : NULL;
    if (!e->out.cipher || (e->all && !e->in.cipher))
        why = ERR_NOMEM;
    else if (!e->all)
        why = choose_from(e, config, key);
    secret_wipe(key, sizeof key);
    return why;
}

err_t echo_new(const struct echo_config *config, struct echo **out)
{
    if (!(config->check >= 0 && config->check <= 1))
        return ERR_ARG;
    struct echo *e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    err_t why = begin(e, config);
    if (why == OK)
        *out = e;
    else
        echo_free(e);
    return why;
}

void echo_free(struct echo *e)
{
    if (!e)
        return;
    aes_ctr_free(e->out.cipher);
    aes_ctr_free(e->in.cipher);
    aes_ctr_free(e->choice);
    aes128_free(&e->any);
    secret_wipe(e, sizeof *e);
    free(e);
}

/* ---- payloads ---- */

/* The next one; valid until the next call. NULL: the library failed. */
static const uint8_t *next_of(struct run_of *r)
{
    if (!r->left) {
        memset(r->ahead, 0, sizeof r->ahead);
        if (aes_ctr_xor(r->cipher, r->ahead, sizeof r->ahead) != OK)
            return NULL;
        r->left = AHEAD;
    }
    return r->ahead + (size_t)(AHEAD - r->left--) * ECHO_STRIDE;
}

err_t echo_put(struct echo *e, uint8_t body[CELL_BODY_LEN])
{
    const uint8_t *p = next_of(&e->out);
    if (!p)
        return ERR_CRYPTO;
    memcpy(body + e->at, p, e->len);
    e->sent++;
    return OK;
}

/* ---- what comes back ---- */

/* Whether cell number e->back is to be checked. */
static err_t is_chosen(struct echo *e, bool *chosen)
{
    if (!e->choices_left) {
        memset(e->choices, 0, sizeof e->choices);
        TRY(aes_ctr_xor(e->choice, e->choices, sizeof e->choices));
        e->choices_left = CHOICES;
    }
    *chosen = e->choices[--e->choices_left] < e->below;
    return OK;
}

/* P of cell number e->back into OUT. */
static err_t payload_of(struct echo *e, uint8_t out[ECHO_STRIDE])
{
    uint8_t iv[AES128_BLOCK_LEN] = {0};
    struct wr w = wr_over(iv + 8, 8);
    wr_u64(&w, e->back * BLOCKS);
    memset(out, 0, ECHO_STRIDE);
    return e->any.kind->stream(&e->any, iv, out, ECHO_STRIDE);
}

/* A cell's body, of which EXPECTED is the payload, differs. */
static void note_difference(const struct echo *e, const uint8_t *expected, const uint8_t *got,
                            struct meas_cheat *out)
{
    size_t first = 0;
    while (first < e->len && expected[first] == got[first])
        first++;
    if (first > e->len - MEAS_EVIDENCE_LEN)
        first = e->len - MEAS_EVIDENCE_LEN;
    out->kind = CHEAT_DIFFERENCE;
    out->cell = e->back;
    out->at = (unsigned)(e->at + first);
    memcpy(out->expected, expected + first, MEAS_EVIDENCE_LEN);
    memcpy(out->got, got + first, MEAS_EVIDENCE_LEN);
}

static enum echo_verdict compare(const struct echo *e, const uint8_t *expected, const uint8_t *body,
                                 struct meas_cheat *evidence)
{
    if (memcmp(expected, body + e->at, e->len) == 0)
        return ECHO_GOOD;
    note_difference(e, expected, body + e->at, evidence);
    return ECHO_CHEAT;
}

static err_t take_chosen(struct echo *e, const uint8_t *body, enum echo_verdict *verdict,
                         struct meas_cheat *evidence)
{
    uint8_t single[ECHO_STRIDE];
    bool chosen;
    TRY(is_chosen(e, &chosen));
    if (!chosen)
        return OK;
    TRY(payload_of(e, single));
    *verdict = compare(e, single, body, evidence);
    return OK;
}

err_t echo_take(struct echo *e, const uint8_t body[CELL_BODY_LEN], enum echo_verdict *verdict,
                struct meas_cheat *evidence)
{
    *verdict = ECHO_UNCHECKED;
    if (e->back >= e->sent) {
        evidence->kind = CHEAT_MORE;
        evidence->cell = e->back;
        *verdict = ECHO_CHEAT;
        return OK;
    }
    if (e->all) {
        const uint8_t *p = next_of(&e->in);
        if (!p)
            return ERR_CRYPTO;
        *verdict = compare(e, p, body, evidence);
    } else {
        TRY(take_chosen(e, body, verdict, evidence));
    }
    e->back++;
    return OK;
}

uint64_t echo_sent(const struct echo *e)
{
    return e->sent;
}

uint64_t echo_back(const struct echo *e)
{
    return e->back;
}
