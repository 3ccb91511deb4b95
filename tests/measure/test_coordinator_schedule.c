/* A coordinator follows its schedule: made-up measurers and relays, under the clock of a test. */
#include <jansson.h>

#include "measure/coordinator.h"
#include "measure/schedule.h"
#include "support/measureteam.h"

enum { RELAYS = 6, DAY_S = 24 * 3600, KEPT = 1024 };

static struct {
    char *lines[KEPT];
    size_t n, times;
} kept;

static void kept_clear(void)
{
    for (size_t i = 0; i < kept.n; i++)
        free(kept.lines[i]);
    kept.n = 0;
}

static err_t keep(void *arg, const char *lines, bool fresh)
{
    struct text rest = text_of(lines), line;
    (void)arg;
    kept.times++;
    if (fresh)
        kept_clear();
    while (text_line(&rest, &line)) {
        ck_assert_uint_lt(kept.n, KEPT);
        kept.lines[kept.n++] = text_dup(line);
    }
    return OK;
}

/* ---- relays ---- */

static struct rsa_id fp_of(size_t i)
{
    return (struct rsa_id){{(uint8_t)(i + 1)}};
}

/* Relay I, at an address of its own unless HOST is another's. */
static struct roster_relay relay(size_t i, size_t host)
{
    struct roster_relay r = {.who = {.fp = fp_of(i), .has_fp = true, .n_addrs = 1},
                             .consent = ROSTER_LISTED,
                             .running = true,
                             .weight = team.relay_rate};
    r.who.addrs[0] =
        (struct ipport){ip_v4((const uint8_t[]){203, (uint8_t)host, 113, (uint8_t)(host + 1)}),
                        (uint16_t)(9001 + i)};
    return r;
}

static void give(const struct roster_relay *relays, size_t n)
{
    struct roster r;
    roster_init(&r);
    for (size_t i = 0; i < n; i++)
        ck_ok(roster_add(&r, &relays[i]));
    roster_sort(&r);
    coordinator_roster(team.c, &r);
}

static void give_all(size_t n)
{
    struct roster_relay relays[RELAYS];
    for (size_t i = 0; i < n; i++)
        relays[i] = relay(i, i);
    give(relays, n);
}

/* ---- looks ---- */

static json_int_t shown(const char *name)
{
    char *text = coordinator_schedule_json(team.c);
    json_t *o = json_loads(text, 0, NULL);
    const json_t *x = json_object_get(o, name);
    x = x ? x : json_object_get(json_object_get(o, "counts"), name);
    json_int_t value = json_integer_value(x);
    json_decref(o);
    free(text);
    return value;
}

static void state_is(const char *state)
{
    char *text = team_page(coordinator_view_schedule(team.c));
    json_t *o = json_loads(text, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(o, "state")), state);
    json_decref(o);
    free(text);
}

/* The ends of relay I that are in the results, and the last of them. */
static size_t ends_of(size_t i, struct result *last)
{
    char fp[41];
    size_t n = 0;
    struct result r;
    snprintf(fp, sizeof fp, "%02zX00000000000000000000000000000000000000", i + 1);
    for (size_t l = 0; l < team.n_lines; l++) {
        ck_ok(results_parse((struct text){team.lines[l], strlen(team.lines[l]) - 1}, &r));
        if (!r.is_end || strcmp(r.fp, fp) != 0)
            continue;
        *last = r;
        n++;
    }
    return n;
}

/* N runs that began, and when the K-th did. */
static size_t begins(int64_t *when, size_t most)
{
    size_t n = 0;
    struct result r;
    for (size_t l = 0; l < team.n_lines; l++) {
        ck_ok(results_parse((struct text){team.lines[l], strlen(team.lines[l]) - 1}, &r));
        if (!r.is_end && n < most)
            when[n++] = r.ts;
    }
    return n;
}

static unsigned at_once(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < TEAM_JOBS; i++)
        n += team.jobs[i].of && team.jobs[i].running ? 1 : 0;
    return n;
}

/* ---- life ---- */

static struct coordinator_ops ops;

static void with_schedule(void)
{
    ops = team_ops;
    ops.keep = keep;
    coordinator_free(team.c);
    team.c = coordinator_new(team.env, &team.conf, team.keys.ctx, &team.keys.pin, &ops, NULL);
    ck_assert_ptr_nonnull(team.c);
    ck_ok(coordinator_secret(team.c, "0123456789abcdef0123456789abcdef", 32));
}

/* A team that carries one relay at a time; so long before the day ends. */
static void begin_with(size_t n, double minutes_left, bool compact)
{
    kept_clear();
    team_new(n, 10000000 / n, 3000000);
    team.conf.compact = compact;
    team.env->wall_us = (int64_t)((1767225600 + DAY_S - minutes_left * 60) * US_PER_SEC);
    team_kill_coordinator();
    team_pass(1);
    with_schedule();
    team_pass(3);
    ck_assert_uint_eq(coordinator_measurers(team.c), n);
}

static void begin(double minutes_left, bool compact)
{
    begin_with(1, minutes_left, compact);
}

static void over(void)
{
    team_free();
    kept_clear();
}

static void back(void)
{
    team.c = coordinator_new(team.env, &team.conf, team.keys.ctx, &team.keys.pin, &ops, NULL);
    ck_ok(coordinator_secret(team.c, "0123456789abcdef0123456789abcdef", 32));
    for (size_t l = 0; l < team.n_lines; l++)
        ck_ok(coordinator_recall(team.c, (struct text){team.lines[l], strlen(team.lines[l]) - 1}));
    for (size_t l = 0; l < kept.n; l++)
        ck_ok(coordinator_recall_schedule(team.c, text_of(kept.lines[l])));
    ck_ok(coordinator_recalled(team.c));
}

static void killed_and_back(void)
{
    team_kill_coordinator();
    team_pass(1);
    back();
}

/* All of a plan's have been asked, before the day is over. */
static void pass_until_over(unsigned seconds)
{
    for (; seconds && (shown("waiting") || shown("running") || !shown("slots")); seconds--)
        team_pass(1);
    state_is("over");
}

/* ---- tests ---- */

START_TEST(test_coordinator_schedule_each_relay_in_its_slot)
{
    int64_t when[RELAYS];
    struct result r;
    begin(12, false);
    state_is("stopped");
    coordinator_schedule_start(team.c);
    state_is("waiting for relays");
    give_all(RELAYS);
    team_pass(1);
    state_is("running");
    ck_assert_int_eq(shown("waiting") + shown("running"), RELAYS);
    int64_t ends = shown("ends");
    for (int second = 0; second < 12 * 60 - 30; second++) {
        team_pass(1);
        ck_assert_uint_le(at_once(), 1);
    }
    state_is("over");
    ck_assert_int_eq(shown("done"), RELAYS);
    ck_assert_int_le(ends, 1767225600 + DAY_S);
    ck_assert_uint_eq(begins(when, RELAYS), RELAYS);
    for (size_t i = 0; i < RELAYS; i++) {
        ck_assert_uint_eq(ends_of(i, &r), 1);
        ck_assert(r.ok);
        /* Its circuits were there when its minute began. */
        ck_assert_int_ge(when[i] % 60, 54);
        ck_assert_int_ge(r.ts % 60, 9);
        ck_assert_int_le(r.ts % 60, 12);
    }
    ck_assert(!team.sent_before_synced);
    over();
}
END_TEST

/* The next one's circuits are built while this one runs, and nobody is given what is not there. */
START_TEST(test_coordinator_schedule_back_to_back)
{
    begin(600, true);
    give_all(RELAYS);
    coordinator_schedule_start(team.c);
    unsigned seconds = 0, idle = 0;
    for (; shown("done") < RELAYS && seconds < 200; seconds++) {
        team_pass(1);
        idle += at_once() == 0 ? 1 : 0;
        ck_assert_uint_le(at_once(), 1);
    }
    ck_assert_uint_le(seconds, RELAYS * 11 + 6);
    ck_assert_uint_le(idle, RELAYS + 4);
    team_pass(1);
    state_is("over");
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_of_a_host_all_at_once)
{
    struct roster_relay relays[3] = {relay(0, 0), relay(1, 0), relay(2, 2)};
    struct result r;
    begin(600, true);
    for (size_t i = 0; i < 3; i++)
        relays[i].weight = 1000000;
    relays[2].weight = 3000000;
    team.relay_rate = 1000000;
    give(relays, 3);
    coordinator_schedule_start(team.c);
    unsigned most = 0;
    for (int second = 0; second < 60; second++) {
        team_pass(1);
        most = at_once() > most ? at_once() : most;
    }
    ck_assert_int_eq(shown("done"), 3);
    ck_assert_uint_eq(most, 2);
    ck_assert_uint_eq(ends_of(0, &r), 1);
    int64_t first = r.began;
    ck_assert_uint_eq(ends_of(1, &r), 1);
    ck_assert_int_le(first - r.began, 1);
    ck_assert_int_le(r.began - first, 1);
    over();
}
END_TEST

/* The one that went on alone would have what the other leaves. */
START_TEST(test_coordinator_schedule_of_a_host_none_ends_alone)
{
    struct roster_relay relays[3] = {relay(0, 0), relay(1, 0), relay(2, 2)};
    struct result r;
    begin(600, true);
    team.conf.adaptive = true;
    team.conf.dur = 30;
    coordinator_reconfigure(team.c, &team.conf);
    team.wavers = fp_of(0).b[0];
    team.relay_rate = 1000000;
    for (size_t i = 0; i < 3; i++)
        relays[i].weight = 1000000;
    give(relays, 3);
    coordinator_schedule_start(team.c);
    pass_until_over(120);
    ck_assert_uint_eq(ends_of(2, &r), 1);
    ck_assert_uint_lt(r.counted, 30); /* a steady one may end early */
    ck_assert_uint_eq(ends_of(0, &r), 1);
    int64_t first = r.ts;
    ck_assert_uint_eq(ends_of(1, &r), 1);
    ck_assert_int_le(first - r.ts, 1);
    ck_assert_int_le(r.ts - first, 1);
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_who_is_not_there_is_skipped_and_said)
{
    struct roster_relay relays[3] = {relay(0, 0), relay(1, 1), relay(2, 2)};
    struct result r;
    begin(12, false);
    relays[1].running = false;
    give(relays, 3);
    coordinator_schedule_start(team.c);
    team_pass(1);
    ck_assert_int_eq(shown("away"), 1);
    ck_assert_int_eq(shown("waiting") + shown("running"), 2);
    relays[0].running = relays[2].running = false;
    relays[1].running = true; /* a new one, from now on */
    relays[0].mode = MEAS_ECHO2;
    give(relays, 3);
    team_pass(11 * 60);
    ck_assert_int_eq(shown("done"), 1);
    ck_assert_int_eq(shown("offline"), 2);
    ck_assert_uint_eq(ends_of(1, &r), 1);
    ck_assert(r.ok);
    ck_assert_uint_eq(ends_of(0, &r), 1);
    ck_assert_str_eq(r.why, "offline");
    ck_assert_str_eq(r.mode, "echo2");
    over();
}
END_TEST

/* Alone each would show the whole host. */
START_TEST(test_coordinator_schedule_a_new_one_of_a_host_joins_the_others)
{
    struct roster_relay relays[4] = {relay(0, 0), relay(1, 1), relay(2, 2), relay(3, 2)};
    struct result a, b;
    begin(12, false);
    for (size_t i = 0; i < 4; i++)
        relays[i].weight = team.relay_rate >> (i > 1);
    give(relays, 3);
    coordinator_schedule_start(team.c);
    team_pass(1);
    give(relays, 4);
    pass_until_over(11 * 60);
    ck_assert_uint_eq(ends_of(2, &a), 1);
    ck_assert_uint_eq(ends_of(3, &b), 1);
    ck_assert_int_le(a.began - b.began, 1);
    ck_assert_int_le(b.began - a.began, 1);
    over();
}
END_TEST

/* A relay admits two runs a day: the second one has a prior that is right. */
START_TEST(test_coordinator_schedule_a_prior_too_low_is_a_later_slot)
{
    struct roster_relay one = relay(0, 0);
    struct result r;
    begin(12, false);
    team.conf.paper = true;
    coordinator_reconfigure(team.c, &team.conf);
    one.weight = team.relay_rate / 8;
    give(&one, 1);
    coordinator_schedule_start(team.c);
    team_pass(11 * 60);
    ck_assert_uint_eq(ends_of(0, &r), 2);
    ck_assert_int_eq(shown("moved"), 1);
    ck_assert_int_eq(shown("failed") + shown("done"), 1);
    ck_assert_int_eq(shown("waiting"), 0);
    over();
}
END_TEST

/* In a slot that has nothing left nothing can be raised: it is the team's slot that was too small,
 * and not the team. */
START_TEST(test_coordinator_schedule_a_full_slot_is_not_all_there_is)
{
    struct roster_relay two[2] = {relay(0, 0), relay(1, 0)};
    struct result r;
    begin(600, true);
    two[0].weight = team.relay_rate / 8;
    two[1].weight = 3200000; /* what the other one leaves of the slot */
    give(two, 2);
    coordinator_schedule_start(team.c);
    pass_until_over(100);
    ck_assert_uint_eq(ends_of(0, &r), 2);
    ck_assert_msg(r.ok && r.bw > team.relay_rate * 9 / 10, "%s", r.why);
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_goes_on_after_a_crash)
{
    struct result r;
    begin(15, false);
    give_all(RELAYS);
    coordinator_schedule_start(team.c);
    while (!at_once())
        team_pass(1);
    team_pass(3);
    killed_and_back();
    give_all(RELAYS);
    team_pass(3);
    ck_assert_int_eq(shown("cut_short"), 1);
    ck_assert_int_eq(shown("waiting") + shown("running") + shown("done"), RELAYS);
    pass_until_over(15 * 60);
    ck_assert_int_eq(shown("done"), RELAYS);
    for (size_t i = 0; i < RELAYS; i++) {
        ck_assert_uint_eq(ends_of(i, &r), 1);
        ck_assert(r.ok);
    }
    over();
}
END_TEST

/* A coordinator that was away for some slots. */
START_TEST(test_coordinator_schedule_slots_that_went_by_are_made_up_for)
{
    begin(30, false);
    give_all(RELAYS);
    coordinator_schedule_start(team.c);
    team_pass(1);
    team_kill_coordinator();
    team_pass(12 * 60);
    back();
    team_pass(40);
    give_all(RELAYS);
    pass_until_over(17 * 60);
    ck_assert_int_eq(shown("done"), RELAYS);
    ck_assert_int_ge(shown("moved"), 1);
    over();
}
END_TEST

/* By a reload runs are longer than the slots of the day: what went by meanwhile is not asked all at
 * once. */
START_TEST(test_coordinator_schedule_runs_that_are_longer_than_its_slots)
{
    begin(60, false);
    give_all(RELAYS);
    coordinator_schedule_start(team.c);
    team_pass(1);
    team_kill_coordinator();
    team_pass(52 * 60);
    team.conf.dur = 75;
    back();
    give_all(RELAYS);
    for (int second = 0; second < 7 * 60; second++) {
        team_pass(1);
        ck_assert_int_le(shown("running"), 2);
    }
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_a_new_day_is_a_new_plan)
{
    struct result r;
    begin(5, true);
    give_all(2);
    coordinator_schedule_start(team.c);
    team_pass(60);
    ck_assert_int_eq(shown("done"), 2);
    state_is("over");
    team_pass(6 * 60);
    ck_assert_int_eq(shown("done"), 2);
    ck_assert_uint_eq(ends_of(0, &r), 2);
    ck_assert_uint_eq(ends_of(1, &r), 2);
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_stops_and_starts)
{
    struct result r;
    begin(600, true);
    give_all(3);
    coordinator_schedule_start(team.c);
    while (!at_once())
        team_pass(1);
    team_pass(8); /* the next one is asked by now, and its beginning is on disk: it goes on */
    coordinator_schedule_stop(team.c);
    state_is("stopped");
    team_pass(60);
    ck_assert_int_eq(shown("done"), 2);
    ck_assert_int_eq(shown("waiting"), 1);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    killed_and_back(); /* it stays stopped */
    give_all(3);
    team_pass(30);
    state_is("stopped");
    coordinator_schedule_start(team.c);
    team_pass(60);
    ck_assert_int_eq(shown("done"), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_ge(ends_of(i, &r), 1);
        ck_assert(r.ok);
    }
    over();
}
END_TEST

/* Who was asked for its word and has not said it yet is let go, and asked anew. */
START_TEST(test_coordinator_schedule_stops_while_a_relay_is_asked_for_its_word)
{
    struct result last;
    begin(600, true);
    struct roster_relay r = relay(0, 0);
    r.consent = ROSTER_CONTACT;
    r.mode = MEAS_ECHO2;
    give(&r, 1);
    coordinator_schedule_start(team.c);
    for (int i = 0; i < 120 && !team.proving; i++)
        team_pass(1);
    ck_assert_uint_ne(team.proving, 0);
    uint32_t id = team.proving;
    coordinator_schedule_stop(team.c);
    ck_assert_uint_eq(team.proving, 0);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    ck_assert_int_eq(shown("waiting"), 1);
    ck_assert_uint_eq(ends_of(0, &last), 1);
    ck_assert_str_eq(last.why, "cancelled");
    ck_assert_int_eq(last.began, 0);
    team_pass(60);
    ck_assert_uint_eq(team.proving, 0);
    coordinator_schedule_start(team.c);
    for (int i = 0; i < 120 && !team.proving; i++)
        team_pass(1);
    ck_assert(team.proving && team.proving != id);
    ck_assert_uint_eq(team.measurers[0].begun, 0);
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_a_lost_measurer_costs_a_slot)
{
    struct result r;
    begin(600, true);
    give_all(2);
    coordinator_schedule_start(team.c);
    while (!at_once())
        team_pass(1);
    team_pass(3);
    team_kill(0);
    team_pass(20);
    ck_assert_int_eq(shown("done"), 0);
    team_start(0);
    team_pass(60);
    ck_assert_int_eq(shown("done"), 2);
    ck_assert_int_eq(shown("moved"), 1);
    ck_assert_uint_eq(ends_of(0, &r) + ends_of(1, &r), 3);
    over();
}
END_TEST

static uint64_t given_by(const struct team_measurer *m)
{
    uint64_t given = 0;
    for (size_t k = 0; k < TEAM_JOBS; k++)
        if (team.jobs[k].of == m && team.jobs[k].running)
            given += team.jobs[k].told.alloc_bw;
    return given;
}

/* The plan counted on two. */
START_TEST(test_coordinator_schedule_who_is_left_gives_no_more_than_it_has)
{
    struct roster_relay two[2] = {relay(0, 0), relay(1, 0)};
    begin_with(2, 12, false);
    two[0].weight = two[1].weight = 1600000;
    give(two, 2);
    coordinator_schedule_start(team.c);
    team_pass(2);
    team_kill(1);
    bool both = false;
    for (int second = 0; second < 11 * 60; second++) {
        team_pass(1);
        both = both || at_once() == 2;
        ck_assert_uint_le(given_by(&team.measurers[0]), 5000000 + 5000);
    }
    ck_assert(both);
    over();
}
END_TEST

static unsigned held(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < TEAM_JOBS; i++)
        n += team.jobs[i].of && team.jobs[i].connected && !team.jobs[i].running ? 1 : 0;
    return n;
}

/* Its line is said to be slower while both have their circuits already: one after the other. */
START_TEST(test_coordinator_schedule_a_measurer_that_has_less_than_was_promised)
{
    struct roster_relay two[2] = {relay(0, 0), relay(1, 0)};
    unsigned most = 0;
    begin(12, false);
    two[0].weight = two[1].weight = team.relay_rate = 1600000;
    give(two, 2);
    coordinator_schedule_start(team.c);
    for (unsigned step = 0; held() < 2; step++) {
        ck_assert_uint_lt(step, 10 * 60 * 5);
        team_pass(.2);
    }
    team.conf.measurers[0].bw = 5000000;
    coordinator_reconfigure(team.c, &team.conf);
    for (int second = 0; second < 100; second++) {
        team_pass(1);
        most = at_once() > most ? at_once() : most;
        ck_assert_uint_le(given_by(&team.measurers[0]), 5000000 + 5000);
    }
    ck_assert_uint_eq(most, 1);
    ck_assert_int_eq(shown("done"), 2);
    over();
}
END_TEST

static void count_plans_refused(void *arg, enum log_level level, const char *line)
{
    unsigned *n = arg;
    (void)level;
    *n += strstr(line, "There is no schedule") ? 1 : 0;
}

static void measurer_again(unsigned sockets)
{
    team_kill(0);
    team.measurers[0].conf.sockets_max = sockets;
    team_start(0);
    team_pass(2);
}

/* No plan can be made: said once a minute, and it is made when it can be. */
START_TEST(test_coordinator_schedule_that_can_not_be_made_is_tried_again)
{
    unsigned refused = 0;
    struct log log = {.least = LOG_WARN, .sink = count_plans_refused, .arg = &refused};
    begin(600, true);
    team.env->log = &log;
    measurer_again(1); /* back to back needs two */
    give_all(2);
    coordinator_schedule_start(team.c);
    team_pass(3 * 60);
    ck_assert_uint_ge(refused, 2);
    ck_assert_uint_le(refused, 4);
    measurer_again(40);
    team_pass(2 * 60);
    ck_assert_int_eq(shown("done"), 2);
    over();
}
END_TEST

START_TEST(test_coordinator_schedule_finish_lets_runs_end)
{
    begin(600, true);
    give_all(3);
    coordinator_schedule_start(team.c);
    while (!at_once())
        team_pass(1);
    team_pass(8);
    coordinator_finish(team.c);
    team_pass(20);
    ck_assert_uint_eq(team.idle, 1);
    ck_assert_int_eq(shown("done"), 1);
    ck_assert_int_eq(shown("waiting"), 2);
    over();
}
END_TEST

/* What was kept may be torn, or of yesterday: then there is another plan. */
START_TEST(test_coordinator_schedule_what_was_kept_may_be_torn)
{
    static const char *const bad[] = {
        "", "{", "{\"t\":\"x\"}", "{\"t\":\"plan\"}", "{\"t\":\"relay\",\"fp\":\"00\"}",
        "{\"t\":\"relay\",\"fp\":\"0100000000000000000000000000000000000000\",\"state\":\"x\"}",
        "{\"t\":\"relay\",\"fp\":\"0100000000000000000000000000000000000000\",\"state\":\"done\"}",
        /* A number of a group that is an index; a beginning that is not in the period. */
        "{\"t\":\"relay\",\"fp\":\"0100000000000000000000000000000000000000\",\"state\":\"done\","
        "\"prior\":1,\"wanted\":1,\"given\":1,\"sockets\":1,\"slot\":1,\"group\":20000,\"tries\":"
        "0}",
        "{\"t\":\"plan\",\"period\":20454,\"begins_us\":9223372036854775807,\"slot_s\":60,"
        "\"slots\":9,"
        "\"compact\":true,\"capacity\":1,\"sockets\":1,\"index\":0,\"of\":1,\"relays\":1}"};
    begin(600, true);
    give_all(3);
    coordinator_schedule_start(team.c);
    team_pass(1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(coordinator_recall_schedule(team.c, text_of(bad[i])), ERR_MALFORMED);
    team_kill_coordinator();
    team_pass(1);
    free(kept.lines[--kept.n]);
    free(kept.lines[--kept.n]);
    free(kept.lines[--kept.n]);
    back();
    give_all(3);
    team_pass(60);
    ck_assert_int_eq(shown("done"), 3);
    ck_err(coordinator_secret(team.c, "short", 5), ERR_LIMIT);
    over();
}
END_TEST

/* Thousands of new relays are one piece that is kept, and each of them stands in it. */
START_TEST(test_coordinator_schedule_new_ones_are_kept_at_once)
{
    begin(600, true);
    give_all(1);
    coordinator_schedule_start(team.c);
    team_pass(1);
    size_t times = kept.times, n = kept.n;
    give_all(RELAYS);
    ck_assert_uint_eq(kept.times, times + 1);
    ck_assert_uint_eq(kept.n, n + RELAYS - 1);
    over();
}
END_TEST

/* By their slots over all pages, and the first says how far it is. */
START_TEST(test_coordinator_schedule_is_shown_in_pages)
{
    enum { MANY = COORDINATOR_PAGE + 40 };
    struct roster_relay relays[MANY];
    bool last = false;
    json_int_t slot = 0;
    size_t n = 0, pages = 0, i;
    begin(600, true);
    for (i = 0; i < MANY; i++)
        relays[i] = relay(i, i);
    give(relays, MANY);
    coordinator_schedule_start(team.c);
    team_pass(1);
    struct coordinator_view *v = coordinator_view_schedule(team.c);
    for (; !last; pages++) {
        char *text = coordinator_view_next(v, &last);
        json_t *o = json_loads(text, 0, NULL), *item;
        ck_assert_str_eq(json_string_value(json_object_get(o, "event")),
                         pages ? "slots" : "schedule");
        ck_assert(json_integer_value(json_object_get(o, "slot_s")) > 0);
        json_array_foreach(json_object_get(o, "items"), i, item)
        {
            const json_t *of = json_object_get(item, "slot");
            ck_assert_int_ge(json_integer_value(of), slot);
            slot = json_integer_value(of);
            n++;
        }
        json_decref(o);
        free(text);
    }
    ck_assert_uint_eq(pages, 2);
    ck_assert_uint_eq(n, MANY);
    coordinator_view_free(v);
    over();
}
END_TEST

/* ---- scenarios drawn from seeds ---- */

enum { SEEDED_RELAYS = 10, SEEDED_BW = 10000000 };

static uint64_t seed_state;

static uint64_t draw(uint64_t below)
{
    seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
    return (seed_state >> 33) % below;
}

/* Some of one host, some too large, some not there. */
static void give_some(void)
{
    struct roster_relay relays[SEEDED_RELAYS];
    size_t n = 0;
    for (size_t i = 0; i < SEEDED_RELAYS; i++) {
        if (!draw(8))
            continue;
        relays[n] = relay(i, i < 3 ? 0 : i);
        relays[n].running = draw(8) != 0;
        relays[n].weight = team.relay_rate >> draw(4);
        relays[n++].family = i > 7 ? 1 : 0;
    }
    give(relays, n);
}

static void measurer_event(void)
{
    size_t i = draw(team.n);
    struct team_measurer *m = &team.measurers[i];
    if (!m->m)
        team_start(i);
    else if (draw(2))
        team_kill(i);
    else
        m->fault = (struct team_fault){.never_connects = draw(4) == 0,
                                       .no_reports = draw(4) == 0,
                                       .cheats = draw(6) == 0,
                                       .from_s = (unsigned)draw(6)};
}

static void coordinator_event(void)
{
    switch (draw(5)) {
    case 0:
        team_kill_coordinator();
        team_pass((double)draw(100));
        back();
        give_some();
        break;
    case 1:
        coordinator_schedule_stop(team.c);
        break;
    case 2:
        team.disk_full = !team.disk_full;
        break;
    case 3:
        team.env->wall_us += ((int64_t)draw(7200) - 3600) * (int64_t)US_PER_SEC;
        break;
    default:
        team.relay_is_silent = !team.relay_is_silent;
    }
}

/* Nobody gives more than it has, and no relay of the plan is lost. */
static void check_all_is_well(void)
{
    static const char *const states[] = {"waiting", "running", "done",
                                         "failed",  "offline", "no_room"};
    json_int_t sum = 0;
    for (size_t i = 0; i < team.n; i++)
        ck_assert_uint_le(given_by(&team.measurers[i]), SEEDED_BW + SEEDED_BW / 500);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        sum += shown(states[i]);
    ck_assert_int_ge(sum, 0);
    char *text = team_page(coordinator_view_schedule(team.c));
    json_t *o = json_loads(text, 0, NULL);
    ck_assert_int_eq((json_int_t)json_array_size(json_object_get(o, "items")),
                     sum + shown("resting"));
    json_decref(o);
    free(text);
}

static void settle(void)
{
    struct roster_relay all[SEEDED_RELAYS];
    team.disk_full = team.relay_is_silent = false;
    for (size_t i = 0; i < team.n; i++) {
        team.measurers[i].fault = (struct team_fault){.from_s = 0};
        if (!team.measurers[i].m)
            team_start(i);
    }
    team_pass(100);
    for (size_t i = 0; i < SEEDED_RELAYS; i++)
        all[i] = relay(i, i < 3 ? 0 : i);
    give(all, SEEDED_RELAYS);
    coordinator_schedule_start(team.c);
    for (int minute = 0; minute < 60 && (shown("waiting") || shown("running") || !shown("slots"));
         minute++)
        team_pass(30);
    team_pass(5);
    ck_assert_int_eq(shown("waiting") + shown("running"), 0);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    for (size_t i = 0; i < team.n; i++)
        ck_assert_uint_eq(measurer_jobs(team.measurers[i].m), 0);
}

/* At most twice in 24 hours, whatever was forgotten, as far as the clock was not set. */
static void check_polite(void)
{
    for (size_t i = 0; i < SEEDED_RELAYS; i++) {
        struct result r;
        char fp[41];
        unsigned began = 0;
        snprintf(fp, sizeof fp, "%02zX00000000000000000000000000000000000000", i + 1);
        for (size_t l = 0; l < team.n_lines; l++) {
            ck_ok(results_parse((struct text){team.lines[l], strlen(team.lines[l]) - 1}, &r));
            began += !r.is_end && strcmp(r.fp, fp) == 0 ? 1 : 0;
        }
        ck_assert_uint_le(began, POLITE_RUNS_MOST);
    }
}

static void scenario(uint64_t seed)
{
    seed_state = seed * 7919 + 1;
    kept_clear();
    team_new(2, SEEDED_BW, 3000000);
    team.conf.compact = draw(2);
    team.conf.adaptive = draw(2);
    team.conf.paper = !team.conf.adaptive && draw(2);
    team.env->wall_us += 8 * 3600 * (int64_t)US_PER_SEC;
    team_kill_coordinator();
    team_pass(1);
    with_schedule();
    give_some();
    for (int events = 0; events < 24; events++) {
        coordinator_schedule_start(team.c);
        team_pass((double)draw(40));
        check_all_is_well();
        switch (draw(4)) {
        case 0:
            measurer_event();
            break;
        case 1:
            coordinator_event();
            break;
        case 2:
            give_some();
            break;
        default:
            break;
        }
    }
    if (team.conf.compact)
        settle();
    check_polite();
    ck_assert(!team.sent_before_synced);
    over();
}

/* SEEDS=N: that many. SEED=N: only that one. */
START_TEST(test_coordinator_schedule_seeds)
{
    const char *one = getenv("SEED"), *many = getenv("SEEDS");
    uint64_t from = one ? strtoull(one, NULL, 10) : 1;
    uint64_t to = one ? from : many ? strtoull(many, NULL, 10) : 50 / test_share();
    for (uint64_t seed = from; seed <= to; seed++) {
        fprintf(stderr, "%llu ", (unsigned long long)seed);
        scenario(seed);
    }
    fputc('\n', stderr);
}
END_TEST

/* The prior that relay I has in the plan. */
static json_int_t prior_of(size_t i)
{
    char fp[41], *text = team_page(coordinator_view_schedule(team.c));
    json_t *o = json_loads(text, 0, NULL), *item;
    json_int_t prior = 0;
    size_t k;
    snprintf(fp, sizeof fp, "%02zX00000000000000000000000000000000000000", i + 1);
    json_array_foreach(json_object_get(o, "items"), k, item)
    {
        if (strcmp(fp, json_string_value(json_object_get(item, "fp"))) == 0)
            prior = json_integer_value(json_object_get(item, "prior"));
    }
    json_decref(o);
    free(text);
    return prior;
}

/* What is guessed of a relay takes nothing from another of its host of which more is known. */
START_TEST(test_coordinator_schedule_a_guess_is_no_more_than_what_is_known)
{
    begin(600, true);
    struct roster_relay relays[] = {relay(0, 0), relay(1, 0), relay(2, 2), relay(3, 3)};
    relays[0].weight = 100000;
    relays[1].weight = 0;
    relays[2].weight = 0;
    relays[3].weight = 900000;
    give(relays, 4);
    coordinator_schedule_start(team.c);
    team_pass(1);
    ck_assert_int_eq(prior_of(0), 100000);
    ck_assert_int_eq(prior_of(1), 100000);
    ck_assert_int_eq(prior_of(2), 900000);
    /* And of one that comes later. */
    struct roster_relay more[] = {relays[0], relays[1], relays[2], relays[3], relay(4, 0)};
    more[4].weight = 0;
    give(more, 5);
    ck_assert_int_eq(prior_of(4), 100000);
    over();
}
END_TEST

/* One by its fingerprint alone, which is in no consensus. */
START_TEST(test_coordinator_schedule_who_has_no_address_is_shown)
{
    begin(600, true);
    struct roster_relay relays[] = {relay(0, 0), relay(1, 1)};
    relays[1].who.n_addrs = 0;
    give(relays, 2);
    ck_assert_int_eq(shown("no_address"), 1);
    char *text = team_page(coordinator_view_schedule(team.c));
    ck_assert_ptr_nonnull(
        strstr(text, "\"unplaced\":[\"0200000000000000000000000000000000000000\"]"));
    free(text);
    give(relays, 1);
    ck_assert_int_eq(shown("no_address"), 0);
    over();
}
END_TEST

TESTS("measure/coordinator_schedule", test_coordinator_schedule_each_relay_in_its_slot,
      test_coordinator_schedule_back_to_back, test_coordinator_schedule_of_a_host_all_at_once,
      test_coordinator_schedule_of_a_host_none_ends_alone,
      test_coordinator_schedule_a_measurer_that_has_less_than_was_promised,
      test_coordinator_schedule_that_can_not_be_made_is_tried_again,
      test_coordinator_schedule_who_is_not_there_is_skipped_and_said,
      test_coordinator_schedule_a_new_one_of_a_host_joins_the_others,
      test_coordinator_schedule_a_prior_too_low_is_a_later_slot,
      test_coordinator_schedule_a_full_slot_is_not_all_there_is,
      test_coordinator_schedule_goes_on_after_a_crash,
      test_coordinator_schedule_slots_that_went_by_are_made_up_for,
      test_coordinator_schedule_runs_that_are_longer_than_its_slots,
      test_coordinator_schedule_a_new_day_is_a_new_plan, test_coordinator_schedule_stops_and_starts,
      test_coordinator_schedule_stops_while_a_relay_is_asked_for_its_word,
      test_coordinator_schedule_a_lost_measurer_costs_a_slot,
      test_coordinator_schedule_finish_lets_runs_end,
      test_coordinator_schedule_a_guess_is_no_more_than_what_is_known,
      test_coordinator_schedule_who_has_no_address_is_shown,
      test_coordinator_schedule_who_is_left_gives_no_more_than_it_has,
      test_coordinator_schedule_new_ones_are_kept_at_once,
      test_coordinator_schedule_is_shown_in_pages,
      test_coordinator_schedule_what_was_kept_may_be_torn, test_coordinator_schedule_seeds)
