#include "client/offline.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

struct lines {
    struct log log;
    unsigned n;
    char last[300];
};

static void sink(void *arg, enum log_level level, const char *line)
{
    struct lines *l = arg;
    (void)level;
    l->n++;
    snprintf(l->last, sizeof l->last, "%s", line);
}

static struct env *setup(struct lines *l)
{
    struct env *env = test_env(1);
    *l = (struct lines){.log = {.least = LOG_NOTICE, .sink = sink, .arg = l}};
    env->log = &l->log;
    return env;
}

static void dial(struct offline *o, const struct env *env, enum or_reason reason)
{
    const struct link_end end = {.why = ERR_LINK_CONNECT, .reason = reason};
    offline_dial_failed(o, env, &end);
}

static void go_offline(struct offline *o, struct env *env)
{
    for (int i = 0; i < 4; i++) {
        dial(o, env, OR_NOROUTE);
        test_env_advance_ms(env, 1000);
    }
}

START_TEST(test_offline_needs_several_dials_over_seconds)
{
    struct lines l;
    struct env *env = setup(&l);
    struct offline o = {0};
    for (int i = 0; i < 50; i++)
        dial(&o, env, OR_NOROUTE);
    ck_assert(!offline_is(&o, env));
    test_env_advance_ms(env, 3000);
    dial(&o, env, OR_NOROUTE);
    ck_assert(offline_is(&o, env));
    ck_assert_ptr_nonnull(strstr(l.last, "There is no network"));
    test_env_free(env);
}
END_TEST

START_TEST(test_offline_begins_and_ends_to_the_second)
{
    struct lines l;
    struct env *env = setup(&l);
    struct offline o = {0};
    dial(&o, env, OR_NOROUTE);
    test_env_advance_ms(env, 2999);
    dial(&o, env, OR_NOROUTE);
    dial(&o, env, OR_NOROUTE);
    ck_assert(!offline_is(&o, env)); /* three dials, in less than three seconds */
    test_env_advance_ms(env, 1);
    dial(&o, env, OR_NOROUTE);
    ck_assert(offline_is(&o, env));
    test_env_advance_ms(env, 14999);
    ck_assert(offline_is(&o, env));
    test_env_advance_ms(env, 1);
    ck_assert(!offline_is(&o, env));
    ck_assert_uint_eq(l.n, 1);
    test_env_advance_ms(env, 44999);
    dial(&o, env, OR_NOROUTE);
    ck_assert_uint_eq(l.n, 1);
    test_env_advance_ms(env, 1); /* a minute after it was said */
    dial(&o, env, OR_NOROUTE);
    ck_assert_uint_eq(l.n, 2);
    test_env_free(env);
}
END_TEST

START_TEST(test_offline_takes_three_dials)
{
    struct lines l;
    struct env *env = setup(&l);
    struct offline o = {0};
    dial(&o, env, OR_NOROUTE);
    test_env_advance_ms(env, 5000);
    dial(&o, env, OR_NOROUTE);
    ck_assert(!offline_is(&o, env));
    dial(&o, env, OR_NOROUTE);
    ck_assert(offline_is(&o, env));
    test_env_free(env);
}
END_TEST

START_TEST(test_offline_is_not_said_if_any_dial_ends_otherwise)
{
    static const enum or_reason other[] = {OR_CONNECTREFUSED, OR_TIMEOUT, OR_TLS_ERROR};
    for (size_t i = 0; i < 3; i++) {
        struct lines l;
        struct env *env = setup(&l);
        struct offline o = {0};
        for (int n = 0; n < 20; n++) {
            dial(&o, env, OR_NOROUTE);
            test_env_advance_ms(env, 2000);
            if (n % 2)
                dial(&o, env, other[i]);
        }
        ck_assert(!offline_is(&o, env));
        ck_assert_uint_eq(l.n, 0);
        test_env_free(env);
    }
}
END_TEST

START_TEST(test_offline_evidence_grows_old)
{
    struct lines l;
    struct env *env = setup(&l);
    struct offline o = {0};
    go_offline(&o, env);
    ck_assert(offline_is(&o, env));
    test_env_advance_ms(env, 20000);
    ck_assert(!offline_is(&o, env));
    dial(&o, env, OR_NOROUTE);
    ck_assert(offline_is(&o, env));
    test_env_free(env);
}
END_TEST

START_TEST(test_offline_is_said_again_at_growing_intervals_and_when_it_is_over)
{
    struct lines l;
    struct env *env = setup(&l);
    struct offline o = {0};
    go_offline(&o, env);
    ck_assert_uint_eq(l.n, 1);
    for (int s = 0; s < 3600; s++) {
        test_env_advance_ms(env, 1000);
        dial(&o, env, OR_NOROUTE);
    }
    ck_assert_uint_eq(l.n, 6); /* after 1, 3, 7, 15, 31 minutes */
    ck_assert_ptr_nonnull(strstr(l.last, "There is still no network, for 31 minutes now"));
    offline_link_stood(&o, env);
    ck_assert_str_eq(l.last, "The network is back.");
    ck_assert(!offline_is(&o, env));
    offline_link_stood(&o, env);
    ck_assert_uint_eq(l.n, 7);
    test_env_free(env);
}
END_TEST

TESTS("client/offline", test_offline_needs_several_dials_over_seconds,
      test_offline_begins_and_ends_to_the_second, test_offline_takes_three_dials,
      test_offline_is_not_said_if_any_dial_ends_otherwise, test_offline_evidence_grows_old,
      test_offline_is_said_again_at_growing_intervals_and_when_it_is_over)
