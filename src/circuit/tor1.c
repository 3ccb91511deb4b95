#include "circuit/tor1.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

enum { DIGEST_LEN = 4 };

/* One direction: forward is Df and Kf, backward Db and Kb. */
struct way {
    struct aes_ctr *cipher;
    struct sha1_running digest;
};

struct tor1 {
    struct layer layer; /* first: a struct layer * is a struct tor1 * */
    struct way out, in;
};

static struct tor1 *tor1_of(struct layer *l)
{
    return (struct tor1 *)l;
}

static err_t tor1_wrap(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    (void)chan_cmd;
    return aes_ctr_xor(tor1_of(l)->out.cipher, body, CELL_BODY_LEN);
}

/* tor-spec 6.1: the digest is "the first four bytes of the running digest of all the bytes that
 * have been destined for this hop [...] including this cell's entire body (taken with the digest
 * field set to zero)". All 20 bytes of it are the tag. */
static err_t tor1_originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    struct way *out = &tor1_of(l)->out;
    memset(body + RELAY_V0_RECOGNIZED_AT, 0, 2);
    memset(body + RELAY_V0_DIGEST_AT, 0, DIGEST_LEN);
    sha1_add(&out->digest, body, CELL_BODY_LEN);
    sha1_peek(&out->digest, l->sent_tag);
    memcpy(body + RELAY_V0_DIGEST_AT, l->sent_tag, DIGEST_LEN);
    return tor1_wrap(l, chan_cmd, body);
}

/* A cell that is not for us leaves the running digest as it was. */
static bool digest_matches(struct tor1 *t, uint8_t *body)
{
    struct sha1_running digest = t->in.digest;
    uint8_t claimed[DIGEST_LEN], tag[SHA1_LEN];
    memcpy(claimed, body + RELAY_V0_DIGEST_AT, DIGEST_LEN);
    memset(body + RELAY_V0_DIGEST_AT, 0, DIGEST_LEN);
    sha1_add(&digest, body, CELL_BODY_LEN);
    sha1_peek(&digest, tag);
    memcpy(body + RELAY_V0_DIGEST_AT, claimed, DIGEST_LEN);
    if (!secret_equal(tag, claimed, DIGEST_LEN))
        return false;
    t->in.digest = digest;
    memcpy(t->layer.got_tag, tag, SHA1_LEN);
    return true;
}

static err_t tor1_open(struct layer *l, uint8_t *body, bool *recognized)
{
    struct tor1 *t = tor1_of(l);
    *recognized = false;
    TRY(aes_ctr_xor(t->in.cipher, body, CELL_BODY_LEN));
    /* tor-spec 6.1: "If the 'recognized' field is zero, the digest field is checked" */
    if (body[RELAY_V0_RECOGNIZED_AT] == 0 && body[RELAY_V0_RECOGNIZED_AT + 1] == 0)
        *recognized = digest_matches(t, body);
    return OK;
}

static void tor1_free(struct layer *l)
{
    struct tor1 *t = tor1_of(l);
    aes_ctr_free(t->out.cipher);
    aes_ctr_free(t->in.cipher);
    secret_wipe(t, sizeof *t);
    free(t);
}

static const struct layer_kind tor1_kind = {
    .format = RELAY_V0,
    .tag_len = SHA1_LEN,
    .originate = tor1_originate,
    .wrap = tor1_wrap,
    .open = tor1_open,
    .free = tor1_free,
};

static bool way_init(struct way *w, const uint8_t *seed, const uint8_t *key)
{
    sha1_init(&w->digest);
    sha1_add(&w->digest, seed, TOR1_DIGEST_SEED_LEN);
    w->cipher = aes_ctr_new(key, 8 * TOR1_KEY_LEN, NULL);
    return w->cipher != NULL;
}

struct layer *tor1_new(const uint8_t keys[TOR1_KEYS_LEN], enum layer_side side)
{
    const uint8_t *Df = keys, *Db = Df + TOR1_DIGEST_SEED_LEN;
    const uint8_t *Kf = Db + TOR1_DIGEST_SEED_LEN, *Kb = Kf + TOR1_KEY_LEN;
    struct tor1 *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->layer.kind = &tor1_kind;
    struct way *forward = side == LAYER_CLIENT ? &t->out : &t->in;
    struct way *backward = side == LAYER_CLIENT ? &t->in : &t->out;
    if (!way_init(forward, Df, Kf) || !way_init(backward, Db, Kb)) {
        tor1_free(&t->layer);
        return NULL;
    }
    return &t->layer;
}
