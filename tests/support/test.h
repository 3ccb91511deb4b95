/* Unit tests with Check: a file of START_TEST()s ends in TESTS("layer/unit", test_a, test_b, ...).
 */
#ifndef TUNIC_TESTS_TEST_H
#define TUNIC_TESTS_TEST_H

#include <check.h>
#include <stddef.h>

#include "base/env.h"

/* TEST in the environment names the only one to run; a suite that ran none has failed. */
int test_main(const char *name, const TTest *const *tests, size_t n);

/* What is long, a sweep or a row of seeds, does so many times less: SHARE in the environment, which
 * check-asan sets; 1 without, for all of it. */
unsigned test_share(void);

#define TESTS(name, ...)                                                  \
    int main(void)                                                        \
    {                                                                     \
        const TTest *const tests_[] = {__VA_ARGS__};                      \
        return test_main(name, tests_, sizeof tests_ / sizeof tests_[0]); \
    }

/* Fails the test with the error's name. */
#define ck_ok(expr)                                                       \
    do {                                                                  \
        err_t ck_err_ = (expr);                                           \
        ck_assert_msg(ck_err_ == OK, "%s: %s", #expr, err_name(ck_err_)); \
    } while (0)
#define ck_err(expr, want)                                                           \
    do {                                                                             \
        err_t ck_err_ = (expr);                                                      \
        ck_assert_msg(ck_err_ == (want), "%s: %s, not %s", #expr, err_name(ck_err_), \
                      err_name(want));                                               \
    } while (0)

/* An environment with clocks that the test sets (2026-01-01 00:00:00 UTC at first), a random source
 * that repeats from SEED, and a log that goes to stderr from `warn` up. */
struct env *test_env(uint64_t seed);
void test_env_free(struct env *env);

/* Moves both clocks and runs the timers that come due, one deadline after the other. */
void test_env_advance_ms(struct env *env, uint64_t ms);

#endif
