/* How circuits are made at a relay: handshakes answered, or refused. */
#include "cell/ext.h"
#include "cell/reason.h"
#include "circuit/cgo.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"
#include "testnet/node_int.h"

/* ---- the handshake ---- */

static err_t reply_fast(struct rcirc *c, struct env *env, const uint8_t *body,
                        struct create_reply *r)
{
    struct chan_create_fast m;
    TRY(chan_create_fast_decode(rd_over(body, CELL_BODY_LEN), &m));
    r->cmd = CELL_CREATED_FAST;
    r->len = FAST_REPLY_LEN;
    c->fast = true;
    return fast_server_reply(env, m.x, r->data, r->keys, c->kind->keys_len);
}

static err_t reply_ntor(struct rcirc *c, struct env *env, const struct chan_create2 *m,
                        struct create_reply *r)
{
    const struct identity *id = c->node->config.id;
    if (m->hlen != NTOR_SKIN_LEN)
        return ERR_CIRC_HANDSHAKE;
    r->len = NTOR_REPLY_LEN;
    return ntor_server_reply(env, &id->rsa_id, &id->ntor, &id->ntor_pub, m->hdata, r->data, r->keys,
                             c->kind->keys_len);
}

/* Proposal 346: who cannot do a subprotocol that is asked for must not go on. CGO alone can be
 * asked for here, and it goes with congestion control only: its messages have no SENDMEs for
 * streams. */
static err_t grant_subprotos(struct rcirc *c, const struct ext *asked)
{
    struct subproto_request ask;
    c->kind = &tor1_kind;
    if (!asked)
        return OK;
    if (subproto_request_decode(rd_over(asked->body, asked->len), &ask) != OK || ask.n != 1 ||
        ask.c[0].protocol != SUBPROTO_RELAY || ask.c[0].capability != SUBPROTO_RELAY_CGO ||
        !c->congestion_control)
        return ERR_CIRC_HANDSHAKE;
    c->kind = &cgo_kind;
    return OK;
}

/* Proposal 332 A.2: "Parties MUST ignore" extensions they do not know, and all but the first of a
 * type. */
err_t rcirc_grant(struct rcirc *c, const struct exts *theirs, struct exts *ours)
{
    const struct cc_params *cc = &c->node->config.flow.cc;
    ours->n = 0;
    c->congestion_control = exts_find(theirs, CIRC_EXT_CC_REQUEST) && cc->alg != CC_ALG_SENDME;
    c->sendme_inc = (uint8_t)cc->sendme_inc;
    TRY(grant_subprotos(c, exts_find(theirs, CIRC_EXT_SUBPROTO)));
    return c->congestion_control ? exts_add(ours, CIRC_EXT_CC_RESPONSE, &c->sendme_inc, 1) : OK;
}

static err_t answer_exts(struct rcirc *c, struct rd asked, struct create_reply *r, struct wr *out)
{
    struct exts theirs, ours = {.n = 0};
    struct rd in = asked;
    err_t e = exts_decode(&in, &theirs);
    if (e == OK)
        e = rcirc_grant(c, &theirs, &ours);
    for (size_t i = 0; e == OK && i < theirs.n; i++)
        r->asked[r->n_asked++] = theirs.e[i].type;
    TRY(misdeed_extensions(c, asked, e, &ours));
    return exts_encode(out, &ours);
}

static err_t reply_ntor_v3(struct rcirc *c, struct env *env, const struct chan_create2 *m,
                           struct create_reply *r)
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
    e = answer_exts(c, rd_over(asked, w_asked.len), r, &w_said);
    if (e == OK)
        e = ntor_v3_server_reply(env, &st, NTOR_V3_CIRC_VERIFICATION, said, w_said.len, &out,
                                 r->keys, c->kind->keys_len);
    r->len = out.len;
    secret_wipe(&st, sizeof st);
    return e;
}

err_t rcirc_answer(struct rcirc *c, struct env *env, uint8_t cmd, const uint8_t *body,
                   struct create_reply *r)
{
    struct chan_create2 m;
    r->cmd = CELL_CREATED2;
    c->kind = &tor1_kind;
    if (cmd == CELL_CREATE_FAST)
        return reply_fast(c, env, body, r);
    if (cmd != CELL_CREATE2)
        return ERR_CIRC_PROTO;
    TRY(chan_create2_decode(rd_over(body, CELL_BODY_LEN), &m));
    if (m.htype == HANDSHAKE_NTOR)
        return reply_ntor(c, env, &m, r);
    return m.htype == HANDSHAKE_NTOR_V3 ? reply_ntor_v3(c, env, &m, r) : ERR_CIRC_HANDSHAKE;
}

/* ---- the circuit ---- */

static void count(struct node_counts *counts, const struct rcirc *c, const struct create_reply *r)
{
    if (c->fast)
        counts->handshakes_fast++;
    else if (r->opened)
        counts->handshakes_ntor_v3++;
    else
        counts->handshakes_ntor++;
    counts->handshakes_cgo += c->kind == &cgo_kind;
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
    rcirc_cell(c, WAY_MADE, r->cmd, body);
}

static err_t start(struct rcirc *c, uint8_t cmd, const uint8_t *body, struct create_reply *r)
{
    err_t e = misdeed_reply(c, cmd, body, rcirc_answer(c, c->node->env, cmd, body, r), r);
    if (e == OK && !(c->layer = c->kind->make(r->keys, LAYER_RELAY)))
        e = ERR_NOMEM;
    secret_wipe(r->keys, sizeof r->keys);
    if (e == OK)
        e = rwindow_init(&c->window, c->node->env, &c->node->config.flow, c->congestion_control);
    return e;
}

static void refuse(struct rcirc *c, struct nlink *nl, uint32_t id, err_t e)
{
    uint8_t reason = e == ERR_NOMEM ? DESTROY_RESOURCELIMIT : DESTROY_PROTOCOL;
    if (misdeed_refusal(c, nl, id, &reason))
        link_refuse(nl->link, id, reason);
    rcirc_bury(c);
}

void rcirc_create(struct nlink *nl, uint32_t id, uint8_t cmd, const uint8_t *body)
{
    struct rcirc *c = rcirc_new(nl);
    struct create_reply r = {.len = 0};
    if (!c) {
        link_refuse(nl->link, id, DESTROY_RESOURCELIMIT);
        return;
    }
    err_t e = start(c, cmd, body, &r);
    if (e == OK)
        e = link_circ_accept(nl->link, &c->back.lc, id);
    if (e != OK) {
        refuse(c, nl, id, e);
        return;
    }
    count(&c->node->counts, c, &r);
    rcirc_keep(c);
    rcirc_trace_handshake(c, &r);
    send_created(c, &r);
}
