#include "base/queue.h"

#include <string.h>

#include "support/test.h"

enum { N = 8, LEN = 1024 };

struct world {
    struct env *env;
    struct queue q[N];
    int order[N];
    int n;
};

static struct world w;

static void shed(void *arg)
{
    struct queue *q = arg;
    w.order[w.n++] = (int)(q - w.q);
    queue_free(q);
}

static void begin(void)
{
    memset(&w, 0, sizeof w);
    w.env = test_env(1);
    for (int i = 0; i < N; i++)
        queue_init(&w.q[i], LEN * 4, w.env, shed, &w.q[i]);
}

static void end(void)
{
    for (int i = 0; i < N; i++)
        queue_free(&w.q[i]);
    ck_assert_uint_eq(queues_held(w.env), 0);
    ck_assert_ptr_null(w.env->queues.holding);
    env_disarm(w.env, &w.env->queues.look);
    test_env_free(w.env);
}

static void fill(int i, size_t len)
{
    static const uint8_t bytes[LEN * 4];
    ck_ok(queue_add(&w.q[i], bytes, len));
}

START_TEST(test_queue_storage_is_counted_until_it_is_given_back)
{
    begin();
    fill(0, 10);
    ck_assert_uint_eq(queues_held(w.env), LEN);
    fill(0, LEN);
    fill(1, 1);
    ck_assert_uint_eq(queues_held(w.env), 3 * LEN);
    queue_drain(&w.q[0], LEN + 10);
    ck_assert_uint_eq(queues_held(w.env), 3 * LEN);
    queue_trim(&w.q[0]);
    ck_assert_uint_eq(queues_held(w.env), LEN);
    ck_assert_uint_eq(w.env->queues.tally.given_back, 2 * LEN);
    end();
}
END_TEST

START_TEST(test_queues_may_hold_what_they_may)
{
    begin();
    queues_set_most(w.env, 3 * LEN);
    for (int i = 0; i < 3; i++)
        fill(i, LEN);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 0);
    end();
}
END_TEST

START_TEST(test_queues_without_a_bound_hold_anything)
{
    begin();
    queues_set_most(w.env, 0);
    for (int i = 0; i < N; i++)
        fill(i, 4 * LEN);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 0);
    end();
}
END_TEST

/* Over 7 KB: down to 6.3, so two of the eight go. */
START_TEST(test_queues_that_hold_too_much_lose_the_oldest_first)
{
    begin();
    queues_set_most(w.env, 7 * LEN);
    static const int by_age[N] = {3, 1, 4, 0, 5, 2, 6, 7};
    for (int i = 0; i < N; i++) {
        fill(by_age[i], LEN);
        ck_assert_int_eq(w.n, 0); /* not inside the call */
        if (i < N - 1)
            test_env_advance_ms(w.env, 10);
    }
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 2);
    ck_assert_int_eq(w.order[0], 3);
    ck_assert_int_eq(w.order[1], 1);
    end();
}
END_TEST

/* A queue that moves is as young as the bytes in it, though it is never empty. */
START_TEST(test_queue_that_moves_is_not_old)
{
    begin();
    queues_set_most(w.env, 3 * LEN);
    fill(0, LEN / 2);
    test_env_advance_ms(w.env, 10);
    fill(1, LEN);
    for (int i = 0; i < 5; i++) {
        test_env_advance_ms(w.env, 10);
        fill(0, LEN / 4);
        queue_drain(&w.q[0], LEN / 4);
    }
    fill(2, LEN);
    fill(3, LEN);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.order[0], 1);
    end();
}
END_TEST

/* Its reader takes a byte now and then: that does not make its bytes younger. */
START_TEST(test_queue_that_trickles_is_old)
{
    begin();
    queues_set_most(w.env, 3 * LEN);
    fill(0, LEN);
    for (int i = 0; i < 5; i++) {
        test_env_advance_ms(w.env, 10);
        queue_drain(&w.q[0], 1);
        fill(1, LEN / 8);
    }
    fill(2, LEN);
    fill(3, LEN);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.order[0], 0);
    end();
}
END_TEST

START_TEST(test_queues_bound_that_is_lowered_holds_at_once)
{
    begin();
    fill(0, LEN);
    test_env_advance_ms(w.env, 5);
    fill(1, LEN);
    queues_set_most(w.env, 1800);
    ck_assert_int_eq(w.n, 0);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 1);
    ck_assert_int_eq(w.order[0], 0);
    end();
}
END_TEST

/* What cannot be shed counts, too, and by itself it ends nothing for ever. */
START_TEST(test_queues_with_nobody_to_shed_go_on)
{
    struct buf links;
    begin();
    buf_init(&links, 4 * LEN);
    buf_count(&links, &w.env->queues.tally);
    queues_set_most(w.env, LEN);
    ck_ok(buf_add(&links, "x", 1));
    fill(0, 1);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 1);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(w.n, 1);
    buf_free(&links);
    end();
}
END_TEST

TESTS("base/queue", test_queue_storage_is_counted_until_it_is_given_back,
      test_queues_may_hold_what_they_may, test_queues_without_a_bound_hold_anything,
      test_queues_that_hold_too_much_lose_the_oldest_first, test_queue_that_moves_is_not_old,
      test_queue_that_trickles_is_old, test_queues_bound_that_is_lowered_holds_at_once,
      test_queues_with_nobody_to_shed_go_on)
