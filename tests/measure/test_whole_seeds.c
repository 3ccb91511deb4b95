/* Scenarios drawn from seeds, between the very machines that run: relays that break any rule of
 * measuring, wires that are cut, connections in pieces, processes that die and come back, a full
 * disk, no descriptors, clocks that are set. Whatever happens: each run has one end with a reason,
 * within its time-out; what an honest relay carries is never called a cheat, and no liar gains more
 * than the ratio allows; nothing goes to a relay once the coordinator is gone for five seconds; and
 * at the end nothing is left, and all work again.
 *
 * SEEDS=N: that many (12). SEED=N: only that one. */
#include "wholeteam.h"

enum { BW = 120 * 1000, DUR = 6, SOCKETS = 6, MOST = 32 };

static struct {
    uint64_t state;
    struct {
        uint32_t id;
        size_t relay;
        bool honest; /* the relay was, all the time */
        bool excused;
    } runs[MOST];
    size_t n;
    bool lies[2];
} s;

static uint64_t draw(uint64_t below)
{
    s.state = s.state * 6364136223846793005u + 1442695040888963407u;
    return (s.state >> 33) % below;
}

static bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

static void excuse_all(void)
{
    for (size_t i = 0; i < s.n; i++)
        s.runs[i].excused = true;
}

static void ask(void)
{
    size_t relay = draw(2);
    char at[IPPORT_TEXT_MAX], why[COORDINATOR_WHY];
    if (!team.c || s.n == MOST)
        return;
    s.runs[s.n].relay = relay;
    s.runs[s.n].honest = !s.lies[relay];
    s.runs[s.n].excused = team.disk_full;
    ck_ok(coordinator_measure(team.c, whole_at(relay, at), &(struct coordinator_wish){0},
                              &s.runs[s.n].id, why));
    s.n++;
}

static void relay_event(void)
{
    size_t i = draw(2);
    struct faults *f = faults_of(whole_relay(i));
    if (one_in(3)) {
        memset(f->n, 0, sizeof f->n);
        return; /* what runs there may still end by what was wrong before */
    }
    enum fault fault =
        (enum fault)(FAULT_ECHO_SEALED + draw(FAULT_RUN_ABORTS - FAULT_ECHO_SEALED + 1));
    f->n[fault] = 1 + (uint32_t)draw(one_in(2) ? 8 : 600);
    s.lies[i] = true;
    for (size_t k = 0; k < s.n; k++)
        s.runs[k].honest &= s.runs[k].relay != i;
}

static void wire_event(void)
{
    if (one_in(3)) {
        whole.dials_that_fail = (unsigned)draw(2 * SOCKETS);
        return;
    }
    size_t i = draw(whole.w.n_wires + 1);
    if (i < whole.w.n_wires && whole.w.wire[i].a && link_state(whole.w.wire[i].a) != LINK_CLOSED)
        link_tcp_failed(whole.w.wire[i].a, 104);
}

static void measurer_event(void)
{
    size_t i = draw(team.n);
    struct team_measurer *m = &team.measurers[i];
    if (!m->m)
        team_start(i);
    else if (one_in(3))
        team_kill(i);
    else if (one_in(2) && team.c && m->theirs)
        coord_proto_gone(m->theirs, "connection reset");
    else
        m->fault = (struct team_fault){.no_reports = one_in(2),
                                       .from_s = (unsigned)draw(5),
                                       .boasts = one_in(2) ? 2 + (unsigned)draw(5) : 0};
}

static void come_back(void)
{
    team_coordinator();
    for (size_t i = 0; i < team.n_lines; i++)
        ck_ok(coordinator_recall(team.c, (struct text){team.lines[i], strlen(team.lines[i]) - 1}));
    ck_ok(coordinator_recalled(team.c));
}

/* Its process dies; its measurers hear of it, or, if it was the machine, do not. */
static void coordinator_dies(void)
{
    bool hear = one_in(2);
    excuse_all();
    team_kill_coordinator();
    for (size_t i = 0; hear && i < team.n; i++)
        if (team.measurers[i].ours)
            coord_proto_gone(team.measurers[i].ours, "connection reset");
    whole_pass(5.2);
    uint64_t echoes = whole_echoes();
    whole_pass(1);
    ck_assert_uint_eq(whole_echoes(), echoes);
}

static void coordinator_event(void)
{
    if (!team.c)
        come_back();
    else if (one_in(3))
        coordinator_dies();
    else if (s.n && one_in(2))
        (void)!coordinator_cancel(team.c, s.runs[draw(s.n)].id);
    else
        team_given.piece = draw(3) ? 0 : 1 + draw(300);
}

static void world_event(void)
{
    if (one_in(2)) {
        team.env->wall_us += ((int64_t)draw(7200) - 3600) * (int64_t)US_PER_SEC;
        return;
    }
    team.disk_full = !team.disk_full;
    excuse_all();
}

static void event(void)
{
    static void (*const events[])(void) = {relay_event,    relay_event, wire_event,
                                           measurer_event, ask,         coordinator_event,
                                           world_event,    ask};
    events[draw(sizeof events / sizeof *events)]();
}

static void settle(void)
{
    whole_honest();
    whole.dials_that_fail = 0;
    team.disk_full = false;
    team_given.piece = 0;
    if (!team.c)
        come_back();
    for (size_t i = 0; i < team.n; i++) {
        team.measurers[i].fault = (struct team_fault){.from_s = 0};
        if (!team.measurers[i].m)
            team_start(i);
    }
    for (int i = 0; i < 60 && coordinator_jobs(team.c); i++)
        whole_pass(DUR + 45);
    for (int i = 0; i < 15 && coordinator_measurers(team.c) < team.n; i++)
        whole_pass(5);
}

static void judge_run(size_t i)
{
    struct result r;
    unsigned ends = 0;
    for (size_t l = 0; l < team.n_lines; l++) {
        ck_ok(results_parse((struct text){team.lines[l], strlen(team.lines[l]) - 1}, &r));
        if (r.id != s.runs[i].id || !r.is_end)
            continue;
        ends++;
        ck_assert_msg(r.ok || (*r.why && *r.detail), "no reason: %s", team.lines[l]);
        ck_assert_msg(!s.runs[i].honest || strcmp(r.why, "cheat") != 0, "no cheat: %s",
                      team.lines[l]);
        /* What came back in a second may have been sent in the one before. */
        ck_assert_msg(r.bw <= (uint64_t)BW * team.n * 134 / 100 * 11 / 10, "too much: %s",
                      team.lines[l]);
    }
    ck_assert_msg(ends == 1 || (!ends && s.runs[i].excused), "%u ends", ends);
}

static void judge(void)
{
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    ck_assert_uint_eq(coordinator_measurers(team.c), team.n);
    ck_assert(!team.sent_before_synced);
    for (size_t i = 0; i < s.n; i++)
        judge_run(i);
    for (size_t i = 0; i < team.n; i++) {
        ck_assert_uint_eq(measurer_jobs(team.measurers[i].m), 0);
        ck_assert_uint_eq(team.measurers[i].begun, team.measurers[i].ended);
    }
    uint32_t last = whole_measure(0);
    whole_pass(DUR + 6);
    struct result r = team_result(last);
    ck_assert_msg(r.ok || !strcmp(r.why, "inconclusive"), "%s: %s", r.why, r.detail);
    whole_pass(3);
    whole_forget_wires();
    ck_assert_uint_eq(whole.w.n_wires, 0);
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_eq(node_counts(whole_relay(i)).circuits, 0);
}

static void scenario(uint64_t seed)
{
    memset(&s, 0, sizeof s);
    s.state = seed * 2654435761u + 1;
    whole_new(1 + draw(TEAM_MOST), BW, DUR, SOCKETS);
    ask();
    for (int i = 0; i < 14; i++) {
        event();
        whole_pass((double)draw(3000) / 1000);
    }
    settle();
    judge();
    whole_free();
}

START_TEST(test_whole_seeds)
{
    const char *one = getenv("SEED"), *many = getenv("SEEDS"), *first = getenv("FROM");
    uint64_t from = one ? strtoull(one, NULL, 10) : first ? strtoull(first, NULL, 10) : 1;
    uint64_t n = one ? 1 : many ? strtoull(many, NULL, 10) : 12 / test_share();
    for (uint64_t seed = from; seed < from + n; seed++) {
        fprintf(stderr, "%s%llu", seed > from ? " " : "seeds ", (unsigned long long)seed);
        scenario(seed);
    }
    fprintf(stderr, "\n");
}
END_TEST

TESTS("measure/whole_seeds", test_whole_seeds)
