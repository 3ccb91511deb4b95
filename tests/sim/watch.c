/* What must hold after every step, over every link, circuit and stream there is: the linker's
 * --wrap tells when one begins and ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "circuit/circ_int.h"
#include "circuit/vegas.h"
#include "circuit/window.h"
#include "client/client_int.h"
#include "client/ocirc.h"
#include "link/link_int.h"
#include "sim/sim.h"
#include "stream/stream_int.h"

enum { MOST = 4096, NODE_QUEUED_MOST = 64 * 1024 * 1024 };

struct registry {
    void *of[MOST];
    size_t n;
};

static struct registry links, circs, sets;

static void add(struct registry *r, void *object)
{
    if (!object)
        return;
    if (r->n == MOST) {
        sim_breach(sim_now, "queue-cap", "more than %d machines of one kind", (int)MOST);
        return;
    }
    r->of[r->n++] = object;
}

static void drop(struct registry *r, const void *object)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->of[i] == object) {
            r->of[i] = r->of[--r->n];
            return;
        }
}

void watch_reset(void)
{
    links.n = circs.n = sets.n = 0;
}

/* ---- wrapped ---- */

struct link *__real_link_new(struct env *env, const struct link_config *config,
                             const struct link_target *target, const struct link_ops *ops,
                             void *arg);
struct link *__wrap_link_new(struct env *env, const struct link_config *config,
                             const struct link_target *target, const struct link_ops *ops,
                             void *arg);
struct link *__wrap_link_new(struct env *env, const struct link_config *config,
                             const struct link_target *target, const struct link_ops *ops,
                             void *arg)
{
    struct link *l = __real_link_new(env, config, target, ops, arg);
    add(&links, l);
    return l;
}

struct link *__real_link_new_server(struct env *env, const struct link_config *config,
                                    const struct link_server *server, const struct ipport *peer,
                                    const struct link_ops *ops, void *arg);
struct link *__wrap_link_new_server(struct env *env, const struct link_config *config,
                                    const struct link_server *server, const struct ipport *peer,
                                    const struct link_ops *ops, void *arg);
struct link *__wrap_link_new_server(struct env *env, const struct link_config *config,
                                    const struct link_server *server, const struct ipport *peer,
                                    const struct link_ops *ops, void *arg)
{
    struct link *l = __real_link_new_server(env, config, server, peer, ops, arg);
    add(&links, l);
    return l;
}

void __real_link_free(struct link *l);
void __wrap_link_free(struct link *l);
void __wrap_link_free(struct link *l)
{
    drop(&links, l);
    __real_link_free(l);
}

struct circ *__real_circ_new(struct env *env, struct link *l, const struct circ_config *config,
                             const struct circ_ops *ops, void *arg);
struct circ *__wrap_circ_new(struct env *env, struct link *l, const struct circ_config *config,
                             const struct circ_ops *ops, void *arg);
struct circ *__wrap_circ_new(struct env *env, struct link *l, const struct circ_config *config,
                             const struct circ_ops *ops, void *arg)
{
    struct circ *c = __real_circ_new(env, l, config, ops, arg);
    add(&circs, c);
    return c;
}

void __real_circ_free(struct circ *c);
void __wrap_circ_free(struct circ *c);
void __wrap_circ_free(struct circ *c)
{
    drop(&circs, c);
    __real_circ_free(c);
}

struct asked_for {
    const struct circ *c;
    bool internal;
};

static void look_for(void *arg, struct ocirc *oc)
{
    struct asked_for *a = arg;
    if (oc->circ == a->c)
        a->internal = oc->plan.purpose == CIRCUIT_HS_VANGUARDS;
}

/* Whether C is one that RUNNING builds ahead for onion services. */
static bool is_internal(const struct sim_client *running, const struct circ *c)
{
    struct asked_for a = {.c = c};
    if (running->client)
        circuits_each(running->client->circuits, look_for, &a);
    return a.internal;
}

err_t __real_circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n);
err_t __wrap_circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n);
err_t __wrap_circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n)
{
    if (sim_now && sim_now->running)
        oracle_path(sim_now, sim_now->running, hops, n, is_internal(sim_now->running, c));
    return __real_circ_build(c, hops, n);
}

struct streams *__real_streams_new(struct env *env, struct carrier *gift_carrier);
struct streams *__wrap_streams_new(struct env *env, struct carrier *gift_carrier);
struct streams *__wrap_streams_new(struct env *env, struct carrier *gift_carrier)
{
    struct streams *set = __real_streams_new(env, gift_carrier);
    add(&sets, set);
    return set;
}

void __real_streams_free(struct streams *set);
void __wrap_streams_free(struct streams *set);
void __wrap_streams_free(struct streams *set)
{
    drop(&sets, set);
    __real_streams_free(set);
}

/* ---- after each step ---- */

static void check_link(struct sim *s, const struct link *l)
{
    size_t held = link_held(l), sealed_head = 4096;
    if (held > LINK_OUT_OWN + sealed_head)
        sim_breach(s, "queue-cap", "a link holds %zu bytes of output", held);
    if (l->in.len > LINK_PLAIN_IN_CAP)
        sim_breach(s, "queue-cap", "a link holds %zu bytes of input", l->in.len);
}

/* Windows as the protocol has them; under congestion control, what is under way is no more than a
 * window, but for one that shrank meanwhile. */
static void check_flow(struct sim *s, const struct circ *c, unsigned hop, const struct flow *f)
{
    const struct window *w = (const struct window *)f;
    const struct vegas *v = (const struct vegas *)f;
    if (f->kind == &window_kind) {
        if (f->room > CIRCWINDOW_START || w->deliver > CIRCWINDOW_START)
            sim_breach(s, "circuit-window", "circuit %u, hop %u: package %u, deliver %u", c->id,
                       hop, f->room, w->deliver);
        return;
    }
    if (v->cwnd < v->cwnd_least || (f->room && v->inflight + f->room != v->cwnd))
        sim_breach(s, "circuit-window", "circuit %u, hop %u: %u of %" PRIu64 ", %" PRIu64 " sent",
                   c->id, hop, f->room, v->cwnd, v->inflight);
}

static void check_circ(struct sim *s, const struct circ *c)
{
    for (unsigned i = 0; i < c->onion.n; i++) {
        const struct hop *h = &c->onion.hop[i];
        check_flow(s, c, i + 1, h->flow);
        if (h->tags.n > h->flow->sendmes_most)
            sim_breach(s, "circuit-window", "circuit %u, hop %u: %u tags", c->id, i + 1, h->tags.n);
    }
    if (c->onion.n > c->wanted || c->wanted > CIRC_MAX_HOPS)
        sim_breach(s, "circuit-window", "circuit %u: %u hops of %u", c->id, c->onion.n, c->wanted);
}

static void check_set(struct sim *s, const struct streams *set)
{
    for (const struct stream *st = set->by_id; st; st = st->hh.next) {
        const struct stream_flow *f = &st->flow;
        if (f->package > STREAMWINDOW_START || f->deliver > STREAMWINDOW_START)
            sim_breach(s, "stream-window", "stream %u: package %u, deliver %u", st->id, f->package,
                       f->deliver);
        if (f->backlog > STREAM_BYTES_MOST)
            sim_breach(s, "queue-cap", "stream %u: %zu bytes not consumed", st->id, f->backlog);
    }
}

static void check_nodes(struct sim *s)
{
    for (size_t i = 0; i < testnet_nodes(s->net); i++) {
        struct node_counts n = node_counts(testnet_node(s->net, i));
        if (n.queued > NODE_QUEUED_MOST)
            sim_breach(s, "queue-cap", "node %zu holds %llu bytes", i,
                       (unsigned long long)n.queued);
    }
}

/* ---- conflux sets ---- */

enum { LEGS = 64 };

struct legs {
    struct sim *sim;
    const struct ocirc *of[LEGS];
    size_t n;
};

static bool same_relay(const struct ocirc *a, const struct ocirc *b, size_t hop)
{
    return memcmp(&a->plan.hops[hop].rsa, &b->plan.hops[hop].rsa, sizeof(struct rsa_id)) == 0;
}

/* Legs of a set begin at different guards, have different relays in the middle, and end together.
 */
static void check_pair(struct sim *s, const struct ocirc *a, const struct ocirc *b)
{
    if (same_relay(a, b, 0) || same_relay(a, b, 1) || !same_relay(a, b, 2))
        sim_breach(s, "path-conflux", "circuits %" PRIu64 " and %" PRIu64 " are of one set", a->id,
                   b->id);
}

static void check_leg(void *arg, struct ocirc *oc)
{
    struct legs *l = arg;
    if (!oc->plan.conflux_nonce || oc->plan.n_hops != 3 || l->n == LEGS)
        return;
    for (size_t i = 0; i < l->n; i++)
        if (l->of[i]->plan.conflux_nonce == oc->plan.conflux_nonce)
            check_pair(l->sim, l->of[i], oc);
    l->of[l->n++] = oc;
}

static void check_conflux(struct sim *s)
{
    for (size_t i = 0; i < s->sc->clients; i++) {
        struct legs l = {.sim = s};
        if (s->client[i].client)
            circuits_each(s->client[i].client->circuits, check_leg, &l);
    }
}

void watch_step(struct sim *s)
{
    for (size_t i = 0; i < links.n; i++)
        check_link(s, links.of[i]);
    for (size_t i = 0; i < circs.n; i++)
        check_circ(s, circs.of[i]);
    for (size_t i = 0; i < sets.n; i++)
        check_set(s, sets.of[i]);
    if (s->net && s->steps % 16 == 0)
        check_nodes(s);
    if (s->sc->conflux && s->steps % 4 == 0)
        check_conflux(s);
}

void watch_end(struct sim *s)
{
    if (links.n || circs.n || sets.n)
        sim_breach(s, "nothing-left", "%zu links, %zu circuits, %zu sets of streams are left",
                   links.n, circs.n, sets.n);
    if (s->net_env.timers.root)
        sim_breach(s, "nothing-left", "a timer of the network is armed after its end");
}
