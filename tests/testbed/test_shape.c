/* Slow wires, on a clock that the test moves. */
#include "testbed/shape.h"

#include <string.h>

#include "support/test.h"

static struct env *env;

static void setup(void)
{
    env = test_env(1);
}

static void teardown(void)
{
    test_env_free(env);
}

/* ---- the line ---- */

static unsigned due_calls;

static void on_due(void *arg)
{
    (void)arg;
    due_calls++;
}

static void put(struct shape_line *l, const void *bytes, size_t len)
{
    uint8_t *room = shape_line_room(l, len);
    ck_assert_ptr_nonnull(room);
    memcpy(room, bytes, len);
    shape_line_put(l, len);
}

START_TEST(test_shape_line_gives_back_after_delay)
{
    struct shape_rules rules = {.delay_ms = 20};
    struct shape_line l;
    size_t len;
    setup();
    due_calls = 0;
    ck_ok(shape_line_init(&l, env, &rules, on_due, NULL));
    ck_assert(shape_line_is_empty(&l));
    put(&l, "early", 5);
    test_env_advance_ms(env, 10);
    put(&l, "late", 4);
    ck_assert_ptr_null(shape_line_out(&l, &len));
    ck_assert_uint_eq(due_calls, 0);
    test_env_advance_ms(env, 10);
    ck_assert_uint_eq(due_calls, 1);
    ck_assert_mem_eq(shape_line_out(&l, &len), "early", 5);
    ck_assert_uint_eq(len, 5);
    shape_line_took(&l, 2);
    ck_assert_mem_eq(shape_line_out(&l, &len), "rly", 3);
    shape_line_took(&l, 3);
    ck_assert_ptr_null(shape_line_out(&l, &len));
    test_env_advance_ms(env, 10);
    ck_assert_uint_eq(due_calls, 2);
    ck_assert_mem_eq(shape_line_out(&l, &len), "late", 4);
    shape_line_took(&l, len);
    ck_assert(shape_line_is_empty(&l));
    shape_line_end(&l);
    teardown();
}
END_TEST

START_TEST(test_shape_line_keeps_order_with_jitter)
{
    enum { N = 2000 };
    struct shape_rules rules = {.delay_ms = 5, .jitter_ms = 50};
    struct shape_line l;
    unsigned next = 0;
    size_t len;
    const uint8_t *bytes;
    setup();
    ck_ok(shape_line_init(&l, env, &rules, on_due, NULL));
    for (unsigned i = 0; i < N + 100; i++) {
        uint8_t b[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        if (i < N)
            put(&l, b, 2);
        test_env_advance_ms(env, 1);
        while ((bytes = shape_line_out(&l, &len))) {
            ck_assert_uint_eq((unsigned)bytes[0] << 8 | bytes[1], next);
            next++;
            shape_line_took(&l, 2);
        }
    }
    ck_assert_uint_eq(next, N);
    shape_line_end(&l);
    teardown();
}
END_TEST

START_TEST(test_shape_line_is_bounded)
{
    struct shape_rules rules = {.delay_ms = 1000};
    static uint8_t chunk[65536];
    struct shape_line l;
    size_t len, took = 0;
    setup();
    ck_ok(shape_line_init(&l, env, &rules, on_due, NULL));
    /* More steps than the ring has, and then all the space there is. */
    for (unsigned i = 0; i < 2 * SHAPE_STEPS; i++) {
        put(&l, chunk, 1);
        timerq_run(&env->timers, env->mono_us += 10);
    }
    while (shape_line_space(&l)) {
        size_t part = shape_line_space(&l) < sizeof chunk ? shape_line_space(&l) : sizeof chunk;
        put(&l, chunk, part);
    }
    ck_assert_ptr_null(shape_line_room(&l, 1));
    test_env_advance_ms(env, 2000);
    while (shape_line_out(&l, &len)) {
        shape_line_took(&l, len);
        took += len;
    }
    ck_assert_uint_eq(took, SHAPE_LINE_CAP);
    shape_line_end(&l);
    teardown();
}
END_TEST

START_TEST(test_shape_life_has_its_mean)
{
    enum { N = 20000 };
    struct shape_rules rules = {.mean_life_s = 60}, none = {.mean_life_s = 0};
    uint64_t sum = 0, shorter = 0;
    setup();
    for (int i = 0; i < N; i++) {
        uint64_t ms = shape_life_ms(env, &rules);
        ck_assert_uint_gt(ms, 0);
        sum += ms;
        shorter += ms < 60000;
    }
    ck_assert_uint_ge(sum / N, 58000);
    ck_assert_uint_le(sum / N, 62000);
    /* Exponential: 63.2 % end before the mean. */
    ck_assert_uint_ge(shorter, N * 61 / 100);
    ck_assert_uint_le(shorter, N * 65 / 100);
    ck_assert_uint_eq(shape_life_ms(env, &none), 0);
    teardown();
}
END_TEST

TESTS("testbed/shape", test_shape_line_gives_back_after_delay,
      test_shape_line_keeps_order_with_jitter, test_shape_line_is_bounded,
      test_shape_life_has_its_mean)
