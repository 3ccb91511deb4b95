/* Everything that can go wrong with a measurement, one after the other, between the very machines
 * that run: each ends within its time-out, with its reason, and with nothing left; what is measured
 * beside it goes on. */
#include "wholeteam.h"

enum { DUR = 6, SOCKETS = 6, BW = 240 * 1000, MOST_S = DUR + 45 };

static const char *outcome(uint32_t id)
{
    static char text[RESULTS_LINE_MOST];
    struct result r = team_result(id);
    snprintf(text, sizeof text, "%s%s%s", r.ok ? "ok" : r.why, *r.detail ? ": " : "", r.detail);
    return text;
}

static unsigned wait_over(unsigned most_s)
{
    unsigned s = 0;
    while (coordinator_jobs(team.c) && s++ < most_s)
        whole_pass(1);
    ck_assert_msg(!coordinator_jobs(team.c), "not over in %u s", most_s);
    return s;
}

static void nothing_left(void)
{
    whole_pass(3);
    for (size_t i = 0; i < team.n; i++) {
        const struct team_measurer *m = &team.measurers[i];
        ck_assert(!m->m || !measurer_jobs(m->m));
        ck_assert_uint_eq(m->begun, m->ended);
    }
    uint64_t echoes = whole_echoes();
    whole_pass(1);
    ck_assert_uint_eq(whole_echoes(), echoes);
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_eq(node_counts(whole_relay(i)).circuits, 0);
    whole_forget_wires();
    ck_assert_uint_eq(whole.w.n_wires, 0);
}

/* ---- the relay ---- */

struct row {
    enum fault fault;
    uint32_t n;
    const char *ends; /* one of these words, "ok" if it is measured all the same */
    unsigned within_s;
};

static const struct row rows[] = {
    {FAULT_ECHO_SEALED, 40, "cheat", 4},
    {FAULT_ECHO_RANDOM, 200, "cheat", 4},
    {FAULT_ECHO_REPLAY, 200, "cheat", 4},
    {FAULT_ECHO_EARLY, 200, "cheat", 4},
    {FAULT_ECHO_SWAP, 200, "cheat", 4},
    {FAULT_ECHO_FLOOD, 200, "cheat", 4},
    {FAULT_ECHO_ELSEWHERE, 200, "cheat", 4},
    {FAULT_ECHO_LOST, 200, "cheat", 4},
    {FAULT_ECHO_STOPS, 200, "timeout", 10},
    {FAULT_BG_TIMES, 1000, "ok inconclusive", DUR + 8},
    {FAULT_BG_CLAIMS, 1000, "ok inconclusive", DUR + 8},
    {FAULT_BG_ZERO, 1, "ok inconclusive", DUR + 8},
    {FAULT_BG_ABSENT, 1, "ok inconclusive", DUR + 8},
    {FAULT_BG_ENDLESS, 1, "ok inconclusive", DUR + 8},
    {FAULT_MEASURE_SILENT, 1, "unsupported", 12},
    {FAULT_MEASURE_REFUSES, 2, "refused", 3},
    {FAULT_MEASURE_CLOSES, 1, "relay_lost no_circuits unreachable", 3},
    {FAULT_MEASURE_BREAKS, 1, "relay_lost no_circuits unreachable", 3},
    {FAULT_ECHO_ON_SILENT, 1, "no_circuits", 40},
    {FAULT_ECHO_ON_REFUSES, 8, "no_circuits", 4},
    {FAULT_ECHO_ON_CLOSES, 1, "no_circuits", 4},
    {FAULT_RUN_STALLS, 1, "timeout", 10},
    {FAULT_RUN_CLOSES, 2, "relay_lost", 6},
    {FAULT_RUN_ABORTS, 2, "refused relay_lost", 6},
    {FAULT_RUN_PADS, 2, "protocol_error", 4},
};

static bool is_one_of(const char *words, const char *got)
{
    size_t len = strcspn(got, ":");
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");
        if (n == len && !strncmp(at, got, n))
            return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

START_TEST(test_whole_faults_of_relays)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        const char *name = fault_name(row->fault);
        whole_new(2, BW, DUR, SOCKETS);
        faults_of(whole_relay(0))->n[row->fault] = row->n;
        uint32_t id = whole_measure(0), other = whole_measure(1);
        unsigned took = 0;
        while (coordinator_jobs(team.c) == 2 && took++ < MOST_S)
            whole_pass(1);
        wait_over(2 * MOST_S);
        const char *got = outcome(id);
        ck_assert_msg(is_one_of(row->ends, got), "%s ended as %s", name, got);
        ck_assert_msg(took <= row->within_s, "%s: %u s", name, took);
        ck_assert_msg(is_one_of("ok inconclusive", outcome(other)), "%s: the other: %s", name,
                      outcome(other));
        struct result r = team_result(id);
        ck_assert_msg(r.bw <= BW * 134 / 100 * 2, "%s: %llu", name, (unsigned long long)r.bw);
        nothing_left();
        whole_free();
    }
}
END_TEST

/* ---- measurers and the coordinator ---- */

static bool runs(void)
{
    char *json = coordinator_status_json(team.c);
    bool yes = strstr(json, "\"state\":\"RUNNING\"") != NULL;
    free(json);
    return yes;
}

static void until_running(void)
{
    for (int i = 0; i < 500 && !runs(); i++)
        whole_step();
    ck_assert(runs());
}

START_TEST(test_whole_faults_measurer_killed)
{
    for (int running = 0; running < 2; running++) {
        whole_new(2, BW, 20, SOCKETS);
        uint32_t id = whole_measure(0);
        whole_pass(.05);
        if (running) {
            until_running();
            whole_pass(10);
        }
        team_kill(1);
        ck_assert_uint_le(wait_over(running ? 3 : MOST_S), running ? 2 : MOST_S);
        ck_assert_msg(is_one_of("measurer_lost ok inconclusive", outcome(id)), "%s", outcome(id));
        ck_assert(!running || is_one_of("measurer_lost", outcome(id)));
        uint32_t next = whole_measure(1);
        wait_over(MOST_S);
        ck_assert_msg(is_one_of("ok inconclusive", outcome(next)), "%s", outcome(next));
        nothing_left();
        team_start(1);
        whole_pass(2);
        ck_assert_uint_eq(coordinator_measurers(team.c), 2);
        whole_free();
    }
}
END_TEST

/* Killed, or only silent: what is sent to the relay stops within five seconds. */
START_TEST(test_whole_faults_coordinator_gone)
{
    for (int killed = 0; killed < 2; killed++) {
        whole_new(2, BW, 30, SOCKETS);
        (void)whole_measure(0);
        until_running();
        whole_pass(2);
        if (killed)
            team_kill_coordinator();
        for (size_t i = 0; i < 2; i++) {
            team.measurers[i].cut = true;
            if (killed && team.measurers[i].ours)
                coord_proto_gone(team.measurers[i].ours, "connection reset");
        }
        whole_pass(5.1);
        uint64_t echoes = whole_echoes();
        whole_pass(3);
        ck_assert_uint_eq(whole_echoes(), echoes);
        for (size_t i = 0; i < 2; i++) {
            ck_assert_int_eq(team.measurers[i].last_stop, killed ? MEAS_DEAD_MAN : 0);
            ck_assert_uint_eq(measurer_jobs(team.measurers[i].m), 0);
            team.measurers[i].cut = false;
        }
        if (killed)
            team_coordinator();
        whole_pass(70);
        wait_over(MOST_S);
        ck_assert_uint_eq(coordinator_measurers(team.c), 2);
        uint32_t next = whole_measure(1);
        wait_over(MOST_S);
        ck_assert_msg(is_one_of("ok inconclusive", outcome(next)), "%s", outcome(next));
        nothing_left();
        whole_free();
    }
}
END_TEST

/* ---- the world ---- */

START_TEST(test_whole_faults_bytes_in_pieces)
{
    static const size_t pieces[] = {1, 3, 100};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        whole_new(2, BW, DUR, SOCKETS);
        team_given.piece = pieces[i];
        uint32_t id = whole_measure(0);
        wait_over(MOST_S);
        ck_assert_msg(is_one_of("ok inconclusive", outcome(id)), "%s", outcome(id));
        nothing_left();
        whole_free();
    }
}
END_TEST

/* Wall clocks an hour apart, and set while it runs. */
START_TEST(test_whole_faults_clocks)
{
    whole_new(2, BW, DUR, SOCKETS);
    uint32_t id = whole_measure(0);
    until_running();
    for (int i = 0; i < 4; i++) {
        team.env->wall_us += (i % 2 ? -3600 : 3600) * (int64_t)US_PER_SEC;
        whole_pass(1);
    }
    wait_over(MOST_S);
    ck_assert_msg(is_one_of("ok inconclusive", outcome(id)), "%s", outcome(id));
    nothing_left();
    whole_free();
}
END_TEST

START_TEST(test_whole_faults_disk_full)
{
    whole_new(2, BW, DUR, SOCKETS);
    team.disk_full = true;
    (void)whole_measure(0);
    wait_over(MOST_S);
    ck_assert_uint_eq(team.measurers[0].begun + team.measurers[1].begun, 0);
    ck_assert_uint_eq(whole_echoes(), 0);
    ck_assert_uint_eq(team.n_over, 1);
    team.disk_full = false;
    uint32_t id = whole_measure(0);
    wait_over(MOST_S);
    ck_assert_msg(is_one_of("ok inconclusive", outcome(id)), "%s", outcome(id));
    nothing_left();
    whole_free();
}
END_TEST

/* No descriptors are left for links: all of them, or more than the half, or fewer. */
START_TEST(test_whole_faults_no_descriptors)
{
    static const struct {
        unsigned n;
        const char *ends;
    } cases[] = {{100, "relay_lost no_circuits unreachable"},
                 {1 + SOCKETS / 2 + 2, "relay_lost no_circuits unreachable"},
                 {1, "relay_lost no_circuits unreachable"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        whole_new(1, BW, DUR, SOCKETS);
        whole.dials_that_fail = cases[i].n;
        uint32_t id = whole_measure(0);
        wait_over(MOST_S);
        ck_assert_msg(is_one_of(cases[i].ends, outcome(id)), "%s", outcome(id));
        whole.dials_that_fail = 0;
        nothing_left();
        whole_free();
    }
    whole_new(1, BW, DUR, SOCKETS);
    uint32_t id = whole_measure(0);
    whole_pass(.02);
    whole.dials_that_fail = SOCKETS / 2; /* behind the coordinator's own */
    wait_over(MOST_S);
    ck_assert_msg(is_one_of("ok inconclusive", outcome(id)), "%s", outcome(id));
    nothing_left();
    whole_free();
}
END_TEST

TESTS("measure/whole_faults", test_whole_faults_of_relays, test_whole_faults_measurer_killed,
      test_whole_faults_coordinator_gone, test_whole_faults_bytes_in_pieces,
      test_whole_faults_clocks, test_whole_faults_disk_full, test_whole_faults_no_descriptors)
