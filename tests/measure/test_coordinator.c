#include "measure/coordinator.h"

#include "measure/coordinator_int.h"
#include "support/measureteam.h"

static const char RELAY[] = "127.0.0.1:9001", OTHER[] = "127.0.0.2:9001";

static bool near_(uint64_t got, uint64_t want)
{
    return got > want * 98 / 100 && got < want * 102 / 100;
}

static size_t begins(uint32_t id)
{
    size_t n = 0;
    struct result r;
    for (size_t i = 0; i < team.n_lines; i++) {
        ck_ok(results_parse((struct text){team.lines[i], strlen(team.lines[i]) - 1}, &r));
        n += !r.is_end && r.id == id ? 1 : 0;
    }
    return n;
}

START_TEST(test_coordinator_measures_by_a_team)
{
    team_new(2, 10000000, 3000000);
    team.relay_bg = 500000;
    uint32_t id = team_measure(RELAY);
    team_pass(15);
    struct result r = team_result(id);
    ck_assert_msg(r.ok, "%s: %s", r.why, r.detail);
    ck_assert_msg(near_(r.bw, 3500000), "%llu", (unsigned long long)r.bw);
    ck_assert_str_eq(r.limited_by, "relay");
    ck_assert_uint_gt(r.bytes, 30000000);
    ck_assert_uint_eq(begins(id), 1);
    ck_assert(!team.sent_before_synced);
    ck_assert_uint_eq(team.measurers[0].begun, 1);
    ck_assert_uint_eq(team.measurers[1].begun, 1);
    ck_assert_uint_eq(team.measurers[0].ended, 1);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    ck_assert_uint_eq(team.n_over, 1);
    ck_assert_uint_ge(team.n_events, 10);
    team_free();
}
END_TEST

/* FlashFlow's measurement stayed for ever when one was lost. */
START_TEST(test_coordinator_a_killed_measurer_fails_its_runs_at_once_and_no_other)
{
    for (int when = 0; when < 2; when++) {
        team_new(2, 10000000, 3000000);
        team.measurers[1].fault.never_connects = when == 0;
        uint32_t id = team_measure(RELAY);
        team_pass(when ? 6 : 1);
        team_kill(1);
        uint32_t other = team_measure(OTHER);
        team_pass(1);
        struct result r = team_result(id);
        ck_assert(!r.ok);
        ck_assert_str_eq(r.why, "measurer_lost");
        ck_assert_int_eq(team.measurers[0].last_stop, MEAS_CANCELLED);
        team_pass(14);
        ck_assert(team_result(other).ok);
        team_free();
    }
}
END_TEST

START_TEST(test_coordinator_two_relays_at_once)
{
    team_new(1, 100000000, 3000000);
    uint32_t a = team_measure(RELAY), b = team_measure(OTHER);
    team_pass(3);
    ck_assert_uint_eq(measurer_jobs(team.measurers[0].m), 2);
    team_pass(12);
    ck_assert(team_result(a).ok);
    ck_assert(team_result(b).ok);
    team_free();
}
END_TEST

START_TEST(test_coordinator_one_run_at_a_time_of_a_relay)
{
    team_new(1, 100000000, 3000000);
    uint32_t a = team_measure(RELAY), b = team_measure(RELAY);
    team_pass(5);
    ck_assert_uint_eq(measurer_jobs(team.measurers[0].m), 1);
    team_pass(25);
    ck_assert(team_result(a).ok);
    ck_assert(team_result(b).ok);
    team_free();
}
END_TEST

/* Nobody was told to measure it: it was only asked, however often. */
START_TEST(test_coordinator_what_only_was_asked_is_no_run)
{
    static const char elsewhere[] = "203.0.113.7:9001";
    team_new(1, 10000000, 3000000);
    team.relay_is_silent = true;
    for (int i = 0; i < 4; i++) {
        uint32_t id = team_measure(elsewhere);
        team_pass(15);
        struct result r = team_result(id);
        ck_assert_msg(strcmp(r.why, "unsupported") == 0, "%s: %s", r.why, r.detail);
        ck_assert_int_eq(r.began, 0);
    }
    team.relay_is_silent = false;
    for (int i = 0; i < 2; i++) {
        uint32_t id = team_measure(elsewhere);
        team_pass(15);
        ck_assert(team_result(id).ok);
    }
    uint32_t third = team_measure(elsewhere);
    team_pass(3);
    ck_assert_str_eq(team_result(third).why, "resting");
    team_free();
}
END_TEST

/* Each ends in its terminal state, with its reason, within its time-out. */
START_TEST(test_coordinator_every_phase_has_its_end)
{
    static const struct {
        struct team_fault fault;
        bool refuses, silent, disk_full;
        unsigned within_s;
        const char *why;
    } cases[] = {
        {.refuses = true, .within_s = 1, .why = "refused"},
        {.silent = true, .within_s = 12, .why = "unsupported"},
        {.fault = {.never_connects = true}, .within_s = 40, .why = "timeout"},
        {.fault = {.few_circs = true}, .within_s = 2, .why = "no_circuits"},
        {.fault = {.no_reports = true, .from_s = 4}, .within_s = 10, .why = "measurer_lost"},
        {.fault = {.no_reports = true}, .within_s = 10, .why = "measurer_lost"},
        {.fault = {.cheats = true, .from_s = 2}, .within_s = 5, .why = "cheat"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        team_new(2, 10000000, 3000000);
        team.measurers[0].fault = cases[i].fault;
        team.relay_refuses = cases[i].refuses;
        team.relay_is_silent = cases[i].silent;
        uint32_t id = team_measure(RELAY);
        team_pass(cases[i].within_s);
        struct result r = team_result(id);
        ck_assert_msg(strcmp(r.why, cases[i].why) == 0, "%zu: %s %s", i, r.why, r.detail);
        team_pass(2);
        for (size_t k = 0; k < 2; k++)
            ck_assert_uint_eq(measurer_jobs(team.measurers[k].m), 0);
        ck_assert_uint_eq(begins(id), cases[i].refuses || cases[i].silent ? 0 : 1);
        ck_assert_uint_eq(coordinator_measurers(team.c), 2);
        team_free();
    }
}
END_TEST

/* FlashFlow indexed reports by two clocks, so that a slow one shifted columns. */
START_TEST(test_coordinator_a_clock_that_differs_shifts_nothing)
{
    team_new(2, 10000000, 3000000);
    team.measurers[0].fault.clock = 0.97;
    team.measurers[1].fault.clock = 1.03;
    team.env->wall_us -= 3600 * (int64_t)US_PER_SEC;
    uint32_t id = team_measure(RELAY);
    team_pass(16);
    struct result r = team_result(id);
    ck_assert_msg(r.ok && near_(r.bw, 3000000), "%s %llu", r.why, (unsigned long long)r.bw);
    team_free();
}
END_TEST

/* Its claims are bounded by what its own links carried, and by what it has. */
static unsigned warned_apart;

static void note_apart(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    warned_apart +=
        level == LOG_WARN && strstr(line, "measurer m2 and ours lay ") && strstr(line, " ms apart");
}

START_TEST(test_coordinator_warns_of_seconds_apart)
{
    struct log log = {.least = LOG_WARN, .sink = note_apart};
    static const double clocks[] = {0.97, 0.9, 1.1};
    for (size_t i = 0; i < 3; i++) {
        team_new(2, 10000000, 3000000);
        team.env->log = &log;
        team.measurers[1].fault.clock = clocks[i];
        warned_apart = 0;
        (void)team_measure(RELAY);
        team_pass(20);
        ck_assert_uint_eq(coordinator_jobs(team.c), 0);
        ck_assert_uint_eq(warned_apart, i ? 1 : 0);
        team_free();
    }
}
END_TEST

START_TEST(test_coordinator_boasts_are_not_believed)
{
    team_new(2, 10000000, 3000000);
    team.measurers[0].fault.boasts = 10;
    uint32_t id = team_measure(RELAY);
    team_pass(15);
    struct result r = team_result(id);
    ck_assert_msg(!r.ok || r.bw < 3100000, "%llu", (unsigned long long)r.bw);
    team_free();
}
END_TEST

START_TEST(test_coordinator_nothing_begins_that_could_be_forgotten)
{
    team_new(1, 10000000, 3000000);
    team.disk_full = true;
    (void)team_measure(RELAY);
    team_pass(3);
    ck_assert_uint_eq(team.measurers[0].begun, 0);
    ck_assert_uint_eq(team.n_over, 1);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    team_free();
}
END_TEST

START_TEST(test_coordinator_that_is_gone_stops_all_traffic)
{
    team_new(2, 10000000, 3000000);
    (void)team_measure(RELAY);
    team_pass(5);
    team_kill_coordinator();
    team_pass(1);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(measurer_jobs(team.measurers[i].m), 0);
        ck_assert_int_eq(team.measurers[i].last_stop, MEAS_DEAD_MAN);
        ck_assert_int_ne(measurer_state(team.measurers[i].m), MEASURER_FATAL_ERROR);
    }
    /* It comes back, and so do they; what ran was an attempt. */
    team_coordinator();
    for (size_t i = 0; i < team.n_lines; i++)
        ck_ok(coordinator_recall(team.c, (struct text){team.lines[i], strlen(team.lines[i]) - 1}));
    ck_ok(coordinator_recalled(team.c));
    team_pass(5);
    ck_assert_uint_eq(coordinator_measurers(team.c), 2);
    uint32_t id = team_measure(RELAY);
    team_pass(15);
    ck_assert(team_result(id).ok);
    team_free();
}
END_TEST

/* The second one with the first one's key. */
static void twin(void)
{
    team_kill(1);
    team_pass(1);
    tls_ctx_free(team.measurers[1].keys.ctx);
    team.measurers[1].keys = team.measurers[0].keys;
    team.measurers[1].dialled = 0;
}

static void twins_free(void)
{
    team_kill(1);
    team.measurers[1].keys.ctx = NULL;
    team_free();
}

/* They would throw each other out each .5 s, for ever, and nothing would be measured. */
START_TEST(test_coordinator_of_two_with_one_key_the_older_stays)
{
    team_new(2, 10000000, 3000000);
    twin();
    uint32_t id = team_measure(RELAY);
    team_pass(3);
    unsigned before = team.measurers[0].dialled;
    team_start(1);
    team_pass(100);
    ck_assert(team_result(id).ok);
    ck_assert_uint_eq(team.measurers[0].dialled, before);
    ck_assert_int_eq(measurer_state(team.measurers[0].m), MEASURER_READY);
    ck_assert_uint_ge(team.measurers[1].dialled, 3);
    ck_assert_uint_le(team.measurers[1].dialled, 9); /* twice as long each time */
    ck_assert_int_eq(measurer_state(team.measurers[1].m), MEASURER_ENSURE_CONN_W_COORD);
    ck_assert_uint_eq(coordinator_measurers(team.c), 1);
    twins_free();
}
END_TEST

/* Its machine has lost its power, say, and it comes back from another. */
START_TEST(test_coordinator_one_that_answers_no_more_is_replaced)
{
    team_new(2, 10000000, 3000000);
    twin();
    team.measurers[0].cut = true;
    team_start(1);
    team_pass(34); /* the coordinator itself waits 35 s */
    ck_assert_int_eq(measurer_state(team.measurers[1].m), MEASURER_READY);
    ck_assert_uint_eq(coordinator_measurers(team.c), 1);
    twins_free();
}
END_TEST

/* At most twice a period and relay, also over crashes. Loopback is free, so this is another. */
START_TEST(test_coordinator_twice_a_period_also_over_crashes)
{
    static const char relay[] = "203.0.113.7:9001";
    team_new(1, 100000000, 3000000);
    for (int i = 0; i < 2; i++) {
        (void)team_measure(relay);
        team_pass(4);
        team_kill_coordinator();
        team_pass(1);
        team_coordinator();
        for (size_t l = 0; l < team.n_lines; l++)
            ck_ok(coordinator_recall(team.c,
                                     (struct text){team.lines[l], strlen(team.lines[l]) - 1}));
        ck_ok(coordinator_recalled(team.c));
        team_pass(3);
    }
    ck_assert_uint_eq(team.measurers[0].begun, 2);
    uint32_t third = team_measure(relay);
    team_pass(4);
    ck_assert_uint_eq(team.measurers[0].begun, 2);
    ck_assert_str_eq(team_result(third).why, "resting");
    team_free();
}
END_TEST

START_TEST(test_coordinator_strangers_are_sent_away)
{
    team_new(2, 10000000, 3000000);
    team_kill(1);
    tls_ctx_free(team.measurers[1].keys.ctx);
    coord_keys_make(&team.measurers[1].keys, false, "m2"); /* a new key under an old name */
    team_start(1);
    team_pass(2);
    ck_assert_uint_eq(coordinator_measurers(team.c), 1);
    ck_assert_int_eq(measurer_state(team.measurers[1].m), MEASURER_ENSURE_CONN_W_COORD);
    ck_assert(measurer_is_refused(team.measurers[1].m));
    team_free();
}
END_TEST

static size_t sessions(void)
{
    size_t n = 0;
    for (const struct csession *c = team.c->sessions; c; c = c->next)
        n++;
    return n;
}

/* They connect, say nothing, and come again. */
START_TEST(test_coordinator_strangers_keep_no_measurer_out)
{
    team_new(2, 10000000, 3000000);
    for (unsigned one = 0; one < 2; one++) {
        size_t most = one ? COORDINATOR_STRANGERS_HERE : COORDINATOR_STRANGERS_MOST;
        team_kill(1);
        for (unsigned i = 0; i < 200; i++) {
            const struct ip from = ip_v4((const uint8_t[]){198, 51, 100, one ? 9 : (uint8_t)i});
            struct coord_proto *p = coordinator_accept(team.c, &from);
            ck_assert_ptr_nonnull(p);
            coord_proto_begin(p);
            team_step();
            ck_assert_uint_le(sessions(), 2 + COORDINATOR_STRANGERS_MOST + 1);
        }
        ck_assert_uint_ge(sessions(), most);
        team_start(1);
        team_pass(2);
        ck_assert_uint_eq(coordinator_measurers(team.c), 2);
        if (one) /* all of the first came from elsewhere, and have run out of time */
            ck_assert_uint_le(sessions(), 2 + most);
        team_pass(60);
    }
    team_free();
}
END_TEST

START_TEST(test_coordinator_reload_sends_away_who_is_not_listed)
{
    team_new(2, 10000000, 3000000);
    team.conf.n_measurers = 1;
    coordinator_reconfigure(team.c, &team.conf);
    team_pass(3);
    ck_assert_uint_eq(coordinator_measurers(team.c), 1);
    team_free();
}
END_TEST

START_TEST(test_coordinator_cancel)
{
    team_new(1, 10000000, 3000000);
    uint32_t a = team_measure(RELAY), b = team_measure(RELAY);
    team_pass(4);
    ck_ok(coordinator_cancel(team.c, a));
    ck_ok(coordinator_cancel(team.c, b));
    ck_err(coordinator_cancel(team.c, 12345), ERR_NOT_FOUND);
    team_pass(1);
    ck_assert_str_eq(team_result(a).why, "cancelled");
    ck_assert_str_eq(team_result(b).why, "cancelled");
    ck_assert_uint_eq(measurer_jobs(team.measurers[0].m), 0);
    ck_assert_uint_eq(begins(b), 0);
    team_free();
}
END_TEST

START_TEST(test_coordinator_finish_lets_runs_end)
{
    uint32_t id;
    char why[COORDINATOR_WHY];
    team_new(1, 10000000, 3000000);
    uint32_t a = team_measure(RELAY), b = team_measure(RELAY);
    team_pass(4);
    coordinator_finish(team.c);
    ck_assert_uint_eq(team.idle, 0);
    ck_err(coordinator_measure(team.c, OTHER, &(struct coordinator_wish){0}, &id, why), ERR_STATE);
    team_pass(10);
    ck_assert_uint_eq(team.idle, 1);
    ck_assert(team_result(a).ok);
    ck_assert_str_eq(team_result(b).why, "cancelled");
    team_free();
}
END_TEST

START_TEST(test_coordinator_without_measurers_says_so)
{
    team_new(1, 10000000, 3000000);
    team_kill(0);
    uint32_t id = team_measure(RELAY);
    team_pass(29);
    ck_assert_uint_eq(coordinator_jobs(team.c), 1);
    char *status = coordinator_status_json(team.c);
    ck_assert_ptr_nonnull(strstr(status, "WAITING: no measurer is connected"));
    free(status);
    team_pass(3);
    ck_assert_str_eq(team_result(id).why, "measurer_lost");
    team_free();
}
END_TEST

START_TEST(test_coordinator_relays_by_name)
{
    static const struct {
        const char *relay, *why;
    } bad[] = {{"", "say ADDRESS:PORT"},
               {"moria1", "say ADDRESS:PORT"},
               {"relay.example:9001", ""},
               {"[::ffff:192.0.2.1]:9001", ""},
               {"xyz@127.0.0.1:9001", "no fingerprint"},
               {"000102030405060708090A0B0C0D0E0F10111213", "no relay of that fingerprint"}};
    char why[COORDINATOR_WHY];
    uint32_t id;
    team_new(1, 10000000, 3000000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_err(coordinator_measure(team.c, bad[i].relay, &(struct coordinator_wish){0}, &id, why),
               ERR_ARG);
        ck_assert_msg(strstr(why, bad[i].why), "%s", why);
    }
    id = team_measure("$000102030405060708090a0b0c0d0e0f10111213@127.0.0.1:9001");
    team_pass(15);
    ck_assert(team_result(id).ok);
    id = team_measure("000102030405060708090A0B0C0D0E0F10111213");
    team_pass(15);
    ck_assert_uint_eq(team_result(id).at.port, 9001);
    team_free();
}
END_TEST

/* A relay that knows nothing of measuring is measured by its own signed word, or not at all. */
START_TEST(test_coordinator_unmodified_relays_need_consent)
{
    static const struct {
        err_t err;
        const char *descriptor, *detail, *why;
    } cases[] = {{ERR_LINK_CONNECT, "", "nobody answers", "unreachable"},
                 {ERR_LINK_TIMEOUT, "", "nobody answers", "timeout"},
                 {ERR_LINK_TLS, "", "it speaks no TLS", "handshake_failed"},
                 {ERR_LINK_CLOSED, "", "it closed", "handshake_failed"},
                 {ERR_LINK_CERTS, "", "its certificates", "handshake_failed"},
                 {ERR_LINK_IDENTITY, "", "it is another", "wrong_identity"},
                 {ERR_NOT_FOUND, "", "nobody answers", "no_consent"},
                 {OK, "router x 203.0.113.7 9001 0 0\n", "", "no_consent"},
                 {OK, "", "", "no_consent"}};
    const struct coordinator_wish wish = {.mode = MEAS_ECHO2};
    char why[COORDINATOR_WHY];
    uint32_t id;
    team_new(1, 10000000, 3000000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct consent_relay who = {.has_rsa = true, .has_ed = true};
        ck_ok(ipport_parse("203.0.113.7:9001", &who.at));
        ck_ok(coordinator_measure(team.c, "203.0.113.7:9001", &wish, &id, why));
        team_pass(3);
        ck_assert_uint_eq(team.proving, id);
        coordinator_proved(team.c, id, cases[i].err, &who, text_of(cases[i].descriptor),
                           cases[i].detail);
        team_pass(1);
        struct result r = team_result(id);
        ck_assert_str_eq(r.why, cases[i].why);
        ck_assert_msg(strstr(r.detail, cases[i].detail), "%s", r.detail);
        ck_assert_uint_eq(begins(id), 0);
    }
    ck_assert_uint_eq(team.measurers[0].begun, 0);
    ck_assert_uint_eq(team.proving, 0);
    /* It is asked of nobody on this computer. */
    ck_ok(coordinator_measure(team.c, RELAY, &wish, &id, why));
    team_pass(15);
    ck_assert_msg(team_result(id).ok, "%s", team_result(id).detail);
    /* drop proves nothing, so nobody else is to be flooded by it; http needs to know what through.
     */
    struct coordinator_wish other = {.mode = MEAS_DROP};
    ck_err(coordinator_measure(team.c, "203.0.113.8:9001", &other, &id, why), ERR_ARG);
    ck_assert_msg(strstr(why, "of this computer alone"), "%s", why);
    other.mode = MEAS_HTTP;
    ck_err(coordinator_measure(team.c, RELAY, &other, &id, why), ERR_ARG);
    ck_ok(ipport_parse("127.0.0.1:9002", &other.exit));
    ck_err(coordinator_measure(team.c, RELAY, &other, &id, why), ERR_ARG);
    ck_assert_msg(strstr(why, "which server?"), "%s", why);
    /* One that is cancelled meanwhile. */
    ck_ok(coordinator_measure(team.c, "203.0.113.8:9001", &wish, &id, why));
    team_pass(1);
    ck_ok(coordinator_cancel(team.c, id));
    ck_assert_uint_eq(team.proving, 0);
    coordinator_proved(team.c, id, OK, &(struct consent_relay){.has_rsa = true}, TEXT_LIT("x"), "");
    ck_assert_str_eq(team_result(id).why, "cancelled");
    team_free();
}
END_TEST

START_TEST(test_coordinator_looks)
{
    team_new(2, 10000000, 3000000);
    team_kill(1);
    (void)team_measure(RELAY);
    team_pass(5);
    char *status = coordinator_status_json(team.c),
         *relays = team_page(coordinator_view_relays(team.c));
    ck_assert(strstr(status, "\"state\":\"RUNNING\"") && strstr(status, "\"ready_circs\":12"));
    ck_assert(strstr(status, "\"waiting_circs\":0"));
    ck_assert(strstr(status, "\"connected\":false"));
    ck_assert_str_eq(relays, "{\"relays\":[]}");
    free(status);
    free(relays);
    team_pass(10);
    relays = team_page(coordinator_view_relays(team.c));
    ck_assert(strstr(relays, "\"addr\":\"127.0.0.1:9001\""));
    free(relays);
    team_free();
}
END_TEST

TESTS("measure/coordinator", test_coordinator_measures_by_a_team,
      test_coordinator_of_two_with_one_key_the_older_stays,
      test_coordinator_one_that_answers_no_more_is_replaced,
      test_coordinator_a_killed_measurer_fails_its_runs_at_once_and_no_other,
      test_coordinator_two_relays_at_once, test_coordinator_one_run_at_a_time_of_a_relay,
      test_coordinator_every_phase_has_its_end,
      test_coordinator_a_clock_that_differs_shifts_nothing, test_coordinator_warns_of_seconds_apart,
      test_coordinator_boasts_are_not_believed,
      test_coordinator_nothing_begins_that_could_be_forgotten,
      test_coordinator_that_is_gone_stops_all_traffic,
      test_coordinator_twice_a_period_also_over_crashes, test_coordinator_strangers_are_sent_away,
      test_coordinator_reload_sends_away_who_is_not_listed, test_coordinator_cancel,
      test_coordinator_finish_lets_runs_end, test_coordinator_without_measurers_says_so,
      test_coordinator_relays_by_name, test_coordinator_unmodified_relays_need_consent,
      test_coordinator_looks, test_coordinator_what_only_was_asked_is_no_run,
      test_coordinator_strangers_keep_no_measurer_out)
