#include "circuit/cgo.h"

#include <stdlib.h>
#include <string.h>

#include "circuit/cgo_int.h"
#include "crypto/secret.h"

enum { TAG_LEN = UIV_TAG_LEN };

static struct cgo *cgo_of(struct layer *l)
{
    return (struct cgo *)l;
}

/* A cell goes through; the encrypted one of its two tags chains it to the next: that is what a
 * client, which decrypts, has before, and a relay behind it. */
static err_t pass(struct cgo *c, struct cgo_way *w, uint8_t chan_cmd, uint8_t *body)
{
    uint8_t before[TAG_LEN];
    memcpy(before, body, TAG_LEN);
    TRY(uiv_apply(&w->uiv, w->T, chan_cmd, body));
    memcpy(w->T, c->side == LAYER_CLIENT ? before : body, TAG_LEN);
    return OK;
}

/* A cell began or ended here: keys and nonce follow from its tag. */
static err_t update(struct cgo_way *w)
{
    memcpy(w->N, w->T, TAG_LEN);
    return uiv_update(&w->uiv, w->N);
}

static err_t cgo_wrap(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    struct cgo *c = cgo_of(l);
    return pass(c, &c->out, chan_cmd, body);
}

static err_t cgo_originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    struct cgo *c = cgo_of(l);
    memcpy(body, c->out.N, TAG_LEN);
    TRY(pass(c, &c->out, chan_cmd, body));
    memcpy(l->sent_tag, body, TAG_LEN);
    return update(&c->out);
}

static err_t cgo_open(struct layer *l, uint8_t chan_cmd, uint8_t *body, bool *recognized)
{
    struct cgo *c = cgo_of(l);
    uint8_t tag[TAG_LEN];
    memcpy(tag, body, TAG_LEN);
    *recognized = false;
    TRY(pass(c, &c->in, chan_cmd, body));
    if (!secret_equal(body, c->in.N, TAG_LEN))
        return OK;
    *recognized = true;
    memcpy(l->got_tag, tag, TAG_LEN);
    return update(&c->in);
}

/* ---- life ---- */

static void cgo_free(struct layer *l)
{
    struct cgo *c = cgo_of(l);
    uiv_free(&c->out.uiv);
    uiv_free(&c->in.uiv);
    secret_wipe(c, sizeof *c);
    free(c);
}

static err_t way_init(struct cgo_way *w, enum layer_side side, const uint8_t *keys)
{
    memcpy(w->N, keys + UIV_KEYS_LEN, TAG_LEN);
    return uiv_init(&w->uiv, side == LAYER_CLIENT ? UIV_DECRYPT : UIV_ENCRYPT, keys);
}

static struct layer *cgo_make(const uint8_t *keys, enum layer_side side)
{
    struct cgo *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->layer.kind = &cgo_kind;
    c->side = side;
    struct cgo_way *forward = side == LAYER_CLIENT ? &c->out : &c->in;
    struct cgo_way *backward = side == LAYER_CLIENT ? &c->in : &c->out;
    if (way_init(forward, side, keys) == OK &&
        way_init(backward, side, keys + CGO_WAY_KEYS_LEN) == OK)
        return &c->layer;
    cgo_free(&c->layer);
    return NULL;
}

const struct layer_kind cgo_kind = {
    .name = "CGO",
    .format = RELAY_V1,
    .tag_len = TAG_LEN,
    .keys_len = CGO_KEYS_LEN,
    .make = cgo_make,
    .originate = cgo_originate,
    .wrap = cgo_wrap,
    .open = cgo_open,
    .free = cgo_free,
};
