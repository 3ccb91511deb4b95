#include "client/bootstrap.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

struct lines {
    struct log log;
    unsigned n, warnings;
    char last[400];
};

static void sink(void *arg, enum log_level level, const char *line)
{
    struct lines *l = arg;
    l->n += level == LOG_NOTICE;
    l->warnings += level == LOG_WARN;
    snprintf(l->last, sizeof l->last, "%s", line);
}

static void setup(struct bootstrap *b, struct lines *l)
{
    struct env *env = test_env(1);
    *l = (struct lines){.log = {.least = LOG_NOTICE, .sink = sink, .arg = l}};
    env->log = &l->log;
    bootstrap_init(b, env);
}

static const struct link_target peer = {.addr = {.ip = {IP_V4, {127, 0, 0, 9}}, .port = 9001},
                                        .has_rsa = true};

static void problem(struct bootstrap *b)
{
    const struct link_end end = {
        .why = ERR_LINK_CONNECT, .reason = OR_CONNECTREFUSED, .text = "Connection refused"};
    bootstrap_problem(b, &peer, &end);
}

START_TEST(test_bootstrap_says_tors_words)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    bootstrap_reached(&b, BOOTSTRAP_STARTING);
    ck_assert_str_eq(l.last, "Bootstrapped 0% (starting): Starting");
    bootstrap_reached(&b, BOOTSTRAP_CONN);
    ck_assert_str_eq(l.last, "Bootstrapped 5% (conn): Connecting to a relay");
    bootstrap_progress(&b, 45, "requesting_descriptors", "Asking for relay descriptors");
    ck_assert_str_eq(l.last,
                     "Bootstrapped 45% (requesting_descriptors): Asking for relay descriptors");
    bootstrap_reached(&b, BOOTSTRAP_DONE);
    ck_assert_str_eq(l.last, "Bootstrapped 100% (done): Done");
    test_env_free(b.env);
}
END_TEST

START_TEST(test_bootstrap_never_goes_back)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    bootstrap_reached(&b, BOOTSTRAP_AP_CONN);
    bootstrap_reached(&b, BOOTSTRAP_AP_CONN);
    bootstrap_reached(&b, BOOTSTRAP_CONN);
    bootstrap_progress(&b, 79, "x", "y");
    ck_assert_uint_eq(l.n, 1);
    ck_assert_int_eq(b.percent, 80);
    test_env_free(b.env);
}
END_TEST

START_TEST(test_bootstrap_phases_ascend)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    for (int phase = BOOTSTRAP_STARTING; phase <= BOOTSTRAP_DONE; phase++)
        bootstrap_reached(&b, (enum bootstrap_phase)phase);
    ck_assert_uint_eq(l.n, BOOTSTRAP_DONE + 1);
    test_env_free(b.env);
}
END_TEST

START_TEST(test_bootstrap_says_why_it_is_stuck)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    bootstrap_reached(&b, BOOTSTRAP_CONN);
    problem(&b);
    ck_assert_str_eq(l.last,
                     "Problem bootstrapping. Stuck at 5% (conn): Connecting to a relay. "
                     "(Connection refused; CONNECTREFUSED; count 1; recommendation warn; host "
                     "0000000000000000000000000000000000000000 at 127.0.0.9:9001)");
    test_env_free(b.env);
}
END_TEST

START_TEST(test_bootstrap_warns_now_and_then_and_counts)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    bootstrap_reached(&b, BOOTSTRAP_CONN);
    for (int i = 0; i < 5; i++)
        problem(&b);
    ck_assert_uint_eq(l.warnings, 1);
    test_env_advance_ms(b.env, 30000);
    problem(&b);
    ck_assert_uint_eq(l.warnings, 2);
    ck_assert_ptr_nonnull(strstr(l.last, "count 6;"));
    bootstrap_reached(&b, BOOTSTRAP_HANDSHAKE_DONE);
    ck_assert_uint_eq(b.problems, 0);
    test_env_free(b.env);
}
END_TEST

START_TEST(test_bootstrap_once_done_does_not_warn)
{
    struct bootstrap b;
    struct lines l;
    setup(&b, &l);
    bootstrap_reached(&b, BOOTSTRAP_DONE);
    problem(&b);
    ck_assert_uint_eq(l.warnings, 0);
    test_env_free(b.env);
}
END_TEST

TESTS("client/bootstrap", test_bootstrap_says_tors_words, test_bootstrap_never_goes_back,
      test_bootstrap_phases_ascend, test_bootstrap_says_why_it_is_stuck,
      test_bootstrap_warns_now_and_then_and_counts, test_bootstrap_once_done_does_not_warn)
