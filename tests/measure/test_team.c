/* Teams of measurers and one relay, in memory under virtual time: what comes out, for what the
 * relay carries. With GRID in the environment so many runs of a grid, a line each:
 * bench/measure.py. */
#include <stdio.h>
#include <stdlib.h>

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

/* One run of the grid. */
struct setting {
    uint64_t seed, rate; /* bytes a second */
    unsigned sockets, measurers, delay_ms, jitter_ms, dur;
    uint64_t prior, team_bw;
    uint64_t burst; /* of the relay; 0: as usual */
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

/* ---- the grid ---- */

static struct setting setting_of(unsigned i)
{
    static const unsigned mbits[] = {1, 5, 10, 25, 50, 100}, sockets[] = {10, 40, 160};
    static const unsigned delays[] = {0, 50, 200};
    struct setting s = {.seed = i + 1, .dur = 30, .team_bw = 1000000000};
    s.rate = mbits[i % 6] * 125000u;
    s.sockets = sockets[i / 6 % 3];
    s.measurers = 1 + i / 18 % 4;
    s.delay_ms = delays[i / 72 % 3];
    s.jitter_ms = s.delay_ms == 50 ? 20 : 0;
    s.prior = s.rate;
    return s;
}

static void grid(unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        struct setting s = setting_of(i);
        struct run_result r = measure(&s);
        printf("%u rate %llu sockets %u measurers %u rtt %u bw %llu off %ld blocked %u %s\n", i,
               (unsigned long long)s.rate, s.sockets, s.measurers, s.delay_ms,
               (unsigned long long)r.estimate.bw, off_by(&s, &r), r.estimate.blocked,
               r.state == RUN_FAILED ? r.failure.info
               : r.conclusive        ? "good"
                                     : "inconclusive");
        fflush(stdout);
    }
}

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

/* GRID=FROM,COUNT, and CK_FORK=no: with a fork Check would end it after a minute. */
START_TEST(test_team_grid)
{
    char *end = getenv("GRID");
    unsigned from = end ? (unsigned)strtoul(end, &end, 10) : 0;
    if (end)
        grid(from, (unsigned)strtoul(end + 1, NULL, 10));
}
END_TEST

TESTS("measure/team", test_team_grid, test_team_sizes_find_the_same,
      test_team_too_small_is_inconclusive)
