/* How circuits are made at a relay: handshakes answered, or refused. */
#include "cell/ext.h"
#include "cell/reason.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "crypto/secret.h"
#include "testnet/node_int.h"

/* ---- the handshake ---- */

static err_t reply_fast(struct rcirc *c, const uint8_t *body, struct create_reply *r)
{
    struct chan_create_fast m;
    TRY(chan_create_fast_decode(rd_over(body, CELL_BODY_LEN), &m));
    r->cmd = CELL_CREATED_FAST;
    r->len = FAST_REPLY_LEN;
    c->fast = true;
    c->node->counts.handshakes_fast++;
    return fast_server_reply(fault_env(c), m.x, r->data, r->keys, sizeof r->keys);
}

static err_t reply_ntor(struct rcirc *c, const struct chan_create2 *m, struct create_reply *r)
{
    const struct identity *id = c->node->config.id;
    if (m->hlen != NTOR_SKIN_LEN)
        return ERR_CIRC_HANDSHAKE;
    r->len = NTOR_REPLY_LEN;
    c->node->counts.handshakes_ntor++;
    return ntor_server_reply(fault_env(c), &id->rsa_id, &id->ntor, &id->ntor_pub, m->hdata, r->data,
                             r->keys, sizeof r->keys);
}

/* What the client asks for, and what we say. Proposal 332 A.2: "Parties MUST ignore" extensions
 * they do not know, and all but the first of a type. Proposal 346: who cannot do a subprotocol that
 * is asked for must not go on. */
static err_t answer_exts(struct rcirc *c, struct rd asked, struct wr *out)
{
    uint8_t sendme_inc[] = {CC_SENDME_INC};
    struct exts theirs, ours = {.n = 0};
    size_t len = asked.left;
    err_t e = exts_decode(&asked, &theirs);
    TRY(fault_in_exts(c, len, e, &theirs));
    if (exts_find(&theirs, CIRC_EXT_SUBPROTO))
        return ERR_CIRC_HANDSHAKE;
    c->congestion_control = exts_find(&theirs, CIRC_EXT_CC_REQUEST) != NULL;
    if (fault_in_exts_said(c, sendme_inc))
        TRY(exts_add(&ours, CIRC_EXT_CC_RESPONSE, sendme_inc, sizeof sendme_inc));
    return exts_encode(out, &ours);
}

static err_t reply_ntor_v3(struct rcirc *c, const struct chan_create2 *m, struct create_reply *r)
{
    const struct identity *id = c->node->config.id;
    uint8_t asked[NTOR_V3_MSG_MAX], said[NTOR_V3_MSG_MAX];
    struct wr w_asked = wr_over(asked, sizeof asked), w_said = wr_over(said, sizeof said);
    struct wr out = wr_over(r->data, sizeof r->data);
    struct ntor_v3_server st;
    err_t e = ntor_v3_server_read(&id->ed.pub, &id->ntor, &id->ntor_pub, NTOR_V3_CIRC_VERIFICATION,
                                  m->hdata, m->hlen, &st, &w_asked);
    if (e != OK)
        return e;
    r->opened = true;
    e = answer_exts(c, rd_over(asked, w_asked.len), &w_said);
    if (e == OK)
        e = ntor_v3_server_reply(fault_env(c), &st, NTOR_V3_CIRC_VERIFICATION, said, w_said.len,
                                 &out, r->keys, sizeof r->keys);
    r->len = out.len;
    c->node->counts.handshakes_ntor_v3++;
    secret_wipe(&st, sizeof st);
    return e;
}

static err_t reply_to(struct rcirc *c, uint8_t cmd, const uint8_t *body, struct create_reply *r)
{
    struct chan_create2 m;
    r->cmd = CELL_CREATED2;
    if (cmd == CELL_CREATE_FAST)
        return reply_fast(c, body, r);
    if (cmd != CELL_CREATE2)
        return ERR_CIRC_PROTO;
    TRY(chan_create2_decode(rd_over(body, CELL_BODY_LEN), &m));
    if (m.htype == HANDSHAKE_NTOR)
        return reply_ntor(c, &m, r);
    return m.htype == HANDSHAKE_NTOR_V3 ? reply_ntor_v3(c, &m, r) : ERR_CIRC_HANDSHAKE;
}

static void send_created(struct rcirc *c, const struct create_reply *r)
{
    struct chan_created2 m = {.hlen = (uint16_t)r->len, .hdata = r->data};
    uint8_t body[CELL_BODY_LEN] = {0};
    struct wr w = wr_over(body, sizeof body);
    if (r->cmd == CELL_CREATED_FAST)
        wr_bytes(&w, r->data, r->len);
    else if (chan_created2_encode(&w, &m) != OK)
        return;
    rcirc_put_back(c, r->cmd, body);
    if (fault_now(&c->node->faults, FAULT_CIRC_CREATED_TWICE) && !c->over)
        rcirc_put_back(c, r->cmd, body);
}

static err_t start(struct rcirc *c, uint8_t cmd, const uint8_t *body, struct create_reply *r)
{
    err_t e = reply_to(c, cmd, body, r);
    if (e != OK && fault_in_refusing(c, body, r))
        e = OK;
    if (e == OK)
        fault_in_keys(c, r);
    if (e == OK && !(c->layer = tor1_new(r->keys, LAYER_RELAY)))
        e = ERR_NOMEM;
    secret_wipe(r->keys, sizeof r->keys);
    rwindow_init(&c->window, c->congestion_control);
    return e;
}

void rcirc_create(struct nlink *nl, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct rcirc *c = rcirc_new(nl);
    struct create_reply r = {.len = 0};
    err_t e = !c ? ERR_NOMEM : fault_in_asking(nl, id, cmd, body) ? ERR_CIRC_PROTO : OK;
    if (e == OK)
        e = start(c, cmd, body, &r);
    if (e == OK)
        e = link_circ_accept(nl->link, &c->back.lc, id);
    if (e != OK) {
        uint8_t reason = e == ERR_NOMEM ? DESTROY_RESOURCELIMIT : DESTROY_PROTOCOL;
        if (c)
            rcirc_bury(c);
        link_refuse(nl->link, id, fault_in_refusal(nl, id, reason));
        return;
    }
    rcirc_keep(c);
    if (!fault_in_create(c, r.data, &r.len))
        send_created(c, &r);
}
