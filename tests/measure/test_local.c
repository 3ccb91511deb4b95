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

/* Under sanitizers every other row of what is much the same. */
static size_t step(void)
{
    return test_share() > 1 ? 2 : 1;
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
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i += step()) {
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
    for (size_t i = 0; i < 5; i += step()) {
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

/* Nobody is dialled, whatever the mode; and why is said in words. */
START_TEST(test_local_relay_of_another_machine_that_has_not_agreed_gets_no_byte)
{
    static const enum meas_mode modes[] = {MEAS_ECHO2, MEAS_SINK2, MEAS_DIR, MEAS_DROP, MEAS_HTTP};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct cast c = {.seconds = 0};
        mw_new(&c.w, 4, 0);
        struct local_config config = config_of(&c);
        config.run.prior = 500000;
        config.run.mode = modes[i];
        ck_ok(ipport_parse("192.0.2.7:9001", &config.run.relay.addrs[0]));
        run(&c, &config);
        ck_assert_str_eq(run_why(&c.result), "no_consent");
        ck_assert_ptr_nonnull(strstr(c.result.failure.info, "its operator has agreed to"));
        ck_assert_uint_eq(c.w.n_wires, 0);
        finish(&c);
    }
}
END_TEST

/* By whom it was: for it counts as measured under each of its names. */
START_TEST(test_local_says_whom_the_link_proved)
{
    struct cast c = {.seconds = 0};
    struct meas_relay who = {.n_addrs = 0};
    mw_new(&c.w, 4, 500000);
    struct local_config config = config_of(&c);
    config.run.prior = 500000;
    config.run.relay.has_fp = config.run.relay.has_ed25519 = false; /* an order by address */
    config.world = &c.w;
    ck_ok(local_new(c.w.env, &config, &ops, &c, &c.l));
    local_proved(c.l, &who);
    ck_assert(!who.has_fp && !who.has_ed25519);
    test_env_advance_ms(c.w.env, 3000);
    ck_assert_int_eq(run_state(local_run(c.l)), RUN_RUNNING);
    local_proved(c.l, &who);
    ck_assert(who.has_fp && rsa_id_equal(&who.fp, &c.w.id.rsa_id));
    ck_assert(who.has_ed25519 && ed_id_equal(&who.ed25519, &c.w.id.ed.pub));
    local_cancel(c.l, "enough");
    test_env_advance_ms(c.w.env, 100);
    finish(&c);
}
END_TEST

/* ---- other hands ---- */

static struct {
    const struct measurement_ops *ops;
    void *arg;
    unsigned begun, goes, stops, freed;
    uint64_t alloc_bw;
} hands;

static err_t hands_begin(void *arg, const char *name, const struct connect_to_relay *told,
                         const struct measurement_ops *ops_, void *ops_arg, void **it)
{
    ck_assert_ptr_eq(arg, &hands);
    ck_assert_str_eq(name, "local");
    hands.begun++;
    hands.alloc_bw = told->alloc_bw;
    hands.ops = ops_;
    hands.arg = ops_arg;
    *it = &hands;
    return OK;
}

static err_t hands_go(void *it)
{
    ck_assert_ptr_eq(it, &hands);
    hands.goes++;
    return OK;
}

static void hands_alloc(void *it, uint64_t alloc_bw)
{
    ck_assert_ptr_eq(it, &hands);
    ck_assert_uint_gt(alloc_bw, hands.alloc_bw);
    hands.alloc_bw = alloc_bw;
}

static void hands_stop(void *it, enum meas_code code, const char *info)
{
    (void)it, (void)info;
    ck_assert_int_eq(code, MEAS_CANCELLED);
    hands.stops++;
}

static void hands_free(void *it)
{
    ck_assert_ptr_eq(it, &hands);
    hands.freed++;
}

/* Threads measure in the place of this loop, and are told all that it would be. */
START_TEST(test_local_lets_others_measure)
{
    static const struct local_hands ops_of = {hands_begin, hands_go, hands_alloc, hands_stop,
                                              hands_free};
    struct cast c = {.seconds = 0};
    memset(&hands, 0, sizeof hands);
    mw_new(&c.w, 4, 500000);
    struct local_config config = config_of(&c);
    config.run.prior = 500000;
    config.hands = &ops_of;
    config.hands_arg = &hands;
    config.world = &c.w;
    ck_ok(local_new(c.w.env, &config, &ops, &c, &c.l));
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(hands.begun, 1);
    ck_assert_uint_eq(c.w.n_wires, 1); /* the coordinator's */
    const struct connected_to_relay m = {9, 40, 40, 0, 5};
    hands.ops->on_connected(hands.arg, &m);
    ck_assert_uint_eq(hands.goes, 1);
    uint64_t before = hands.alloc_bw;
    for (unsigned sec = 1; sec <= 4; sec++) {
        const struct bw_report r = {
            .meas_id = 9, .sec = sec, .sent = before, .recv = before, .wire_in = before};
        test_env_advance_ms(c.w.env, 1000);
        hands.ops->on_report(hands.arg, &r);
    }
    ck_assert_uint_gt(hands.alloc_bw, before); /* nothing holds it back */
    local_cancel(c.l, "enough");
    test_env_advance_ms(c.w.env, 100);
    ck_assert_uint_eq(hands.stops, 1);
    ck_assert_uint_eq(c.ends, 1);
    finish(&c);
    ck_assert_uint_eq(hands.freed, 1);
}
END_TEST

TESTS("measure/local", test_local_measures_what_the_relay_carries,
      test_local_any_prior_ends_at_the_same, test_local_small_team_is_inconclusive,
      test_local_burst_moves_little, test_local_cheat_ends_with_evidence,
      test_local_relays_that_say_no_or_nothing, test_local_cancelled_at_any_time,
      test_local_relay_of_another_machine_that_has_not_agreed_gets_no_byte,
      test_local_says_whom_the_link_proved, test_local_lets_others_measure)
