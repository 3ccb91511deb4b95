/* A relay under test in memory: an exit of a test network (tests/testnet/wired.h), real TLS, no
 * sockets, a clock that jumps to whatever is waited for. Inline, for the tests of this folder. */
#ifndef TUNIC_TESTS_CHECK_LAB_H
#define TUNIC_TESTS_CHECK_LAB_H

#include "check/check.h"
#include "testnet/peer.h"

enum { LAB_CONNS = 16, LAB_PHANTOMS = 3000, LAB_ANSWER_MS = 2000 };

struct lab {
    struct wired w; /* first: what the nodes' world gets */
    struct node *node;
    struct lab_conn {
        struct lab *lab;
        struct link *link; /* NULL: the relay has hung up */
        bool used;
        struct buf rest; /* sealed before it hung up, not yet taken */
    } conn[LAB_CONNS];
    struct check_config config;
    char *old_consensus;
};

static inline void lab_save(struct lab_conn *c)
{
    size_t len;
    const uint8_t *at;
    while ((at = link_seal(c->link, &len)) && len) {
        ck_ok(buf_add(&c->rest, at, len));
        link_sent(c->link, len);
    }
}

static inline void lab_hangup(void *world, struct link *l)
{
    struct lab *lab = world;
    for (size_t i = 0; i < LAB_CONNS; i++)
        if (lab->conn[i].used && lab->conn[i].link == l) {
            lab_save(&lab->conn[i]);
            lab->conn[i].link = NULL;
        }
    wired_hangup(world, l);
}

static const struct node_world lab_world = {
    .dial = wired_dial,
    .output = wired_output,
    .hangup = lab_hangup,
    .resume = wired_resume,
    .target_dial = wired_target_dial,
    .target_output = wired_target_output,
    .target_resume = wired_target_resume,
    .target_hangup = wired_target_hangup,
};

/* ---- the check's wire ---- */

static inline void *lab_open(void *world, const char **why)
{
    struct lab *lab = world;
    const struct ipport from = {{.family = IP_V4, .b = {127, 0, 0, 1}}, 40001};
    *why = "refused";
    for (size_t i = 0; i < LAB_CONNS; i++) {
        struct lab_conn *c = &lab->conn[i];
        if (c->used)
            continue;
        *c = (struct lab_conn){.lab = lab, .link = node_accept(lab->node, &from), .used = true};
        buf_init(&c->rest, 64 << 20);
        ck_assert_ptr_nonnull(c->link);
        return c;
    }
    ck_abort_msg("too many connections at once");
    return NULL;
}

static inline err_t lab_send(void *world, void *conn, const void *bytes, size_t len)
{
    struct lab *lab = world;
    struct lab_conn *c = conn;
    const uint8_t *at = bytes;
    while (len && c->link && link_state(c->link) != LINK_CLOSED) {
        size_t room;
        uint8_t *in = link_in_room(c->link, &room);
        if (!in)
            break;
        room = room < len ? room : len;
        memcpy(in, at, room);
        link_in_done(c->link, room);
        at += room;
        len -= room;
    }
    wired_pump(&lab->w);
    return len ? ERR_LINK_CLOSED : OK;
}

static inline err_t lab_take(struct lab_conn *c, void *out, size_t cap, size_t *n)
{
    if (c->link)
        lab_save(c);
    *n = c->rest.len < cap ? c->rest.len : cap;
    if (*n)
        memcpy(out, buf_at(&c->rest), *n);
    buf_drain(&c->rest, *n);
    return *n ? OK : c->link && link_state(c->link) != LINK_CLOSED ? ERR_MORE : ERR_LINK_CLOSED;
}

static inline err_t lab_recv(void *world, void *conn, void *out, size_t cap, size_t *n,
                             uint32_t timeout_ms)
{
    struct lab *lab = world;
    struct env *env = lab->w.env;
    uint64_t end = env->mono_us + (uint64_t)timeout_ms * US_PER_MS;
    for (;;) {
        wired_pump(&lab->w);
        err_t e = lab_take(conn, out, cap, n);
        if (e != ERR_MORE || env->mono_us >= end)
            return e;
        uint64_t next = env_next_us(env);
        next = next < end ? next : end;
        test_env_advance_ms(env, next > env->mono_us ? (next - env->mono_us + 999) / 1000 : 0);
    }
}

static inline void lab_close(void *world, void *conn)
{
    struct lab *lab = world;
    struct lab_conn *c = conn;
    if (c->link)
        link_tcp_failed(c->link, 0);
    wired_pump(&lab->w);
    buf_free(&c->rest);
    c->used = false;
    c->link = NULL;
}

static inline void lab_sleep(void *world, uint32_t ms)
{
    struct lab *lab = world;
    test_env_advance_ms(lab->w.env, ms);
    wired_pump(&lab->w);
}

static const struct check_wire lab_wire = {lab_open, lab_send, lab_recv, lab_close, lab_sleep};

static inline void lab_start(struct lab *lab)
{
    static struct party coordinator;
    party_make(&coordinator, 1);
    const struct measurable willing = {.allowed = {true, 1},
                                       .period_s = {true, 0},
                                       .coordinators = &coordinator.id.ed,
                                       .n_coordinators = 1};
    wired_start_with(&lab->w, LAB_PHANTOMS, &lab_world, &willing);
    size_t i = wired_find(&lab->w, PLAN_EXIT, 0);
    struct netdocs *docs = testnet_docs(lab->w.net);
    lab->node = testnet_node(lab->w.net, i);
    lab->old_consensus = text_dup(netdocs_consensus(docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    ck_ok(netdocs_publish(docs));
    lab->config = (struct check_config){.env = lab->w.env,
                                        .wire = &lab_wire,
                                        .world = lab,
                                        .reach.addr = lab->w.plan.node[i].or_port,
                                        .old_consensus = text_of(lab->old_consensus),
                                        .identity = &coordinator.id,
                                        .answer_ms = LAB_ANSWER_MS};
}

/* Says in the configuration what a relay that is no directory does not tell. */
static inline void lab_know(struct lab *lab)
{
    size_t i = wired_find(&lab->w, PLAN_EXIT, 0), other = wired_find(&lab->w, PLAN_EXIT, 1);
    const struct identity *id = &lab->w.ids[i], *next = &lab->w.ids[other];
    lab->config.has_ntor = true;
    lab->config.ntor = id->ntor_pub;
    lab->config.next = (struct check_next){.known = true,
                                           .addr = lab->w.plan.node[other].or_port,
                                           .rsa = next->rsa_id,
                                           .ed = next->ed.pub,
                                           .has_ed = true,
                                           .ntor = next->ntor_pub};
}

static inline void lab_stop(struct lab *lab)
{
    free(lab->old_consensus);
    wired_stop(&lab->w);
}

#endif
