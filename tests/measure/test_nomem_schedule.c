/* Memory runs out in a coordinator that makes and follows a schedule, at each of its allocations in
 * turn: nothing crashes or leaks, each relay is asked or it is said why not, and the day goes on.
 * OpenSSL's and jansson's memory is not among it.
 *
 * STRIDE=N: every so-manieth allocation (1: each). FROM=N: from this one on. */
#include <jansson.h>

#include "measure/schedule.h"
#include "support/nomem.h"

#define TEAM_PEACE(code) NOMEM_PEACE(code)
#include "support/measureteam.h"

enum { DUR = 3, RELAYS = 4 };

static struct roster_relay relay(size_t i)
{
    struct roster_relay r = {.who = {.fp = {{(uint8_t)(i + 1)}}, .has_fp = true, .n_addrs = 1},
                             .consent = ROSTER_LISTED,
                             .running = true,
                             .weight = team.relay_rate};
    r.who.addrs[0] = (struct ipport){ip_v4((const uint8_t[]){203, (uint8_t)(i / 2), 113, 7}),
                                     (uint16_t)(9001 + i)};
    return r;
}

static void give(size_t n)
{
    struct roster r;
    roster_init(&r);
    for (size_t i = 0; i < n; i++) {
        const struct roster_relay one = relay(i);
        (void)!roster_add(&r, &one);
    }
    roster_sort(&r);
    coordinator_roster(team.c, &r);
    roster_free(&r);
}

static json_int_t shown(const char *state)
{
    char *text = coordinator_schedule_json(team.c);
    json_t *o = json_loads(text, 0, NULL);
    json_int_t n = json_integer_value(json_object_get(json_object_get(o, "counts"), state));
    json_decref(o);
    free(text);
    return n;
}

static void once(uint64_t k)
{
    int64_t before = nomem.live;
    nomem_begin(k, 1);
    team_new(2, 20000000, 2000000);
    team.conf.dur = DUR;
    team.conf.compact = true;
    coordinator_reconfigure(team.c, &team.conf);
    nomem_in();
    give(RELAYS - 1);
    coordinator_schedule_start(team.c);
    team_pass(.1);
    free(team_page(coordinator_view_schedule(team.c)));
    team_pass(4);
    give(RELAYS);
    team_pass(4);
    (void)nomem_out();
    nomem.fail_at = 0;
    give(RELAYS);
    for (int s = 0; s < 60; s++)
        team_pass(2);
    ck_assert_msg(shown("waiting") + shown("running") == 0, "%llu: it goes on for ever",
                  (unsigned long long)k);
    json_int_t all = shown("done") + shown("failed") + shown("no_room") + shown("offline");
    ck_assert_msg(all == RELAYS, "%llu: %lld", (unsigned long long)k, (long long)all);
    ck_assert_msg(shown("done") >= RELAYS - 2, "%llu: %lld are done", (unsigned long long)k,
                  (long long)shown("done"));
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    team_free();
    ck_assert_msg(nomem.live == before, "%llu: %lld allocations are left", (unsigned long long)k,
                  (long long)(nomem.live - before));
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(test_nomem_of_a_schedule_that_is_followed)
{
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    uint64_t points = 0;
    for (uint64_t k = number("FROM", 1);;
         k += k < 60 ? 1 : number("STRIDE", 31 * test_share()), points++) {
        once(k);
        if (!nomem.failed)
            break;
    }
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_ge(points, 20);
}
END_TEST

/* The pure part: it has a schedule, or says that it has none. */
START_TEST(test_nomem_of_making_one)
{
    enum { N = 50 };
    static struct roster_relay relays[N];
    static struct schedule_item items[N];
    struct schedule_config c = {.slots = 4, .compact = true, .of = 1, .sockets = 50};
    c.slots = 1;
    c.capacity = 10;
    for (size_t i = 0; i < N; i++)
        relays[i].who.fp.b[0] = (uint8_t)i;
    for (uint64_t k = 1;; k++) {
        struct schedule *s = NULL;
        int64_t before = nomem.live;
        for (size_t i = 0; i < N; i++)
            items[i] = (struct schedule_item){.relay = &relays[i], .wanted = 6, .sockets = 2};
        nomem_begin(k, 1);
        nomem_in();
        err_t e = schedule_new(&c, &s);
        if (e == OK)
            e = schedule_fill(s, items, N);
        (void)nomem_out();
        /* qsort() does without. */
        ck_assert(e == OK || (e == ERR_NOMEM && nomem.failed));
        schedule_free(s);
        ck_assert(nomem.live == before);
        if (!nomem.failed)
            break;
        ck_assert_uint_lt(k, 2000);
    }
}
END_TEST

TESTS("measure/nomem_schedule", test_nomem_of_making_one, test_nomem_of_a_schedule_that_is_followed)
