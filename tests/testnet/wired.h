/* A test network in memory: nodes joined by byte pipes, a circuit of our client's through them, and
 * targets that the test plays. Real TLS, no sockets. Inline, for the tests of this folder. */
#ifndef TUNIC_TESTS_WIRED_H
#define TUNIC_TESTS_WIRED_H

#include <stdio.h>
#include <string.h>

#include "cell/reason.h"
#include "cell/relay.h"
#include "cell/relay_stream.h"
#include "circuit/circ.h"
#include "link/tls.h"
#include "support/test.h"
#include "testnet/testnet.h"

enum { WIRES_MAX = 32, TARGETS_MAX = 8, TRACE_MAX = 4096, BASE_PORT = 5000 };

struct wired {
    struct env *env;
    struct plan plan;
    struct identity ids[11];
    struct testnet *net;
    struct wire {
        struct link *a, *b; /* a dialled */
    } wire[WIRES_MAX];
    size_t n_wires;
    bool hung;                          /* a wire has lost an end */
    struct target *target[TARGETS_MAX]; /* dialled and not hung up */
    struct ipport to;                   /* the last one */
    unsigned dialled, hung_up, resumed;
    bool auto_connect; /* targets answer at once */

    struct tls_ctx *tls;
    struct link *link; /* the client's */
    bool link_open, link_over;
    struct circ *circ;
    bool open, over;
    struct circ_end end;
    char trace[TRACE_MAX]; /* what came: "CONNECTED DATA END:6" */
    unsigned data;         /* DATA messages */
    size_t bytes;
};

/* ---- the nodes' world ---- */

static inline void wired_join(struct wired *w, struct link *a, struct link *b)
{
    ck_assert_uint_lt(w->n_wires, WIRES_MAX);
    w->wire[w->n_wires++] = (struct wire){a, b};
}

static inline void wired_dial(void *world, struct link *l, const struct ip *from,
                              const struct ipport *to)
{
    struct wired *w = world;
    struct node *n = testnet_node_at(w->net, to);
    const struct ipport peer = {*from, 40000};
    struct link *b = n ? node_accept(n, &peer) : NULL;
    wired_join(w, l, b);
}

static inline void wired_output(void *world, struct link *l)
{
    (void)world, (void)l;
}

static inline void wired_hangup(void *world, struct link *l)
{
    struct wired *w = world;
    w->hung = true;
    for (size_t i = 0; i < w->n_wires; i++) {
        if (w->wire[i].a == l)
            w->wire[i].a = NULL;
        if (w->wire[i].b == l)
            w->wire[i].b = NULL;
    }
}

static inline void wired_target_dial(void *world, struct target *t, const struct ip *from,
                                     const struct ipport *to)
{
    struct wired *w = world;
    (void)from;
    for (size_t i = 0; i < TARGETS_MAX; i++)
        if (!w->target[i]) {
            w->target[i] = t;
            break;
        }
    w->to = *to;
    w->dialled++;
}

static inline void wired_target_hangup(void *world, struct target *t)
{
    struct wired *w = world;
    for (size_t i = 0; i < TARGETS_MAX; i++)
        if (w->target[i] == t)
            w->target[i] = NULL;
    w->hung_up++;
}

static inline void wired_target_output(void *world, struct target *t)
{
    (void)world, (void)t;
}

static inline void wired_target_resume(void *world, struct target *t)
{
    (void)t;
    ((struct wired *)world)->resumed++;
}

static inline void wired_resume(void *world, struct link *l)
{
    (void)world, (void)l;
}

static const struct node_world wired_world = {
    .dial = wired_dial,
    .output = wired_output,
    .hangup = wired_hangup,
    .resume = wired_resume,
    .target_dial = wired_target_dial,
    .target_output = wired_target_output,
    .target_resume = wired_target_resume,
    .target_hangup = wired_target_hangup,
};

/* ---- bytes move ---- */

static inline bool wired_move(struct link *from, struct link *to)
{
    size_t len = 0, room;
    const uint8_t *at = from ? link_seal(from, &len) : NULL;
    uint8_t *in = at && to ? link_in_room(to, &room) : NULL;
    if (!at || (to && !in && link_state(to) != LINK_CLOSED)) /* or it is not to be read for now */
        return false;
    if (in) {
        len = len < room ? len : room;
        memcpy(in, at, len);
    }
    link_sent(from, len); /* to nobody: lost */
    if (in)
        link_in_done(to, len);
    return true;
}

static inline void wired_settle_wire(struct wire *x)
{
    if (x->a && link_state(x->a) == LINK_CONNECTING) {
        if (x->b)
            link_tcp_open(x->a);
        else
            link_tcp_failed(x->a, 111);
    }
    if (x->a && !x->b && link_state(x->a) != LINK_CLOSED)
        link_tcp_failed(x->a, 0);
    if (x->b && !x->a && link_state(x->b) != LINK_CLOSED)
        link_tcp_failed(x->b, 0);
}

/* Until nothing moves any more. */
static inline void wired_pump(struct wired *w)
{
    bool moved = true;
    while (moved) {
        uint64_t armed = w->env->timers.armings;
        moved = false;
        for (size_t i = 0; i < w->n_wires; i++) {
            wired_settle_wire(&w->wire[i]);
            moved |= wired_move(w->wire[i].a, w->wire[i].b);
            moved |= wired_move(w->wire[i].b, w->wire[i].a);
        }
        for (size_t i = 0; w->auto_connect && i < TARGETS_MAX; i++)
            if (w->target[i] && !target_io(w->target[i])) {
                target_set_io(w->target[i], w);
                target_connected(w->target[i]);
                moved = true;
            }
        env_run_timers(w->env);
        moved |= w->env->timers.armings != armed || w->hung;
        w->hung = false;
    }
}

/* ---- the client ---- */

static inline void wired_link_open(void *arg)
{
    ((struct wired *)arg)->link_open = true;
}

static inline void wired_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct wired *)arg)->link_over = true;
}

static inline void wired_link_output(void *arg)
{
    (void)arg;
}

static const struct link_ops wired_link_ops = {
    .on_open = wired_link_open, .on_end = wired_link_closed, .on_output = wired_link_output};

static inline void wired_circ_open(void *arg)
{
    ((struct wired *)arg)->open = true;
}

static inline void wired_circ_closed(void *arg, const struct circ_end *end)
{
    struct wired *w = arg;
    w->over = true;
    w->end = *end;
}

static const struct circ_ops wired_circ_ops = {.on_open = wired_circ_open,
                                               .on_end = wired_circ_closed};

static inline void wired_note(struct wired *w, const char *text)
{
    size_t len = strlen(w->trace);
    snprintf(w->trace + len, sizeof w->trace - len, "%s%s", len ? " " : "", text);
}

static inline err_t wired_on_msg(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct wired *w = arg;
    char text[64];
    (void)hop;
    if (m->cmd == RELAY_DATA) {
        w->bytes += m->len;
        if (w->data++ == 0)
            wired_note(w, "DATA");
        return OK;
    }
    if (m->cmd == RELAY_END)
        snprintf(text, sizeof text, "END:%u", m->len ? m->data[0] : 0);
    else
        snprintf(text, sizeof text, "%s/%zu", relay_cmd_name(m->cmd), m->len);
    wired_note(w, text);
    return OK;
}

static inline void wired_on_writable(void *arg)
{
    (void)arg;
}

static inline void wired_on_gone(void *arg, const struct circ_end *end)
{
    (void)arg, (void)end;
}

static const struct circ_user_ops wired_user_ops = {wired_on_msg, wired_on_writable, wired_on_gone};

/* ---- set-up ---- */

/* Three authorities, 8 relays; keys repeat, so they are made once a process. W is what OPS get;
 * MEASURABLE may be NULL. */
static inline void wired_start_with(struct wired *w, uint32_t phantoms,
                                    const struct node_world *ops,
                                    const struct measurable *measurable)
{
    static struct identity ids[11];
    const struct plan_wish wish = {.authorities = 3,
                                   .relays = 8,
                                   .exits = 3,
                                   .phantoms = phantoms,
                                   .base_port = BASE_PORT,
                                   .exit_policy = "reject *:25,accept *:*"};
    static const struct node_host hosts[] = {
        {.name = "there.example", .to = {{.family = IP_V4, .b = {127, 9, 9, 9}}, 8080}},
        {.name = "six.example", .to = {{.family = IP_V6, .b = {[15] = 1}}, 0}},
        {.name = "gone.test", .to = {.port = 0}}};
    char why[PLAN_WHY_MAX];
    *w = (struct wired){.env = test_env(77), .auto_connect = true};
    ck_ok(plan_make(&wish, &w->plan, why));
    for (size_t i = 0; !ids[10].rsa && i < 11; i++)
        ck_ok(identity_make(w->env, &ids[i]));
    memcpy(w->ids, ids, sizeof ids);
    struct testnet_config config = {.plan = &w->plan, .ids = ids, .hosts = hosts, .n_hosts = 3};
    if (measurable)
        config.measurable = *measurable;
    ck_ok(testnet_new(w->env, &config, ops, w, &w->net));
    ck_ok(tls_ctx_new_client(&w->tls));
}

static inline void wired_start_in(struct wired *w, uint32_t phantoms, const struct node_world *ops)
{
    wired_start_with(w, phantoms, ops, NULL);
}

static inline void wired_start(struct wired *w)
{
    wired_start_in(w, 0, &wired_world);
}

/* The N-th node of a role. */
static inline size_t wired_find(const struct wired *w, enum plan_role role, size_t n)
{
    for (size_t i = 0; i < w->plan.n_nodes; i++)
        if (w->plan.node[i].role == role && n-- == 0)
            return i;
    ck_abort_msg("no such node");
    return 0;
}

static inline struct node *wired_node(const struct wired *w, enum plan_role role, size_t n)
{
    return testnet_node(w->net, wired_find(w, role, n));
}

static inline struct circ_hop_target wired_hop(const struct wired *w, enum plan_role role, size_t n,
                                               bool v3)
{
    const struct identity *id = &w->ids[wired_find(w, role, n)];
    return (struct circ_hop_target){.rsa = id->rsa_id,
                                    .ed = id->ed.pub,
                                    .has_ed = true,
                                    .ntor_key = id->ntor_pub,
                                    .v4 = w->plan.node[wired_find(w, role, n)].or_port,
                                    .ntor_v3 = v3};
}

/* A link of the client's to the first guard. */
static inline void wired_connect(struct wired *w)
{
    struct circ_hop_target hop = wired_hop(w, PLAN_GUARD, 0, false);
    const struct link_config config = {
        .tls = w->tls, .connect_timeout_ms = 10000, .handshake_timeout_ms = 10000};
    const struct link_target target = {
        .reach.addr = hop.v4, .rsa = hop.rsa, .ed = hop.ed, .has_rsa = true, .has_ed = true};
    static const uint8_t home[4] = {127, 0, 0, 1};
    const struct ip from = ip_v4(home);
    w->link = link_new(w->env, &config, &target, &wired_link_ops, w);
    wired_dial(w, w->link, &from, &hop.v4);
    wired_pump(w);
}

static inline void wired_circ(struct wired *w)
{
    const struct circ_config config = circ_config_defaults();
    w->circ = circ_new(w->env, w->link, &config, &wired_circ_ops, w);
    ck_assert_ptr_nonnull(w->circ);
    circ_set_user(w->circ, &wired_user_ops, w);
}

/* guard, middle, exit; the last is asked for ASK */
static inline void wired_build_asking(struct wired *w, unsigned hops, bool v3, struct hop_ask ask)
{
    struct circ_hop_target path[3] = {wired_hop(w, PLAN_GUARD, 0, v3),
                                      wired_hop(w, PLAN_MIDDLE, 0, v3),
                                      wired_hop(w, PLAN_EXIT, 0, v3)};
    path[hops - 1].ask = ask;
    wired_connect(w);
    if (!w->link_open)
        return;
    wired_circ(w);
    ck_ok(circ_build(w->circ, path, hops));
    wired_pump(w);
}

static inline void wired_build(struct wired *w, unsigned hops, bool v3)
{
    wired_build_asking(w, hops, v3, (struct hop_ask){.cc = false});
}

static inline void wired_send(struct wired *w, uint8_t cmd, uint16_t id, const void *data,
                              size_t len)
{
    if (!w->over)
        ck_ok(circ_send(w->circ, circ_hops(w->circ), cmd, id, data, len));
    wired_pump(w);
}

static inline void wired_begin(struct wired *w, uint16_t id, const char *where, uint32_t flags)
{
    char host[64];
    unsigned port;
    ck_assert_int_eq(sscanf(where, "%63[^ ] %u", host, &port), 2);
    const struct relay_begin m = {text_of(host), (uint16_t)port, flags};
    uint8_t data[RELAY_DATA_MAX];
    struct wr out = wr_over(data, sizeof data);
    ck_ok(relay_begin_encode(&out, &m));
    wired_send(w, RELAY_BEGIN, id, data, out.len);
}

/* The target of the only stream says so much, as far as it is let. */
static inline size_t wired_say(struct wired *w, size_t len)
{
    size_t said = 0, room;
    uint8_t *in;
    while (said < len && w->target[0] && (in = target_in_room(w->target[0], &room))) {
        size_t part = len - said < room ? len - said : room;
        memset(in, 'x', part);
        target_in_done(w->target[0], part);
        said += part;
        wired_pump(w);
    }
    return said;
}

static inline void wired_stop(struct wired *w)
{
    circ_free(w->circ);
    wired_pump(w);
    if (w->link)
        wired_hangup(w, w->link);
    link_free(w->link);
    testnet_free(w->net);
    tls_ctx_free(w->tls);
    test_env_free(w->env);
}

#endif
