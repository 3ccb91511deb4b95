/* A leg, over paths, guards, build times and circuits that the test plays. */
#include "client/leg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/fakeconflux.h"
#include "client/fakeguards.h"
#include "support/test.h"

/* ---- the layers below ---- */

struct netdir {
    int refs;
    struct router relay[PATH_HOPS_MOST];
};

static struct {
    struct netdir nd;
    size_t hops; /* of the path that is found; 0: none is */
    enum guard_use guard_use;
    bool oom;
    unsigned cbt_live, cbt_built, cbt_timed_out, cbt_closed, asked_hops;
    bool built_in_time, learning;
    struct ocirc oc;
    bool freed;
} net;

struct netdir *netdir_ref(struct netdir *nd)
{
    nd->refs++;
    return nd;
}

void netdir_unref(struct netdir **nd)
{
    (*nd)->refs--;
    *nd = NULL;
}

int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    (void)nd, (void)name, (void)least, (void)most;
    return fallback;
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
    return router_orport(r);
}

err_t path_pick(const struct netdir *nd, const struct path_config *cfg, struct guards *guards,
                const struct path_request *req, struct env *env, struct path_pick *out)
{
    (void)cfg, (void)guards, (void)req, (void)env;
    *out = (struct path_pick){.n = net.hops, .guard_use = net.guard_use, .relaxed = true};
    for (size_t i = 0; i < net.hops; i++)
        out->hop[i] = &nd->relay[i];
    snprintf(out->why, sizeof out->why, "%s", net.hops ? "" : "no way");
    return net.hops ? OK : ERR_NOT_FOUND;
}

void guards_dropped(struct guards *g, const struct rsa_id *id)
{
    (void)g, (void)id;
    guardplay.dropped++;
}

uint32_t cbt_timeout_ms(const struct cbt *c, unsigned hops)
{
    (void)c;
    net.asked_hops = hops;
    return 1500;
}

uint32_t cbt_close_ms(const struct cbt *c, unsigned hops)
{
    (void)c;
    return 10000 * hops;
}

void cbt_built(struct cbt *c, uint64_t build_ms, bool in_time)
{
    (void)c;
    ck_assert_uint_lt(build_ms, 60000);
    net.built_in_time = in_time;
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

bool cbt_wants_circuits(const struct cbt *c)
{
    (void)c;
    return net.learning;
}

uint64_t linkpool_heard_us(const struct linkpool *pool)
{
    (void)pool;
    return 0;
}

void cbt_network_heard(struct cbt *c, uint64_t heard_us)
{
    (void)c, (void)heard_us;
    net.cbt_live++;
}

void cbt_network_live(struct cbt *c)
{
    (void)c;
    net.cbt_live++;
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

static void tell_end(void *arg)
{
    struct ocirc *oc = arg;
    oc->ops->on_end(oc->arg, oc, &oc->end);
}

struct ocirc *ocirc_new(struct circuits *set, const struct ocirc_plan *plan,
                        const struct ocirc_ops *ops, void *arg)
{
    if (net.oom)
        return NULL;
    net.oc = (struct ocirc){.env = circuits_env(set), .ops = ops, .arg = arg, .plan = *plan};
    ck_assert(circuits_add(set, &net.oc));
    later_init(&net.oc.tell, tell_end, &net.oc);
    return &net.oc;
}

err_t ocirc_extend(struct ocirc *oc, const struct ocirc_plan *more)
{
    oc->plan.n_hops += more->n_hops;
    oc->plan.timeout_ms = more->timeout_ms;
    oc->state = OCIRC_BUILDING;
    return OK;
}

void ocirc_free(struct ocirc *oc)
{
    circuits_remove(oc);
    later_cancel(oc->env, &oc->tell);
    net.freed = true;
}

void ocirc_close(struct ocirc *oc, err_t why, uint8_t reason)
{
    oc->end.during = oc->state;
    oc->end.circ.why = why;
    oc->end.circ.reason = reason;
    oc->state = OCIRC_CLOSED;
    later_ask(oc->env, &oc->tell);
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

/* ---- its owner ---- */

struct fixture {
    struct env *env;
    struct events *events;
    struct circuits *circuits;
    struct path_config path;
    struct leg_means means;
    struct leg *leg;
    struct path_pick pick;
    unsigned slow, opened, ended;
    bool failed, free_in_end;
};

static void on_slow(void *arg)
{
    ((struct fixture *)arg)->slow++;
}

static void on_open(void *arg)
{
    ((struct fixture *)arg)->opened++;
}

static void on_end(void *arg, const struct ocirc_end *end, bool failed)
{
    struct fixture *f = arg;
    (void)end;
    f->ended++;
    f->failed = failed;
    if (f->free_in_end) {
        leg_free(f->leg);
        f->leg = NULL;
    }
}

static const struct leg_ops ops = {.on_slow = on_slow, .on_open = on_open, .on_end = on_end};

static const struct path_hop five[] = {{.kind = HOP_GUARD},
                                       {.kind = HOP_MIDDLE},
                                       {.kind = HOP_MIDDLE},
                                       {.kind = HOP_MIDDLE},
                                       {.kind = HOP_INTERNAL}};

static void setup(struct fixture *f, size_t hops)
{
    memset(&net, 0, sizeof net);
    memset(&guardplay, 0, sizeof guardplay);
    net.guard_use = GUARD_USABLE;
    net.hops = hops;
    for (size_t i = 0; i < PATH_HOPS_MOST; i++)
        net.nd.relay[i].rsa.b[0] = (uint8_t)i;
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->circuits = circuits_new(f->env, NULL, f->events);
    f->means = (struct leg_means){
        .circuits = f->circuits, .guards = (struct guards *)&net, .nd = &net.nd, .path = &f->path};
}

static err_t launch(struct fixture *f)
{
    const struct path_request req = {.hops = five, .n_hops = 5};
    return leg_launch(&f->means, &req, CIRCUIT_GENERAL, &ops, f, &f->pick, &f->leg);
}

static void begin(void)
{
    net.oc.state = OCIRC_BUILDING;
    net.oc.begun_us = net.oc.env->mono_us;
    net.oc.ops->on_begin(net.oc.arg, &net.oc);
}

static void stand(void)
{
    for (unsigned hop = 1; hop <= net.hops; hop++)
        net.oc.ops->on_hop(net.oc.arg, &net.oc, hop);
    net.oc.state = OCIRC_OPEN;
    net.oc.ops->on_open(net.oc.arg, &net.oc);
}

static void teardown(struct fixture *f)
{
    leg_free(f->leg);
    ck_assert_int_eq(net.nd.refs, 0);
    ck_assert_uint_eq(circuits_count(f->circuits), 0);
    circuits_free(f->circuits);
    events_free(f->events);
    test_env_free(f->env);
}

/* ---- tests ---- */

START_TEST(test_leg_of_five_hops_is_built_in_the_time_of_five)
{
    struct fixture f;
    setup(&f, 5);
    ck_ok(launch(&f));
    ck_assert_uint_eq(net.oc.plan.n_hops, 5);
    ck_assert_uint_eq(net.oc.plan.timeout_ms, 50000);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(net.oc.plan.hops[i].rsa.b[0], i);
    ck_assert(net.oc.plan.flags & CIRCUIT_IS_INTERNAL);
    begin();
    ck_assert(f.leg->slow.armed);
    ck_assert_uint_eq(net.asked_hops, 5);
    stand();
    ck_assert(f.opened == 1 && f.leg->state == LEG_OPEN && leg_is_open(f.leg));
    ck_assert_uint_eq(net.cbt_built, 1); /* by the third hop's time */
    ck_assert(net.built_in_time);
    ck_assert_uint_eq(guardplay.ok, 1);
    ck_assert_ptr_eq(leg_last(f.leg), &net.nd.relay[4]);
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(f.slow, 0);
    teardown(&f);
    ck_assert_uint_eq(guardplay.ok + guardplay.failed + guardplay.dropped, 1);
}
END_TEST

START_TEST(test_leg_without_a_path_says_why)
{
    struct fixture f;
    setup(&f, 0);
    ck_err(launch(&f), ERR_NOT_FOUND);
    ck_assert_str_eq(f.pick.why, "no way");
    ck_assert_uint_eq(guardplay.dropped, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_leg_without_memory_lets_the_guard_hear)
{
    struct fixture f;
    setup(&f, 3);
    net.oom = true;
    ck_err(launch(&f), ERR_NOMEM);
    ck_assert_uint_eq(guardplay.dropped, 1);
    teardown(&f);
    ck_assert_uint_eq(guardplay.dropped, 1);
}
END_TEST

/* Another circuit of F's that stands, or not. */
static void add_other(struct fixture *f, struct ocirc *other, enum ocirc_state state)
{
    *other = (struct ocirc){.env = f->env, .state = state, .plan = {.n_hops = 3}};
    ck_assert(circuits_add(f->circuits, other));
}

/* C tor, circuit_expire_building(): "No circuits are opened. Relaxing timeout" */
START_TEST(test_leg_is_waited_for_longer_while_no_circuit_stands)
{
    struct fixture f;
    struct ocirc other;
    setup(&f, 3);
    ck_ok(launch(&f));
    add_other(&f, &other, OCIRC_BUILDING);
    begin();
    test_env_advance_ms(f.env, 4000);
    ck_assert(f.slow == 0 && net.cbt_timed_out == 1); /* it counts, once */
    other.state = OCIRC_OPEN;
    test_env_advance_ms(f.env, 1000);
    ck_assert(f.slow == 1 && net.cbt_timed_out == 1);
    circuits_remove(&other);
    teardown(&f);
}
END_TEST

START_TEST(test_leg_past_the_build_timeout_is_slow_and_goes_on)
{
    struct fixture f;
    struct ocirc other;
    setup(&f, 3);
    add_other(&f, &other, OCIRC_OPEN);
    ck_ok(launch(&f));
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(f.slow, 0); /* its link is not there yet */
    begin();
    test_env_advance_ms(f.env, 1500);
    ck_assert(f.slow == 1 && net.cbt_timed_out == 1);
    stand();
    ck_assert(net.cbt_built == 1 && !net.built_in_time && f.opened == 1);
    circuits_remove(&other);
    teardown(&f);
}
END_TEST

START_TEST(test_leg_through_a_lesser_guard_waits)
{
    for (int may = 0; may < 2; may++) {
        struct fixture f;
        setup(&f, 3);
        net.guard_use = GUARD_USABLE_IF_NO_BETTER;
        guardplay.may_be_used = may;
        ck_ok(launch(&f));
        begin();
        stand();
        ck_assert_int_eq(f.leg->state, may ? LEG_OPEN : LEG_GUARD_WAIT);
        ck_assert_uint_eq(f.opened, 1);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_leg_that_waited_is_open_once_no_better_guard_can_be_up)
{
    struct fixture f;
    setup(&f, 3);
    net.guard_use = GUARD_USABLE_IF_NO_BETTER;
    ck_ok(launch(&f));
    begin();
    stand();
    ck_assert(!leg_is_open(f.leg));
    leg_reconsider(f.leg);
    ck_assert(!leg_is_open(f.leg));
    guardplay.may_be_used = true;
    leg_reconsider(f.leg);
    ck_assert(leg_is_open(f.leg));
    ck_assert_uint_eq(f.opened, 2);
    leg_reconsider(f.leg); /* it is not told again */
    ck_assert_uint_eq(f.opened, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_leg_that_waits_and_is_extended_waits_until_it_stands)
{
    struct fixture f;
    const struct router *more[] = {&net.nd.relay[5]};
    setup(&f, 3);
    net.guard_use = GUARD_USABLE_IF_NO_BETTER;
    ck_ok(launch(&f));
    begin();
    stand();
    ck_ok(leg_extend(f.leg, &f.means, more, 1));
    guardplay.may_be_used = true;
    leg_reconsider(f.leg);
    ck_assert_uint_eq(f.opened, 1); /* its last hop is not there */
    net.oc.state = OCIRC_OPEN;
    net.oc.ops->on_open(net.oc.arg, &net.oc);
    ck_assert(f.opened == 2 && leg_is_open(f.leg));
    teardown(&f);
}
END_TEST

START_TEST(test_leg_does_not_wait_for_ever)
{
    struct fixture f;
    setup(&f, 3);
    net.guard_use = GUARD_USABLE_IF_NO_BETTER;
    ck_ok(launch(&f));
    begin();
    stand();
    leg_reconsider(f.leg);
    ck_assert(!leg_is_closed(f.leg));
    guardplay.is_stale = true;
    leg_reconsider(f.leg);
    ck_assert(leg_is_closed(f.leg));
    teardown(&f);
}
END_TEST

START_TEST(test_leg_tells_guards_and_times_how_it_ended)
{
    static const struct {
        err_t why;
        bool stood, timed_out, failed;
        unsigned guard_failed, guard_dropped, cbt_closed;
    } rows[] = {
        {ERR_LINK_CONNECT, false, false, true, 1, 0, 0}, /* its guard's fault */
        {ERR_CIRC_PROTO, false, false, true, 0, 1, 0},   /* somebody else's */
        {ERR_CIRC_TIMEOUT, false, true, true, 0, 1, 1},  /* too late */
        {OK, false, false, false, 0, 1, 0},              /* our wish */
        {ERR_LINK_CLOSED, true, false, false, 0, 0, 0},  /* it had stood */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f, 3);
        f.free_in_end = i % 2;
        ck_ok(launch(&f));
        begin();
        if (rows[i].stood)
            stand();
        net.oc.end.timed_out = rows[i].timed_out;
        leg_close(f.leg, rows[i].why, DESTROY_NONE);
        ck_assert(leg_is_closed(f.leg) && f.ended == 0);
        test_env_advance_ms(f.env, 0);
        ck_assert_uint_eq(f.ended, 1);
        ck_assert_int_eq(f.failed, rows[i].failed);
        test_env_advance_ms(f.env, 5000);
        ck_assert_uint_eq(f.slow, 0); /* what was closed has no time */
        teardown(&f);
        ck_assert_uint_eq(guardplay.failed, rows[i].guard_failed);
        ck_assert_uint_eq(guardplay.dropped, rows[i].guard_dropped);
        ck_assert_uint_eq(net.cbt_closed, rows[i].cbt_closed);
    }
}
END_TEST

START_TEST(test_leg_freed_while_it_is_built_blames_nobody)
{
    struct fixture f;
    setup(&f, 3);
    ck_ok(launch(&f));
    begin();
    teardown(&f);
    ck_assert(net.freed);
    ck_assert_uint_eq(guardplay.dropped, 1);
    ck_assert_uint_eq(guardplay.failed, 0);
}
END_TEST

static err_t launch_over(struct fixture *f, size_t n)
{
    const struct router *path[PATH_HOPS_MOST];
    for (size_t i = 0; i < n; i++)
        path[i] = &net.nd.relay[i + 1]; /* not the guard, relay 0 */
    net.nd.relay[1].orport = 9001;
    net.hops = n;
    return leg_launch_over(&f->means, path, n, CIRCUIT_CONTROLLER, &ops, f, &f->leg);
}

START_TEST(test_leg_over_a_given_path_is_no_guards_affair)
{
    for (int dies = 0; dies < 2; dies++) {
        struct fixture f;
        setup(&f, 0);
        ck_ok(launch_over(&f, 4));
        ck_assert_int_eq(net.oc.plan.purpose, CIRCUIT_CONTROLLER);
        ck_assert_uint_eq(net.oc.plan.hops[3].rsa.b[0], 4);
        begin();
        if (dies)
            leg_close(f.leg, ERR_LINK_CONNECT, DESTROY_NONE);
        else
            stand();
        test_env_advance_ms(f.env, 0);
        ck_assert_int_eq(f.failed, dies);
        teardown(&f);
        ck_assert_uint_eq(guardplay.ok + guardplay.failed + guardplay.dropped, 0);
        ck_assert_uint_eq(net.cbt_built, !dies); /* as in tor, its time counts */
    }
}
END_TEST

START_TEST(test_leg_of_two_hops_teaches_no_times)
{
    struct fixture f;
    setup(&f, 0);
    ck_ok(launch_over(&f, 2));
    ck_assert_uint_eq(net.oc.plan.timeout_ms, 2500);
    begin();
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(f.slow + net.cbt_timed_out, 0);
    net.oc.end.timed_out = true;
    leg_close(f.leg, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.cbt_closed, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_leg_that_grows_to_three_hops_later_teaches_no_times)
{
    struct fixture f;
    const struct router *more[] = {&net.nd.relay[5]};
    setup(&f, 0);
    ck_ok(launch_over(&f, 2));
    begin();
    stand();
    net.oc.open_us = 1;
    ck_ok(leg_extend(f.leg, &f.means, more, 1));
    net.oc.ops->on_hop(net.oc.arg, &net.oc, CBT_HOPS);
    ck_assert_uint_eq(net.cbt_built, 0); /* most of its time nobody was building */
    teardown(&f);
}
END_TEST

START_TEST(test_leg_goes_on_and_opens_again)
{
    struct fixture f;
    struct netdir newer = {0};
    struct leg_means means;
    const struct router *more[] = {&newer.relay[5]};
    setup(&f, 3);
    newer.relay[5].rsa.b[0] = 77;
    ck_ok(launch(&f));
    begin();
    stand();
    net.oc.open_us = 1;
    means = f.means;
    means.nd = &newer;
    ck_ok(leg_extend(f.leg, &means, more, 1));
    ck_assert_int_eq(f.leg->state, LEG_BUILDING);
    ck_assert_uint_eq(net.oc.plan.timeout_ms, 30000 * 2 / 3 + 1000);
    ck_assert(newer.refs == 1 && net.nd.refs == 1); /* its hops are of both */
    net.oc.ops->on_hop(net.oc.arg, &net.oc, 4);
    net.oc.state = OCIRC_OPEN;
    net.oc.ops->on_open(net.oc.arg, &net.oc);
    ck_assert(f.opened == 2 && f.leg->state == LEG_OPEN);
    ck_assert_ptr_eq(leg_last(f.leg), more[0]);
    ck_assert_uint_eq(net.cbt_built, 1);
    for (size_t i = f.leg->n_hops; i < PATH_HOPS_MOST; i++)
        ck_ok(leg_extend(f.leg, &means, more, 1));
    ck_err(leg_extend(f.leg, &means, more, 1), ERR_LIMIT);
    teardown(&f);
    ck_assert_int_eq(newer.refs, 0);
}
END_TEST

TESTS("client/leg", test_leg_of_five_hops_is_built_in_the_time_of_five,
      test_leg_without_a_path_says_why, test_leg_without_memory_lets_the_guard_hear,
      test_leg_is_waited_for_longer_while_no_circuit_stands,
      test_leg_past_the_build_timeout_is_slow_and_goes_on, test_leg_through_a_lesser_guard_waits,
      test_leg_that_waited_is_open_once_no_better_guard_can_be_up,
      test_leg_that_waits_and_is_extended_waits_until_it_stands, test_leg_does_not_wait_for_ever,
      test_leg_that_grows_to_three_hops_later_teaches_no_times,
      test_leg_over_a_given_path_is_no_guards_affair, test_leg_of_two_hops_teaches_no_times,
      test_leg_goes_on_and_opens_again, test_leg_tells_guards_and_times_how_it_ended,
      test_leg_freed_while_it_is_built_blames_nobody)
