#include "circuit/window.h"

#include "support/test.h"

static const struct flow_sendme some_sendme = {.sent_us = 1};

static struct flow *make(unsigned package, unsigned deliver, unsigned inc)
{
    const struct flow_config config = {.package_start = package, .deliver_start = deliver};
    struct flow *f = window_kind.make(&config, inc, CC_WAY_EXIT);
    ck_assert_ptr_nonnull(f);
    return f;
}

/* How many messages it lets out; *ANSWERED of them will be answered. */
static unsigned send_all(struct flow *f, unsigned *answered)
{
    unsigned n = 0;
    *answered = 0;
    while (flow_may_send(f)) {
        bool one;
        ck_ok(window_kind.sent(f, &one));
        n++;
        *answered += one;
    }
    return n;
}

START_TEST(test_window_lets_out_what_it_has_and_no_more)
{
    static const struct {
        unsigned start, inc;
    } rows[] = {{1000, 100}, {500, 50}, {950, 100}, {100, 100}};
    struct env *env = test_env(1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct flow *f = make(rows[i].start, 1000, rows[i].inc);
        unsigned answered;
        bool one;
        ck_assert_uint_eq(f->room, rows[i].start);
        ck_assert_uint_eq(send_all(f, &answered), rows[i].start);
        ck_assert_uint_eq(answered, rows[i].start / rows[i].inc);
        ck_err(window_kind.sent(f, &one), ERR_FULL);
        flow_free(f);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_window_each_hundredth_is_answered_wherever_it_started)
{
    struct env *env = test_env(2);
    struct flow *f = make(950, 1000, 100);
    for (unsigned n = 1; n <= 3000; n++) {
        bool answered;
        ck_ok(window_kind.sent(f, &answered));
        ck_assert_int_eq(answered, n % 100 == 0);
        if (answered)
            ck_ok(window_kind.sendme(f, env, &some_sendme));
    }
    flow_free(f);
    test_env_free(env);
}
END_TEST

START_TEST(test_window_sendme_refills_up_to_the_start_only)
{
    struct env *env = test_env(3);
    struct flow *f = make(500, 500, 50);
    unsigned answered;
    ck_err(window_kind.sendme(f, env, &some_sendme), ERR_CIRC_SENDME);
    send_all(f, &answered);
    for (unsigned n = 1; n <= 10; n++) {
        ck_ok(window_kind.sendme(f, env, &some_sendme));
        ck_assert_uint_eq(f->room, 50 * n);
    }
    ck_err(window_kind.sendme(f, env, &some_sendme), ERR_CIRC_SENDME);
    ck_assert_uint_eq(f->room, 500);
    flow_free(f);
    test_env_free(env);
}
END_TEST

START_TEST(test_window_answers_what_comes_by_its_own_measure)
{
    struct flow *f = make(100, 500, 50);
    for (unsigned n = 1; n <= 1500; n++) {
        bool due;
        ck_ok(window_kind.received(f, &due));
        ck_assert_int_eq(due, n % 50 == 0);
    }
    flow_free(f);
}
END_TEST

TESTS("circuit/window", test_window_lets_out_what_it_has_and_no_more,
      test_window_each_hundredth_is_answered_wherever_it_started,
      test_window_sendme_refills_up_to_the_start_only,
      test_window_answers_what_comes_by_its_own_measure)
