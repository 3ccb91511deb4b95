#include "circuit/tor1.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

enum { DIGEST_LEN = 4, TAG_LEN = 20 };

/* What the two kinds differ in. */
struct recipe {
    const struct layer_kind *kind;
    size_t seed_len, key_len;
    bool sha3;
};

/* The digest of all cells so far, and what it would be with one more. */
struct running {
    struct sha1_running sha1, sha1_tried;
    struct sha3 *sha3, *sha3_tried, *sha3_peeked; /* NULL: it is SHA-1 */
};

/* One direction: forward is Df and Kf, backward Db and Kb. */
struct way {
    struct aes_ctr *cipher;
    struct running digest;
};

struct tor1 {
    struct layer layer; /* first: a struct layer * is a struct tor1 * */
    struct way out, in;
};

static struct tor1 *tor1_of(struct layer *l)
{
    return (struct tor1 *)l;
}

/* ---- the running digest ---- */

/* Of SHA3-256 the first 20 bytes are the tag, as in C tor (sendme.c). */
static err_t sha3_peek(struct running *r, const struct sha3 *s, uint8_t tag[TAG_LEN])
{
    uint8_t digest[SHA3_256_LEN];
    TRY(sha3_copy(r->sha3_peeked, s));
    TRY(sha3_final(r->sha3_peeked, digest, sizeof digest));
    memcpy(tag, digest, TAG_LEN);
    return OK;
}

/* One cell more; *TAG is the digest then. */
static err_t running_add(struct running *r, const uint8_t *body, uint8_t tag[TAG_LEN])
{
    if (r->sha3) {
        sha3_add(r->sha3, body, CELL_BODY_LEN);
        return sha3_peek(r, r->sha3, tag);
    }
    sha1_add(&r->sha1, body, CELL_BODY_LEN);
    sha1_peek(&r->sha1, tag);
    return OK;
}

/* *TAG is what the digest would be with BODY. */
static err_t running_try(struct running *r, const uint8_t *body, uint8_t tag[TAG_LEN])
{
    if (r->sha3) {
        TRY(sha3_copy(r->sha3_tried, r->sha3));
        sha3_add(r->sha3_tried, body, CELL_BODY_LEN);
        return sha3_peek(r, r->sha3_tried, tag);
    }
    r->sha1_tried = r->sha1;
    sha1_add(&r->sha1_tried, body, CELL_BODY_LEN);
    sha1_peek(&r->sha1_tried, tag);
    return OK;
}

/* The cell that was tried last counts. */
static void running_keep(struct running *r)
{
    if (!r->sha3) {
        r->sha1 = r->sha1_tried;
        return;
    }
    struct sha3 *kept = r->sha3_tried;
    r->sha3_tried = r->sha3;
    r->sha3 = kept;
}

static bool running_init(struct running *r, const struct recipe *recipe, const uint8_t *seed)
{
    if (!recipe->sha3) {
        sha1_init(&r->sha1);
        sha1_add(&r->sha1, seed, recipe->seed_len);
        return true;
    }
    r->sha3 = sha3_new(SHA3_KIND_256);
    r->sha3_tried = sha3_new(SHA3_KIND_256);
    r->sha3_peeked = sha3_new(SHA3_KIND_256);
    sha3_add(r->sha3, seed, recipe->seed_len);
    return r->sha3 && r->sha3_tried && r->sha3_peeked;
}

static void running_free(struct running *r)
{
    sha3_free(r->sha3);
    sha3_free(r->sha3_tried);
    sha3_free(r->sha3_peeked);
}

/* ---- the three acts ---- */

/* The command of the cell around it is none of tor1's business. */
static err_t tor1_wrap(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    (void)chan_cmd;
    return aes_ctr_xor(tor1_of(l)->out.cipher, body, CELL_BODY_LEN);
}

/* tor-spec 6.1: the digest is "the first four bytes of the running digest of all the bytes that
 * have been destined for this hop [...] including this cell's entire body (taken with the digest
 * field set to zero)". 20 bytes of it are the tag. */
static err_t tor1_originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    struct running *digest = &tor1_of(l)->out.digest;
    memset(body + RELAY_V0_RECOGNIZED_AT, 0, 2);
    memset(body + RELAY_V0_DIGEST_AT, 0, DIGEST_LEN);
    TRY(running_add(digest, body, l->sent_tag));
    memcpy(body + RELAY_V0_DIGEST_AT, l->sent_tag, DIGEST_LEN);
    return tor1_wrap(l, chan_cmd, body);
}

/* A cell that is not for us leaves the running digest as it was. */
static err_t check_digest(struct tor1 *t, uint8_t *body, bool *matches)
{
    struct running *digest = &t->in.digest;
    uint8_t claimed[DIGEST_LEN], tag[TAG_LEN];
    memcpy(claimed, body + RELAY_V0_DIGEST_AT, DIGEST_LEN);
    memset(body + RELAY_V0_DIGEST_AT, 0, DIGEST_LEN);
    TRY(running_try(digest, body, tag));
    memcpy(body + RELAY_V0_DIGEST_AT, claimed, DIGEST_LEN);
    *matches = secret_equal(tag, claimed, DIGEST_LEN);
    if (!*matches)
        return OK;
    running_keep(digest);
    memcpy(t->layer.got_tag, tag, TAG_LEN);
    return OK;
}

static err_t tor1_open(struct layer *l, uint8_t chan_cmd, uint8_t *body, bool *recognized)
{
    struct tor1 *t = tor1_of(l);
    (void)chan_cmd;
    *recognized = false;
    TRY(aes_ctr_xor(t->in.cipher, body, CELL_BODY_LEN));
    /* tor-spec 6.1: "If the 'recognized' field is zero, the digest field is checked" */
    if (body[RELAY_V0_RECOGNIZED_AT] == 0 && body[RELAY_V0_RECOGNIZED_AT + 1] == 0)
        return check_digest(t, body, recognized);
    return OK;
}

/* ---- life ---- */

static void way_free(struct way *w)
{
    aes_ctr_free(w->cipher);
    running_free(&w->digest);
}

static void tor1_free(struct layer *l)
{
    struct tor1 *t = tor1_of(l);
    way_free(&t->out);
    way_free(&t->in);
    secret_wipe(t, sizeof *t);
    free(t);
}

static bool way_init(struct way *w, const struct recipe *recipe, const uint8_t *seed,
                     const uint8_t *key)
{
    w->cipher = aes_ctr_new(key, (unsigned)(8 * recipe->key_len), NULL);
    return w->cipher && running_init(&w->digest, recipe, seed);
}

static struct layer *make(const struct recipe *recipe, const uint8_t *keys, enum layer_side side)
{
    const uint8_t *Df = keys, *Db = Df + recipe->seed_len;
    const uint8_t *Kf = Db + recipe->seed_len, *Kb = Kf + recipe->key_len;
    struct tor1 *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->layer.kind = recipe->kind;
    struct way *forward = side == LAYER_CLIENT ? &t->out : &t->in;
    struct way *backward = side == LAYER_CLIENT ? &t->in : &t->out;
    if (!way_init(forward, recipe, Df, Kf) || !way_init(backward, recipe, Db, Kb)) {
        tor1_free(&t->layer);
        return NULL;
    }
    return &t->layer;
}

static struct layer *make_tor1(const uint8_t *keys, enum layer_side side)
{
    const struct recipe recipe = {&tor1_kind, TOR1_DIGEST_SEED_LEN, TOR1_KEY_LEN, false};
    return make(&recipe, keys, side);
}

static struct layer *make_tor1_hs(const uint8_t *keys, enum layer_side side)
{
    const struct recipe recipe = {&tor1_hs_kind, TOR1_HS_DIGEST_SEED_LEN, TOR1_HS_KEY_LEN, true};
    return make(&recipe, keys, side);
}

const struct layer_kind tor1_kind = {
    .name = "tor1",
    .format = RELAY_V0,
    .tag_len = TAG_LEN,
    .keys_len = TOR1_KEYS_LEN,
    .make = make_tor1,
    .originate = tor1_originate,
    .wrap = tor1_wrap,
    .open = tor1_open,
    .free = tor1_free,
};

const struct layer_kind tor1_hs_kind = {
    .name = "tor1 of services",
    .format = RELAY_V0,
    .tag_len = TAG_LEN,
    .keys_len = TOR1_HS_KEYS_LEN,
    .make = make_tor1_hs,
    .originate = tor1_originate,
    .wrap = tor1_wrap,
    .open = tor1_open,
    .free = tor1_free,
};
