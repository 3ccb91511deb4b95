/* Building: one handshake after the other, CREATE_FAST or CREATE2 with the first hop, EXTEND2
 * through the last one with every further hop (tor-spec 5.1-5.3). */
#include <string.h>

#include "base/rd.h"
#include "cell/chan_circ.h"
#include "cell/relay_extend.h"
#include "circuit/circ_int.h"
#include "crypto/secret.h"

/* A control cell whose body WRITE fills; the rest of it is zero as in C tor. */
static uint8_t *create_cell(struct circ *c, uint8_t cmd)
{
    uint8_t *body = link_cell(&c->lc, cmd, LINK_URGENT);
    if (body)
        memset(body, 0, CELL_BODY_LEN);
    return body;
}

static err_t send_create_fast(struct circ *c)
{
    struct chan_create_fast m;
    struct wr skin = wr_over(m.x, sizeof m.x);
    TRY(circ_handshake_begin_fast(&c->handshake, c->env, &skin));
    uint8_t *body = create_cell(c, CELL_CREATE_FAST);
    if (!body)
        return ERR_FULL;
    struct wr w = wr_over(body, CELL_BODY_LEN);
    TRY(chan_create_fast_encode(&w, &m));
    link_cell_commit(&c->lc);
    return OK;
}

static err_t send_create2(struct circ *c, uint16_t htype, const struct wr *skin)
{
    struct chan_create2 m = {.htype = htype, .hlen = (uint16_t)skin->len, .hdata = skin->base};
    uint8_t *body = create_cell(c, CELL_CREATE2);
    if (!body)
        return ERR_FULL;
    struct wr w = wr_over(body, CELL_BODY_LEN);
    TRY(chan_create2_encode(&w, &m));
    link_cell_commit(&c->lc);
    return OK;
}

static err_t send_extend2(struct circ *c, const struct circ_hop_target *target, uint16_t htype,
                          const struct wr *skin)
{
    uint8_t data[RELAY_DATA_MAX], storage[LINKSPECS_STORAGE];
    struct linkspec_relay relay = {.has_rsa = true,
                                   .rsa = target->rsa,
                                   .has_ed = target->has_ed && !target->ed_unsaid,
                                   .ed = target->ed};
    if (target->v4.port)
        relay.v4 = target->v4;
    if (target->v6.port)
        relay.v6 = target->v6;
    struct relay_extend2 m = {.htype = htype, .hlen = (uint16_t)skin->len, .hdata = skin->base};
    linkspecs_make(&relay, storage, &m.specs);
    struct wr w = wr_over(data, sizeof data);
    TRY(relay_extend2_encode(&w, &m));
    return circ_send(c, c->onion.n, RELAY_EXTEND2, 0, data, w.len);
}

/* Asks for the next hop, with CREATE2 or EXTEND2. */
static err_t extend_next(struct circ *c)
{
    uint8_t skin_bytes[NTOR_V3_SKIN_OVERHEAD + NTOR_V3_MSG_MAX];
    const struct circ_hop_target *target = &c->onion.hop[c->onion.n].target;
    struct wr skin = wr_over(skin_bytes, sizeof skin_bytes);
    uint16_t htype;
    TRY(circ_handshake_begin(&c->handshake, c->env, target, &skin, &htype));
    return c->onion.n == 0 ? send_create2(c, htype, &skin) : send_extend2(c, target, htype, &skin);
}

err_t circ_build_fast(struct circ *c)
{
    if (c->state != CIRC_IDLE)
        return ERR_STATE;
    struct circ_hop_target *target = &c->onion.hop[0].target;
    const struct rsa_id *rsa = link_peer_rsa(c->link);
    const struct ed_id *ed = link_peer_ed(c->link);
    memset(target, 0, sizeof *target);
    if (rsa)
        target->rsa = *rsa;
    target->has_ed = ed && !ed_id_is_zero(ed);
    if (target->has_ed)
        target->ed = *ed;
    c->state = CIRC_BUILDING;
    c->wanted = 1;
    err_t err = send_create_fast(c);
    if (err != OK)
        circ_close(c, err, DESTROY_INTERNAL);
    return err;
}

err_t circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n)
{
    if (c->state != CIRC_IDLE && c->state != CIRC_OPEN)
        return ERR_STATE;
    if (n == 0)
        return ERR_ARG;
    if (n > CIRC_MAX_HOPS - c->onion.n)
        return ERR_LIMIT;
    /* A relay that joined two circuits passes EXTEND2 on as RELAY only, where it is refused. */
    if (c->onion.n && c->onion.hop[c->onion.n - 1].spliced)
        return ERR_STATE;
    /* tor-spec 5.6: an EXTEND2 "MUST" come in RELAY_EARLY, of which there are only so many */
    if (n - (c->onion.n == 0) > c->early_left)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        c->onion.hop[c->onion.n + i].target = hops[i];
    c->wanted = c->onion.n + (unsigned)n;
    c->state = CIRC_BUILDING;
    /* As C tor (circuit_send_first_onion_skin), its link is one to pad from now on, and not from
     * the first hop's answer on. */
    if (c->wanted > 1 && c->link)
        link_use_for_circuits(c->link);
    err_t err = extend_next(c);
    if (err != OK)
        circ_close(c, err, DESTROY_INTERNAL);
    return err;
}

static err_t add_hop(struct circ *c, struct hop *hop, const struct hop_terms *terms,
                     const uint8_t *keys, enum layer_side side)
{
    TRY(hop_make(hop, c->env, terms, keys, side, &c->config.flow));
    err_t err = onion_add(&c->onion, hop);
    if (err != OK)
        hop_free(hop);
    return err;
}

err_t circ_add_hop(struct circ *c, const struct hop_terms *terms, const uint8_t *keys,
                   enum layer_side side)
{
    struct hop hop = {.spliced = true};
    if (c->state != CIRC_OPEN)
        return ERR_STATE;
    TRY(add_hop(c, &hop, terms, keys, side));
    c->wanted = c->onion.n;
    return OK;
}

/* As C tor, circuit_finish_handshake(): by how long the circuit is to be. */
static enum cc_way way_to_next(const struct circ *c)
{
    bool far = c->wanted > 3 || (c->wanted == 3 && c->onion.n + 1 == 3);
    return far ? CC_WAY_EXIT : CC_WAY_SHORT;
}

static err_t add_extended(struct circ *c, const uint8_t *reply, size_t len)
{
    struct hop hop = {.target = c->onion.hop[c->onion.n].target};
    struct hop_terms terms;
    uint8_t keys[LAYER_KEYS_MAX];
    TRY(circ_handshake_finish(&c->handshake, rd_over(reply, len), c->config.flow.cc.sendme_inc,
                              &terms, keys));
    terms.way = way_to_next(c);
    err_t err = add_hop(c, &hop, &terms, keys, LAYER_CLIENT);
    secret_wipe(keys, sizeof keys);
    return err;
}

/* The answer to the handshake under way: the new hop is there, or the circuit dies. */
static err_t hop_done(struct circ *c, const uint8_t *reply, size_t len)
{
    TRY(add_extended(c, reply, len));
    log_debug(c->env->log, "circuit %u: hop %u is there, with %s", (unsigned)c->id, c->onion.n,
              onion_layer(&c->onion, c->onion.n)->kind->name);
    if (c->onion.n == c->wanted)
        c->state = CIRC_OPEN;
    if (c->ops->on_hop)
        c->ops->on_hop(c->arg, c->onion.n);
    /* The callback may have closed the circuit, or asked for further hops. */
    if (c->state == CIRC_BUILDING && c->handshake.kind == HANDSHAKE_NONE)
        return extend_next(c);
    if (c->state == CIRC_OPEN && c->ops->on_open)
        c->ops->on_open(c->arg);
    return OK;
}

err_t circ_on_created(struct circ *c, uint8_t cmd, const uint8_t *body)
{
    bool fast = c->handshake.kind == HANDSHAKE_IS_FAST;
    /* tor-spec 5.1: CREATED_FAST answers CREATE_FAST only, CREATED2 answers CREATE2 only, and each
     * once */
    if (c->state != CIRC_BUILDING || c->onion.n != 0 || c->handshake.kind == HANDSHAKE_NONE ||
        fast != (cmd == CELL_CREATED_FAST))
        return ERR_CIRC_PROTO;
    if (fast)
        return hop_done(c, body, FAST_REPLY_LEN);
    struct chan_created2 m;
    if (chan_created2_decode(rd_over(body, CELL_BODY_LEN), &m) != OK)
        return ERR_CIRC_PROTO;
    return hop_done(c, m.hdata, m.hlen);
}

/* The table of relay commands has it come from the last hop only. */
err_t circ_on_extended2(struct circ *c, const struct relay_msg *msg)
{
    struct relay_extended2 m;
    if (c->onion.n == 0 || c->handshake.kind == HANDSHAKE_NONE)
        return ERR_CIRC_PROTO;
    if (relay_extended2_decode(rd_over(msg->data, msg->len), &m) != OK)
        return ERR_CIRC_PROTO;
    return hop_done(c, m.hdata, m.hlen);
}
