#include "client/events.h"

#include <string.h>

#include "support/test.h"

enum { HEARD = 64 };

struct ear {
    struct event_listener l;
    struct events *ev;
    unsigned n, lost;
    uint64_t id[HEARD]; /* of the circuits that were spoken of */
    int64_t wall_us;
    /* What it does when it hears of circuit `at`. */
    uint64_t at;
    void (*act)(struct ear *);
    struct ear *other;
};

static void tell_circuit(struct events *ev, uint64_t id)
{
    const struct event_record e = {.kind = EVENT_CIRCUIT,
                                   .circuit = {.id = id, .status = CIRCUIT_LAUNCHED}};
    events_tell(ev, &e);
}

static void tell_stream(struct events *ev, uint64_t id)
{
    const struct event_record e = {.kind = EVENT_STREAM,
                                   .stream = {.id = id, .status = STREAM_NEW}};
    events_tell(ev, &e);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct ear *ear = arg;
    uint64_t id = e->kind == EVENT_CIRCUIT ? e->circuit.id : e->stream.id;
    if (ear->n < HEARD)
        ear->id[ear->n] = id;
    ear->n++;
    ear->wall_us = e->wall_us;
    if (ear->act && id == ear->at)
        ear->act(ear);
}

static void on_lost(void *arg, size_t n)
{
    struct ear *ear = arg;
    ck_assert_uint_eq(ear->n, 0); /* before what goes on without them */
    ear->lost += (unsigned)n;
}

static struct ear new_ear(struct events *ev)
{
    return (struct ear){.l = {.on_event = on_event, .on_lost = on_lost}, .ev = ev};
}

static void listen(struct ear *ear, unsigned kinds)
{
    ear->l.arg = ear;
    events_listen(ear->ev, &ear->l, kinds);
}

struct fixture {
    struct env *env;
    struct events *ev;
    struct ear a, b;
};

static void setup(struct fixture *f)
{
    f->env = test_env(1);
    f->ev = events_new(f->env);
    ck_assert_ptr_nonnull(f->ev);
    f->a = new_ear(f->ev);
    f->b = new_ear(f->ev);
}

static void teardown(struct fixture *f)
{
    events_free(f->ev);
    test_env_free(f->env);
}

START_TEST(test_events_are_told_at_the_end_of_the_wake_up_in_order)
{
    struct fixture f;
    setup(&f);
    listen(&f.a, EVENTS_ALL);
    listen(&f.b, EVENTS_ALL);
    for (uint64_t id = 1; id <= 5; id++)
        tell_circuit(f.ev, id);
    tell_stream(f.ev, 6);
    ck_assert_uint_eq(f.a.n, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 6);
    ck_assert_uint_eq(f.b.n, 6);
    for (uint64_t i = 0; i < 6; i++)
        ck_assert_uint_eq(f.a.id[i], i + 1);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.a.n, 6);
    teardown(&f);
}
END_TEST

START_TEST(test_events_say_what_was_so)
{
    struct fixture f;
    struct event_record e = {.kind = EVENT_CIRCUIT, .circuit = {.id = 7}};
    setup(&f);
    listen(&f.a, EVENT_BIT(EVENT_CIRCUIT));
    int64_t then_us = f.env->wall_us;
    events_tell(f.ev, &e);
    e.circuit.id = 8;
    f.env->wall_us += 5;
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.id[0], 7);
    ck_assert_int_eq(f.a.wall_us, then_us);
    teardown(&f);
}
END_TEST

START_TEST(test_events_that_nobody_wants_cost_nothing)
{
    struct fixture f;
    setup(&f);
    ck_assert(!events_wanted(f.ev, EVENT_CIRCUIT));
    tell_circuit(f.ev, 1);
    ck_assert(!f.env->timers.root);
    listen(&f.a, EVENT_BIT(EVENT_STREAM));
    ck_assert(events_wanted(f.ev, EVENT_STREAM));
    ck_assert(!events_wanted(f.ev, EVENT_CIRCUIT));
    tell_circuit(f.ev, 2);
    ck_assert(!f.env->timers.root);
    tell_stream(f.ev, 3);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 1);
    ck_assert_uint_eq(f.a.id[0], 3);
    events_unlisten(&f.a.l);
    ck_assert(!events_wanted(f.ev, EVENT_STREAM));
    events_unlisten(&f.a.l);
    teardown(&f);
}
END_TEST

START_TEST(test_events_are_for_who_listened_when_they_happened)
{
    struct fixture f;
    setup(&f);
    listen(&f.a, EVENT_BIT(EVENT_CIRCUIT));
    tell_circuit(f.ev, 1);
    tell_stream(f.ev, 2); /* nobody's */
    listen(&f.b, EVENTS_ALL);
    listen(&f.a, EVENTS_ALL);
    tell_circuit(f.ev, 3);
    tell_stream(f.ev, 4);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 3);
    ck_assert_uint_eq(f.a.id[0], 1);
    ck_assert_uint_eq(f.b.n, 2);
    ck_assert_uint_eq(f.b.id[0], 3);
    ck_assert_uint_eq(f.b.id[1], 4);
    teardown(&f);
}
END_TEST

static void leave(struct ear *ear)
{
    events_unlisten(&ear->l);
}

static void send_away_other(struct ear *ear)
{
    events_unlisten(&ear->other->l);
}

static void bring_other(struct ear *ear)
{
    listen(ear->other, EVENTS_ALL);
    tell_circuit(ear->ev, 100);
}

START_TEST(test_events_listener_may_leave_in_a_call)
{
    struct fixture f;
    setup(&f);
    f.a.at = 2;
    f.a.act = leave;
    listen(&f.a, EVENTS_ALL);
    listen(&f.b, EVENTS_ALL);
    for (uint64_t id = 1; id <= 3; id++)
        tell_circuit(f.ev, id);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 2);
    ck_assert_uint_eq(f.b.n, 3);
    teardown(&f);
}
END_TEST

START_TEST(test_events_listener_may_send_the_next_one_away)
{
    struct fixture f;
    setup(&f);
    f.a.at = 2;
    f.a.act = send_away_other;
    f.a.other = &f.b;
    listen(&f.a, EVENTS_ALL);
    listen(&f.b, EVENTS_ALL);
    for (uint64_t id = 1; id <= 3; id++)
        tell_circuit(f.ev, id);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 3);
    ck_assert_uint_eq(f.b.n, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_events_listener_may_come_in_a_call)
{
    struct fixture f;
    setup(&f);
    f.a.at = 1;
    f.a.act = bring_other;
    f.a.other = &f.b;
    listen(&f.a, EVENTS_ALL);
    tell_circuit(f.ev, 1);
    tell_circuit(f.ev, 2);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.a.n, 3);
    ck_assert_uint_eq(f.a.id[2], 100); /* it happened behind 2, and is told behind it */
    ck_assert_uint_eq(f.b.n, 1);       /* 2 had happened before it came */
    ck_assert_uint_eq(f.b.id[0], 100);
    teardown(&f);
}
END_TEST

START_TEST(test_events_keep_so_many_and_say_that_some_were_lost)
{
    struct fixture f;
    setup(&f);
    listen(&f.a, EVENT_BIT(EVENT_CIRCUIT));
    listen(&f.b, EVENT_BIT(EVENT_STREAM));
    const size_t most = EVENTS_MOST_BYTES / sizeof(struct event_circuit);
    for (uint64_t id = 1; id <= most + 3; id++)
        tell_circuit(f.ev, id);
    test_env_advance_ms(f.env, 0);
    size_t lost = f.a.lost;
    ck_assert_uint_eq(f.a.n + lost, most + 3);
    ck_assert_uint_ge(lost, 3);
    ck_assert_uint_lt(lost, most / 10); /* what a record needs besides is little */
    ck_assert_uint_eq(f.b.lost, 0);     /* of its kinds none was */
    tell_stream(f.ev, 1);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.b.n, 1);
    ck_assert_uint_eq(f.a.lost, lost);
    teardown(&f);
}
END_TEST

START_TEST(test_events_are_forgotten_with_their_client)
{
    struct fixture f;
    setup(&f);
    listen(&f.a, EVENTS_ALL);
    tell_circuit(f.ev, 1);
    teardown(&f);
    ck_assert_uint_eq(f.a.n, 0);
    events_unlisten(&f.a.l); /* it does not listen any more */
}
END_TEST

START_TEST(test_events_have_the_words_of_the_specification)
{
    struct event_record e = {.kind = EVENT_CIRCUIT, .circuit = {.status = CIRCUIT_GUARD_WAIT}};
    ck_assert_str_eq(event_name(&e), "GUARD_WAIT");
    e = (struct event_record){.kind = EVENT_STREAM, .stream = {.status = STREAM_SENTCONNECT}};
    ck_assert_str_eq(event_name(&e), "SENTCONNECT");
    e = (struct event_record){.kind = EVENT_ORCONN, .orconn = {.status = ORCONN_CONNECTED}};
    ck_assert_str_eq(event_name(&e), "CONNECTED");
    e = (struct event_record){.kind = EVENT_GUARD, .guard = {.status = GUARD_DROPPED}};
    ck_assert_str_eq(event_name(&e), "DROPPED");
    e = (struct event_record){.kind = EVENT_DIRECTORY,
                              .directory = {.status = DIRECTORY_NEWCONSENSUS}};
    ck_assert_str_eq(event_name(&e), "NEWCONSENSUS");
    e = (struct event_record){.kind = EVENT_BOOTSTRAP};
    ck_assert_str_eq(event_name(&e), "BOOTSTRAP");
    e = (struct event_record){.kind = EVENT_STATUS, .status = {.what = STATUS_CIRCUIT_ESTABLISHED}};
    ck_assert_str_eq(event_name(&e), "CIRCUIT_ESTABLISHED");
    ck_assert_str_eq(circuit_purpose_name(CIRCUIT_MEASURE_TIMEOUT), "MEASURE_TIMEOUT");
    ck_assert_str_eq(stream_purpose_name(STREAM_DIR_FETCH), "DIR_FETCH");
}
END_TEST

TESTS("client/events", test_events_are_told_at_the_end_of_the_wake_up_in_order,
      test_events_say_what_was_so, test_events_that_nobody_wants_cost_nothing,
      test_events_are_for_who_listened_when_they_happened, test_events_listener_may_leave_in_a_call,
      test_events_listener_may_send_the_next_one_away, test_events_listener_may_come_in_a_call,
      test_events_keep_so_many_and_say_that_some_were_lost,
      test_events_are_forgotten_with_their_client, test_events_have_the_words_of_the_specification)
