#include "measure/run.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

enum { DUR = 30, MB = 1000000 };

/* A relay and measurers that do as they are told, and a coordinator that notes what it hears. */
struct cast {
    struct env *env;
    struct run *run;
    struct meas_params asked;
    unsigned asks, leaves, aborts, connects, goes, allocs, cancels, seconds, ends;
    enum run_state states[4];
    unsigned n_states;
    struct connect_to_relay told[RUN_MEMBERS_MOST];
    uint64_t alloc[RUN_MEMBERS_MOST];
    struct run_second last;
    struct run_result result;
    uint64_t capacity; /* of the relay: what it echoes a second */
    uint64_t bg;       /* what it says of its clients */
};

static void ask(void *arg, const struct meas_params *params)
{
    struct cast *c = arg;
    c->asks++;
    c->asked = *params;
}

static void leave(void *arg, bool aborted)
{
    struct cast *c = arg;
    c->leaves++;
    c->aborts += aborted;
}

static void connect_(void *arg, size_t k, const struct connect_to_relay *told)
{
    struct cast *c = arg;
    c->connects++;
    c->told[k] = *told;
    c->alloc[k] = told->alloc_bw;
}

static void go(void *arg, size_t k, uint32_t meas_id)
{
    struct cast *c = arg;
    ck_assert_uint_eq(meas_id, c->told[k].meas_id);
    c->goes++;
}

static void alloc(void *arg, size_t k, uint32_t meas_id, uint64_t alloc_bw)
{
    struct cast *c = arg;
    ck_assert_uint_eq(meas_id, c->told[k].meas_id);
    ck_assert_uint_gt(alloc_bw, c->alloc[k]);
    c->allocs++;
    c->alloc[k] = alloc_bw;
}

static void cancel(void *arg, size_t k, uint32_t meas_id)
{
    struct cast *c = arg;
    ck_assert_uint_eq(meas_id, c->told[k].meas_id);
    c->cancels++;
}

static void on_state(void *arg, enum run_state state)
{
    struct cast *c = arg;
    ck_assert_uint_lt(c->n_states, 4);
    c->states[c->n_states++] = state;
}

static void on_second(void *arg, const struct run_second *s)
{
    struct cast *c = arg;
    ck_assert_uint_eq(s->sec, ++c->seconds);
    c->last = *s;
}

static void on_end(void *arg, const struct run_result *result)
{
    struct cast *c = arg;
    c->ends++;
    c->result = *result;
}

static const struct run_ops ops = {ask,    leave,    connect_,  go,    alloc,
                                   cancel, on_state, on_second, on_end};

static struct run_config a_team(size_t n)
{
    struct run_config config = {.meas_id = 77,
                                .dur = DUR,
                                .percent = 25,
                                .prior = 10 * MB,
                                .sockets = 160,
                                .check = 1,
                                .echo = MEAS_ECHO_RAW,
                                .n_members = n};
    for (size_t k = 0; k < n; k++) {
        snprintf(config.members[k].name, sizeof config.members[k].name, "m%zu", k + 1);
        config.members[k].free_bw = 100 * MB;
        config.members[k].sockets_free = 160;
        config.members[k].identity.b[0] = (uint8_t)(k + 1);
    }
    return config;
}

static void begin_with(struct cast *c, const struct run_config *config)
{
    *c = (struct cast){.env = test_env(3), .capacity = 10 * MB};
    ck_ok(run_new(c->env, config, &ops, c, &c->run));
    run_start(c->run);
}

static void begin(struct cast *c, size_t n)
{
    const struct run_config config = a_team(n);
    begin_with(c, &config);
}

static void finish(struct cast *c)
{
    run_free(c->run);
    test_env_free(c->env);
}

static void grant(struct cast *c)
{
    const struct meas_ext limits = {
        .has_limits = true, .background_percent = 25, .seconds_most = 45};
    run_granted(c->run, &limits);
}

static void connected(struct cast *c, size_t k, unsigned ready)
{
    unsigned circs = c->told[k].n_circs;
    const struct connected_to_relay m = {77, circs, ready, circs - ready, 1};
    run_connected(c->run, k, &m);
}

static void all_connected(struct cast *c, size_t n)
{
    grant(c);
    for (size_t k = 0; k < n; k++)
        connected(c, k, c->told[k].n_circs);
}

/* What measurer K of N sees of a relay that echoes as much of each. */
static struct bw_report report_of(const struct cast *c, size_t k, size_t n, unsigned sec)
{
    uint64_t share = c->capacity / n;
    bool blocked = c->alloc[k] >= share;
    uint64_t got = blocked ? share : c->alloc[k];
    return (struct bw_report){.meas_id = 77,
                              .sec = sec,
                              .sent = got,
                              .recv = got,
                              .wire_in = got,
                              .wire_out = got,
                              .checked = got / 514,
                              .blocked = blocked ? 100 : 0,
                              .cpu = 10};
}

static void second(struct cast *c, size_t n, unsigned sec)
{
    const struct meas_bg bg = {(uint16_t)sec, (uint32_t)c->bg, (uint32_t)c->bg};
    test_env_advance_ms(c->env, 1000);
    run_bg(c->run, &bg);
    for (size_t k = 0; k < n && run_state(c->run) == RUN_RUNNING; k++) {
        const struct bw_report m = report_of(c, k, n, sec);
        run_report(c->run, k, &m);
    }
}

static void run_all(struct cast *c, size_t n)
{
    all_connected(c, n);
    for (unsigned sec = 1; sec <= DUR && run_state(c->run) == RUN_RUNNING; sec++)
        second(c, n, sec);
    test_env_advance_ms(c->env, 0);
}

static void assert_failed(struct cast *c, enum meas_code code, size_t who)
{
    test_env_advance_ms(c->env, 0);
    ck_assert_uint_eq(c->ends, 1);
    ck_assert_int_eq(c->result.state, RUN_FAILED);
    ck_assert_msg(c->result.failure.code == code, "%s: %s", meas_code_name(c->result.failure.code),
                  c->result.failure.info);
    ck_assert_uint_eq(c->result.member, who);
    ck_assert_uint_gt(strlen(c->result.failure.info), 0);
    test_env_advance_ms(c->env, 100 * 1000);
    ck_assert_uint_eq(c->ends, 1);
}

START_TEST(test_run_goes_through_its_states)
{
    struct cast c;
    begin(&c, 2);
    ck_assert_uint_eq(c.asks, 1);
    ck_assert_uint_eq(c.asked.seconds, DUR);
    ck_assert_uint_eq(c.asked.ext.n_measurers, 2);
    ck_assert_uint_eq(c.asked.ext.measurers[0].sockets + c.asked.ext.measurers[1].sockets, 160);
    ck_assert_uint_eq(c.asked.ext.rate_most, 200 * MB);
    ck_assert_uint_eq(c.connects, 0);
    run_all(&c, 2);
    ck_assert_uint_eq(c.told[0].alloc_bw + c.told[1].alloc_bw, 29531250);
    ck_assert_mem_eq(c.told[0].session, c.asked.ext.session, MEAS_SESSION_LEN);
    ck_assert_mem_ne(c.told[0].seed, c.told[1].seed, MEAS_SEED_LEN);
    ck_assert_uint_eq(c.n_states, 3);
    ck_assert_int_eq(c.states[2], RUN_RUNNING);
    ck_assert_uint_eq(c.seconds, DUR);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert(c.result.conclusive);
    ck_assert_ptr_null(run_why(&c.result));
    ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
    ck_assert_uint_eq(c.result.estimate.counted, DUR - 1);
    ck_assert_uint_eq(c.result.circs, 160);
    ck_assert_uint_eq(c.result.ready_circs, 160);
    ck_assert_uint_eq(run_circs(c.run, 1)->circs, c.told[1].n_circs);
    ck_assert_uint_eq(c.leaves, 1);
    ck_assert_uint_eq(c.aborts, 0);
    ck_assert_uint_eq(c.cancels, 0);
    ck_assert_uint_eq(c.allocs, 0);
    ck_assert_uint_eq(run_reported(c.run, 1, DUR)->sec, DUR);
    ck_assert_ptr_null(run_reported(c.run, 1, DUR + 1));
    ck_assert_ptr_null(run_reported(c.run, 2, 1));
    ck_assert_uint_eq(run_summed(c.run, 1)->x, 10 * MB);
    finish(&c);
}
END_TEST

START_TEST(test_run_low_prior_is_raised_while_it_goes_on)
{
    static const unsigned parts[] = {8, 2, 1};
    for (size_t i = 0; i < 3; i++) {
        struct cast c;
        struct run_config config = a_team(2);
        config.prior = 10 * MB / parts[i];
        begin_with(&c, &config);
        run_all(&c, 2);
        ck_assert_int_eq(c.result.state, RUN_DONE);
        ck_assert_msg(c.result.conclusive, "prior 1/%u", parts[i]);
        ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
        ck_assert_int_eq(c.allocs > 0, parts[i] == 8);
        ck_assert_uint_eq(c.result.skipped, parts[i] == 8 ? 5 : 1); /* raised after 2 s and 4 s */
        ck_assert_uint_eq(run_alloc(c.run, 0) + run_alloc(c.run, 1), c.result.allotted);
        finish(&c);
    }
}
END_TEST

START_TEST(test_run_small_team_is_inconclusive)
{
    struct cast c;
    struct run_config config = a_team(2);
    config.members[0].free_bw = config.members[1].free_bw = 4 * MB;
    begin_with(&c, &config);
    run_all(&c, 2);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert(!c.result.conclusive);
    ck_assert_str_eq(run_why(&c.result), "inconclusive");
    ck_assert_uint_eq(c.result.estimate.bw, 8 * MB);
    ck_assert_int_eq(c.result.estimate.limited_by, LIMITED_BY_US);
    ck_assert_uint_eq(c.result.next_prior, 0); /* there is no more to be given */
    finish(&c);
}
END_TEST

START_TEST(test_run_far_too_low_a_prior_says_with_which_to_go_on)
{
    uint64_t prior = 10 * MB / 64;
    unsigned runs = 0;
    while (prior && ++runs <= 2) {
        struct cast c;
        struct run_config config = a_team(2);
        config.prior = prior;
        begin_with(&c, &config);
        run_all(&c, 2);
        ck_assert_int_eq(c.result.conclusive, runs == 2);
        prior = c.result.next_prior;
        finish(&c);
    }
    ck_assert_uint_eq(runs, 2);
    ck_assert_uint_eq(prior, 0);
}
END_TEST

START_TEST(test_run_paper_accepts_by_size_and_raises_nothing)
{
    for (unsigned low = 0; low < 2; low++) {
        struct cast c;
        struct run_config config = a_team(1);
        config.paper = true;
        config.prior = low ? 5 * MB : 10 * MB;
        begin_with(&c, &config);
        run_all(&c, 1);
        ck_assert_uint_eq(c.allocs, 0);
        ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
        ck_assert_int_eq(c.result.conclusive, !low);
        ck_assert_uint_eq(c.result.next_prior, low ? 10 * MB : 0);
        finish(&c);
    }
}
END_TEST

START_TEST(test_run_background_is_believed_within_the_ratio)
{
    static const uint64_t claims[] = {0, 1 * MB, 1000 * MB};
    static const uint64_t totals[] = {9 * MB, 10 * MB, 12 * MB};
    for (size_t i = 0; i < 3; i++) {
        struct cast c;
        begin(&c, 1);
        c.capacity = 9 * MB;
        c.bg = claims[i];
        run_all(&c, 1);
        ck_assert_uint_eq(c.result.estimate.bw, totals[i]);
        ck_assert_uint_eq(c.result.estimate.clamped, i == 2 ? DUR - 1 : 0);
        ck_assert_uint_eq(c.last.t, totals[i]);
        finish(&c);
    }
}
END_TEST

START_TEST(test_run_relay_that_keeps_clients_at_less_is_believed_less)
{
    struct cast c;
    const struct meas_ext limits = {
        .has_limits = true, .background_percent = 10, .seconds_most = DUR + RUN_LEAD_S};
    begin(&c, 1);
    run_granted(c.run, &limits);
    connected(&c, 0, 160);
    c.capacity = 9 * MB;
    c.bg = 1000 * MB;
    for (unsigned sec = 1; sec <= DUR; sec++)
        second(&c, 1, sec);
    test_env_advance_ms(c.env, 0);
    ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
    finish(&c);
}
END_TEST

START_TEST(test_run_silent_background_counts_as_none)
{
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    for (unsigned sec = 1; sec <= DUR; sec++) {
        const struct bw_report m = report_of(&c, 0, 1, sec);
        test_env_advance_ms(c.env, 1000);
        run_report(c.run, 0, &m);
    }
    ck_assert_int_eq(run_state(c.run), RUN_RUNNING);
    test_env_advance_ms(c.env, RUN_REPORT_MS);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_uint_eq(c.result.bg_missing, DUR);
    ck_assert(c.result.conclusive);
    ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
    finish(&c);
}
END_TEST

/* Which comes a way later than the measurers' word. */
START_TEST(test_run_second_is_told_with_its_background)
{
    struct cast c;
    begin(&c, 1);
    c.capacity = 9 * MB;
    all_connected(&c, 1);
    for (unsigned sec = 1; sec <= DUR; sec++) {
        const struct bw_report m = report_of(&c, 0, 1, sec);
        const struct meas_bg bg = {(uint16_t)sec, 1 * MB, 1 * MB};
        test_env_advance_ms(c.env, 980);
        run_report(c.run, 0, &m);
        ck_assert_uint_eq(c.seconds, sec - 1); /* of second 6 the relay says nothing */
        test_env_advance_ms(c.env, 20);
        if (sec == 6)
            continue;
        run_bg(c.run, &bg);
        ck_assert_uint_eq(c.seconds, sec);
        ck_assert_uint_eq(c.last.t, 10 * MB);
    }
    test_env_advance_ms(c.env, 0);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert_uint_eq(c.result.bg_missing, 1);
    finish(&c);
    begin(&c, 1); /* what is untold when it ends is told before that */
    all_connected(&c, 1);
    const struct bw_report m = report_of(&c, 0, 1, 1);
    test_env_advance_ms(c.env, 1000);
    run_report(c.run, 0, &m);
    ck_assert_uint_eq(c.seconds, 0);
    run_cancel(c.run, "somebody wished it");
    ck_assert_uint_eq(c.seconds, 1);
    assert_failed(&c, MEAS_CANCELLED, RUN_NOBODY);
    finish(&c);
}
END_TEST

START_TEST(test_run_second_claim_of_a_second_changes_nothing)
{
    struct cast c;
    const struct meas_bg odd[] = {{1, 5, 5}, {0, 5, 5}, {DUR + 1, 5, 5}, {UINT16_MAX, 5, 5}};
    begin(&c, 1);
    all_connected(&c, 1);
    c.bg = 1 * MB;
    second(&c, 1, 1);
    for (size_t i = 0; i < 4; i++)
        run_bg(c.run, &odd[i]);
    ck_assert_uint_eq(run_summed(c.run, 1)->bg_sent, 1 * MB);
    finish(&c);
}
END_TEST

START_TEST(test_run_unanswered_is_unsupported)
{
    struct cast c;
    begin(&c, 1);
    test_env_advance_ms(c.env, RUN_NEGOTIATE_MS - 1);
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.env, 1);
    assert_failed(&c, MEAS_UNSUPPORTED, RUN_NOBODY);
    ck_assert_uint_eq(c.aborts, 1);
    ck_assert_uint_eq(c.cancels, 0);
    ck_assert_str_eq(run_why(&c.result), "unsupported");
    ck_assert_ptr_nonnull(strstr(c.result.failure.info, "did not answer for 10 s"));
    finish(&c);
}
END_TEST

START_TEST(test_run_refused_says_why)
{
    struct cast c;
    begin(&c, 1);
    run_refused(c.run, MEAS_REFUSED, "it has been measured too often");
    assert_failed(&c, MEAS_REFUSED, RUN_NOBODY);
    ck_assert_str_eq(c.result.failure.info, "it has been measured too often");
    ck_assert_uint_eq(c.leaves, 0);
    finish(&c);
    const struct meas_ext limits = {.has_limits = true, .seconds_most = DUR + RUN_LEAD_S - 1};
    begin(&c, 1);
    run_granted(c.run, &limits);
    assert_failed(&c, MEAS_REFUSED, RUN_NOBODY);
    ck_assert_ptr_nonnull(strstr(c.result.failure.info, "at most 29 s can be measured"));
    ck_assert_uint_eq(c.connects, 0);
    finish(&c);
}
END_TEST

START_TEST(test_run_half_of_the_circuits_suffice)
{
    for (unsigned ready = 79; ready <= 80; ready++) {
        struct cast c;
        begin(&c, 1);
        grant(&c);
        connected(&c, 0, ready);
        if (ready == 80)
            ck_assert_int_eq(run_state(c.run), RUN_RUNNING);
        else
            assert_failed(&c, MEAS_LAUNCH_CIRCS, 0);
        finish(&c);
    }
}
END_TEST

START_TEST(test_run_waits_for_all_to_connect)
{
    struct cast c;
    begin(&c, 3);
    grant(&c);
    connected(&c, 0, c.told[0].n_circs);
    connected(&c, 0, c.told[0].n_circs); /* said twice */
    connected(&c, 2, c.told[2].n_circs);
    ck_assert_uint_eq(c.goes, 0);
    test_env_advance_ms(c.env, RUN_CONNECT_MS);
    assert_failed(&c, MEAS_TIMEOUT, RUN_NOBODY);
    ck_assert_uint_eq(c.cancels, 3);
    finish(&c);
}
END_TEST

START_TEST(test_run_lost_measurer_ends_it)
{
    struct cast c;
    begin(&c, 2);
    all_connected(&c, 2);
    second(&c, 2, 1);
    run_lost(c.run, 1, "the connection broke");
    assert_failed(&c, MEAS_MEASURER_LOST, 1);
    ck_assert_uint_eq(c.cancels, 1); /* of the other */
    ck_assert_uint_eq(c.aborts, 1);
    ck_assert_str_eq(run_why(&c.result), "measurer_lost");
    finish(&c);
}
END_TEST

START_TEST(test_run_silent_measurer_ends_it)
{
    struct cast c;
    begin(&c, 2);
    all_connected(&c, 2);
    second(&c, 2, 1);
    const struct bw_report m = report_of(&c, 0, 2, 2);
    test_env_advance_ms(c.env, 1000);
    run_report(c.run, 0, &m);
    test_env_advance_ms(c.env, RUN_REPORT_MS);
    assert_failed(&c, MEAS_MEASURER_LOST, 1);
    finish(&c);
}
END_TEST

/* A relay that is shared by who is at work: what measurer K of 2 has in the second that it reports
 * after NOW seconds, its fellow being there or not. */
static void report_shared(struct cast *c, size_t k, unsigned sec, bool alone)
{
    const struct bw_report m = report_of(c, k, alone ? 1 : 2, sec);
    if (run_state(c->run) == RUN_RUNNING)
        run_report(c->run, k, &m);
}

/* The second of two begins LATE_S late, or falls so far behind at second FROM. */
static void run_shifted(struct cast *c, unsigned from, unsigned late_s)
{
    all_connected(c, 2);
    for (unsigned now = 1; now <= DUR + late_s && run_state(c->run) == RUN_RUNNING; now++) {
        const struct meas_bg bg = {(uint16_t)now, 0, 0};
        test_env_advance_ms(c->env, 1000);
        if (now <= DUR)
            run_bg(c->run, &bg);
        if (now <= DUR)
            report_shared(c, 0, now, !from && now <= late_s);
        if (now < from)
            report_shared(c, 1, now, false);
        if (now >= from + late_s && now > late_s)
            report_shared(c, 1, now - late_s, now > DUR);
    }
    test_env_advance_ms(c->env, 0);
}

/* Else its last seconds would be those in which it has the relay for itself, added to those in
 * which it had not. */
START_TEST(test_run_seconds_count_in_which_all_are_at_work)
{
    static const struct {
        unsigned from, late_s, counted;
    } rows[] = {
        {0, 0, DUR - 1}, {0, 1, DUR - 2}, {0, 2, DUR - 4}, {20, 2, DUR - 3}, {2, 2, DUR - 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cast c;
        begin(&c, 2);
        run_shifted(&c, rows[i].from, rows[i].late_s);
        ck_assert_int_eq(c.result.state, RUN_DONE);
        ck_assert_msg(c.result.conclusive, "%zu", i);
        ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
        ck_assert_uint_eq(c.result.estimate.p90, 10 * MB);
        ck_assert_uint_eq(c.result.estimate.p10, 10 * MB);
        ck_assert_uint_eq(c.result.skew_ms, rows[i].late_s * 1000);
        ck_assert_uint_eq(c.result.skewed, rows[i].late_s ? 1 : 0);
        ck_assert_msg(c.result.estimate.counted == rows[i].counted, "%zu: %u", i,
                      c.result.estimate.counted);
        finish(&c);
    }
}
END_TEST

/* Whose seconds differ from ours, and by how much, by a clock that is fast or slow. */
START_TEST(test_run_says_how_far_clocks_are_apart)
{
    for (unsigned slow = 0; slow < 2; slow++) {
        struct cast c;
        begin(&c, 1);
        all_connected(&c, 1);
        for (unsigned sec = 1; sec <= DUR; sec++) {
            const struct bw_report m = report_of(&c, 0, 1, sec);
            test_env_advance_ms(c.env, slow ? 1010 : 990);
            run_bg(c.run, &(struct meas_bg){(uint16_t)sec, 0, 0});
            run_report(c.run, 0, &m);
        }
        test_env_advance_ms(c.env, 0);
        ck_assert_int_eq(c.result.state, RUN_DONE);
        ck_assert_uint_eq(c.result.skew_ms, 10 * DUR);
        ck_assert_uint_eq(c.result.skewed, 0);
        ck_assert_uint_eq(c.result.apart, 0);
        finish(&c);
    }
}
END_TEST

/* Alone, it may begin when it likes: no second of its own lies apart from another's. */
START_TEST(test_run_one_measurer_that_begins_late_loses_nothing)
{
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    test_env_advance_ms(c.env, 2000);
    for (unsigned sec = 1; sec <= DUR; sec++)
        second(&c, 1, sec);
    test_env_advance_ms(c.env, 0);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert_uint_eq(c.result.estimate.counted, DUR - 1);
    ck_assert_uint_eq(c.result.skew_ms, 2000);
    finish(&c);
}
END_TEST

START_TEST(test_run_too_few_seconds_together_are_no_result)
{
    struct cast c;
    struct run_config config = a_team(2);
    config.dur = 7;
    begin_with(&c, &config);
    all_connected(&c, 2);
    for (unsigned now = 1; now <= 7; now++) {
        const struct meas_bg bg = {(uint16_t)now, 0, 0};
        test_env_advance_ms(c.env, 1000);
        run_bg(c.run, &bg);
        report_shared(&c, 0, now, false);
        if (now <= 4)
            report_shared(&c, 1, now, false);
    }
    test_env_advance_ms(c.env, 600);
    for (unsigned sec = 5; sec <= 7; sec++)
        report_shared(&c, 1, sec, true);
    test_env_advance_ms(c.env, 0);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert_str_eq(run_why(&c.result), "inconclusive");
    ck_assert_uint_eq(c.result.estimate.counted, 3);
    ck_assert_uint_eq(c.result.apart, 3);
    ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
    finish(&c);
}
END_TEST

START_TEST(test_run_cheat_comes_with_its_evidence)
{
    struct cast c;
    begin(&c, 2);
    all_connected(&c, 2);
    struct meas_failure m = {.code = MEAS_CHEAT, .meas_id = 77, .info = "cell 5"};
    m.cheat.cell = 5;
    run_failed(c.run, 1, &m);
    assert_failed(&c, MEAS_CHEAT, 1);
    ck_assert_uint_eq(c.result.failure.cheat.cell, 5);
    ck_assert_str_eq(run_why(&c.result), "cheat");
    finish(&c);
}
END_TEST

/* What a measurer may not claim; each ends the run. */
static void falsify(struct bw_report *m, unsigned how)
{
    switch (how) {
    case 0:
        m->sec = 3;
        break;
    case 1:
        m->sec = 1;
        break;
    case 2:
        m->recv = m->sent + 10 * MB + 1;
        break;
    case 3:
        m->wire_in = 0;
        break;
    case 4:
        m->sent = m->recv = m->wire_in = m->wire_out = 1000 * MB;
        break;
    case 5:
        m->wire_in = 1000000 * (uint64_t)MB;
        break;
    default:
        m->blocked = 101;
    }
}

START_TEST(test_run_claims_of_measurers_are_bounded)
{
    for (unsigned how = 0; how < 7; how++) {
        struct cast c;
        begin(&c, 1);
        all_connected(&c, 1);
        second(&c, 1, 1);
        struct bw_report m = report_of(&c, 0, 1, 2);
        falsify(&m, how);
        test_env_advance_ms(c.env, 1000);
        run_report(c.run, 0, &m);
        assert_failed(&c, MEAS_MALFORMED, 0);
        finish(&c);
    }
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    struct bw_report m = report_of(&c, 0, 1, 1);
    m.bad = 1;
    run_report(c.run, 0, &m);
    assert_failed(&c, MEAS_CHEAT, 0);
    finish(&c);
}
END_TEST

START_TEST(test_run_words_of_another_id_or_time_change_nothing)
{
    struct cast c;
    begin(&c, 1);
    struct connected_to_relay connected_ = {77, 160, 160, 0, 1};
    struct bw_report m = {.meas_id = 77, .sec = 1};
    const struct meas_failure f = {.code = MEAS_CHEAT, .meas_id = 76};
    run_connected(c.run, 0, &connected_); /* nobody has been told to */
    run_report(c.run, 0, &m);
    run_lost(c.run, 0, "early");
    grant(&c);
    grant(&c);
    ck_assert_uint_eq(c.connects, 1);
    run_failed(c.run, 0, &f);
    run_report(c.run, 0, &m);
    connected_.meas_id = 76;
    run_connected(c.run, 0, &connected_);
    run_connected(c.run, 9, &connected_);
    ck_assert_int_eq(run_state(c.run), RUN_CONNECTING);
    ck_assert_uint_eq(c.seconds, 0);
    ck_assert_ptr_null(run_reported(c.run, 0, 1));
    finish(&c);
}
END_TEST

START_TEST(test_run_cancel_tells_all)
{
    struct cast c;
    begin(&c, 2);
    all_connected(&c, 2);
    run_cancel(c.run, "somebody wished it");
    assert_failed(&c, MEAS_CANCELLED, RUN_NOBODY);
    ck_assert_uint_eq(c.cancels, 2);
    ck_assert_uint_eq(c.aborts, 1);
    finish(&c);
}
END_TEST

START_TEST(test_run_stock_relay_is_not_asked)
{
    struct cast c;
    struct run_config config = a_team(1);
    config.mode = MEAS_ECHO2;
    begin_with(&c, &config);
    ck_assert_uint_eq(c.asks, 0);
    ck_assert_uint_eq(c.connects, 1);
    connected(&c, 0, 160);
    for (unsigned sec = 1; sec <= DUR; sec++) {
        const struct bw_report m = report_of(&c, 0, 1, sec);
        test_env_advance_ms(c.env, 1000);
        run_report(c.run, 0, &m);
    }
    test_env_advance_ms(c.env, 0);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_uint_eq(c.result.bg_missing, 0);
    ck_assert_uint_eq(c.leaves, 0);
    finish(&c);
}
END_TEST

START_TEST(test_run_adaptive_ends_early_and_stops_measurers)
{
    struct cast c;
    struct run_config config = a_team(2);
    config.adaptive = true;
    begin_with(&c, &config);
    run_all(&c, 2);
    ck_assert_uint_ge(c.result.seconds, RUN_EARLY_S);
    ck_assert_uint_lt(c.result.seconds, DUR); /* by this seed */
    ck_assert_uint_eq(c.cancels, 2);
    ck_assert_uint_eq(c.aborts, 0);
    ck_assert(c.result.conclusive);
    finish(&c);
}
END_TEST

START_TEST(test_run_nonsense_is_refused)
{
    struct env *env = test_env(1);
    struct run *r;
    for (unsigned how = 0; how < 5; how++) {
        struct run_config config = a_team(1);
        config.meas_id = how == 0 ? 0 : 1;
        config.n_members = how == 1 ? 0 : how == 2 ? RUN_MEMBERS_MOST + 1 : 1;
        config.dur = how == 3 ? 0 : DUR;
        config.percent = how == 4 ? 100 : 25;
        ck_err(run_new(env, &config, &ops, NULL, &r), ERR_ARG);
    }
    test_env_free(env);
    struct cast c;
    struct run_config config = a_team(1);
    config.members[0].free_bw = 0;
    begin_with(&c, &config);
    assert_failed(&c, MEAS_RESOURCES, RUN_NOBODY);
    finish(&c);
}
END_TEST

START_TEST(test_run_relay_that_stops_ends_it)
{
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    second(&c, 1, 1);
    c.capacity = 0;
    for (unsigned sec = 2; sec < 2 + RUN_STALL_S; sec++) {
        ck_assert_int_eq(run_state(c.run), RUN_RUNNING);
        second(&c, 1, sec);
    }
    assert_failed(&c, MEAS_TIMEOUT, RUN_NOBODY);
    finish(&c);
}
END_TEST

/* What drop sends may stay in sockets' buffers for long. */
START_TEST(test_run_drop_is_not_ended_by_silence)
{
    struct cast c;
    struct run_config config = a_team(1);
    config.mode = MEAS_DROP;
    begin_with(&c, &config);
    all_connected(&c, 1);
    c.capacity = 0;
    for (unsigned sec = 1; sec <= 2 * RUN_STALL_S; sec++) {
        second(&c, 1, sec);
        ck_assert_int_eq(run_state(c.run), RUN_RUNNING);
    }
    finish(&c);
}
END_TEST

/* Ten seconds of 10 MB in cells, with WIRE bytes on the wire. */
static uint64_t counted(uint64_t wire)
{
    struct cast c;
    uint64_t x = 0;
    begin(&c, 1);
    all_connected(&c, 1);
    for (unsigned sec = 1; sec <= 10; sec++) {
        struct bw_report m = report_of(&c, 0, 1, sec);
        test_env_advance_ms(c.env, 1000);
        m.wire_in = wire;
        run_report(c.run, 0, &m);
        x += run_summed(c.run, sec)->x;
    }
    finish(&c);
    return x;
}

START_TEST(test_run_counts_what_cells_take_on_the_wire)
{
    ck_assert_uint_eq(counted(10 * MB), 100 * MB);
    ck_assert_uint_eq(counted(10 * MB + 200000), 102 * MB);
    /* One record a cell, and half a second's cells that are not whole yet. */
    ck_assert_uint_ge(counted(100 * MB), 109 * MB);
    ck_assert_uint_le(counted(100 * MB), (uint64_t)100 * MB * 536 / 514 + 5 * MB);
}
END_TEST

START_TEST(test_run_bytes_count_when_they_come)
{
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    for (unsigned sec = 1; sec <= 8; sec++) { /* cells are whole in every other second */
        struct bw_report m = report_of(&c, 0, 1, sec);
        test_env_advance_ms(c.env, 1000);
        m.sent = m.recv = sec % 2 ? 8 * MB : 12 * MB;
        run_report(c.run, 0, &m);
        ck_assert_uint_eq(run_summed(c.run, sec)->x, 10 * MB);
    }
    finish(&c);
}
END_TEST

/* Whoever asks has time-outs of its own: a relay that could not be reached has not been silent. */
START_TEST(test_run_that_could_not_ask_blames_no_relay)
{
    struct cast c;
    struct run_config config = a_team(1);
    config.patience_ms = 3 * RUN_NEGOTIATE_MS;
    begin_with(&c, &config);
    test_env_advance_ms(c.env, config.patience_ms - 1);
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.env, 1);
    assert_failed(&c, MEAS_TIMEOUT, RUN_NOBODY);
    ck_assert_str_eq(run_why(&c.result), "timeout");
    finish(&c);
}
END_TEST

START_TEST(test_run_is_held_until_its_time_comes)
{
    for (unsigned comes = 0; comes < 2; comes++) {
        struct cast c;
        struct run_config config = a_team(2);
        config.hold = true;
        begin_with(&c, &config);
        all_connected(&c, 2);
        ck_assert(run_is_held(c.run));
        ck_assert_uint_eq(c.goes, 0);
        test_env_advance_ms(c.env, RUN_HOLD_MS - 1);
        ck_assert_uint_eq(c.ends, 0);
        if (comes) {
            run_release(c.run);
            ck_assert_uint_eq(c.goes, 2);
            ck_assert(!run_is_held(c.run));
            run_release(c.run); /* said twice */
            ck_assert_uint_eq(c.goes, 2);
        } else {
            test_env_advance_ms(c.env, 1);
            assert_failed(&c, MEAS_RESOURCES, RUN_NOBODY);
            ck_assert_uint_eq(c.cancels, 2);
        }
        finish(&c);
    }
}
END_TEST

/* Released before all have their circuits, it begins as soon as they have. */
START_TEST(test_run_whose_time_has_come_waits_for_circuits_alone)
{
    struct cast c;
    struct run_config config = a_team(1);
    config.hold = true;
    begin_with(&c, &config);
    run_release(c.run);
    ck_assert_uint_eq(c.goes, 0);
    all_connected(&c, 1);
    ck_assert_uint_eq(c.goes, 1);
    finish(&c);
}
END_TEST

/* One that has no socket left, or nothing to give, is not told of it, nor waited for. */
START_TEST(test_run_measurer_with_nothing_to_give_takes_no_part)
{
    struct cast c;
    struct run_config config = a_team(3);
    config.members[0].sockets_free = 0;
    config.members[2].free_bw = 0;
    config.prior = 10 * MB / 8; /* is raised */
    begin_with(&c, &config);
    ck_assert_uint_eq(c.asked.ext.n_measurers, 1);
    ck_assert_uint_eq(c.asked.ext.measurers[0].ed.b[0], 2);
    ck_assert_uint_eq(c.asked.ext.rate_most, 100 * MB);
    grant(&c);
    ck_assert_uint_eq(c.connects, 1);
    connected(&c, 1, 160);
    ck_assert_uint_eq(c.goes, 1);
    for (unsigned sec = 1; sec <= DUR; sec++) {
        const struct bw_report m = report_of(&c, 1, 1, sec);
        test_env_advance_ms(c.env, 1000);
        run_bg(c.run, &(struct meas_bg){(uint16_t)sec, 0, 0});
        run_report(c.run, 1, &m);
        run_lost(c.run, 0, "another run's"); /* nothing to this one */
    }
    test_env_advance_ms(c.env, 0);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert_uint_eq(c.result.estimate.bw, 10 * MB);
    ck_assert_uint_gt(c.allocs, 0);
    ck_assert_uint_eq(c.result.circs, 160);
    ck_assert_uint_eq(c.cancels, 0);
    finish(&c);
}
END_TEST

/* A measurer is believed what it has, and what it may have saved up for two seconds. */
START_TEST(test_run_no_more_is_believed_than_a_measurer_has)
{
    for (unsigned more = 0; more < 2; more++) {
        struct cast c;
        begin(&c, 1);
        all_connected(&c, 1);
        struct bw_report m = report_of(&c, 0, 1, 1);
        m.sent = m.recv = m.wire_in = m.wire_out = 300 * MB + 3 * more;
        test_env_advance_ms(c.env, 1000);
        run_report(c.run, 0, &m);
        if (more)
            assert_failed(&c, MEAS_MALFORMED, 0);
        else
            ck_assert_int_eq(run_state(c.run), RUN_RUNNING);
        finish(&c);
    }
}
END_TEST

START_TEST(test_run_says_what_it_has_come_to_and_how_long_it_goes_on)
{
    struct cast c;
    struct estimate e;
    struct run_config config = a_team(1);
    config.adaptive = true;
    config.length = 20;
    begin_with(&c, &config);
    ck_assert(!run_so_far(c.run, &e));
    ck_assert(run_hears_of_clients(c.run));
    ck_assert_uint_eq(run_dur(c.run), DUR);
    all_connected(&c, 1);
    ck_assert_uint_eq(run_left(c.run), DUR); /* nothing is known yet */
    second(&c, 1, 1);
    ck_assert(!run_so_far(c.run, &e)); /* which does not count */
    second(&c, 1, 2);
    ck_assert(run_so_far(c.run, &e)); /* too few for a result */
    ck_assert_uint_eq(e.bw, 10 * MB);
    ck_assert_uint_eq(run_left(c.run), DUR - 2);
    for (unsigned sec = 3; sec <= 10; sec++)
        second(&c, 1, sec);
    ck_assert_uint_eq(run_left(c.run), 10);
    for (unsigned sec = 11; sec <= 19; sec++)
        second(&c, 1, sec);
    ck_assert_uint_eq(run_left(c.run), 1);
    ck_assert(!run_may_end(c.run));
    second(&c, 1, 20);
    test_env_advance_ms(c.env, 0);
    ck_assert_int_eq(c.result.state, RUN_DONE);
    ck_assert_uint_eq(c.result.seconds, 20);
    finish(&c);
}
END_TEST

/* A tied one ends when its owner says so, and one whose seconds differ not before the last. */
START_TEST(test_run_that_may_not_end_early_says_so)
{
    for (unsigned tied = 0; tied < 2; tied++) {
        struct cast c;
        struct run_config config = a_team(1);
        config.adaptive = true;
        config.length = RUN_EARLY_S;
        config.tied = tied;
        begin_with(&c, &config);
        all_connected(&c, 1);
        for (unsigned sec = 1; sec <= 20; sec++) {
            c.capacity = tied ? 10 * MB : sec % 2 ? 10 * MB : 11 * MB;
            second(&c, 1, sec);
            ck_assert_int_eq(run_may_end(c.run), tied && sec >= RUN_EARLY_S);
        }
        ck_assert_uint_eq(run_left(c.run), DUR - 20);
        run_end_early(c.run);
        test_env_advance_ms(c.env, 0);
        ck_assert_uint_eq(c.ends, tied);
        finish(&c);
    }
}
END_TEST

/* Measurers go to where the relay answered first, and to no address that it does not have. */
START_TEST(test_run_measurers_are_told_where_the_relay_answered)
{
    struct cast c;
    struct run_config config = a_team(1);
    static const char *const at[] = {"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"};
    struct ipport other;
    for (size_t i = 0; i < 3; i++)
        ck_ok(ipport_parse(at[i], &config.relay.addrs[config.relay.n_addrs++]));
    ck_ok(ipport_parse("198.51.100.9:9", &other));
    begin_with(&c, &config);
    run_reached(c.run, &other);
    run_reached(c.run, &config.relay.addrs[2]);
    grant(&c);
    ck_assert_uint_eq(c.told[0].relay.n_addrs, 3);
    ck_assert(ipport_equal(&c.told[0].relay.addrs[0], &config.relay.addrs[2]));
    ck_assert(ipport_equal(&c.told[0].relay.addrs[1], &config.relay.addrs[0]));
    ck_assert(ipport_equal(&c.told[0].relay.addrs[2], &config.relay.addrs[1]));
    finish(&c);
}
END_TEST

START_TEST(test_run_each_failure_has_its_word)
{
    static const struct {
        enum meas_code code;
        const char *word;
    } rows[] = {{MEAS_UNSUPPORTED, "unsupported"},
                {MEAS_REFUSED, "refused"},
                {MEAS_NO_CONSENT, "no_consent"},
                {MEAS_CHEAT, "cheat"},
                {MEAS_LAUNCH_CIRCS, "no_circuits"},
                {MEAS_MALFORMED_TOR_RESP, "protocol_error"},
                {MEAS_RESTING, "resting"},
                {MEAS_RELAY_LOST, "relay_lost"},
                {MEAS_TIMEOUT, "timeout"},
                {MEAS_UNREACHABLE, "unreachable"},
                {MEAS_HANDSHAKE_FAILED, "handshake_failed"},
                {MEAS_WRONG_IDENTITY, "wrong_identity"},
                {MEAS_CANCELLED, "cancelled"},
                {MEAS_MEASURER_LOST, "measurer_lost"},
                {MEAS_RESOURCES, "measurer_lost"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cast c;
        begin(&c, 1);
        run_refused(c.run, rows[i].code, "so");
        assert_failed(&c, rows[i].code, RUN_NOBODY);
        ck_assert_str_eq(run_why(&c.result), rows[i].word);
        finish(&c);
    }
}
END_TEST

/* Echoes of 1 MB with as much PADDING in the first second, then nothing but that, or hardly more.
 */
static void pads(struct cast *c, unsigned dur, uint64_t recv)
{
    begin(c, 1);
    all_connected(c, 1);
    for (unsigned sec = 1; sec <= dur && run_state(c->run) == RUN_RUNNING; sec++) {
        uint64_t got = sec == 1 ? MB : recv;
        const struct bw_report m = {.meas_id = 77,
                                    .sec = sec,
                                    .sent = got,
                                    .recv = got,
                                    .wire_in = sec == 1 ? 2 * MB : 50 * MB,
                                    .wire_out = got,
                                    .blocked = 100};
        test_env_advance_ms(c->env, 1000);
        run_report(c->run, 0, &m);
    }
}

START_TEST(test_run_padding_is_no_echo)
{
    struct cast c;
    pads(&c, DUR, 0);
    assert_failed(&c, MEAS_TIMEOUT, RUN_NOBODY); /* it has given nothing back */
    ck_assert_uint_eq(c.seconds, 1 + RUN_STALL_S);
    ck_assert_uint_eq(run_summed(c.run, 2)->x, 0);
    finish(&c);
    pads(&c, DUR, 51400);
    test_env_advance_ms(c.env, RUN_REPORT_MS);
    ck_assert_msg(c.result.state == RUN_DONE, "%s", c.result.failure.info);
    ck_assert_uint_le(c.result.estimate.bw, 60000);
    finish(&c);
}
END_TEST

/* It may not save up for the seconds in the middle. */
START_TEST(test_run_nobody_has_more_than_it_has)
{
    struct cast c;
    begin(&c, 1);
    all_connected(&c, 1);
    for (unsigned sec = 1; sec <= DUR; sec++) {
        uint64_t got = sec % 2 ? MB / 10 : 195 * MB;
        const struct bw_report m = {77, sec, got, got, got, got, got / 514, 0, 100, 1, 0};
        test_env_advance_ms(c.env, 1000);
        run_report(c.run, 0, &m);
        ck_assert_uint_le(run_summed(c.run, sec)->x, 125 * MB);
    }
    finish(&c);
}
END_TEST

START_TEST(test_run_measurers_are_told_whom_it_met)
{
    const struct rsa_id fp = {{7}};
    const struct ed_id ed = {{9}}, none = {{0}};
    struct cast c;
    begin(&c, 2);
    run_proved(c.run, &fp, &ed);
    run_proved(c.run, NULL, NULL);
    run_proved(c.run, NULL, &none);
    all_connected(&c, 2);
    for (size_t k = 0; k < 2; k++) {
        ck_assert(c.told[k].relay.has_fp && rsa_id_equal(&c.told[k].relay.fp, &fp));
        ck_assert(c.told[k].relay.has_ed25519 && ed_id_equal(&c.told[k].relay.ed25519, &ed));
    }
    finish(&c);
}
END_TEST

TESTS("measure/run", test_run_goes_through_its_states,
      test_run_low_prior_is_raised_while_it_goes_on, test_run_small_team_is_inconclusive,
      test_run_far_too_low_a_prior_says_with_which_to_go_on,
      test_run_paper_accepts_by_size_and_raises_nothing,
      test_run_background_is_believed_within_the_ratio,
      test_run_relay_that_keeps_clients_at_less_is_believed_less,
      test_run_silent_background_counts_as_none, test_run_second_is_told_with_its_background,
      test_run_second_claim_of_a_second_changes_nothing, test_run_unanswered_is_unsupported,
      test_run_refused_says_why, test_run_half_of_the_circuits_suffice,
      test_run_waits_for_all_to_connect, test_run_lost_measurer_ends_it,
      test_run_silent_measurer_ends_it, test_run_seconds_count_in_which_all_are_at_work,
      test_run_too_few_seconds_together_are_no_result, test_run_cheat_comes_with_its_evidence,
      test_run_claims_of_measurers_are_bounded, test_run_words_of_another_id_or_time_change_nothing,
      test_run_cancel_tells_all, test_run_stock_relay_is_not_asked,
      test_run_adaptive_ends_early_and_stops_measurers, test_run_relay_that_stops_ends_it,
      test_run_drop_is_not_ended_by_silence, test_run_counts_what_cells_take_on_the_wire,
      test_run_bytes_count_when_they_come, test_run_nonsense_is_refused,
      test_run_says_how_far_clocks_are_apart, test_run_one_measurer_that_begins_late_loses_nothing,
      test_run_that_could_not_ask_blames_no_relay, test_run_is_held_until_its_time_comes,
      test_run_whose_time_has_come_waits_for_circuits_alone,
      test_run_measurer_with_nothing_to_give_takes_no_part,
      test_run_no_more_is_believed_than_a_measurer_has,
      test_run_says_what_it_has_come_to_and_how_long_it_goes_on,
      test_run_that_may_not_end_early_says_so, test_run_measurers_are_told_where_the_relay_answered,
      test_run_each_failure_has_its_word, test_run_padding_is_no_echo,
      test_run_nobody_has_more_than_it_has, test_run_measurers_are_told_whom_it_met)
