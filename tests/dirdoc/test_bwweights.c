#include "dirdoc/bwweights.h"

#include <stdlib.h>

#include "support/test.h"

static void check_sums(const struct bwweights *w, int64_t scale)
{
    enum { ROUNDING = 10 };
    ck_assert_int_le(llabs(w->gg + w->mg - scale), ROUNDING);
    ck_assert_int_le(llabs(w->ee + w->me - scale), ROUNDING);
    ck_assert_int_le(llabs(w->gd + w->md + w->ed - scale), ROUNDING);
    const int64_t all[] = {w->gg, w->gd, w->mg, w->me, w->md, w->ee, w->ed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_int_ge(all[i], 0);
        ck_assert_int_le(all[i], scale);
    }
}

/* How much may be used in each place. */
static void places(const struct bwweights_totals *t, const struct bwweights *w, int64_t scale,
                   int64_t out[3])
{
    out[0] = w->gg * t->g + w->gd * t->d;
    out[1] = scale * t->m + w->mg * t->g + w->me * t->e + w->md * t->d;
    out[2] = w->ee * t->e + w->ed * t->d;
}

START_TEST(test_bwweights_balance_what_can_be_balanced)
{
    static const struct bwweights_totals cases[] = {
        {500, 100, 400, 100}, /* neither scarce */
        {300, 300, 300, 300}, /* both, but enough of those who are both */
        {900, 50, 100, 400},  /* exits */
        {100, 50, 900, 400},  /* guards */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bwweights w;
        int64_t p[3];
        ck_assert(bwweights_compute(&cases[i], BWWEIGHTS_SCALE, &w));
        check_sums(&w, BWWEIGHTS_SCALE);
        places(&cases[i], &w, BWWEIGHTS_SCALE, p);
        int64_t most = p[0] > p[2] ? p[0] : p[2], least = p[0] < p[2] ? p[0] : p[2];
        ck_assert_msg((most - least) * 100 <= most, "case %zu: %ld %ld %ld", i, (long)p[0],
                      (long)p[1], (long)p[2]);
    }
}
END_TEST

START_TEST(test_bwweights_give_what_is_scarce_to_its_place)
{
    struct bwweights w;
    ck_assert(bwweights_compute(&(struct bwweights_totals){800, 400, 100, 50}, 10000, &w));
    ck_assert_int_eq(w.ee, 10000);
    ck_assert_int_eq(w.ed, 10000);
    ck_assert_int_eq(w.mg, 2500); /* (800 - 400) / (2 * 800) */
    ck_assert(bwweights_compute(&(struct bwweights_totals){100, 400, 800, 50}, 10000, &w));
    ck_assert_int_eq(w.gg, 10000);
    ck_assert_int_eq(w.gd, 10000);
    ck_assert_int_eq(w.me, 2500);
    ck_assert(bwweights_compute(&(struct bwweights_totals){100, 800, 150, 10}, 10000, &w));
    ck_assert_int_eq(w.gg + w.ee, 20000);
    ck_assert_int_eq(w.gd, 10000); /* 2a: guards are what there is least of */
}
END_TEST

START_TEST(test_bwweights_stay_in_range_whatever_there_is)
{
    struct env *env = test_env(1);
    unsigned found = 0;
    for (int i = 0; i < 20000; i++) {
        struct bwweights_totals t = {
            1 + (int64_t)env_random_below(env, 5000), 1 + (int64_t)env_random_below(env, 5000),
            1 + (int64_t)env_random_below(env, 5000), 1 + (int64_t)env_random_below(env, 5000)};
        struct bwweights w;
        if (!bwweights_compute(&t, BWWEIGHTS_SCALE, &w))
            continue;
        found++;
        check_sums(&w, BWWEIGHTS_SCALE);
    }
    ck_assert_uint_gt(found, 19000);
    test_env_free(env);
}
END_TEST

START_TEST(test_bwweights_need_sensible_input)
{
    struct bwweights w;
    ck_assert(!bwweights_compute(&(struct bwweights_totals){0, 1, 1, 1}, 10000, &w));
    ck_assert(!bwweights_compute(&(struct bwweights_totals){1, 1, 1, 1}, 0, &w));
    ck_assert(!bwweights_compute(&(struct bwweights_totals){1, 1, 1, 1}, INT32_MAX, &w));
}
END_TEST

TESTS("dirdoc/bwweights", test_bwweights_balance_what_can_be_balanced,
      test_bwweights_give_what_is_scarce_to_its_place,
      test_bwweights_stay_in_range_whatever_there_is, test_bwweights_need_sensible_input)
