/* A link that goes nowhere, with up to eight relays behind it that do real crypto: everything below
 * a circuit, in memory. Include it in one file of a test; it defines the calls of link.h that
 * circuits make, so that the real link is not linked. */
#ifndef TUNIC_TESTS_FAKENET_H
#define TUNIC_TESTS_FAKENET_H

#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "cell/relay_extend.h"
#include "cell/relay_flow.h"
#include "circuit/circ.h"
#include "circuit/fast.h"
#include "circuit/layer.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "link/link.h"
#include "support/test.h"

enum { FAKE_RELAYS = 8, FAKE_QUEUE = 4096 };

struct fake_relay {
    struct circ_hop_target target;
    struct x25519_secret b;
    struct layer *layer;
    unsigned inc;               /* DATA that one SENDME answers */
    unsigned data_in, data_out; /* DATA cells that ended and began here */
    uint8_t due_tags[16][20];   /* that the client's SENDMEs must carry */
    unsigned due_n, sendmes_in;
    uint8_t last_in_tag[20]; /* of the last DATA that came to be answered */
};

struct fake_cell {
    uint8_t cmd;
    uint8_t body[CELL_BODY_LEN];
};

/* A message that reached a relay. */
struct fake_msg {
    unsigned hop;
    uint8_t chan_cmd, cmd;
    uint16_t stream_id;
    size_t len;
    uint8_t data[RELAY_DATA_MAX];
};

struct link {
    struct env *env;
    struct link_circ *lc;
    struct fake_cell queue[FAKE_QUEUE]; /* what the circuit has sent */
    unsigned queued;
    unsigned data_room; /* cells of LINK_DATA until refusal */
    bool refuse_all, refused, crowded, stuck;
    bool closed, destroy_sent;
    uint8_t destroy_reason;

    struct fake_relay relay[FAKE_RELAYS];
    unsigned hops;
    unsigned joined;  /* the hop that joined this circuit to another, or 0 */
    bool mute;        /* relays answer nothing by themselves */
    bool client;      /* the last one is the client of an onion service */
    bool no_sendmes;  /* no circuit SENDMEs by themselves */
    bool old_sendmes; /* the client's are of version 0 */
    uint8_t garble;   /* XORed into the next handshake reply */
    const char *SM;   /* extension list in the next ntor-v3 reply, 2 bytes type and length at 1 */
    size_t SM_len;
    uint16_t last_htype;
    struct fake_msg got[FAKE_QUEUE];
    unsigned got_n;
    unsigned early; /* RELAY_EARLY cells seen */
    unsigned uses;  /* said to carry circuits of several hops */
};

/* ---- the calls a circuit makes ---- */

err_t link_circ_open(struct link *l, struct link_circ *lc)
{
    ck_assert_ptr_nonnull(lc->ops);
    if (l->closed || l->lc)
        return ERR_STATE;
    l->lc = lc;
    lc->link = l;
    lc->id = 0x80000001u;
    return OK;
}

void link_circ_close(struct link_circ *lc, bool send_destroy, uint8_t reason)
{
    struct link *l = lc->link;
    if (!l)
        return;
    l->destroy_sent |= send_destroy;
    l->destroy_reason = reason;
    l->lc = NULL;
    lc->link = NULL;
}

uint8_t *link_cell(struct link_circ *lc, uint8_t cmd, enum link_urgency urgency)
{
    struct link *l = lc->link;
    ck_assert_ptr_nonnull(l);
    if (l->refuse_all || l->queued == FAKE_QUEUE)
        return NULL;
    if (urgency == LINK_DATA && l->data_room == 0) {
        l->refused = true;
        return NULL;
    }
    l->data_room -= urgency == LINK_DATA;
    l->queue[l->queued].cmd = cmd;
    memset(l->queue[l->queued].body, 0xee, CELL_BODY_LEN);
    return l->queue[l->queued].body;
}

void link_use_for_circuits(struct link *l)
{
    l->uses++;
}

bool link_may_begin(const struct link_circ *lc)
{
    return lc->link && !lc->link->crowded;
}

bool link_is_stuck(const struct link_circ *lc)
{
    return lc->link && lc->link->stuck;
}

bool link_may_send(struct link_circ *lc)
{
    struct link *l = lc->link;
    l->refused |= !l->data_room;
    return l->data_room && !l->refuse_all;
}

void link_cell_commit(struct link_circ *lc)
{
    lc->link->queued++;
}

const struct rsa_id *link_peer_rsa(const struct link *l)
{
    return &l->relay[0].target.rsa;
}

const struct ed_id *link_peer_ed(const struct link *l)
{
    return &l->relay[0].target.ed;
}

/* ---- the relays ---- */

static inline struct link *fake_new(struct env *env)
{
    struct link *l = calloc(1, sizeof *l);
    ck_assert_ptr_nonnull(l);
    l->env = env;
    l->data_room = FAKE_QUEUE;
    for (unsigned i = 0; i < FAKE_RELAYS; i++) {
        struct circ_hop_target *t = &l->relay[i].target;
        env_random(env, &t->rsa, sizeof t->rsa);
        env_random(env, &t->ed, sizeof t->ed);
        t->has_ed = true;
        l->relay[i].inc = 100;
        t->ntor_v3 = i % 2 == 1;
        x25519_keypair(env, &l->relay[i].b, &t->ntor_key);
        t->v4 = (struct ipport){ip_v4((const uint8_t[]){10, 0, 0, (uint8_t)(i + 1)}), 9001};
        if (i == 2)
            t->v6 = (struct ipport){ip_v6((const uint8_t[16]){0x20, 1, [15] = 1}), 9002};
    }
    return l;
}

static inline void fake_free(struct link *l)
{
    for (unsigned i = 0; i < FAKE_RELAYS; i++) {
        layer_free(l->relay[i].layer);
    }
    free(l);
}

/* A cell from relay HOP, whatever is in BODY before its onion layers. */
static inline void fake_send_body(struct link *l, unsigned hop, uint8_t chan_cmd, uint8_t *body)
{
    struct layer *layer = l->relay[hop - 1].layer;
    ck_ok(layer->kind->originate(layer, CELL_RELAY, body));
    for (unsigned i = hop - 1; i > 0; i--)
        ck_ok(l->relay[i - 1].layer->kind->wrap(l->relay[i - 1].layer, CELL_RELAY, body));
    if (l->lc)
        l->lc->ops->on_cell(l->lc->arg, chan_cmd, body);
}

static inline void fake_send(struct link *l, unsigned hop, uint8_t cmd, uint16_t stream_id,
                             const void *data, size_t len)
{
    struct fake_relay *r = &l->relay[hop - 1];
    const struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    uint8_t body[CELL_BODY_LEN];
    size_t random_at;
    ck_ok(relay_msg_put(r->layer->kind->format, &m, body, &random_at));
    env_random(l->env, body + random_at, CELL_BODY_LEN - random_at);
    if (cmd == RELAY_DATA && ++r->data_out % r->inc == 0) {
        /* The tag is known only once the cell is made: on a copy of the digest it would be the
         * same, so make the cell first and deliver it after. */
        struct layer *layer = r->layer;
        struct link_circ *lc = l->lc;
        l->lc = NULL;
        fake_send_body(l, hop, CELL_RELAY, body);
        l->lc = lc;
        ck_assert_uint_lt(r->due_n, 16);
        memcpy(r->due_tags[r->due_n++], layer->sent_tag, 20);
        if (l->lc)
            l->lc->ops->on_cell(l->lc->arg, CELL_RELAY, body);
        return;
    }
    fake_send_body(l, hop, CELL_RELAY, body);
}

static inline void fake_sendme(struct link *l, unsigned hop, uint8_t version, const uint8_t *tag,
                               size_t len)
{
    uint8_t data[64] = {version, 0, (uint8_t)len};
    memcpy(data + 3, tag, len);
    fake_send(l, hop, RELAY_SENDME, 0, data, 3 + len);
}

/* The responder's side of either handshake; the reply is in *REPLY. */
static inline void fake_respond(struct link *l, unsigned hop, uint16_t htype, const uint8_t *skin,
                                size_t skin_len, struct wr *reply)
{
    struct fake_relay *r = &l->relay[hop - 1];
    uint8_t keys[TOR1_KEYS_LEN];
    l->last_htype = htype;
    if (htype == HANDSHAKE_NTOR) {
        ck_assert_uint_eq(skin_len, NTOR_SKIN_LEN);
        ck_ok(ntor_server_reply(l->env, &r->target.rsa, &r->b, &r->target.ntor_key, skin,
                                wr_room(reply, NTOR_REPLY_LEN), keys, sizeof keys));
    } else {
        struct ntor_v3_server st;
        uint8_t CM[NTOR_V3_MSG_MAX];
        struct wr w = wr_over(CM, sizeof CM);
        ck_assert_uint_eq(htype, HANDSHAKE_NTOR_V3);
        ck_ok(ntor_v3_server_read(&r->target.ed, &r->b, &r->target.ntor_key,
                                  NTOR_V3_CIRC_VERIFICATION, skin, skin_len, &st, &w));
        ck_assert_uint_eq(w.len, 1);
        ck_assert_uint_eq(CM[0], 0);
        ck_ok(ntor_v3_server_reply(l->env, &st, NTOR_V3_CIRC_VERIFICATION, l->SM ? l->SM : "\0",
                                   l->SM ? l->SM_len : 1, reply, keys, sizeof keys));
    }
    reply->base[reply->len - 1] ^= l->garble;
    r->layer = tor1_kind.make(keys, LAYER_RELAY);
    ck_assert_ptr_nonnull(r->layer);
    l->hops = hop;
}

static inline void fake_on_create2(struct link *l, const uint8_t *body)
{
    struct chan_create2 m;
    uint8_t bytes[512], cell[CELL_BODY_LEN] = {0};
    struct wr reply = wr_over(bytes, sizeof bytes), w = wr_over(cell, sizeof cell);
    ck_ok(chan_create2_decode(rd_over(body, CELL_BODY_LEN), &m));
    fake_respond(l, 1, m.htype, m.hdata, m.hlen, &reply);
    struct chan_created2 answer = {.hlen = (uint16_t)reply.len, .hdata = bytes};
    ck_ok(chan_created2_encode(&w, &answer));
    l->lc->ops->on_cell(l->lc->arg, CELL_CREATED2, cell);
}

static inline void fake_on_create_fast(struct link *l, const uint8_t *body)
{
    uint8_t keys[TOR1_KEYS_LEN], cell[CELL_BODY_LEN] = {0};
    ck_ok(fast_server_reply(l->env, body, cell, keys, sizeof keys));
    cell[39] ^= l->garble;
    l->relay[0].layer = tor1_kind.make(keys, LAYER_RELAY);
    l->hops = 1;
    l->lc->ops->on_cell(l->lc->arg, CELL_CREATED_FAST, cell);
}

static inline void fake_on_extend2(struct link *l, unsigned hop, const struct relay_msg *msg)
{
    struct relay_extend2 m;
    struct linkspec_relay relay;
    uint8_t bytes[512], data[RELAY_DATA_MAX];
    struct wr reply = wr_over(bytes, sizeof bytes), w = wr_over(data, sizeof data);
    const struct circ_hop_target *next = &l->relay[hop].target;
    ck_assert_uint_eq(hop, l->hops);
    ck_ok(relay_extend2_decode(rd_over(msg->data, msg->len), &m));
    linkspecs_read(&m.specs, &relay);
    ck_assert(relay.has_rsa && rsa_id_equal(&relay.rsa, &next->rsa));
    ck_assert(relay.has_ed && ed_id_equal(&relay.ed, &next->ed));
    ck_assert(ipport_equal(&relay.v4, &next->v4));
    ck_assert_uint_eq(relay.v6.port, next->v6.port);
    fake_respond(l, hop + 1, m.htype, m.hdata, m.hlen, &reply);
    struct relay_extended2 answer = {.hlen = (uint16_t)reply.len, .hdata = bytes};
    ck_ok(relay_extended2_encode(&w, &answer));
    fake_send(l, hop, RELAY_EXTENDED2, 0, data, w.len);
}

static inline void fake_on_sendme(struct link *l, struct fake_relay *r, const struct relay_msg *msg)
{
    struct relay_sendme m;
    ck_ok(relay_sendme_decode(rd_over(msg->data, msg->len), &m));
    ck_assert_uint_eq(m.version, !l->old_sendmes);
    ck_assert_uint_eq(m.tag_len, l->old_sendmes ? 0 : r->layer->kind->tag_len);
    ck_assert_uint_gt(r->due_n, 0);
    if (m.tag_len)
        ck_assert_mem_eq(m.tag, r->due_tags[0], m.tag_len);
    r->due_n--;
    memmove(r->due_tags[0], r->due_tags[1], r->due_n * sizeof r->due_tags[0]);
    r->sendmes_in++;
}

static inline void fake_on_relay(struct link *l, struct fake_cell *cell)
{
    struct relay_msg msg;
    unsigned hop = 0;
    bool recognized = false;
    while (!recognized) {
        ck_assert_msg(hop < l->hops, "no relay recognizes a cell of ours");
        /* Where circuits are joined, RELAY_EARLY becomes RELAY. */
        uint8_t cmd = l->joined && hop >= l->joined ? CELL_RELAY : cell->cmd;
        struct layer *layer = l->relay[hop++].layer;
        ck_ok(layer->kind->open(layer, cmd, cell->body, &recognized));
    }
    struct fake_relay *r = &l->relay[hop - 1];
    ck_ok(relay_msg_decode(r->layer->kind->format, cell->body, &msg));
    bool to_client = l->client && hop == l->hops;
    if (!l->joined || hop <= l->joined)
        ck_ok(relay_msg_check(&msg, to_client ? RELAY_TO_CLIENT : RELAY_TO_RELAY, true));
    l->early += cell->cmd == CELL_RELAY_EARLY;
    if (l->got_n < FAKE_QUEUE) {
        struct fake_msg *got = &l->got[l->got_n++];
        *got = (struct fake_msg){hop, cell->cmd, msg.cmd, msg.stream_id, msg.len, {0}};
        memcpy(got->data, msg.data, msg.len);
    }
    if (msg.cmd == RELAY_SENDME && msg.stream_id == 0)
        fake_on_sendme(l, r, &msg);
    if (msg.cmd == RELAY_DATA && ++r->data_in % r->inc == 0) {
        memcpy(r->last_in_tag, r->layer->got_tag, 20);
        if (!l->no_sendmes)
            fake_sendme(l, hop, 1, r->last_in_tag, r->layer->kind->tag_len);
    }
    if (msg.cmd == RELAY_EXTEND2 && !l->mute) {
        ck_assert_uint_eq(cell->cmd, CELL_RELAY_EARLY);
        fake_on_extend2(l, hop, &msg);
    }
}

/* Lets the relays have what the circuit sent, until there is no more. */
static inline void fake_pump(struct link *l)
{
    for (unsigned at = 0; at < l->queued; at++) {
        struct fake_cell *cell = &l->queue[at];
        if (cell->cmd == CELL_RELAY || cell->cmd == CELL_RELAY_EARLY)
            fake_on_relay(l, cell);
        else if (l->mute || !l->lc)
            continue;
        else if (cell->cmd == CELL_CREATE2)
            fake_on_create2(l, cell->body);
        else if (cell->cmd == CELL_CREATE_FAST)
            fake_on_create_fast(l, cell->body);
    }
    l->queued = 0;
}

/* The link has room again. */
static inline void fake_writable(struct link *l, unsigned room)
{
    l->data_room = room;
    if (l->refused && l->lc) {
        l->refused = false;
        l->lc->ops->on_writable(l->lc->arg);
    }
}

/* The last message a relay got with command CMD, or NULL. */
static inline const struct fake_msg *fake_last(const struct link *l, uint8_t cmd)
{
    for (unsigned i = l->got_n; i > 0; i--) {
        if (l->got[i - 1].cmd == cmd)
            return &l->got[i - 1];
    }
    return NULL;
}

static inline unsigned fake_count(const struct link *l, uint8_t cmd, uint16_t stream_id)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->got_n; i++)
        n += l->got[i].cmd == cmd && l->got[i].stream_id == stream_id;
    return n;
}

/* C goes through the first HOPS relays. */
static inline void fake_build(struct link *l, struct circ *c, unsigned hops)
{
    struct circ_hop_target path[FAKE_RELAYS];
    for (unsigned i = 0; i < hops; i++)
        path[i] = l->relay[i].target;
    ck_ok(circ_build(c, path, hops));
    fake_pump(l);
}

#endif
