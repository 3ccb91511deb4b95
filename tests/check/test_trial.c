/* A trial's texts and its time, whatever the relay does. */
#include "check/lab.h"
#include "check/pcirc.h"
#include "check/probe.h"

static struct lab lab;

START_TEST(test_trial_texts_are_printable)
{
    struct check_run run = {.config = NULL};
    struct trial t = {.run = &run};
    trial_sent(&t, "GET \r\n");
    trial_saw(&t, "%s", "\x1b[2J\xff ok");
    trial_awaits(&t, "%s", "\x7f");
    trial_fail(&t, "%s", "line\nnot ok 1 - \xc2\x9b");
    ck_assert_str_eq(t.sent, "GET ??");
    ck_assert_str_eq(t.seen, "?[2J? ok");
    ck_assert_str_eq(t.awaited, "?");
    ck_assert_str_eq(t.why, "line?not ok 1 - ??");
}
END_TEST

START_TEST(test_trial_texts_that_are_full_end_in_dots)
{
    struct check_run run = {.config = NULL};
    struct trial t = {.run = &run};
    for (int i = 0; i < 2 * TRIAL_TEXT_MAX; i++)
        trial_saw(&t, "cell %d", i);
    ck_assert_uint_lt(strlen(t.seen), TRIAL_TEXT_MAX);
    ck_assert_str_eq(t.seen + strlen(t.seen) - 5, ", ...");
}
END_TEST

/* A byte at a time, each just before it would be too late. */
static err_t drip(void *world, void *conn, void *out, size_t cap, size_t *n, uint32_t timeout_ms)
{
    lab_sleep(world, LAB_ANSWER_MS - 1);
    return lab_recv(world, conn, out, cap ? 1 : 0, n, timeout_ms);
}

/* PADDING without end: zeros, while circuit ids have two bytes. */
static err_t flood(void *world, void *conn, void *out, size_t cap, size_t *n, uint32_t timeout_ms)
{
    (void)conn;
    (void)timeout_ms;
    lab_sleep(world, 1);
    memset(out, 0, cap);
    *n = cap;
    return OK;
}

static void waits_for_the_end(struct trial *t)
{
    probe_await_close(probe_tcp(t));
}

static void waits_for_tls(struct trial *t)
{
    (void)probe_tls(t);
}

static const char *const over = "the relay drips, or goes on without end: a case's time is over";

static void expect_over(void *arg, const struct check_result *r)
{
    (void)arg;
    ck_assert_int_eq(r->verdict, CHECK_FAIL);
    ck_assert_str_eq(r->why, over);
    ck_assert_uint_ge(r->took_ms, TRIAL_LEAST_S * MS_PER_SEC);
    ck_assert_uint_le(r->took_ms, TRIAL_LEAST_S * MS_PER_SEC + 2 * LAB_ANSWER_MS);
}

static void expect_an_end(void (*fn)(struct trial *t),
                          err_t (*recv)(void *world, void *conn, void *out, size_t cap, size_t *n,
                                        uint32_t timeout_ms))
{
    const struct check_case c = {.id = "trial/endless", .run = fn};
    struct check_wire wire = lab_wire;
    struct check_run *run;
    char why[256];
    lab_start(&lab);
    lab.config.wire = &wire;
    ck_ok(check_open(&lab.config, &run, why, sizeof why));
    wire.recv = recv;
    check_try(run, &c, expect_over, NULL);
    check_close(run);
    lab_stop(&lab);
}

START_TEST(test_trial_ends_though_the_relay_drips)
{
    expect_an_end(waits_for_tls, drip);
}
END_TEST

START_TEST(test_trial_ends_though_the_relay_floods)
{
    expect_an_end(waits_for_the_end, flood);
}
END_TEST

/* ---- what a case needs ---- */

static void expect_pass(void *arg, const struct check_result *r)
{
    (void)arg;
    ck_assert_msg(r->verdict == CHECK_PASS, "%s", r->why);
}

static void expect_a_wrong_row(void *arg, const struct check_result *r)
{
    (void)arg;
    ck_assert_int_eq(r->verdict, CHECK_FAIL);
    ck_assert_str_eq(r->why, "the case's row does not say what it needs");
}

static void knows_another_relay(struct trial *t)
{
    struct check_next next;
    ck_assert(t->run->next.known);
    ck_assert_str_eq(t->sent, "");
    ck_assert_str_eq(t->seen, "");
    ck_assert(pcirc_find_next(t, &next));
}

static void asks_for_the_key(struct trial *t)
{
    (void)pcirc_know_key(t);
}

/* One connection to see who it is, one to ask for others: none for a case that needs them again. */
START_TEST(test_trial_begins_with_what_its_case_needs)
{
    const struct check_case needy = {
        .id = "trial/needy", .run = knows_another_relay, .needs = NEEDS_NEXT};
    const struct check_case wrong = {
        .id = "trial/wrong", .run = asks_for_the_key, .needs = NEEDS_NEXT};
    struct check_run *run;
    char why[256];
    lab_start(&lab);
    ck_ok(check_open(&lab.config, &run, why, sizeof why));
    ck_assert_uint_eq(check_connections(run), 1);
    for (int i = 0; i < 2; i++) {
        check_try(run, &needy, expect_pass, NULL);
        ck_assert_uint_eq(check_connections(run), 2);
    }
    check_try(run, &wrong, expect_a_wrong_row, NULL);
    ck_assert_uint_eq(check_connections(run), 2);
    check_close(run);
    lab_stop(&lab);
}
END_TEST

TESTS("check trial", test_trial_texts_are_printable, test_trial_texts_that_are_full_end_in_dots,
      test_trial_ends_though_the_relay_drips, test_trial_ends_though_the_relay_floods,
      test_trial_begins_with_what_its_case_needs)
