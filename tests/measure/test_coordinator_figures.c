#include "measure/coordinator_figures.h"

#include "support/measureteam.h"

static const char RELAY[] = "127.0.0.1:9001", OTHER[] = "127.0.0.2:9001";

static struct coordinator_figures now_(void)
{
    struct coordinator_figures f;
    coordinator_figures(team.c, &f);
    return f;
}

static uint64_t failed(const struct coordinator_figures *f, const char *why)
{
    for (size_t i = 0; i < COORDINATOR_REASONS; i++)
        if (strcmp(coordinator_reasons[i], why) == 0)
            return f->counts.failed[i];
    ck_abort_msg("no reason %s", why);
}

static uint64_t all_failed(const struct coordinator_figures *f)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < COORDINATOR_REASONS; i++)
        sum += f->counts.failed[i];
    return sum;
}

START_TEST(test_coordinator_figures_of_a_run)
{
    team_new(2, 10000000, 3000000);
    struct coordinator_figures f = now_();
    ck_assert_uint_eq(f.measurers_listed, 2);
    ck_assert_int_eq(f.newest_s, 0);
    team_pass(1);
    f = now_();
    ck_assert_uint_eq(f.measurers_up, 2);
    ck_assert_uint_eq(f.bw, 20000000);
    ck_assert_uint_eq(f.reserved_bw, 0);
    uint32_t id = team_measure(RELAY);
    (void)team_measure(RELAY); /* the second waits for the first */
    team_pass(4);
    f = now_();
    ck_assert_uint_eq(f.running, 1);
    ck_assert_uint_eq(f.waiting, 1);
    ck_assert_uint_gt(f.reserved_bw, 3000000);
    ck_assert_uint_eq(f.bw, 20000000);
    ck_assert_uint_eq(f.counts.measured, 0);
    team_pass(40);
    f = now_();
    ck_assert(team_result(id).ok);
    ck_assert_uint_eq(f.counts.measured, 2);
    ck_assert_uint_eq(all_failed(&f), 0);
    ck_assert_uint_eq(f.running + f.waiting, 0);
    ck_assert_uint_eq(f.reserved_bw, 0);
    ck_assert_uint_gt(f.counts.checked, 1000);
    ck_assert_uint_eq(f.counts.bad, 0);
    ck_assert_uint_gt(f.counts.bytes, 60000000);
    ck_assert_uint_eq(f.relays, 1);
    ck_assert_uint_eq(f.relays_measured, 1);
    ck_assert_int_gt(f.newest_s, env_wall_s(team.env) - 40);
    team_free();
}
END_TEST

/* A measurer that says that it has less than its line is believed so, and is given no more; one
 * that says more is not. */
START_TEST(test_coordinator_figures_of_a_measurer_that_has_less)
{
    team_new(2, 10000000, 3000000);
    team_pass(1);
    for (size_t i = 0; i < 2; i++) {
        struct team_measurer *m = &team.measurers[i];
        m->conf.bw = i ? 400000 : 90000000;
        measurer_reconfigure(m->m, &m->conf);
    }
    team_pass(3);
    struct coordinator_figures f = now_();
    ck_assert_uint_eq(f.measurers_up, 2);
    ck_assert_uint_eq(f.bw, 10400000);
    (void)team_measure(RELAY);
    team_pass(4);
    unsigned seen = 0;
    for (size_t i = 0; i < TEAM_JOBS; i++) {
        const struct team_job *j = &team.jobs[i];
        if (!j->of)
            continue;
        seen++;
        ck_assert_uint_le(j->told.alloc_bw, j->of->place ? 400000 : 10000000);
    }
    ck_assert_uint_eq(seen, 2);
    team_free();
}
END_TEST

START_TEST(test_coordinator_figures_of_failures)
{
    team_new(1, 10000000, 3000000);
    team_pass(1);
    team.relay_refuses = true;
    (void)team_measure(RELAY);
    team_pass(5);
    team.relay_refuses = false;
    team.disk_full = true;
    uint32_t id = team_measure(OTHER);
    team_pass(5);
    struct coordinator_figures f = now_();
    ck_assert_uint_eq(failed(&f, "refused"), 1);
    ck_assert_uint_eq(failed(&f, "cancelled"), 1);
    ck_assert_uint_eq(all_failed(&f), 2);
    ck_assert_uint_eq(f.counts.unwritten, 1);
    ck_assert_uint_eq(f.counts.measured, 0);
    ck_assert_uint_eq(f.relays_measured, 0);
    ck_assert_uint_gt(id, 0);
    team.disk_full = false;
    team_kill(0);
    team_pass(1);
    f = now_();
    ck_assert_uint_eq(f.measurers_up, 0);
    ck_assert_uint_eq(f.bw, 0);
    team_free();
}
END_TEST

static size_t scheduled(const struct coordinator_figures *f, const char *word)
{
    for (size_t i = 0; coordinator_scheduled_word(i); i++)
        if (strcmp(coordinator_scheduled_word(i), word) == 0)
            return f->scheduled[i];
    ck_abort_msg("no state %s", word);
}

/* One is measured, one has not agreed. */
START_TEST(test_coordinator_figures_of_a_schedule)
{
    struct roster relays;
    team_new(1, 20000000, 3000000);
    team.conf.compact = true;
    coordinator_reconfigure(team.c, &team.conf);
    struct coordinator_figures f = now_();
    ck_assert_uint_eq(f.slots, 0);
    roster_init(&relays);
    for (uint8_t i = 1; i <= 2; i++) {
        struct roster_relay r = {.who = {.fp = {{i}}, .has_fp = true, .n_addrs = 1},
                                 .consent = i == 1 ? ROSTER_LISTED : ROSTER_NO_CONSENT,
                                 .running = true,
                                 .weight = 3000000};
        r.who.addrs[0] = (struct ipport){ip_v4((const uint8_t[]){203, i, 113, 1}), 9001};
        ck_ok(roster_add(&relays, &r));
    }
    roster_sort(&relays);
    coordinator_roster(team.c, &relays);
    coordinator_schedule_start(team.c);
    for (int i = 0; i < 60 && !now_().running; i++)
        team_pass(0.5);
    f = now_();
    ck_assert_uint_eq(f.slots, 1);
    ck_assert_uint_eq(scheduled(&f, "running"), 1);
    ck_assert_uint_eq(f.running, 1);
    ck_assert_uint_gt(f.slot_given, 3000000);
    ck_assert_uint_eq(f.slot_most, 20000000);
    team_pass(60);
    f = now_();
    ck_assert_uint_eq(scheduled(&f, "done") + scheduled(&f, "failed"), 1);
    coordinator_schedule_stop(team.c);
    f = now_();
    ck_assert_uint_eq(f.slots, 0);
    team_free();
}
END_TEST

TESTS("measure/coordinator_figures", test_coordinator_figures_of_a_run,
      test_coordinator_figures_of_a_measurer_that_has_less, test_coordinator_figures_of_failures,
      test_coordinator_figures_of_a_schedule)
