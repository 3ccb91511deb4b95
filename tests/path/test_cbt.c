#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path/cbt.h"
#include "support/test.h"
#include "support/vec.h"

/* A consensus that has parameters only; names ascending. */
struct fake {
    struct dir_param params[4];
    struct consensus c;
};

static const struct consensus *fake(struct fake *f, const char *a, int32_t x, const char *b,
                                    int32_t y)
{
    static char names[4][32];
    *f = (struct fake){.c.n_params = b ? 2 : 1};
    snprintf(names[0], sizeof names[0], "%s", a);
    f->params[0] = (struct dir_param){names[0], x};
    if (b) {
        snprintf(names[1], sizeof names[1], "%s", b);
        f->params[1] = (struct dir_param){names[1], y};
    }
    f->c.params = f->params;
    return &f->c;
}

static void feed_row(struct cbt *c, struct env *env, const char *row, unsigned plus)
{
    struct text rest = text_of(row), word;
    while (text_token(&rest, &word)) {
        uint64_t ms;
        if (text_is(word, "-")) {
            cbt_closed(c, env->mono_us);
            continue;
        }
        ck_ok(text_to_u64(word, 100000, &ms));
        cbt_built(c, ms + plus, true);
    }
}

START_TEST(test_cbt_xm_and_alpha_are_those_of_tor)
{
    struct vec *v = vec_open("vectors/path/cbt-xm-alpha.txt");
    ck_assert(vec_next(v));
    char row[128];
    snprintf(row, sizeof row, "%s", vec_text(v, "row"));
    unsigned rows = (unsigned)vec_int(v, "rows"), n = 0;
    for (; vec_next(v); n++) {
        struct env *env = test_env(1);
        struct cbt *c = cbt_new(env);
        struct fake f;
        struct cbt_info info;
        cbt_configure(c, true, 0, fake(&f, "cbtnummodes", (int32_t)vec_int(v, "modes"), NULL, 0));
        for (unsigned i = 0; i < rows; i++)
            feed_row(c, env, row, i);
        cbt_info(c, &info);
        ck_assert(info.computed);
        ck_assert_uint_eq(info.n_times, 110);
        ck_assert_uint_eq(info.n_abandoned, 10);
        ck_assert_uint_eq(info.xm_ms, (unsigned)vec_int(v, "xm"));
        ck_assert_double_eq_tol(info.alpha, atof(vec_text(v, "alpha")), 0.00001);
        cbt_free(&c);
        test_env_free(env);
    }
    ck_assert_uint_eq(n, 6);
    vec_close(v);
}
END_TEST

START_TEST(test_cbt_begins_with_a_minute)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 60000);
    ck_assert(cbt_wants_circuits(c));
    ck_assert_uint_eq(cbt_test_interval_s(c), 10);
    ck_assert_uint_eq(cbt_max_open(c), 10);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_longer_circuits_get_more_and_shorter_ones_no_less)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    ck_assert_uint_eq(cbt_timeout_ms(c, 1), 60000);
    ck_assert_uint_eq(cbt_timeout_ms(c, 4), 100000);
    ck_assert_uint_eq(cbt_timeout_ms(c, 5), 150000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_computes_from_the_hundredth_time_on)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    for (unsigned i = 0; i < 99; i++)
        cbt_built(c, 1000 + i, true);
    cbt_info(c, &info);
    ck_assert(!info.computed && cbt_wants_circuits(c));
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
    cbt_built(c, 1099, true);
    cbt_info(c, &info);
    ck_assert(info.computed && !cbt_wants_circuits(c));
    /* Ten bins of ten: Xm is the mean of their midpoints, 1050. */
    ck_assert_uint_eq(info.xm_ms, 1050);
    ck_assert_uint_ge(cbt_timeout_ms(c, 3), 1050);
    /* "cap timeout_ms at the max build time actually observed", "close_ms [...] at least 60 s" */
    ck_assert_uint_le(cbt_timeout_ms(c, 3), 1099);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 60000);
    ck_assert_uint_eq(info.timeout_ms, cbt_timeout_ms(c, 3)); /* of a circuit of three hops */
    ck_assert_uint_ne(info.timeout_ms, cbt_timeout_ms(c, 4));
    ck_assert_uint_eq(info.close_ms, cbt_close_ms(c, 3));
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

/* Times drawn from a Pareto curve give back its 80% quantile. */
START_TEST(test_cbt_finds_the_quantile_of_a_pareto_curve)
{
    struct env *env = test_env(11);
    struct cbt *c = cbt_new(env);
    const double xm = 800, alpha = 2;
    for (unsigned i = 0; i < 1000; i++) {
        double u = (double)(1 + env_random_below(env, 99999)) / 100000;
        cbt_built(c, (uint64_t)(xm / pow(u, 1 / alpha)), true);
    }
    double want = xm / pow(0.2, 1 / alpha);
    ck_assert_double_eq_tol(cbt_timeout_ms(c, 3), want, want * 0.1);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_all_times_equal_is_no_division_by_zero)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    for (unsigned i = 0; i < 200; i++)
        cbt_built(c, 5, true);
    /* Under the least bin of ten milliseconds: cbtmintimeout. */
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 10);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 60000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_history_keeps_the_last_thousand)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    for (unsigned i = 0; i < 1000; i++)
        cbt_built(c, 9000, true);
    for (unsigned i = 0; i < 1000; i++)
        cbt_built(c, 500, true);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 1000);
    ck_assert_uint_eq(info.xm_ms, 505);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_strange_times_are_left_out)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    cbt_built(c, 2 * 60000 + 1001, false);
    cbt_built(c, UINT64_MAX, false);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 0);
    cbt_built(c, 2 * 60000 + 1000, false);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 1);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

static void learn(struct cbt *c)
{
    for (unsigned i = 0; i < 150; i++)
        cbt_built(c, 1000 + i * 7, true);
}

START_TEST(test_cbt_eighteen_timeouts_of_twenty_start_afresh)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    learn(c);
    for (unsigned i = 0; i < 17; i++)
        cbt_timed_out(c, true);
    cbt_timed_out(c, false); /* not even one hop: says nothing */
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 150);
    cbt_timed_out(c, true);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 0);
    ck_assert_uint_eq(info.resets, 1);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
    /* "If the timeout was already at least `cbtinitialtimeout`, the client doubles the timeout." */
    for (unsigned i = 0; i < 18; i++)
        cbt_timed_out(c, true);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 120000);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 120000);
    /* A new consensus leaves the doubled timeout as it is. */
    cbt_configure(c, true, 0, NULL);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 120000);
    for (unsigned i = 0; i < 18 * 40; i++)
        cbt_timed_out(c, true);
    ck_assert_uint_le(cbt_timeout_ms(c, 3), INT32_MAX);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

static void hear(void *arg, enum cbt_news news)
{
    unsigned *n = arg;
    n[news]++;
}

START_TEST(test_cbt_tells_its_watch)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    unsigned n[CBT_NETWORK_UP + 1] = {0};
    cbt_set_watch(c, hear, n);
    for (unsigned i = 0; i < 99; i++)
        cbt_built(c, 1000 + i, true);
    ck_assert_uint_eq(n[CBT_COMPUTED], 0); /* too few times */
    cbt_built(c, 1000, true);
    ck_assert_uint_eq(n[CBT_COMPUTED], 1);
    cbt_network_live(c);
    ck_assert_uint_eq(n[CBT_NETWORK_UP], 1); /* the first time */
    test_env_advance_ms(env, 1);
    uint64_t began = env->mono_us;
    cbt_closed(c, began);
    cbt_closed(c, began);
    ck_assert_uint_eq(n[CBT_NETWORK_DOWN], 1);
    cbt_network_live(c);
    cbt_network_live(c);
    ck_assert_uint_eq(n[CBT_NETWORK_UP], 2);
    for (unsigned i = 0; i < 18; i++)
        cbt_timed_out(c, true);
    ck_assert_uint_eq(n[CBT_RESET], 1);
    cbt_set_watch(c, NULL, NULL);
    for (unsigned i = 0; i < 18; i++)
        cbt_timed_out(c, true);
    ck_assert_uint_eq(n[CBT_RESET], 1);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_successes_between_timeouts_keep_the_history)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    learn(c);
    for (unsigned i = 0; i < 300; i++) {
        if (i % 5 == 0) /* 16 of any 20 time out */
            cbt_built(c, 1000, true);
        else
            cbt_timed_out(c, true);
    }
    cbt_info(c, &info);
    ck_assert_uint_eq(info.resets, 0);
    cbt_free(&c);
    /* Eighteen in all, but seventeen of the last twenty. */
    c = cbt_new(env);
    for (unsigned i = 0; i < 21; i++) {
        if (i >= 17 && i < 20)
            cbt_built(c, 1000, true);
        else
            cbt_timed_out(c, true);
    }
    cbt_info(c, &info);
    ck_assert_uint_eq(info.resets, 0);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_times_without_a_network_do_not_count)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    cbt_network_live(c);
    test_env_advance_ms(env, 1000);
    uint64_t began = env->mono_us;
    test_env_advance_ms(env, 60000);
    cbt_closed(c, began);
    cbt_info(c, &info);
    ck_assert(!cbt_network_is_live(c) && !cbt_wants_circuits(c));
    ck_assert_uint_eq(info.n_times, 0);
    cbt_built(c, 1000, true);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 0);
    cbt_network_live(c);
    cbt_closed(c, began);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_abandoned, 1);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

/* What came before is known already; what comes says that the network is there again. */
START_TEST(test_cbt_hears_of_bytes_by_when_they_came)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    test_env_advance_ms(env, 1000);
    uint64_t heard = env->mono_us;
    cbt_network_heard(c, heard);
    test_env_advance_ms(env, 1000);
    uint64_t began = env->mono_us;
    cbt_network_heard(c, heard); /* a circuit is begun over a link that is silent */
    test_env_advance_ms(env, 60000);
    cbt_network_heard(c, heard);
    cbt_closed(c, began);
    ck_assert(!cbt_network_is_live(c));
    cbt_network_heard(c, heard);
    ck_assert(!cbt_network_is_live(c));
    cbt_network_heard(c, env->mono_us);
    ck_assert(cbt_network_is_live(c));
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

/* circuit_build_times_set_timeout_worker(): the close timeout's least is the consensus's. */
START_TEST(test_cbt_closes_no_sooner_for_an_option)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    cbt_configure(c, true, 10, NULL);
    for (unsigned i = 0; i < 100; i++)
        cbt_built(c, 500 + i % 7, true);
    ck_assert_uint_lt(cbt_timeout_ms(c, 3), 1000);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 60000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_without_learning_the_option_holds)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    cbt_configure(c, false, 15, NULL);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 15000);
    learn(c);
    for (unsigned i = 0; i < 100; i++)
        cbt_timed_out(c, true);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 15000);
    ck_assert(!cbt_wants_circuits(c));
    cbt_configure(c, false, 0, NULL);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
    cbt_configure(c, true, 20, NULL); /* to begin with */
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 20000);
    learn(c);
    ck_assert_uint_lt(cbt_timeout_ms(c, 3), 3000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_parameters_of_the_consensus)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct fake f;
    struct cbt_info info;
    cbt_configure(c, true, 0, fake(&f, "cbtinitialtimeout", 30000, "cbtmincircs", 5));
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 30000);
    for (unsigned i = 0; i < 5; i++)
        cbt_built(c, 1000, true);
    cbt_info(c, &info);
    ck_assert(info.computed);
    cbt_configure(c, true, 0, fake(&f, "cbtmintimeout", 2000, "cbtquantile", 60));
    cbt_info(c, &info);
    ck_assert_double_eq_tol(info.quantile, 0.6, 1e-9);
    cbt_configure(c, true, 0, fake(&f, "cbtdisabled", 1, NULL, 0));
    cbt_info(c, &info);
    ck_assert(!info.learning);
    ck_assert_uint_eq(info.n_times, 0);
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

/* path-spec 2.4.6: what each parameter is without a consensus, and the bounds that "clients MUST"
 * hold it to. */
START_TEST(test_cbt_parameters_have_defaults_and_bounds)
{
    static const struct {
        const char *name;
        int32_t value;
        uint32_t test_s, open, idle_s, timeout_ms, percent;
    } rows[] = {
        {"none", 0, 10, 10, 180, 60000, 80},
        {"cbttestfreq", 0, 1, 10, 180, 60000, 80},
        {"cbttestfreq", 1234567, 1234567, 10, 180, 60000, 80},
        {"cbtmaxopencircs", -1, 10, 0, 180, 60000, 80},
        {"cbtmaxopencircs", 15, 10, 14, 180, 60000, 80},
        {"cbtlearntimeout", 9, 10, 10, 10, 60000, 80},
        {"cbtlearntimeout", 60001, 10, 10, 60000, 60000, 80},
        {"cbtinitialtimeout", 9, 10, 10, 180, 10, 80},
        {"cbtmintimeout", 70000, 10, 10, 180, 70000, 80}, /* the first one is no shorter */
        {"cbtquantile", 9, 10, 10, 180, 60000, 10},
        {"cbtquantile", 100, 10, 10, 180, 60000, 99},
    };
    struct env *env = test_env(1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cbt *c = cbt_new(env);
        struct fake f;
        struct cbt_info info;
        cbt_configure(c, true, 0, fake(&f, rows[i].name, rows[i].value, NULL, 0));
        cbt_info(c, &info);
        ck_assert_uint_eq(cbt_test_interval_s(c), rows[i].test_s);
        ck_assert_uint_eq(cbt_max_open(c), rows[i].open);
        ck_assert_uint_eq(cbt_learn_idle_s(c), rows[i].idle_s);
        ck_assert_uint_eq(cbt_timeout_ms(c, 3), rows[i].timeout_ms);
        ck_assert_double_eq_tol(info.quantile, rows[i].percent / 100.0, 1e-9);
        cbt_free(&c);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_counts_that_make_it_compute_or_forget_have_bounds)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct fake f;
    struct cbt_info info;
    cbt_configure(c, true, 0, fake(&f, "cbtmincircs", 0, NULL, 0));
    ck_assert(cbt_wants_circuits(c));
    cbt_built(c, 1000, true);
    cbt_info(c, &info);
    ck_assert(info.computed);
    cbt_configure(c, true, 0, fake(&f, "cbtmaxtimeouts", 0, "cbtrecentcount", 0));
    for (unsigned i = 0; i < 3; i++) {
        cbt_info(c, &info);
        ck_assert_uint_eq(info.resets, 0);
        cbt_timed_out(c, true);
    }
    cbt_info(c, &info);
    ck_assert_uint_eq(info.resets, 1);
    cbt_free(&c);
    /* Three of the last three, not of more: a success among them says that the network works. */
    c = cbt_new(env);
    cbt_configure(c, true, 0, fake(&f, "cbtmaxtimeouts", 3, "cbtrecentcount", 0));
    for (unsigned i = 0; i < 12; i++)
        if (i % 3)
            cbt_timed_out(c, true);
        else
            cbt_built(c, 1000, true);
    cbt_info(c, &info);
    ck_assert_uint_eq(info.resets, 0);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

/* "the [...] 10 most frequently occurring [...] bins": one that is rarer has no say, and "Ties are
 * broken in favor of earlier bins". */
START_TEST(test_cbt_number_of_modes_is_ten_and_between_one_and_twenty)
{
    static const struct {
        int32_t value;
        unsigned modes;
    } rows[] = {{INT32_MIN, 10}, {0, 1}, {1, 1}, {20, 20}, {21, 20}};
    struct env *env = test_env(1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cbt *c = cbt_new(env);
        struct fake f;
        struct cbt_info info;
        const char *name = rows[i].value == INT32_MIN ? "none" : "cbtnummodes";
        unsigned sum = 0;
        cbt_configure(c, true, 0, fake(&f, name, rows[i].value, NULL, 0));
        for (unsigned k = 0; k < 25 * 5; k++) /* five of each bin, from 1005 to 25005 ms */
            cbt_built(c, 1000 * (1 + k % 25), true);
        for (unsigned k = 0; k < rows[i].modes; k++)
            sum += 1000 * (1 + k) + 5;
        cbt_info(c, &info);
        ck_assert_uint_eq(info.xm_ms, sum / rows[i].modes);
        cbt_free(&c);
    }
    test_env_free(env);
}
END_TEST

/* path-spec 2.4.3: the circuit is closed for good at "cbtclosequantile" (99), "cap [...] at twice
 * the max build time", and not before 'cbtinitialtimeout'. */
START_TEST(test_cbt_closes_by_its_own_quantile)
{
    static const struct {
        int32_t percent, initial_ms;
        unsigned left; /* per cent of circuits that are slower still; 0: initial_ms holds */
    } rows[] = {{-1, 10, 1}, {95, 10, 5}, {100, 10, 1}, {40, 10, 20}, {-1, 500000, 0}};
    struct env *env = test_env(11);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cbt *c = cbt_new(env);
        struct fake f;
        struct cbt_info info;
        cbt_configure(c, true, 0,
                      rows[i].percent < 0 ? fake(&f, "cbtinitialtimeout", 60000, NULL, 0)
                                          : fake(&f, "cbtclosequantile", rows[i].percent,
                                                 "cbtinitialtimeout", 60000));
        for (unsigned k = 1; k <= 999; k++)
            cbt_built(c, 500000 / k, true);
        cbt_built(c, 100000, true);
        cbt_configure(c, true, 0,
                      rows[i].percent < 0
                          ? fake(&f, "cbtinitialtimeout", rows[i].initial_ms, NULL, 0)
                          : fake(&f, "cbtclosequantile", rows[i].percent, "cbtinitialtimeout", 10));
        cbt_info(c, &info);
        double want = rows[i].left ? info.xm_ms / pow(rows[i].left / 100.0, 1 / info.alpha)
                                   : rows[i].initial_ms;
        ck_assert_double_eq_tol(cbt_close_ms(c, 3), want, 1);
        ck_assert_uint_eq(info.close_ms, cbt_close_ms(c, 3));
        cbt_free(&c);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_closes_no_later_than_after_twice_the_longest_time)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct fake f;
    cbt_configure(c, true, 0, fake(&f, "cbtnummodes", 1, NULL, 0));
    for (unsigned i = 0; i < 100; i++)
        cbt_built(c, i % 2 ? 1000 : 10000, true);
    cbt_configure(c, true, 0, fake(&f, "cbtinitialtimeout", 10, "cbtnummodes", 1));
    ck_assert_uint_eq(cbt_timeout_ms(c, 3), 6385);
    ck_assert_uint_eq(cbt_close_ms(c, 3), 20000);
    cbt_free(&c);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_state_round_trip_keeps_the_estimate)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env), *back = cbt_new(env);
    struct state *s = state_new();
    struct cbt_info before, after;
    learn(c);
    for (unsigned i = 0; i < 7; i++)
        cbt_closed(c, env->mono_us);
    ck_assert(cbt_dirty(c));
    ck_ok(cbt_save(c, s));
    ck_assert(!cbt_dirty(c));
    ck_assert_str_eq(state_get(s, "TotalBuildTimes", 0), "157");
    ck_assert_str_eq(state_get(s, "CircuitBuildAbandonedCount", 0), "7");
    ck_assert_str_eq(state_get(s, "CircuitBuildTimeBin", 0), "1005 2");
    ck_ok(cbt_load(back, s));
    cbt_info(c, &before);
    cbt_info(back, &after);
    ck_assert_uint_eq(after.n_times, 157);
    ck_assert_uint_eq(after.n_abandoned, 7);
    ck_assert_uint_eq(after.xm_ms, before.xm_ms);
    /* "some build time resolution is lost during restart" */
    ck_assert_double_eq_tol(after.timeout_ms, before.timeout_ms, before.timeout_ms * 0.02);
    cbt_free(&c);
    cbt_free(&back);
    state_free(&s);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_more_times_than_fit_are_cut_at_random)
{
    struct env *env = test_env(1);
    struct cbt *c = cbt_new(env);
    struct state *s;
    size_t damaged;
    struct cbt_info info;
    ck_ok(state_parse(text_of("TotalBuildTimes 3000\nCircuitBuildTimeBin 105 1500\n"
                              "CircuitBuildTimeBin 905 1500\n"),
                      &s, &damaged));
    ck_ok(cbt_load(c, s));
    cbt_info(c, &info);
    ck_assert_uint_eq(info.n_times, 1000);
    ck_assert_uint_gt(info.xm_ms, 450);
    ck_assert_uint_lt(info.xm_ms, 560);
    cbt_free(&c);
    state_free(&s);
    test_env_free(env);
}
END_TEST

START_TEST(test_cbt_damaged_state_is_refused_and_learning_starts_afresh)
{
    static const char *const bad[] = {
        "TotalBuildTimes 3\nCircuitBuildTimeBin 105 2\n",
        "TotalBuildTimes 1\nCircuitBuildTimeBin 105 2\n",
        "TotalBuildTimes 2\nCircuitBuildTimeBin 105\n",
        "TotalBuildTimes 2\nCircuitBuildTimeBin 0 2\n",
        "TotalBuildTimes 2\nCircuitBuildTimeBin x 2\n",
        "TotalBuildTimes 2\nCircuitBuildTimeBin 105 -2\n",
        "TotalBuildTimes 2\nCircuitBuildTimeBin 2147483646 2\n",
        "TotalBuildTimes 99999999999\n",
        "TotalBuildTimes many\n",
        "CircuitBuildAbandonedCount 5\n",
        "TotalBuildTimes 4\nCircuitBuildAbandonedCount 5\n",
        "CircuitBuildTimeBin 105 2\n",
    };
    struct env *env = test_env(1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cbt *c = cbt_new(env);
        struct state *s;
        size_t damaged;
        struct cbt_info info;
        learn(c);
        ck_ok(state_parse(text_of(bad[i]), &s, &damaged));
        ck_assert_msg(cbt_load(c, s) == ERR_MALFORMED, "%s", bad[i]);
        cbt_info(c, &info);
        ck_assert_uint_eq(info.n_times, 0);
        ck_assert_uint_eq(cbt_timeout_ms(c, 3), 60000);
        cbt_free(&c);
        state_free(&s);
    }
    test_env_free(env);
}
END_TEST

TESTS("path/cbt", test_cbt_xm_and_alpha_are_those_of_tor, test_cbt_begins_with_a_minute,
      test_cbt_tells_its_watch, test_cbt_longer_circuits_get_more_and_shorter_ones_no_less,
      test_cbt_computes_from_the_hundredth_time_on, test_cbt_finds_the_quantile_of_a_pareto_curve,
      test_cbt_all_times_equal_is_no_division_by_zero, test_cbt_history_keeps_the_last_thousand,
      test_cbt_strange_times_are_left_out, test_cbt_eighteen_timeouts_of_twenty_start_afresh,
      test_cbt_successes_between_timeouts_keep_the_history,
      test_cbt_times_without_a_network_do_not_count, test_cbt_hears_of_bytes_by_when_they_came,
      test_cbt_closes_no_sooner_for_an_option, test_cbt_without_learning_the_option_holds,
      test_cbt_parameters_of_the_consensus, test_cbt_parameters_have_defaults_and_bounds,
      test_cbt_counts_that_make_it_compute_or_forget_have_bounds,
      test_cbt_number_of_modes_is_ten_and_between_one_and_twenty,
      test_cbt_closes_by_its_own_quantile,
      test_cbt_closes_no_later_than_after_twice_the_longest_time,
      test_cbt_state_round_trip_keeps_the_estimate, test_cbt_more_times_than_fit_are_cut_at_random,
      test_cbt_damaged_state_is_refused_and_learning_starts_afresh)
