/* Whole runs in memory: coordinator, measurer and relay, under virtual time. */
#include "measure/local.h"

#include "measworld.h"

struct cast {
    struct mw_world w;
    struct local *l;
    unsigned seconds, ends;
    struct run_result result;
};

static void on_second(void *arg, const struct run_second *s)
{
    struct cast *c = arg;
    ck_assert_uint_eq(s->sec, ++c->seconds);
    /* The relay's word about its clients, on the circuit of the coordinator: the first one. */
    const struct meas_cell bg = {.cmd = MEAS_BG, .bg = {(uint16_t)s->sec, 0, 0}};
    if (c->w.wire[0].circ.link)
        mw_say(&c->w.wire[0], &bg);
}

static void on_end(void *arg, const struct run_result *result)
{
    struct cast *c = arg;
    c->ends++;
    c->result = *result;
}

static const struct local_ops ops = {NULL, on_second, on_end};

static struct local_config config_of(const struct cast *c)
{
    struct local_config config = {
        .run = {.meas_id = 9,
                .relay = mw_relay(&c->w),
                .echo = MEAS_ECHO_RAW,
                .dur = 30,
                .percent = 25,
                .sockets = 40,
                .check = 1,
                .n_members = 1},
        .link = {.tls = c->w.client_tls},
        .ops_world = &mw_ops,
    };
    struct run_member *m = &config.run.members[0];
    snprintf(m->name, sizeof m->name, "local");
    m->free_bw = 125000000;
    m->sockets_free = 160;
    return config;
}

static void run(struct cast *c, const struct local_config *made)
{
    struct local_config config = *made;
    config.world = &c->w;
    ck_ok(local_new(c->w.env, &config, &ops, c, &c->l));
    for (unsigned i = 0; !c->ends && i < 100; i++)
        test_env_advance_ms(c->w.env, 1000);
    ck_assert_uint_eq(c->ends, 1);
}

static void finish(struct cast *c)
{
    local_free(c->l);
    mw_free(&c->w);
}

/* How far the estimate is from the relay's rate, in thousandths. */
static int off_by(const struct cast *c)
{
    int64_t L = (int64_t)c->w.rate, z = (int64_t)c->result.estimate.bw;
    return (int)((z - L) * 1000 / L);
}

START_TEST(test_local_measures_what_the_relay_carries)
{
    static const struct {
        uint64_t rate;
        unsigned sockets, delay, jitter;
    } grid[] = {
        {125000, 10, 0, 0},    {125000, 160, 0, 0},   {125000, 40, 50, 20},
        {625000, 160, 50, 20}, {1250000, 10, 200, 0}, {1250000, 40, 0, 0},
    };
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) {
        struct cast c = {.seconds = 0};
        mw_new(&c.w, i + 1, grid[i].rate);
        c.w.delay_ms = grid[i].delay;
        c.w.jitter_ms = grid[i].jitter;
        struct local_config config = config_of(&c);
        config.run.prior = grid[i].rate;
        config.run.sockets = grid[i].sockets;
        config.run.dur = 12;
        run(&c, &config);
        ck_assert_msg(c.result.state == RUN_DONE, "%s", c.result.failure.info);
        ck_assert_msg(abs(off_by(&c)) <= 30, "%zu: %d thousandths", i, off_by(&c));
        ck_assert_msg(c.result.conclusive, "%zu: blocked %u", i, c.result.estimate.blocked);
        ck_assert_uint_eq(c.result.bad, 0);
        finish(&c);
    }
}
END_TEST

START_TEST(test_local_any_prior_ends_at_the_same)
{
    static const unsigned eighths[] = {1, 4, 8, 32, 64};
    for (size_t i = 0; i < 5; i++) {
        struct cast c = {.seconds = 0};
        mw_new(&c.w, 4, 500000);
        struct local_config config = config_of(&c);
        config.run.prior = c.w.rate * eighths[i] / 8;
        run(&c, &config);
        ck_assert_msg(c.result.conclusive, "%u/8: blocked %u", eighths[i],
                      c.result.estimate.blocked);
        ck_assert_msg(abs(off_by(&c)) <= 25, "%u/8: %d thousandths", eighths[i], off_by(&c));
        finish(&c);
    }
}
END_TEST

START_TEST(test_local_small_team_is_inconclusive)
{
    struct cast c = {.seconds = 0};
    mw_new(&c.w, 4, 2000000);
    struct local_config config = config_of(&c);
    config.run.prior = 2000000;
    config.run.members[0].free_bw = 1000000;
    run(&c, &config);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert(!c.result.conclusive);
    ck_assert_str_eq(run_why(&c.result), "inconclusive");
    finish(&c);
}
END_TEST

START_TEST(test_local_burst_moves_little)
{
    struct cast c = {.seconds = 0};
    mw_new(&c.w, 4, 500000);
    c.w.reads.burst = c.w.reads.left = c.w.writes.burst = c.w.writes.left = 5000000;
    struct local_config config = config_of(&c);
    config.run.prior = 500000;
    run(&c, &config);
    ck_assert_msg(abs(off_by(&c)) <= 30, "%d thousandths", off_by(&c));
    finish(&c);
}
END_TEST

START_TEST(test_local_cheat_ends_with_evidence)
{
    struct cast c = {.seconds = 0};
    mw_new(&c.w, 4, 500000);
    c.w.cheat = MW_FLIP;
    c.w.share = 50;
    struct local_config config = config_of(&c);
    config.run.prior = 500000;
    run(&c, &config);
    ck_assert_str_eq(run_why(&c.result), "cheat");
    ck_assert_mem_ne(c.result.failure.cheat.expected, c.result.failure.cheat.got,
                     MEAS_EVIDENCE_LEN);
    finish(&c);
}
END_TEST

START_TEST(test_local_relays_that_say_no_or_nothing)
{
    static const struct {
        enum mw_answer answer;
        const char *why;
    } rows[] = {{MW_REFUSES, "refused"},
                {MW_SILENT, "unsupported"},
                {MW_DESTROYS, "relay_lost"},
                {MW_GARBLES, "protocol_error"}};
    for (size_t i = 0; i < 4; i++) {
        struct cast c = {.seconds = 0};
        mw_new(&c.w, 4, 0);
        c.w.answer = rows[i].answer;
        c.w.refusal = MEAS_ERR_BUSY;
        struct local_config config = config_of(&c);
        config.run.prior = 500000;
        run(&c, &config);
        ck_assert_str_eq(run_why(&c.result), rows[i].why);
        ck_assert_uint_eq(c.w.n_wires, 1); /* nobody else was sent to it */
        finish(&c);
    }
}
END_TEST

START_TEST(test_local_cancelled_at_any_time)
{
    for (unsigned at_ms = 0; at_ms < 5000; at_ms += 450) {
        struct cast c = {.seconds = 0};
        mw_new(&c.w, 4, 500000);
        struct local_config config = config_of(&c);
        config.run.prior = 500000;
        config.world = &c.w;
        ck_ok(local_new(c.w.env, &config, &ops, &c, &c.l));
        test_env_advance_ms(c.w.env, at_ms);
        local_cancel(c.l, "somebody wished it");
        test_env_advance_ms(c.w.env, 100);
        ck_assert_uint_eq(c.ends, 1);
        ck_assert_str_eq(run_why(&c.result), "cancelled");
        for (size_t i = 0; i < c.w.n_wires; i++)
            ck_assert_ptr_null(c.w.wire[i].client);
        finish(&c);
    }
}
END_TEST

TESTS("measure/local", test_local_measures_what_the_relay_carries,
      test_local_any_prior_ends_at_the_same, test_local_small_team_is_inconclusive,
      test_local_burst_moves_little, test_local_cheat_ends_with_evidence,
      test_local_relays_that_say_no_or_nothing, test_local_cancelled_at_any_time)
