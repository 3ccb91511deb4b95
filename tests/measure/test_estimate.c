#include "measure/estimate.h"

#include <stdlib.h>

#include "base/text.h"
#include "support/test.h"
#include "support/vec.h"

START_TEST(test_estimate_published_vectors)
{
    struct vec *v = vec_open("vectors/measure/estimate.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint64_t x = (uint64_t)vec_int(v, "x"), y = (uint64_t)vec_int(v, "y");
        uint64_t t = x + estimate_believed(x, y, (unsigned)vec_int(v, "percent"));
        ck_assert_int_eq((long)t, vec_int(v, "t"));
    }
    ck_assert_int_eq(n, 7);
    vec_close(v);
}
END_TEST

START_TEST(test_estimate_median_vectors)
{
    struct vec *v = vec_open("vectors/measure/median.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        struct text rest = text_of(vec_text(v, "of")), word;
        uint64_t of[8];
        size_t count = 0;
        while (text_split(&rest, ' ', &word)) {
            ck_assert_uint_lt(count, 8);
            of[count++] = (uint64_t)strtol(word.s, NULL, 10);
        }
        ck_assert_int_eq((long)estimate_median(of, count), vec_int(v, "is"));
    }
    ck_assert_int_eq(n, 5);
    ck_assert_uint_eq(estimate_median(NULL, 0), 0);
    vec_close(v);
}
END_TEST

START_TEST(test_estimate_believes_no_more_than_the_ratio)
{
    static const uint64_t xs[] = {0, 1, 99, 1000001, 1ull << 40, UINT64_MAX / 2, UINT64_MAX};
    for (unsigned percent = 0; percent <= ESTIMATE_PERCENT_MOST; percent++)
        for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
            uint64_t bg = estimate_believed(xs[i], UINT64_MAX, percent);
            long double exact = (long double)xs[i] * percent / (100 - percent);
            if (exact < 1e18L)
                ck_assert_uint_eq(bg, (uint64_t)exact);
            ck_assert_uint_eq(estimate_believed(xs[i], 0, percent), 0);
        }
}
END_TEST

enum { N = 30 };

static void fill(struct estimate_second s[N])
{
    for (size_t i = 0; i < N; i++)
        s[i] = (struct estimate_second){
            .x = 750 + i % 3, .bg_sent = 250, .bg_recv = 300, .blocked = 100, .reported = true};
}

START_TEST(test_estimate_counts_the_lesser_direction)
{
    struct estimate_second s[N];
    struct estimate e;
    fill(s);
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_uint_eq(e.counted, N - 1);
    ck_assert_uint_eq(e.x, 751);
    ck_assert_uint_eq(e.bg, 250);
    ck_assert_uint_eq(e.bw, 1001);
    ck_assert_uint_eq(e.clamped, 0);
    ck_assert_int_eq(e.limited_by, LIMITED_BY_RELAY);
}
END_TEST

START_TEST(test_estimate_liar_gains_a_third)
{
    struct estimate_second s[N];
    struct estimate e;
    fill(s);
    for (size_t i = 0; i < N; i++)
        s[i].x = 750, s[i].bg_sent = s[i].bg_recv = 750000;
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_uint_eq(e.bw, 1000);
    ck_assert_uint_eq(e.clamped, N - 1);
}
END_TEST

START_TEST(test_estimate_under_two_thirds_is_a_failure)
{
    struct estimate_second s[N];
    struct estimate e;
    fill(s);
    for (size_t i = 0; i < 9; i++)
        s[2 * i + 1].reported = false;
    ck_ok(estimate_make(s, N, 1, 25, &e)); /* 20 of 30 */
    ck_assert_uint_eq(e.counted, 20);
    ck_err(estimate_make(s, N, 3, 25, &e), ERR_LIMIT);
    ck_assert_uint_eq(e.counted, 19);
    ck_err(estimate_make(s, 0, 0, 25, &e), ERR_LIMIT);
    ck_assert(!e.bw && !e.p10 && !e.p25 && !e.p75 && !e.p90 && !e.blocked);
    ck_assert_int_eq(e.limited_by, LIMITED_BY_US);
    ck_err(estimate_make(s, N, 100, 25, &e), ERR_LIMIT);
    ck_err(estimate_make(s, ESTIMATE_SECONDS_MOST + 1, 0, 25, &e), ERR_ARG);
    ck_err(estimate_make(s, N, 0, 100, &e), ERR_ARG);
}
END_TEST

START_TEST(test_estimate_burst_and_silence_do_not_move_it)
{
    struct estimate_second s[N];
    struct estimate e;
    fill(s);
    for (size_t i = 0; i < 10; i++)
        s[i].x = 100000;
    for (size_t i = 10; i < 14; i++)
        s[i].x = 0;
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_uint_ge(e.bw, 1000);
    ck_assert_uint_le(e.bw, 1002);
    ck_assert_uint_le(e.p10, e.p25);
    ck_assert_uint_le(e.p25, e.bw);
    ck_assert_uint_le(e.bw, e.p75);
    ck_assert_uint_le(e.p75, e.p90);
    ck_assert_uint_ge(e.p90, 100000);
    ck_assert_uint_eq(e.p10, 0);
}
END_TEST

/* However few there are, the median is within the quartiles. */
START_TEST(test_estimate_few_seconds_have_their_median_in_range)
{
    static const uint64_t x[] = {2740000, 3110000, 2000000, 5000000, 2800000};
    struct estimate_second s[5] = {{.x = 0}};
    struct estimate e;
    for (size_t n = 1; n <= 5; n++) {
        for (size_t i = 0; i < n; i++)
            s[i] = (struct estimate_second){.x = x[i], .reported = true};
        ck_ok(estimate_make(s, n, 0, 25, &e));
        ck_assert_uint_le(e.p10, e.p25);
        ck_assert_uint_le(e.p25, e.bw);
        ck_assert_uint_le(e.bw, e.p75);
        ck_assert_uint_le(e.p75, e.p90);
    }
    ck_ok(estimate_make(s, 2, 0, 25, &e));
    ck_assert_uint_eq(e.bw, 2925000);
    ck_assert_uint_eq(e.p25, 2832500);
    ck_assert_uint_eq(e.p75, 3017500);
}
END_TEST

START_TEST(test_estimate_seconds_that_differ_widely_are_unsteady)
{
    struct estimate e = {.bw = 1000, .p25 = 800, .p75 = 1300, .counted = ESTIMATE_SPREAD_LEAST};
    ck_assert(!estimate_is_unsteady(&e));
    e.p75 = 1301;
    ck_assert(estimate_is_unsteady(&e));
    e.counted--;
    ck_assert(!estimate_is_unsteady(&e));
}
END_TEST

START_TEST(test_estimate_says_who_was_the_limit)
{
    struct estimate_second s[N];
    struct estimate e;
    for (unsigned blocked = 0; blocked <= 100; blocked += 20) {
        fill(s);
        for (size_t i = 1; i < N; i++)
            s[i].blocked = blocked;
        ck_ok(estimate_make(s, N, 1, 25, &e));
        ck_assert_int_eq(e.limited_by, blocked >= 80 ? LIMITED_BY_RELAY : LIMITED_BY_US);
        ck_assert_uint_eq(e.blocked, blocked);
    }
    fill(s);
    for (size_t i = 0; i < 20; i++)
        s[i].cpu = ESTIMATE_CPU_MOST;
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_int_eq(e.limited_by, LIMITED_BY_US);
    fill(s);
    for (size_t i = 0; i < 20; i++)
        s[i].lag_ms = ESTIMATE_LAG_MOST_MS;
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_int_eq(e.limited_by, LIMITED_BY_US);
    fill(s);
    s[5].lag_ms = 5000; /* once is nothing */
    s[6].cpu = 100;
    ck_ok(estimate_make(s, N, 1, 25, &e));
    ck_assert_int_eq(e.limited_by, LIMITED_BY_RELAY);
    ck_assert_str_ne(estimate_limit_text(LIMITED_BY_RELAY), estimate_limit_text(LIMITED_BY_US));
}
END_TEST

TESTS("measure/estimate", test_estimate_published_vectors, test_estimate_median_vectors,
      test_estimate_believes_no_more_than_the_ratio, test_estimate_counts_the_lesser_direction,
      test_estimate_liar_gains_a_third, test_estimate_under_two_thirds_is_a_failure,
      test_estimate_burst_and_silence_do_not_move_it, test_estimate_says_who_was_the_limit,
      test_estimate_few_seconds_have_their_median_in_range,
      test_estimate_seconds_that_differ_widely_are_unsteady)
