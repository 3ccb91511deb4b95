/* Memory runs out in a coordinator and its measurers, at each of their allocations in turn: nothing
 * crashes or leaks, one run at most is lost, or a connection and what went over it, with a reason;
 * whoever follows a run hears its end, and the team works on. OpenSSL's memory is not among it.
 *
 * STRIDE=N: every so-manieth allocation (1: each), behind the first ones. FROM=N: from this one on.
 */
#include <jansson.h>

#include "support/nomem.h"

#define TEAM_PEACE(code) NOMEM_PEACE(code)
#include "support/measureteam.h"

enum { DUR = 3, ROW = 50, EACH = 40 };

static const char *const relays[] = {"127.0.0.1:9001", "127.0.0.2:9001"};

static struct told {
    uint32_t id[2];
    bool asked[2];
} t;

static void pass(double seconds)
{
    nomem_in();
    team_pass(seconds);
    (void)nomem_out();
}

static void ask(size_t i)
{
    char why[COORDINATOR_WHY] = "";
    nomem_in();
    err_t e = coordinator_measure(team.c, relays[i], &(struct coordinator_wish){0}, &t.id[i], why);
    (void)nomem_out();
    ck_assert_msg(e == OK || (e == ERR_NOMEM && *why), "%s: %s", err_name(e), why);
    t.asked[i] = e == OK;
}

static void look(void)
{
    nomem_in();
    free(coordinator_status_json(team.c));
    free(coordinator_measurers_json(team.c));
    free(team_page(coordinator_view_relays(team.c)));
    (void)nomem_out();
}

static void set_up(void)
{
    t = (struct told){.asked = {false}};
    team_new(2, 20000000, 2000000);
    team.conf.dur = DUR;
    coordinator_reconfigure(team.c, &team.conf);
}

/* All is as before: nobody is missing, nothing runs, and the next run is a good one. */
static void assert_well(uint64_t k)
{
    for (int s = 0; s < 40 && (coordinator_jobs(team.c) || coordinator_measurers(team.c) < team.n);
         s++)
        team_pass(5);
    ck_assert_msg(!coordinator_jobs(team.c), "%llu: it runs for ever", (unsigned long long)k);
    ck_assert_msg(coordinator_measurers(team.c) == team.n, "%llu: one never came back",
                  (unsigned long long)k);
    for (size_t i = 0; i < team.n; i++) {
        struct team_measurer *m = &team.measurers[i];
        ck_assert_msg(!measurer_jobs(m->m) && m->begun == m->ended, "%llu: %s runs on",
                      (unsigned long long)k, m->conf.name);
    }
    uint32_t last = team_measure("127.0.0.3:9001");
    team_pass(DUR + 5);
    ck_assert_msg(team_result(last).ok, "%llu: %s", (unsigned long long)k,
                  team_result(last).detail);
    ck_assert(!team.sent_before_synced);
}

/* How many were lost; each that was asked for has one end at the most. */
static unsigned lost(uint64_t k, bool *connection)
{
    unsigned n = 0, ends;
    struct result r;
    for (size_t i = 0; i < 2; i++) {
        ends = 0;
        bool ok = false;
        for (size_t l = 0; l < team.n_lines; l++) {
            ck_ok(results_parse((struct text){team.lines[l], strlen(team.lines[l]) - 1}, &r));
            if (!t.asked[i] || r.id != t.id[i] || !r.is_end)
                continue;
            ends++;
            ok = r.ok;
            *connection |= !strcmp(r.why, "measurer_lost");
            ck_assert_msg(r.ok || (*r.why && *r.detail), "%llu: no reason: %s",
                          (unsigned long long)k, team.lines[l]);
        }
        ck_assert_uint_le(ends, 1);
        n += !ok;
    }
    return n;
}

static void once(uint64_t k, uint64_t n)
{
    int64_t before = nomem.live;
    nomem_begin(k, n);
    set_up();
    ask(0);
    pass(.5);
    ask(1);
    look();
    pass(DUR + 3);
    look();
    nomem.fail_at = 0;
    assert_well(k);
    bool connection = false;
    unsigned away = lost(k, &connection);
    ck_assert_msg(n > 1 || away <= 1 || connection, "%llu: %u runs are lost", (unsigned long long)k,
                  away);
    ck_assert_msg(team.n_over == (unsigned)t.asked[0] + t.asked[1] + 1, "%llu: %zu ends were told",
                  (unsigned long long)k, team.n_over);
    team_free();
    ck_assert_msg(nomem.live == before, "%llu: %lld allocations are left", (unsigned long long)k,
                  (long long)(nomem.live - before));
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void sweep(uint64_t n, uint64_t stride)
{
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    uint64_t points = 0;
    for (uint64_t k = number("FROM", 1);; k += k < EACH ? 1 : stride, points++) {
        if (getenv("TRACE"))
            fprintf(stderr, "%llu ", (unsigned long long)k);
        once(k, n);
        if (!nomem.failed)
            break;
    }
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_gt(points, 2);
}

START_TEST(test_nomem_team_one_allocation_fails)
{
    sweep(1, number("STRIDE", 17 * test_share()));
}
END_TEST

START_TEST(test_nomem_team_many_allocations_fail)
{
    sweep(ROW, number("STRIDE", 17 * test_share()) * 5);
}
END_TEST

TESTS("measure/nomem_team", test_nomem_team_one_allocation_fails,
      test_nomem_team_many_allocations_fail)
