/* Teams of measurers and one relay, in memory under virtual time: what comes out, for what the
 * relay carries. With SERIES in the environment long ones, a line a run: bench/measure.py. */
#include <stdio.h>
#include <stdlib.h>

#include "measure/alloc.h"
#include "measure/run.h"
#include "measworld.h"

enum { TEAM_MOST = 4 };

struct team {
    struct mw_world w;
    struct run *run;
    struct measurement *meas[TEAM_MOST];
    struct member {
        struct team *t;
        size_t k;
    } member[TEAM_MOST];
    unsigned ends;
    struct run_result result;
};

struct setting {
    uint64_t seed, rate; /* bytes a second */
    unsigned sockets, measurers, delay_ms, jitter_ms, dur;
    uint64_t prior, team_bw;
    uint64_t burst; /* of the relay; 0: as usual */
    bool adaptive;  /* as relays that are known are by a schedule */
};

/* ---- the measurers ---- */

static void on_connected(void *arg, const struct connected_to_relay *m)
{
    struct member *of = arg;
    run_connected(of->t->run, of->k, m);
}

static void on_report(void *arg, const struct bw_report *m)
{
    struct member *of = arg;
    const struct meas_bg bg = {(uint16_t)m->sec, 0, 0};
    if (of->k == 0)
        run_bg(of->t->run, &bg);
    run_report(of->t->run, of->k, m);
}

static void on_meas_end(void *arg, const struct meas_failure *failure)
{
    struct member *of = arg;
    if (failure)
        run_failed(of->t->run, of->k, failure);
}

static const struct measurement_ops meas_ops = {on_connected, on_report, on_meas_end};

/* ---- what the run asks ---- */

static void ask(void *arg, const struct meas_params *params)
{
    struct team *t = arg;
    const struct meas_ext limits = {
        .has_limits = true, .background_percent = 25, .seconds_most = 600};
    (void)params;
    run_granted(t->run, &limits);
}

static void leave(void *arg, bool aborted)
{
    (void)arg, (void)aborted;
}

static void connect_(void *arg, size_t k, const struct connect_to_relay *told)
{
    struct team *t = arg;
    const struct measurement_config config = {.name = "m",
                                              .link = {.tls = t->w.client_tls},
                                              .ops_world = &mw_ops,
                                              .world = &t->w,
                                              .open_over_ms = 400};
    t->member[k] = (struct member){t, k};
    ck_ok(measurement_new(t->w.env, &config, told, &meas_ops, &t->member[k], &t->meas[k]));
}

static void go(void *arg, size_t k, uint32_t meas_id)
{
    struct team *t = arg;
    (void)meas_id;
    ck_ok(measurement_go(t->meas[k]));
}

static void alloc(void *arg, size_t k, uint32_t meas_id, uint64_t alloc_bw)
{
    struct team *t = arg;
    (void)meas_id;
    measurement_set_alloc(t->meas[k], alloc_bw);
}

static void cancel(void *arg, size_t k, uint32_t meas_id)
{
    struct team *t = arg;
    (void)meas_id;
    measurement_stop(t->meas[k], MEAS_CANCELLED, "");
}

static void on_end(void *arg, const struct run_result *result)
{
    struct team *t = arg;
    t->ends++;
    t->result = *result;
}

static const struct run_ops run_ops = {ask, leave, connect_, go, alloc, cancel, NULL, NULL, on_end};

/* ---- a run ---- */

static struct run_config config_of(const struct team *t, const struct setting *s)
{
    struct run_config config = {.meas_id = 1,
                                .relay = mw_relay(&t->w),
                                .echo = MEAS_ECHO_RAW,
                                .dur = s->dur,
                                .percent = 25,
                                .prior = s->prior,
                                .sockets = s->sockets,
                                .check = 1,
                                .adaptive = s->adaptive,
                                .wanted = s->adaptive ? alloc_wanted_known(s->prior) : 0,
                                .n_members = s->measurers};
    for (size_t k = 0; k < s->measurers; k++) {
        snprintf(config.members[k].name, sizeof config.members[k].name, "m%zu", k);
        config.members[k].free_bw = s->team_bw / s->measurers;
        config.members[k].sockets_free = 160;
    }
    return config;
}

static struct run_result measure(const struct setting *s)
{
    static struct team t;
    memset(&t, 0, sizeof t);
    mw_new(&t.w, s->seed, s->rate);
    t.w.delay_ms = s->delay_ms;
    t.w.jitter_ms = s->jitter_ms;
    if (s->burst) {
        t.w.reads.burst = t.w.reads.left = s->burst;
        t.w.writes.burst = t.w.writes.left = s->burst;
    }
    const struct run_config config = config_of(&t, s);
    ck_ok(run_new(t.w.env, &config, &run_ops, &t, &t.run));
    run_start(t.run);
    while (!t.ends)
        test_env_advance_ms(t.w.env, 1000);
    for (size_t k = 0; k < s->measurers; k++)
        measurement_free(t.meas[k]);
    run_free(t.run);
    mw_free(&t.w);
    return t.result;
}

/* How far it is from the truth, in thousandths. */
static long off_by(const struct setting *s, const struct run_result *r)
{
    return ((long)r->estimate.bw - (long)s->rate) * 1000 / (long)s->rate;
}

/* ---- series ---- */

static const unsigned mbits[] = {1, 5, 10, 25, 50, 100};

static struct setting setting(unsigned seed, unsigned rate, unsigned delay, unsigned measurers)
{
    static const unsigned delays[] = {0, 50, 200};
    struct setting s = {.seed = seed + 1, .dur = 30, .team_bw = 1000000000, .sockets = 40};
    s.prior = s.rate = mbits[rate % 6] * 125000u;
    s.delay_ms = delays[delay % 3];
    s.jitter_ms = s.delay_ms == 50 ? 20 : 0;
    s.measurers = 1 + measurers % 4;
    return s;
}

/* As many as the coordinator would have. */
static unsigned sockets_for(const struct setting *s)
{
    uint64_t wanted =
        s->adaptive ? alloc_wanted_known(s->prior) : alloc_wanted(s->prior, ALLOC_MULTIPLIER);
    return alloc_sockets(wanted, ALLOC_SOCKETS);
}

static struct setting of_grid(unsigned i)
{
    static const unsigned sockets[] = {10, 40, 160};
    struct setting s = setting(i, i, i / 72, i / 18);
    s.sockets = sockets[i / 6 % 3];
    return s;
}

/* Five in a row differ by what is thought of the relay only. */
static struct setting of_priors(unsigned i)
{
    static const unsigned eighths[] = {1, 4, 8, 32, 64};
    struct setting s = setting(i, i / 5, i / 30, i / 90);
    s.prior = s.rate * eighths[i % 5] / 8;
    s.sockets = sockets_for(&s);
    return s;
}

/* Ten seconds' worth, which the relay saved up. */
static struct setting of_bursts(unsigned i)
{
    static const unsigned halves[] = {1, 2, 8, 2};
    struct setting s = setting(i, i / 4, i / 24, i / 72);
    s.burst = 10 * s.rate;
    s.prior = s.rate * halves[i % 4] / 2;
    s.adaptive = i % 4 == 3;
    s.sockets = sockets_for(&s);
    return s;
}

/* Teams that have less than the relay carries. */
static struct setting of_small(unsigned i)
{
    static const unsigned percent[] = {10, 25, 50, 75, 90, 95};
    struct setting s = setting(i, i / 6, i / 36, i / 6);
    s.team_bw = s.rate * percent[i % 6] / 100;
    s.sockets = sockets_for(&s);
    return s;
}

static const char *outcome(const struct run_result *r)
{
    return r->state == RUN_FAILED ? r->failure.info : r->conclusive ? "good" : "inconclusive";
}

static void print(unsigned i, const struct setting *s, unsigned runs, const struct run_result *r)
{
    printf("{\"number\": %u, \"rate\": %llu, \"sockets\": %u, \"measurers\": %u, \"rtt\": %u, "
           "\"prior\": %llu, \"team\": %llu, \"runs\": %u, \"seconds\": %u, \"skipped\": %u, "
           "\"bw\": %llu, \"off\": %ld, \"blocked\": %u, \"outcome\": \"%s\"}\n",
           i, (unsigned long long)s->rate, s->sockets, s->measurers, s->delay_ms,
           (unsigned long long)s->prior, (unsigned long long)s->team_bw, runs, r->seconds,
           r->skipped, (unsigned long long)r->estimate.bw, off_by(s, r), r->estimate.blocked,
           outcome(r));
    fflush(stdout);
}

/* Once more if another prior would do: a relay lets itself be measured twice. How many runs. */
static unsigned until_conclusive(const struct setting *s, struct run_result *r)
{
    *r = measure(s);
    if (!r->next_prior)
        return 1;
    struct setting again = *s;
    again.prior = r->next_prior;
    again.sockets = sockets_for(&again);
    again.seed += 1000000;
    *r = measure(&again);
    return 2;
}

static const struct series {
    const char *name;
    struct setting (*of)(unsigned i);
} series[] = {{"grid", of_grid}, {"priors", of_priors}, {"bursts", of_bursts}, {"small", of_small}};

/* ---- tests ---- */

START_TEST(test_team_sizes_find_the_same)
{
    for (unsigned n = 1; n <= TEAM_MOST; n++) {
        const struct setting s = {.seed = n,
                                  .rate = 625000,
                                  .sockets = 40,
                                  .measurers = n,
                                  .delay_ms = 30,
                                  .jitter_ms = 20,
                                  .dur = 12,
                                  .prior = 625000,
                                  .team_bw = 100000000};
        struct run_result r = measure(&s);
        ck_assert_msg(r.conclusive, "%u: %s, blocked %u", n, r.failure.info, r.estimate.blocked);
        ck_assert_msg(labs(off_by(&s, &r)) <= 30, "%u: %ld", n, off_by(&s, &r));
        ck_assert_uint_eq(r.ready_circs, 40);
    }
}
END_TEST

START_TEST(test_team_too_small_is_inconclusive)
{
    const struct setting s = {.seed = 2,
                              .rate = 1250000,
                              .sockets = 40,
                              .measurers = 3,
                              .dur = 12,
                              .prior = 1250000,
                              .team_bw = 900000};
    struct run_result r = measure(&s);
    ck_assert_int_eq(r.state, RUN_DONE);
    ck_assert(!r.conclusive);
    ck_assert_uint_le(r.estimate.bw, 950000);
}
END_TEST

START_TEST(test_team_wrong_priors_end_at_the_same)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (unsigned i = 5; i < 10; i++) { /* of 5 Mbit/s */
        struct setting s = of_priors(i);
        struct run_result r;
        s.dur = 15;
        /* Two would do; what is given is raised while it goes on. */
        ck_assert_uint_eq(until_conclusive(&s, &r), 1);
        ck_assert_msg(r.conclusive, "%u: blocked %u", i, r.estimate.blocked);
        least = r.estimate.bw < least ? r.estimate.bw : least;
        most = r.estimate.bw > most ? r.estimate.bw : most;
    }
    ck_assert_uint_le(most - least, least / 20);
}
END_TEST

/* Nor does it go around as one piece until the end, so that seconds are far from each other. */
START_TEST(test_team_what_was_saved_up_moves_nothing)
{
    for (unsigned i = 0; i < 4; i++) { /* of 1 Mbit/s */
        const struct setting s = of_bursts(i);
        struct run_result r = measure(&s);
        ck_assert_msg(r.conclusive, "%u: blocked %u", i, r.estimate.blocked);
        ck_assert_msg(labs(off_by(&s, &r)) <= 30, "%u: %ld", i, off_by(&s, &r));
        uint64_t apart = r.estimate.p75 - r.estimate.p25;
        ck_assert_msg(apart * 100 <= r.estimate.bw * RUN_EARLY_PERCENT, "%u: %llu of %llu", i,
                      (unsigned long long)apart, (unsigned long long)r.estimate.bw);
    }
}
END_TEST

START_TEST(test_team_nearly_as_large_is_too_small)
{
    for (unsigned i = 6; i < 12; i++) { /* 10 to 95% of 5 Mbit/s */
        struct setting s = of_small(i);
        s.dur = 12;
        struct run_result r = measure(&s);
        ck_assert_int_eq(r.state, RUN_DONE);
        ck_assert_msg(!r.conclusive, "%u: blocked %u", i, r.estimate.blocked);
        ck_assert_uint_eq(r.next_prior, 0);
    }
}
END_TEST

/* SERIES=NAME:I,I,..., and CK_FORK=no: with a fork Check would end it after a minute. */
START_TEST(test_team_series)
{
    const char *said = getenv("SERIES");
    for (size_t k = 0; said && k < sizeof series / sizeof *series; k++) {
        size_t len = strlen(series[k].name);
        if (strncmp(said, series[k].name, len) != 0 || said[len] != ':')
            continue;
        for (char *at = (char *)said + len; *at; at += strcspn(at, ",")) {
            unsigned i = (unsigned)strtoul(at + 1, &at, 10);
            const struct setting s = series[k].of(i);
            struct run_result r;
            unsigned runs = until_conclusive(&s, &r);
            print(i, &s, runs, &r);
        }
    }
}
END_TEST

TESTS("measure/team", test_team_series, test_team_sizes_find_the_same,
      test_team_too_small_is_inconclusive, test_team_nearly_as_large_is_too_small,
      test_team_wrong_priors_end_at_the_same, test_team_what_was_saved_up_moves_nothing)
