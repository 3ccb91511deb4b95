/* Scenarios drawn from seeds: measurers and a relay that go wrong in every way, processes that die
 * and come back, a full disk, a wall clock that is set. Whatever happens, each job has one end, a
 * run's beginning is on disk before its first byte, nothing is left running, no liar gains more
 * than the ratio allows, and nobody is measured more often than may be.
 *
 * SEEDS=N: that many (150). SEED=N: only that one. */
#include "support/measureteam.h"

static struct {
    uint64_t state;
    uint32_t ids[64];
    bool excused[64]; /* a crash or a full disk may have taken its end */
    size_t n;
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

static const char *const relays[] = {"127.0.0.1:9001", "127.0.0.2:9001", "127.0.0.3:443",
                                     "203.0.113.7:9001"};

static struct team_fault a_fault(void)
{
    struct team_fault f = {.never_connects = one_in(16),
                           .few_circs = one_in(16),
                           .no_reports = one_in(12),
                           .cheats = one_in(12),
                           .from_s = (unsigned)draw(6)};
    if (one_in(3))
        f.clock = .98 + (double)draw(5) / 100;
    if (one_in(6))
        f.boasts = 2 + (unsigned)draw(9);
    return f;
}

static void excuse_all(void)
{
    for (size_t i = 0; i < s.n; i++)
        s.excused[i] = true;
}

static void ask(void)
{
    char why[COORDINATOR_WHY];
    const char *relay = relays[draw(sizeof relays / sizeof *relays)];
    if (!team.c || s.n == 64)
        return;
    err_t e = coordinator_measure(team.c, relay, &(struct coordinator_wish){0}, &s.ids[s.n], why);
    ck_assert_msg(e == OK, "%s", why);
    s.excused[s.n++] = team.disk_full;
}

static void come_back(void)
{
    team_coordinator();
    for (size_t i = 0; i < team.n_lines; i++)
        ck_ok(coordinator_recall(team.c, (struct text){team.lines[i], strlen(team.lines[i]) - 1}));
    ck_ok(coordinator_recalled(team.c));
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
        m->fault = a_fault();
}

static void coordinator_event(void)
{
    if (!team.c) {
        come_back();
    } else if (one_in(3)) {
        excuse_all();
        team_kill_coordinator();
    } else if (one_in(2)) {
        if (s.n)
            (void)!coordinator_cancel(team.c, s.ids[draw(s.n)]);
    } else {
        team.conf.n_measurers = 1 + draw(team.n);
        coordinator_reconfigure(team.c, &team.conf);
    }
}

static void world_event(void)
{
    switch (draw(4)) {
    case 0:
        team.disk_full = !team.disk_full;
        excuse_all();
        break;
    case 1:
        team.env->wall_us += ((int64_t)draw(7200) - 3600) * (int64_t)US_PER_SEC;
        break;
    case 2:
        team.relay_refuses = !team.relay_refuses;
        break;
    default:
        team.relay_is_silent = !team.relay_is_silent;
    }
}

static void event(void)
{
    switch (draw(8)) {
    case 0:
    case 1:
        measurer_event();
        break;
    case 2:
        coordinator_event();
        break;
    case 3:
        world_event();
        break;
    default:
        ask();
    }
}

/* All is well again, and time goes by. */
static void settle(void)
{
    team.disk_full = team.relay_is_silent = false;
    team.conf.n_measurers = team.n;
    if (!team.c)
        come_back();
    coordinator_reconfigure(team.c, &team.conf);
    for (size_t i = 0; i < team.n; i++) {
        team.measurers[i].fault = (struct team_fault){.from_s = 0};
        if (!team.measurers[i].m)
            team_start(i);
    }
    for (int minute = 0; minute < 30 && coordinator_jobs(team.c); minute++)
        team_pass(60);
    team_pass(75);
}

static void count(uint32_t id, const char *relay, size_t *begins, size_t *ends)
{
    struct result r;
    *begins = *ends = 0;
    for (size_t i = 0; i < team.n_lines; i++) {
        char at[IPPORT_TEXT_MAX];
        ck_ok(results_parse((struct text){team.lines[i], strlen(team.lines[i]) - 1}, &r));
        if (id ? r.id != id : strcmp(ipport_text(&r.at, at), relay) != 0)
            continue;
        *begins += r.is_end ? 0 : 1;
        *ends += r.is_end ? 1 : 0;
        /* The seconds of a measurer whose clock is slow hold more. */
        ck_assert_msg(!r.ok || (double)r.bw <= (double)team.relay_rate * 1.34 * 1.15,
                      "%s: %llu of %llu", team.lines[i], (unsigned long long)r.bw,
                      (unsigned long long)team.relay_rate);
    }
}

static void judge(void)
{
    size_t begins, ends;
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    ck_assert(!team.sent_before_synced);
    for (size_t i = 0; i < team.n; i++) {
        ck_assert_uint_eq(measurer_jobs(team.measurers[i].m), 0);
        ck_assert_uint_eq(team.measurers[i].begun, team.measurers[i].ended);
    }
    for (size_t i = 0; i < s.n; i++) {
        count(s.ids[i], "", &begins, &ends);
        ck_assert_uint_le(begins, 1);
        ck_assert_uint_le(ends, 1);
        ck_assert_msg(ends == 1 || s.excused[i], "%u has no end", s.ids[i]);
    }
    count(0, "203.0.113.7:9001", &begins, &ends);
    ck_assert_uint_le(begins, 2);
}

static void scenario(uint64_t seed)
{
    memset(&s, 0, sizeof s);
    s.state = seed * 2654435761u + 1;
    team_new(1 + draw(TEAM_MOST), 2000000 + draw(20000000), 200000 + draw(8000000));
    team.relay_bg = draw(2 * team.relay_rate);
    team.conf.dur = 6 + (unsigned)draw(4);
    coordinator_reconfigure(team.c, &team.conf);
    for (size_t i = 0; i < team.n; i++)
        if (one_in(2))
            team.measurers[i].fault = a_fault();
    for (int i = 0; i < 20; i++) {
        event();
        team_pass((double)draw(4000) / 1000);
    }
    settle();
    judge();
    team_free();
}

START_TEST(test_coordinator_seeds)
{
    const char *one = getenv("SEED"), *many = getenv("SEEDS");
    uint64_t from = one ? strtoull(one, NULL, 10) : 1;
    uint64_t n = one ? 1 : many ? strtoull(many, NULL, 10) : 150 / test_share();
    for (uint64_t seed = from; seed < from + n; seed++) {
        fprintf(stderr, "%s%llu", seed > from ? " " : "seeds ", (unsigned long long)seed);
        scenario(seed);
    }
    fprintf(stderr, "\n");
}
END_TEST

/* A measurer that holds its reports back, so that its last seconds fall behind the end of the
 * others', where the relay is its alone: summed up that came to 1.7 of what the relay carries. */
START_TEST(test_coordinator_seed_9989_seconds_apart)
{
    scenario(9989);
}
END_TEST

TESTS("measure/coordinator_seeds", test_coordinator_seed_9989_seconds_apart, test_coordinator_seeds)
