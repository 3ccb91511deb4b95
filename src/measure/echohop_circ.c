/* The second hop's circuits: a key, and each cell returned without the layer that the key takes
 * off. */
#include <stdlib.h>
#include <string.h>

#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "cell/reason.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"
#include "measure/echohop_int.h"

enum { KF_AT = 2 * TOR1_DIGEST_SEED_LEN, KF_BITS = 8 * TOR1_KEY_LEN };

/* ---- cells ---- */

static void return_cell(struct echohop_circ *c, const uint8_t *body)
{
    uint8_t *room = link_cell(&c->lc, CELL_RELAY, LINK_URGENT);
    if (!room) { /* or the owner reads on though the link is full */
        c->hop->counts.starved++;
        echohop_circ_end(c, DESTROY_RESOURCELIMIT);
        return;
    }
    memcpy(room, body, CELL_BODY_LEN);
    link_cell_commit(&c->lc);
    c->hop->counts.returned++;
}

/* RELAY_EARLY is refused, too: nobody may extend from here, so nobody needs one. */
static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct echohop_circ *c = arg;
    if (cmd != CELL_RELAY || aes_ctr_xor(c->forward, body, CELL_BODY_LEN) != OK) {
        c->hop->counts.broken++;
        echohop_circ_end(c, DESTROY_PROTOCOL);
        return;
    }
    c->hop->counts.cells++;
    if (++c->since_return < c->hop->config.return_every)
        return;
    c->since_return = 0;
    return_cell(c, body);
}

/* ---- its end ---- */

void echohop_circ_end(struct echohop_circ *c, uint8_t reason)
{
    struct echohop *h = c->hop;
    link_circ_close(&c->lc, reason != 0, reason);
    DL_DELETE(h->circs, c);
    DL_APPEND(h->dead_circs, c);
    h->counts.circuits--;
    later_ask(h->env, &h->reap);
}

void echohop_circ_free(struct echohop_circ *c)
{
    if (!c)
        return;
    aes_ctr_free(c->forward);
    free(c);
}

static void on_destroy(void *arg, uint8_t reason)
{
    (void)reason;
    echohop_circ_end(arg, 0);
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    echohop_circ_end(arg, 0);
}

static void on_writable(void *arg)
{
    (void)arg;
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

/* ---- the handshake ---- */

struct reply {
    uint8_t data[CREATED2_DATA_MAX];
    size_t len;
    uint8_t keys[TOR1_KEYS_LEN];
};

static err_t reply_ntor(const struct echohop *h, const struct chan_create2 *m, struct reply *r)
{
    const struct echohop_keys *k = &h->config.keys;
    if (m->hlen != NTOR_SKIN_LEN)
        return ERR_CIRC_HANDSHAKE;
    r->len = NTOR_REPLY_LEN;
    return ntor_server_reply(h->env, &k->rsa, &k->b, &k->B, m->hdata, r->data, r->keys,
                             sizeof r->keys);
}

/* Congestion control may be asked for and is not granted. Who asks for a subprotocol "must" have it
 * or no circuit (proposal 346), and here is none. */
static err_t answer_exts(struct rd asked, struct wr *out)
{
    const struct exts none = {.n = 0};
    struct exts exts;
    TRY(exts_decode_all(asked, &exts));
    if (exts_find(&exts, CIRC_EXT_SUBPROTO))
        return ERR_UNSUPPORTED;
    return exts_encode(out, &none);
}

static err_t reply_ntor_v3(const struct echohop *h, const struct chan_create2 *m, struct reply *r)
{
    const struct echohop_keys *k = &h->config.keys;
    uint8_t asked[NTOR_V3_MSG_MAX], said[8];
    struct wr CM = wr_over(asked, sizeof asked), SM = wr_over(said, sizeof said);
    struct wr out = wr_over(r->data, sizeof r->data);
    struct ntor_v3_server st;
    TRY(ntor_v3_server_read(&k->ed, &k->b, &k->B, NTOR_V3_CIRC_VERIFICATION, m->hdata, m->hlen, &st,
                            &CM));
    err_t e = answer_exts(rd_over(asked, CM.len), &SM);
    if (e == OK)
        e = ntor_v3_server_reply(h->env, &st, NTOR_V3_CIRC_VERIFICATION, said, SM.len, &out,
                                 r->keys, sizeof r->keys);
    r->len = out.len;
    secret_wipe(&st, sizeof st);
    return e;
}

static err_t make_reply(const struct echohop *h, uint8_t cmd, const uint8_t *body, struct reply *r)
{
    struct chan_create2 m;
    if (cmd != CELL_CREATE2)
        return ERR_CIRC_PROTO;
    TRY(chan_create2_decode(rd_over(body, CELL_BODY_LEN), &m));
    if (m.htype == HANDSHAKE_NTOR)
        return reply_ntor(h, &m, r);
    return m.htype == HANDSHAKE_NTOR_V3 ? reply_ntor_v3(h, &m, r) : ERR_CIRC_HANDSHAKE;
}

/* ---- a new one ---- */

static void send_created(struct echohop_circ *c, const struct reply *r)
{
    const struct chan_created2 m = {.hlen = (uint16_t)r->len, .hdata = r->data};
    uint8_t *body = link_cell(&c->lc, CELL_CREATED2, LINK_URGENT);
    if (!body) {
        c->hop->counts.starved++;
        echohop_circ_end(c, DESTROY_RESOURCELIMIT);
        return;
    }
    memset(body, 0, CELL_BODY_LEN);
    struct wr w = wr_over(body, CELL_BODY_LEN);
    if (chan_created2_encode(&w, &m) == OK)
        link_cell_commit(&c->lc);
    else
        echohop_circ_end(c, DESTROY_INTERNAL);
}

/* NULL out of memory, or the link has no place for it. */
static struct echohop_circ *add(struct echohop_link *hl, uint32_t id, const uint8_t *keys)
{
    struct echohop *h = hl->hop;
    struct echohop_circ *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->hop = h;
    c->lc.ops = &circ_ops;
    c->lc.arg = c;
    c->forward = aes_ctr_new(keys + KF_AT, KF_BITS, NULL);
    if (!c->forward || link_circ_accept(hl->link, &c->lc, id) != OK) {
        echohop_circ_free(c);
        return NULL;
    }
    DL_APPEND(h->circs, c);
    h->counts.circuits++;
    h->counts.circuits_ever++;
    return c;
}

static void refuse(struct echohop_link *hl, uint32_t id, uint8_t reason)
{
    hl->hop->counts.refused++;
    link_refuse(hl->link, id, reason);
}

void echohop_circ_create(struct echohop_link *hl, uint32_t id, uint8_t cmd, const uint8_t *body)
{
    struct echohop *h = hl->hop;
    struct reply r = {.len = 0};
    struct echohop_circ *c = NULL;
    if (h->closed || h->counts.circuits >= h->config.circuits_most) {
        refuse(hl, id, DESTROY_RESOURCELIMIT);
        return;
    }
    if (make_reply(h, cmd, body, &r) != OK)
        refuse(hl, id, DESTROY_PROTOCOL);
    else if ((c = add(hl, id, r.keys)))
        send_created(c, &r);
    else {
        h->counts.starved++;
        refuse(hl, id, DESTROY_RESOURCELIMIT);
    }
    secret_wipe(r.keys, sizeof r.keys);
}
