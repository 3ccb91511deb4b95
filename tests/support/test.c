#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS_A_TEST = 60 };

int test_main(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, SECONDS_A_TEST);
    const char *only = getenv("TEST");
    for (size_t i = 0; i < n; i++)
        if (!only || strcmp(tests[i]->name, only) == 0)
            tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    bool failed = srunner_ntests_failed(runner) > 0 || srunner_ntests_run(runner) == 0;
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

unsigned test_share(void)
{
    const char *text = getenv("SHARE");
    unsigned share = text ? (unsigned)strtoul(text, NULL, 10) : 1;
    return share ? share : 1;
}

struct test_world {
    struct env env;
    struct log log;
    uint64_t random_state;
};

/* SplitMix64: small, and the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void test_random(void *arg, void *out, size_t len)
{
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)next_random(arg);
}

static void test_sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    fprintf(stderr, "[%s] %s\n", log_level_name(level), line);
}

struct env *test_env(uint64_t seed)
{
    struct test_world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->random_state = seed;
    w->log = (struct log){.least = LOG_WARN, .sink = test_sink};
    w->env = (struct env){.mono_us = US_PER_SEC,
                          .wall_us = 1767225600 * (int64_t)US_PER_SEC,
                          .random = test_random,
                          .random_arg = &w->random_state,
                          .log = &w->log};
    return &w->env;
}

void test_env_free(struct env *env)
{
    free(env); /* the first member of struct test_world */
}

static void step_to(struct env *env, uint64_t mono_us)
{
    env->wall_us += (int64_t)(mono_us - env->mono_us);
    env->mono_us = mono_us;
    env_run_timers(env);
}

void test_env_advance_ms(struct env *env, uint64_t ms)
{
    uint64_t end = env->mono_us + ms * US_PER_MS;
    while (env_next_us(env) <= end) {
        uint64_t next = env_next_us(env);
        step_to(env, next > env->mono_us ? next : env->mono_us);
    }
    step_to(env, end);
}
