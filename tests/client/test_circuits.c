/* The register of circuits, and what is told of them, over links that the test plays. */
#include "client/circuits.h"

#include <stdio.h>
#include <string.h>

#include "cell/reason.h"
#include "client/fakeconflux.h"
#include "client/ocirc.h"
#include "support/test.h"

struct circ {
    const struct circ_ops *ops;
    void *arg;
    unsigned hops;
};

static struct circ circ;
static struct link_want *want;

err_t linkpool_get(struct linkpool *pool, const struct link_target *target, struct link_want *w,
                   struct link **out)
{
    (void)pool, (void)target;
    *out = NULL;
    want = w;
    return OK;
}

void linkpool_unanswered(struct linkpool *pool, const struct link *l, uint64_t since_us)
{
    (void)pool, (void)l, (void)since_us;
}

void linkpool_distrust(struct linkpool *pool, const struct link *l)
{
    (void)pool, (void)l;
}

const struct circ_config *linkpool_circ_config(const struct linkpool *pool)
{
    (void)pool;
    return NULL;
}

void linkpool_cancel(struct link_want *w)
{
    if (want == w)
        want = NULL;
}

struct circ *circ_new(struct env *env, struct link *l, const struct circ_config *config,
                      const struct circ_ops *ops, void *arg)
{
    (void)env, (void)l, (void)config;
    circ = (struct circ){.ops = ops, .arg = arg};
    return &circ;
}

err_t circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n)
{
    (void)c, (void)hops, (void)n;
    return OK;
}

err_t circ_build_fast(struct circ *c)
{
    (void)c;
    return OK;
}

unsigned circ_hops(const struct circ *c)
{
    return c->hops;
}

void circ_close(struct circ *c, err_t why, uint8_t reason)
{
    const struct circ_end end = {.why = why, .reason = reason, .hops = c->hops};
    c->ops->on_end(c->arg, &end);
}

void circ_free(struct circ *c)
{
    (void)c;
}

struct carrier *carrier_of_hop(struct circ *c, unsigned hop)
{
    static struct carrier carrier;
    (void)c, (void)hop;
    return &carrier;
}

/* ---- an owner, and one who listens ---- */

struct fixture {
    struct env *env;
    struct events *events;
    struct circuits *circuits;
    struct event_listener listener;
    char story[400]; /* "1 LAUNCHED, 1 EXTENDED a" */
    struct event_circuit last;
};

static void on_open(void *arg, struct ocirc *oc)
{
    (void)arg;
    circuits_tell(oc, CIRCUIT_BUILT);
}

static void on_end(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    (void)arg, (void)end;
    ocirc_free(oc);
}

static const struct ocirc_ops ops = {.on_open = on_open, .on_end = on_end};

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->story);
    f->last = e->circuit;
    len += (size_t)snprintf(f->story + len, sizeof f->story - len, "%s%llu %s", len ? ", " : "",
                            (unsigned long long)e->circuit.id, event_name(e));
    for (size_t i = 0; i < e->circuit.n_hops; i++)
        len += (size_t)snprintf(f->story + len, sizeof f->story - len, " %s",
                                e->circuit.hop[i].nickname);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->circuits = circuits_new(f->env, NULL, f->events);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    events_listen(f->events, &f->listener, EVENT_BIT(EVENT_CIRCUIT));
}

static void teardown(struct fixture *f)
{
    ck_assert_uint_eq(circuits_count(f->circuits), 0);
    circuits_free(f->circuits);
    events_free(f->events);
    test_env_free(f->env);
}

static struct ocirc *launch(struct fixture *f)
{
    const struct ocirc_plan plan = {
        .n_hops = 2, .timeout_ms = 1000, .flags = CIRCUIT_NEED_UPTIME, .nickname = {"a", "b"}};
    struct ocirc *oc = ocirc_new(f->circuits, &plan, &ops, f);
    ck_assert_ptr_nonnull(oc);
    return oc;
}

static void build(void)
{
    want->ready(want->arg, NULL);
    for (circ.hops = 1; circ.hops <= 2; circ.hops++)
        circ.ops->on_hop(circ.arg, circ.hops);
    circ.hops = 2;
    circ.ops->on_open(circ.arg);
}

static void settle(struct fixture *f)
{
    test_env_advance_ms(f->env, 0);
}

/* ---- tests ---- */

START_TEST(test_circuits_tell_a_life_in_order)
{
    struct fixture f;
    setup(&f);
    int64_t launched_us = f.env->wall_us;
    struct ocirc *oc = launch(&f);
    test_env_advance_ms(f.env, 20);
    build();
    ck_assert_ptr_eq(circuits_find(f.circuits, 1), oc);
    ocirc_close(oc, OK, DESTROY_FINISHED);
    ck_assert_ptr_null(circuits_find(f.circuits, 1));
    settle(&f);
    ck_assert_str_eq(f.story, "1 LAUNCHED, 1 BEGUN, 1 EXTENDED a, 1 EXTENDED a b, 1 BUILT a b, "
                              "1 CLOSED a b");
    ck_assert_uint_eq(f.last.flags, CIRCUIT_NEED_UPTIME);
    ck_assert_int_eq(f.last.created_us, launched_us);
    ck_assert_int_eq(f.last.reason, DESTROY_FINISHED);
    teardown(&f);
}
END_TEST

START_TEST(test_circuits_that_do_not_open_fail)
{
    struct fixture f;
    const struct link_end no_link = {.why = ERR_LINK_TLS, .text = "no TLS"};
    setup(&f);
    launch(&f);
    want->failed(want->arg, &no_link);
    settle(&f);
    ck_assert_str_eq(f.story, "1 LAUNCHED, 1 FAILED");
    ck_assert_int_eq(f.last.why, ERR_LINK_TLS);
    ck_assert_int_eq(f.last.reason, DESTROY_CHANNEL_CLOSED);
    f.story[0] = 0;
    launch(&f);
    want->ready(want->arg, NULL);
    circ.hops = 1;
    circ.ops->on_hop(circ.arg, 1);
    const struct circ_end end = {.remote = true, .reason = DESTROY_HIBERNATING, .hops = 1};
    circ.ops->on_end(circ.arg, &end);
    settle(&f);
    ck_assert_str_eq(f.story, "2 LAUNCHED, 2 BEGUN, 2 EXTENDED a, 2 FAILED a");
    ck_assert(f.last.remote);
    ck_assert_int_eq(f.last.reason, DESTROY_HIBERNATING);
    teardown(&f);
}
END_TEST

START_TEST(test_circuits_freed_before_their_end_are_closed_once)
{
    struct fixture f;
    setup(&f);
    struct ocirc *waiting = launch(&f);
    ocirc_free(waiting);
    settle(&f);
    ck_assert_str_eq(f.story, "1 LAUNCHED, 1 FAILED");
    f.story[0] = 0;
    struct ocirc *open = launch(&f);
    build();
    ocirc_free(open);
    settle(&f);
    ck_assert_str_eq(f.story, "2 LAUNCHED, 2 BEGUN, 2 EXTENDED a, 2 EXTENDED a b, 2 BUILT a b, "
                              "2 CLOSED a b");
    ck_assert_int_eq(f.last.reason, DESTROY_FINISHED);
    f.story[0] = 0;
    struct ocirc *ended = launch(&f);
    ocirc_close(ended, ERR_NOMEM, DESTROY_RESOURCELIMIT);
    ocirc_free(ended); /* its end was told already */
    settle(&f);
    ck_assert_str_eq(f.story, "3 LAUNCHED, 3 FAILED");
    teardown(&f);
}
END_TEST

START_TEST(test_circuits_name_the_relays_of_the_path_only)
{
    struct fixture f;
    setup(&f);
    struct ocirc *oc = launch(&f);
    build();
    circ.hops++; /* a relay joined it and another: the other end is no relay */
    circuits_set_purpose(oc, CIRCUIT_MEASURE_TIMEOUT);
    settle(&f);
    ck_assert_uint_eq(f.last.n_hops, 2);
    ocirc_free(oc);
    settle(&f);
    ck_assert_uint_eq(f.last.n_hops, 2);
    teardown(&f);
}
END_TEST

static void on_status(void *arg, const struct event_record *e)
{
    char *said = arg;
    strcat(strcat(said, event_name(e)), " ");
}

START_TEST(test_circuits_say_once_that_streams_can_be_served)
{
    struct fixture f;
    char said[200] = "";
    struct event_listener listener = {.on_event = on_status, .arg = said};
    setup(&f);
    events_listen(f.events, &listener, EVENT_BIT(EVENT_STATUS));
    struct ocirc *oc[3];
    for (int i = 0; i < 3; i++) {
        oc[i] = launch(&f);
        ck_assert(circuits_established(f.circuits) == (i == 1)); /* i == 2: in doubt */
        build();
        ck_assert(circuits_established(f.circuits));
        if (i == 1)
            circuits_doubt(f.circuits, false);
    }
    settle(&f);
    ck_assert_str_eq(said, "CIRCUIT_ESTABLISHED CIRCUIT_NOT_ESTABLISHED CIRCUIT_ESTABLISHED ");
    for (int i = 0; i < 3; i++)
        ocirc_free(oc[i]);
    teardown(&f);
}
END_TEST

START_TEST(test_circuits_have_ids_that_nobody_had)
{
    struct fixture f;
    setup(&f);
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        struct ocirc *oc = launch(&f);
        ck_assert_uint_gt(oc->id, last); /* ends of those before give none back */
        last = oc->id;
        if (i % 2)
            ocirc_close(oc, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
        else
            ocirc_free(oc);
        f.story[0] = 0;
        settle(&f);
    }
    teardown(&f);
}
END_TEST

static void note(void *arg, struct ocirc *oc)
{
    char *out = arg;
    size_t len = strlen(out);
    snprintf(out + len, 40 - len, "%llu ", (unsigned long long)oc->id);
    if (oc->id == 2)
        ocirc_close(oc, OK, DESTROY_REQUESTED);
}

START_TEST(test_circuits_are_listed_oldest_first)
{
    struct fixture f;
    char ids[40] = "";
    setup(&f);
    struct ocirc *a = launch(&f);
    launch(&f);
    struct ocirc *c = launch(&f);
    circuits_each(f.circuits, note, ids);
    ck_assert_str_eq(ids, "1 2 3 ");
    ids[0] = 0;
    circuits_each(f.circuits, note, ids);
    ck_assert_str_eq(ids, "1 3 ");
    ck_assert_uint_eq(circuits_count(f.circuits), 2);
    ck_assert_ptr_eq(circuits_find(f.circuits, 3), c);
    ck_assert_ptr_null(circuits_find(f.circuits, 4));
    ocirc_free(a);
    ocirc_free(c);
    settle(&f);
    teardown(&f);
}
END_TEST

START_TEST(test_circuits_say_for_whom_and_what_for)
{
    struct fixture f;
    const struct isolation user = {.session = 7};
    setup(&f);
    struct ocirc *oc = launch(&f);
    settle(&f);
    ck_assert(!f.last.isolated);
    oc->isolation = &user;
    circuits_set_purpose(oc, CIRCUIT_MEASURE_TIMEOUT);
    settle(&f);
    ck_assert_int_eq(f.last.status, CIRCUIT_PURPOSE_CHANGED);
    ck_assert_int_eq(f.last.old_purpose, CIRCUIT_GENERAL);
    ck_assert_int_eq(f.last.purpose, CIRCUIT_MEASURE_TIMEOUT);
    ck_assert(f.last.isolated);
    ck_assert_int_eq(f.last.isolation.session, 7);
    ocirc_free(oc);
    settle(&f);
    ck_assert_int_eq(f.last.old_purpose, CIRCUIT_MEASURE_TIMEOUT);
    teardown(&f);
}
END_TEST

TESTS("client/circuits", test_circuits_tell_a_life_in_order, test_circuits_that_do_not_open_fail,
      test_circuits_freed_before_their_end_are_closed_once,
      test_circuits_name_the_relays_of_the_path_only,
      test_circuits_say_once_that_streams_can_be_served, test_circuits_have_ids_that_nobody_had,
      test_circuits_are_listed_oldest_first, test_circuits_say_for_whom_and_what_for)
