/* The pool of circuits, over circuits, paths, guards and build times that the test plays. Inline.
 */
#ifndef TUNIC_TESTS_EXITSWORLD_H
#define TUNIC_TESTS_EXITSWORLD_H

#include "client/exits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/fakecircs.h"
#include "client/fakeguards.h"
#include "client/ocirc.h"
#include "path/pathbias.h"
#include "path/restrict.h"
#include "support/test.h"

enum { RELAYS = 8, FIRST_EXIT = 4, MOST = 256 };

/* ---- the layers below ---- */

struct netdir {
    int refs;
    struct router relay[RELAYS]; /* from FIRST_EXIT on they are exits */
};

struct streams {
    struct ocirc *oc; /* NULL once freed */
    size_t open;
    bool allow_internal;
};

static struct {
    struct netdir nd[2];
    uint16_t only_port[RELAYS]; /* of exits; 0: all ports */
    bool none_is_stable;        /* a path is found relaxed, and fits only as such */
    bool no_path, no_guard_md, forbidden;
    bool no_guard; /* is the reason for that */
    enum guard_use guard_use;
    unsigned picks;
    struct path_request last;                         /* that a path was picked for */
    struct path_hop last_hops[PATH_HOPS_MOST];        /* its */
    struct streams streams[MOST], more_streams[MOST]; /* on the hop that a circuit opened with, on
                                                         others */
    unsigned n_more;
    bool no_streams; /* of the next circuits */
    unsigned bias_failed;
    struct {
        char target[64];
        unsigned n;
        const struct stream_ops *ops;
        void *arg;
        struct streams *on;
    } probe;
    unsigned cbt_built, cbt_timed_out, cbt_closed;
    bool learning;
    bool extend_by_ed; /* consensus parameter */
    bool unreachable;  /* as a first hop */
    bool internal;     /* there are paths for internal circuits, too */
} net;

struct netdir *netdir_ref(struct netdir *nd)
{
    nd->refs++;
    return nd;
}

void netdir_unref(struct netdir **nd)
{
    if (*nd)
        (*nd)->refs--;
    *nd = NULL;
}

int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    (void)nd, (void)name, (void)least, (void)most;
    return net.extend_by_ed ? 1 : fallback;
}

size_t netdir_n(const struct netdir *nd)
{
    (void)nd;
    return RELAYS;
}

const struct router *netdir_at(const struct netdir *nd, size_t i)
{
    return &nd->relay[i];
}

const struct router *netdir_by_rsa(const struct netdir *nd, const struct rsa_id *rsa)
{
    return rsa->b[0] < RELAYS ? &nd->relay[rsa->b[0]] : NULL;
}

const struct router *netdir_by_name(const struct netdir *nd, struct text name)
{
    return text_is(name, "exit") ? &nd->relay[FIRST_EXIT] : NULL;
}

struct ipport router_orport(const struct router *r)
{
    return (struct ipport){ip_v4(r->v4), r->orport};
}

struct ipport router_orport6(const struct router *r)
{
    (void)r;
    return (struct ipport){0};
}

struct ipport path_first_hop_addr(const struct path_config *cfg, const struct router *r)
{
    (void)cfg;
    return net.unreachable ? (struct ipport){0} : router_orport(r);
}

static inline bool judge(const struct path_request *req, const struct router *r)
{
    size_t i = r->rsa.b[0];
    if (i < FIRST_EXIT)
        return false;
    for (size_t k = 0; k < req->n_avoid_exit; k++)
        if (rsa_id_equal(&req->avoid_exit[k], &r->rsa))
            return false;
    return !req->port || !net.only_port[i] || net.only_port[i] == req->port;
}

static inline bool covers(const struct path_request *req, const struct router *r)
{
    size_t i = r->rsa.b[0], n = 0;
    for (size_t k = 0; k < req->n_predicted; k++)
        n += !net.only_port[i] || net.only_port[i] == req->predicted[k];
    return n || !req->n_predicted;
}

bool path_exit_fits(const struct netdir *nd, const struct path_config *cfg,
                    const struct path_request *req, const struct router *exit)
{
    (void)nd, (void)cfg;
    return judge(req, exit) && (!net.none_is_stable || req->relaxed);
}

err_t path_pick(const struct netdir *nd, const struct path_config *cfg, struct guards *guards,
                const struct path_request *req, struct env *env, struct path_pick *out)
{
    (void)cfg, (void)guards, (void)env;
    bool is_internal = req->hops[req->n_hops - 1].kind == HOP_INTERNAL;
    *out = (struct path_pick){.stable = req->stable};
    if (is_internal && !net.internal)
        return ERR_NOT_FOUND;
    net.picks++;
    net.last = *req;
    memcpy(net.last_hops, req->hops, req->n_hops * sizeof req->hops[0]);
    if (is_internal || req->n_hops > PATH_USUAL_HOPS) /* they are gone after this call */
        net.last.hops = net.last_hops;
    *out = (struct path_pick){
        .n = req->n_hops,
        .guard_use = net.guard_use,
        .relaxed = net.none_is_stable,
        .stable = req->stable,
    };
    out->hop[0] = &nd->relay[0];
    out->hop[1] = &nd->relay[1];
    out->hop[2] = &nd->relay[2];
    if (req->hops[req->n_hops - 1].relay) {
        out->hop[req->n_hops - 1] = req->hops[req->n_hops - 1].relay;
        return net.no_path ? ERR_NOT_FOUND : OK;
    }
    for (int any = 0; any < 2 && !net.no_path; any++)
        for (size_t i = FIRST_EXIT; i < RELAYS; i++)
            if (judge(req, &nd->relay[i]) && (any || covers(req, &nd->relay[i]))) {
                out->hop[2] = &nd->relay[i];
                return OK;
            }
    out->no_guard = net.no_guard;
    snprintf(out->why, sizeof out->why, "no exit relay allows port %u", req->port);
    return ERR_NOT_FOUND;
}

bool path_allowed(const struct netdir *nd, const struct path_config *cfg,
                  const struct router *const *hops, size_t n, bool exits)
{
    (void)nd, (void)cfg, (void)hops, (void)n, (void)exits;
    return !net.forbidden;
}

void pathbias_used(struct guards *g, struct guard_circuit *c)
{
    (void)g;
    if (c->bias != PATHBIAS_ANSWERED)
        c->bias = PATHBIAS_USED;
}

void pathbias_answered(struct guard_circuit *c)
{
    c->bias = PATHBIAS_ANSWERED;
}

void pathbias_left(struct guard_circuit *c)
{
    if (c->bias == PATHBIAS_ANSWERED)
        c->bias = PATHBIAS_USED;
}

void pathbias_garbled(struct guard_circuit *c)
{
    c->bias = PATHBIAS_FAILED;
    net.bias_failed++;
}

void pathbias_ignore(struct guard_circuit *c)
{
    c->bias = PATHBIAS_IGNORED;
}

bool pathbias_wants_probe(const struct guard_circuit *c)
{
    return c->state != GUARD_CIRCUIT_NONE && c->bias == PATHBIAS_USED;
}

void guards_dropped(struct guards *g, const struct rsa_id *id)
{
    (void)g, (void)id;
    guardplay.dropped++;
}

bool guards_lack_md(const struct guards *g, const struct netdir *nd)
{
    (void)g, (void)nd;
    return net.no_guard_md;
}

struct path_hop vanguards_hop(struct vanguards *v, const struct netdir *nd,
                              const struct path_config *cfg)
{
    (void)v, (void)nd, (void)cfg;
    return (struct path_hop){.kind = HOP_VANGUARD};
}

bool router_related(const struct netdir *nd, const struct path_config *cfg, const struct router *a,
                    const struct router *b)
{
    (void)nd, (void)cfg;
    return rsa_id_equal(&a->rsa, &b->rsa);
}

bool port_is_long_lived(const struct path_config *cfg, uint16_t port)
{
    (void)cfg;
    return port == 22;
}

uint32_t cbt_timeout_ms(const struct cbt *c, unsigned hops)
{
    (void)c;
    ck_assert_uint_le(hops, PATH_USUAL_HOPS + 1);
    return 1500;
}

uint32_t cbt_close_ms(const struct cbt *c, unsigned hops)
{
    (void)c, (void)hops;
    return 60000;
}

void cbt_built(struct cbt *c, uint64_t build_ms, bool in_time)
{
    (void)c, (void)build_ms, (void)in_time;
    net.cbt_built++;
}

void cbt_timed_out(struct cbt *c, bool first_hop_done)
{
    (void)c, (void)first_hop_done;
    net.cbt_timed_out++;
}

void cbt_closed(struct cbt *c, uint64_t began_us)
{
    (void)c, (void)began_us;
    net.cbt_closed++;
}

uint64_t linkpool_heard_us(const struct linkpool *pool)
{
    (void)pool;
    return 0;
}

void cbt_network_heard(struct cbt *c, uint64_t heard_us)
{
    (void)c, (void)heard_us;
}

void cbt_network_live(struct cbt *c)
{
    (void)c;
}

bool cbt_wants_circuits(const struct cbt *c)
{
    (void)c;
    return net.learning;
}

uint32_t cbt_test_interval_s(const struct cbt *c)
{
    (void)c;
    return 10;
}

uint32_t cbt_max_open(const struct cbt *c)
{
    (void)c;
    return 10;
}

uint32_t cbt_learn_idle_s(const struct cbt *c)
{
    (void)c;
    return 180;
}

bool circ_stream_sendmes(const struct circ *c, unsigned hop)
{
    (void)c, (void)hop;
    return true;
}

unsigned circ_hops(const struct circ *c)
{
    (void)c;
    return 0;
}

const char *circ_end_text(const struct circ_end *end, char *out, size_t size)
{
    snprintf(out, size, "%s", err_text(end->why));
    return out;
}

struct carrier *ocirc_carrier(const struct ocirc *oc, unsigned hop)
{
    (void)hop;
    ck_assert_int_eq(oc->state, OCIRC_OPEN);
    return (struct carrier *)(uintptr_t)oc;
}

struct streams *streams_new(struct env *env, struct carrier *gift_carrier)
{
    (void)env;
    struct streams *set = net.streams;
    if (net.no_streams)
        return NULL;
    while (circs.oc[set - net.streams] != (struct ocirc *)(void *)gift_carrier)
        set++;
    struct ocirc *oc = circs.oc[set - net.streams];
    if (set->oc)
        set = &net.more_streams[net.n_more++];
    set->oc = oc;
    return set;
}

/* The probe's, for nothing else opens a stream here. */
err_t stream_open(struct streams *set, const struct stream_request *req,
                  const struct stream_ops *ops, void *arg, struct stream **out)
{
    ck_assert_int_eq(req->kind, STREAM_BEGIN);
    snprintf(net.probe.target, sizeof net.probe.target, "%s", req->target);
    net.probe.n++;
    net.probe.ops = ops;
    net.probe.arg = arg;
    net.probe.on = set;
    set->open++;
    *out = (struct stream *)(void *)set;
    return OK;
}

void stream_close(struct stream *s, uint8_t reason)
{
    (void)s, (void)reason;
    net.probe.on->open--;
}

void streams_free(struct streams *set)
{
    if (set)
        set->oc = NULL;
}

void streams_allow_internal_addrs(struct streams *set, bool allow)
{
    set->allow_internal = allow;
}

void streams_set_params(struct streams *set, const struct xonxoff_params *borrowed)
{
    (void)set, (void)borrowed;
}

size_t streams_open_count(const struct streams *set)
{
    return set->open;
}

/* ---- circuits ---- */

static bool streams_ride_on(const struct ocirc *oc)
{
    for (unsigned i = 0; i < circs.n; i++)
        if (net.streams[i].oc == oc || net.more_streams[i].oc == oc)
            return true;
    return false;
}

const char *ocirc_path_text(const struct ocirc *oc, char *out, size_t size)
{
    (void)oc;
    snprintf(out, size, "a path");
    return out;
}

bool ocirc_end_blames_first_hop(const struct ocirc_end *end)
{
    return end->circ.why == ERR_LINK_CONNECT;
}

/* ---- what the test does with them ---- */

struct fixture {
    struct env *env;
    struct timer expire; /* as the client does it */
    struct path_config path;
    struct events *events;
    struct circuits *circuits;
    struct exits *x;
    unsigned changed;
    struct event_listener listener;
    char told[200];           /* of circuits, besides their hops: "1 BUILT, 2 LAUNCHED" */
    struct isolation_key who; /* told last that something has changed for them */
};

static inline void changed(void *arg, const struct isolation_key who[ISOLATION_KEYS])
{
    struct fixture *f = arg;
    f->who = who ? who[0] : f->who;
    f->changed++;
}

static const struct exits_ops ops = {.changed = changed};

static inline struct exits_config config_of(const struct fixture *f)
{
    return (struct exits_config){.path = &f->path,
                                 .max_dirtiness_ms = 600000,
                                 .max_pending = 32,
                                 .habits = {.conntimeout_s = HABITS_CONNTIMEOUT_S}};
}

static inline void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->told);
    snprintf(f->told + len, sizeof f->told - len, "%s%llu %s", len ? ", " : "",
             (unsigned long long)e->circuit.id, event_name(e));
}

static inline void expire_due(void *arg)
{
    struct fixture *f = arg;
    exits_expire(f->x);
    env_arm_ms(f->env, &f->expire, habits_expire_s(30) * MS_PER_SEC);
}

static inline void setup(struct fixture *f)
{
    memset(&net, 0, sizeof net);
    memset(&guardplay, 0, sizeof guardplay);
    net.guard_use = GUARD_USABLE;
    memset(&circs, 0, sizeof circs);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < RELAYS; i++) {
            net.nd[k].relay[i].rsa.b[0] = (uint8_t)i;
            net.nd[k].relay[i].orport = 9001;
            net.nd[k].relay[i].protos = PROTO_BIT(PROTO_LINKAUTH_3);
        }
    *f = (struct fixture){.env = test_env(1)};
    struct exits_config config = config_of(f);
    f->events = events_new(f->env);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    f->circuits = circuits_new(f->env, NULL, f->events);
    f->x = exits_new(f->circuits, (struct guards *)&net, NULL, NULL, &config, &ops, f);
    ck_assert_ptr_nonnull(f->x);
    timer_init(&f->expire, expire_due, f);
    env_arm_ms(f->env, &f->expire, habits_expire_s(30) * MS_PER_SEC);
}

static inline void teardown(struct fixture *f)
{
    env_disarm(f->env, &f->expire);
    exits_free(f->x);
    ck_assert_uint_eq(circs.alive, 0);
    ck_assert_uint_eq(circuits_count(f->circuits), 0);
    circuits_free(f->circuits);
    events_free(f->events);
    ck_assert_int_eq(net.nd[0].refs, 0);
    ck_assert_int_eq(net.nd[1].refs, 0);
    test_env_free(f->env);
}

static inline void begin_circ(struct ocirc *oc)
{
    oc->state = OCIRC_BUILDING;
    oc->begun_us = oc->env->mono_us;
    oc->ops->on_begin(oc->arg, oc);
}

static inline void open_circ(struct ocirc *oc)
{
    if (oc->state == OCIRC_WAITING)
        begin_circ(oc);
    for (unsigned hop = 1; hop <= oc->plan.n_hops; hop++)
        oc->ops->on_hop(oc->arg, oc, hop);
    oc->state = OCIRC_OPEN;
    oc->ops->on_open(oc->arg, oc);
}

static inline void open_all(struct fixture *f)
{
    for (unsigned i = 0; i < circs.n; i++)
        if (circs.oc[i] && circs.oc[i]->state < OCIRC_OPEN)
            open_circ(circs.oc[i]);
    test_env_advance_ms(f->env, 0);
}

static inline void fail_circ(struct fixture *f, struct ocirc *oc, err_t why)
{
    ocirc_close(oc, why, DESTROY_CONNECTFAILED);
    test_env_advance_ms(f->env, 0);
}

/* A pool with a network, and the circuits open that are built ahead. */
static inline void setup_ready(struct fixture *f)
{
    setup(f);
    exits_set_netdir(f->x, &net.nd[0]);
    for (int look = 0; look < 2; look++) {
        test_env_advance_ms(f->env, look ? 1000 : 0);
        open_all(f);
    }
}

static inline struct tunnel_request request(const char *host, uint16_t port)
{
    struct tunnel_request req = {.kind = TUNNEL_CONNECT, .port = port};
    snprintf(req.host, sizeof req.host, "%s", host);
    return req;
}

static inline struct exit_circ *find(struct fixture *f, const struct tunnel_request *req)
{
    const char *why_not;
    struct exit_need need = {.request = req};
    exits_asked(f->x, req);
    return exits_find(f->x, &need, &why_not);
}

/* And its exit answers. */
static inline struct exit_circ *find_and_use(struct fixture *f, const struct tunnel_request *req)
{
    struct exit_need need = {.request = req};
    struct exit_circ *c = find(f, req);
    if (c) {
        exits_use(c, &need);
        exit_circ_ride(c)->streams->open++;
        exit_circ_ride(c)->told(exit_circ_ride(c), RIDE_ANSWERED);
    }
    return c;
}

static inline unsigned building(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < circs.n; i++)
        n += circs.oc[i] && circs.oc[i]->state < OCIRC_OPEN;
    return n;
}

static inline struct ocirc *newest(void)
{
    ck_assert_uint_gt(circs.n, 0);
    ck_assert_ptr_nonnull(circs.oc[circs.n - 1]);
    return circs.oc[circs.n - 1];
}

#endif
