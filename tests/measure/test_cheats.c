/* How many cheats are found: each way to cheat, at full check, and at p the share that (1 - p)^n
 * leaves; honest relays never; and what claims of clients come to. A few of each here;
 * bench/cheats has RUNS=100, SAMPLES=300 and CELLS=100000000, and prints what it finds. */
#include "measure/local.h"

#include <math.h>

#include "measworld.h"
#include "wholeteam.h"

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- each way, by relays of the test network ---- */

enum { BW = 200 * 1000, SECONDS = 8, SOCKETS = 4 };

/* Which cell is the first that is wrong; 0: the first of all, as for what is wrong by shares. */
static uint64_t first_wrong(enum fault fault, uint64_t run)
{
    return fault == FAULT_ECHO_SEALED ? 1 : 20 + (run * 37) % 400;
}

/* Milliseconds from the first wrong cell to the end; -1: it was not found. */
static int cheats(enum fault fault, uint64_t run)
{
    uint64_t first = first_wrong(fault, run), began_us = 0;
    whole_new(1, BW, SECONDS, SOCKETS);
    for (uint64_t i = 0; i <= run; i++) /* else all runs were the same */
        (void)env_random_below(whole.w.env, 2);
    faults_of(whole_relay(0))->n[fault] =
        fault == FAULT_ECHO_SEALED ? 1 + (uint32_t)(run % 8) : (uint32_t)first;
    uint32_t id = whole_measure(0);
    for (int i = 0; i < 6000 && coordinator_jobs(team.c); i++) {
        whole_step();
        if (!began_us && whole_echoes() + 1 >= first)
            began_us = team.env->mono_us;
    }
    struct result r = team_result(id);
    uint64_t took_us = team.env->mono_us - began_us;
    bool found = !strcmp(r.why, "cheat") && began_us;
    whole_free();
    return found ? (int)(took_us / US_PER_MS) : -1;
}

START_TEST(test_cheats_each_is_found_within_a_second)
{
    static const enum fault faults[] = {FAULT_ECHO_SEALED, FAULT_ECHO_RANDOM,   FAULT_ECHO_REPLAY,
                                        FAULT_ECHO_EARLY,  FAULT_ECHO_SWAP,     FAULT_ECHO_FLOOD,
                                        FAULT_ECHO_LOST,   FAULT_ECHO_ELSEWHERE};
    uint64_t runs = number("RUNS", test_share() > 1 ? 1 : 2);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsigned found = 0;
        int latest = 0;
        for (uint64_t run = 0; run < runs; run++) {
            int ms = cheats(faults[i], run);
            found += ms >= 0;
            latest = ms > latest ? ms : latest;
        }
        fprintf(stderr, "%s: %u of %llu found, the latest %d ms after its first wrong cell\n",
                fault_name(faults[i]), found, (unsigned long long)runs, latest);
        ck_assert_uint_eq(found, runs);
        ck_assert_int_le(latest, 1000);
    }
}
END_TEST

/* ---- a share of the cells ---- */

struct cast {
    struct mw_world w;
    struct measurement *m;
    bool over, cheat;
};

static void on_connected(void *arg, const struct connected_to_relay *m)
{
    struct cast *c = arg;
    (void)m;
    ck_ok(measurement_go(c->m));
}

static void on_report(void *arg, const struct bw_report *m)
{
    (void)arg, (void)m;
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    struct cast *c = arg;
    c->over = true;
    c->cheat = failure && failure->code == MEAS_CHEAT;
}

static const struct measurement_ops ops = {on_connected, on_report, on_end};

/* Whether a relay that forges N cells is found. */
static bool forges(uint64_t n, double p, uint64_t seed)
{
    struct cast c = {.over = false};
    mw_new(&c.w, seed + 1000, 1000000);
    c.w.cheat = MW_RANDOM;
    c.w.share = 1;
    c.w.cheats_most = n;
    const struct connect_to_relay told = {.meas_id = 5,
                                          .relay = mw_relay(&c.w),
                                          .n_circs = 2,
                                          .alloc_bw = 3000000,
                                          .dur = 3,
                                          .check = p,
                                          .echo = MEAS_ECHO_RAW};
    const struct measurement_config config = {
        .name = "m1", .link = {.tls = c.w.client_tls}, .ops_world = &mw_ops, .world = &c.w};
    ck_ok(measurement_new(c.w.env, &config, &told, &ops, &c, &c.m));
    for (int i = 0; i < 600 && !c.over; i++)
        test_env_advance_ms(c.w.env, 10);
    ck_assert(c.over && (c.cheat || c.w.cheats == n));
    measurement_free(c.m);
    mw_free(&c.w);
    return c.cheat;
}

START_TEST(test_cheats_a_share_finds_its_share)
{
    static const struct {
        double p;
        uint64_t n;
    } cases[] = {{.01, 100}, {.001, 700}};
    uint64_t runs = number("SAMPLES", 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double want = 1 - pow(1 - cases[i].p, (double)cases[i].n), found = 0;
        for (uint64_t run = 0; run < runs; run++)
            found += forges(cases[i].n, cases[i].p, run + 1);
        double share = found / (double)runs;
        double off = 2.576 * sqrt(want * (1 - want) / (double)runs);
        fprintf(stderr, "p = %g, %llu forged: %.3f of %llu found, %.3f +- %.3f expected\n",
                cases[i].p, (unsigned long long)cases[i].n, share, (unsigned long long)runs, want,
                off);
        ck_assert_msg(fabs(share - want) <= off, "%g: %.3f, not %.3f", cases[i].p, share, want);
    }
}
END_TEST

/* ---- honest relays, and what they say of clients ---- */

struct honest {
    struct mw_world w;
    struct local *l;
    bool over;
    struct run_result result;
    uint64_t claim; /* bytes a second */
    unsigned said;  /* seconds */
};

/* The relay's word on each second, once it is over. */
static void say_claims(struct honest *h)
{
    uint32_t bytes = h->claim < UINT32_MAX ? (uint32_t)h->claim : UINT32_MAX;
    while (run_summed(local_run(h->l), h->said + 1)) {
        const struct meas_cell bg = {.cmd = MEAS_BG, .bg = {(uint16_t)++h->said, bytes, bytes}};
        if (h->w.wire[0].circ.link)
            mw_say(&h->w.wire[0], &bg);
    }
}

static void local_on_end(void *arg, const struct run_result *result)
{
    struct honest *h = arg;
    h->over = true;
    h->result = *result;
}

static void measure(struct honest *h, uint64_t seed, uint64_t rate, unsigned dur, uint64_t claim)
{
    static const struct local_ops local_ops = {NULL, NULL, local_on_end};
    *h = (struct honest){.claim = claim};
    mw_new(&h->w, seed, rate);
    struct local_config config = {.run = {.meas_id = 9,
                                          .relay = mw_relay(&h->w),
                                          .echo = MEAS_ECHO_RAW,
                                          .dur = dur,
                                          .percent = 25,
                                          .prior = rate,
                                          .sockets = 10,
                                          .check = 1,
                                          .n_members = 1},
                                  .link = {.tls = h->w.client_tls},
                                  .ops_world = &mw_ops,
                                  .world = &h->w};
    snprintf(config.run.members[0].name, sizeof config.run.members[0].name, "local");
    config.run.members[0].free_bw = 4 * rate;
    config.run.members[0].sockets_free = 10;
    ck_ok(local_new(h->w.env, &config, &local_ops, h, &h->l));
    for (int i = 0; i < 1000 && !h->over; i++) {
        test_env_advance_ms(h->w.env, 100);
        say_claims(h);
    }
    ck_assert(h->over);
    local_free(h->l);
    mw_free(&h->w);
}

START_TEST(test_cheats_no_honest_cell_is_one)
{
    uint64_t cells = 0, most = number("CELLS", 20000);
    for (uint64_t seed = 1; cells < most; seed++) {
        struct honest h;
        measure(&h, seed, most > 1000000 ? 40000000 : 1000000, most > 1000000 ? 30 : 6, 0);
        ck_assert_msg(h.result.state == RUN_DONE, "%s", h.result.failure.info);
        ck_assert_uint_eq(h.result.bad, 0);
        cells += h.result.checked;
    }
    fprintf(stderr, "%llu honest cells checked, 0 taken for others\n", (unsigned long long)cells);
}
END_TEST

START_TEST(test_cheats_claims_of_clients_are_bounded)
{
    static const unsigned times[] = {0, 1, 2, 10, 100, 1000};
    const uint64_t rate = 500000, clients = 50000;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct honest h;
        measure(&h, 4, rate, 12, times[i] * clients);
        const struct estimate *e = &h.result.estimate;
        ck_assert_msg(h.result.state == RUN_DONE, "%s", h.result.failure.info);
        fprintf(stderr, "clients' bytes times %u: %.3f of what it carries\n", times[i],
                (double)e->bw / (double)rate);
        ck_assert_uint_le(e->bw, rate * 134 / 100);
        ck_assert_uint_eq(e->bw - e->x, times[i] ? e->bg : 0);
    }
}
END_TEST

TESTS("measure/cheats", test_cheats_each_is_found_within_a_second,
      test_cheats_a_share_finds_its_share, test_cheats_no_honest_cell_is_one,
      test_cheats_claims_of_clients_are_bounded)
