/* Whole networks of fluid relays, three measurers and the coordinator, under virtual time: what a
 * day takes, and what comes out for what each relay carries. NETWORK=N: so many relays in place of
 * a small network, and the figures are printed (bench/measure.py network). */
#include "fluidteam.h"

static struct fluid_team team;

/* What came out, of honest relays. */
struct figures {
    size_t ends, ok;      /* results, and of them good ones */
    size_t near, counted; /* good ones within 5%, and all that are looked at */
    size_t clamped;       /* whose clients had more than is believed, most of the time */
    double weight_error;
};

static size_t relays_wanted(size_t small)
{
    const char *many = getenv("NETWORK");
    return many ? strtoul(many, NULL, 10) : small;
}

/* The newest good result of each relay; NULL: none. The caller frees it. */
static const struct fluid_end **newest(void)
{
    const struct fluid_end **of = calloc(team.net.n, sizeof *of);
    ck_assert_ptr_nonnull(of);
    for (size_t i = 0; i < team.n_ends; i++)
        if (team.ends[i].ok)
            of[team.ends[i].number] = &team.ends[i];
    return of;
}

/* Measured apart, two relays on one host show its whole capacity each. */
static bool is_counted(const struct fluid_end **of, size_t i, bool hosts)
{
    return of[i] && (hosts || team.net.relays[i].host == FLUID_NO_HOST);
}

/* Half the sum of how far each relay's part of all estimates is from its part of what all carry. */
static double weight_error(const struct fluid_end **of, bool hosts)
{
    double all_bw = 0, all_truth = 0, sum = 0;
    for (size_t i = 0; i < team.net.n; i++) {
        all_bw += is_counted(of, i, hosts) ? (double)of[i]->bw : 0;
        all_truth += is_counted(of, i, hosts) ? team.net.relays[i].truth : 0;
    }
    for (size_t i = 0; i < team.net.n; i++)
        if (is_counted(of, i, hosts))
            sum += fabs((double)of[i]->bw / all_bw - team.net.relays[i].truth / all_truth);
    return sum / 2;
}

static struct figures judge(bool hosts)
{
    const struct fluid_end **of = newest();
    struct figures f = {.ends = team.n_ends, .weight_error = weight_error(of, hosts)};
    for (size_t i = 0; i < team.n_ends; i++)
        f.ok += team.ends[i].ok;
    for (size_t i = 0; i < team.net.n; i++) {
        const struct fluid_relay *r = &team.net.relays[i];
        if (!is_counted(of, i, hosts) || r->kind != FLUID_HONEST)
            continue;
        f.counted++;
        f.near += fabs((double)of[i]->bw / r->truth - 1) <= .05;
        f.clamped += of[i]->clamped > 15;
    }
    free(of);
    return f;
}

static void show(const char *what, double hours, const struct figures *f)
{
    printf("%s: %zu relays, %.2f h, %zu results, %zu good, %.1f%% within 5%%, clamped %zu, weight "
           "error %.2f%%; at most %zu at once\n",
           what, team.net.n, hours, f->ends, f->ok, 100. * (double)f->near / (double)f->counted,
           f->clamped, 100 * f->weight_error, team.ran_most);
}

static void nobody_gave_too_much(void)
{
    for (size_t k = 0; k < FLUID_TEAM; k++)
        ck_assert_msg(team.members[k].gave_most <= FLUID_BW, "%.0f", team.members[k].gave_most);
}

static void measure(const struct fluid_relay *r)
{
    const struct coordinator_wish wish = {.prior = (uint64_t)r->weight};
    char at[IPPORT_TEXT_MAX], why[COORDINATOR_WHY] = "";
    uint32_t id;
    err_t e = coordinator_measure(team.c, ipport_text(&r->at, at), &wish, &id, why);
    ck_assert_msg(e == OK, "%s", why);
}

/* Hours until nothing waits or runs. */
static double until_idle(void)
{
    uint64_t began_us = team.env->mono_us;
    while (coordinator_jobs(team.c) && team.env->mono_us - began_us < 48 * 3600 * 1000000ull)
        fluid_pass(&team, 10);
    ck_assert_uint_eq(coordinator_jobs(team.c), 0);
    return (double)(team.env->mono_us - began_us) / 3600e6;
}

/* All relays in a row, without a schedule: those that share a host are apart. */
START_TEST(test_network_by_orders)
{
    size_t n = relays_wanted(200);
    fluid_team_new(&team, n < COORDINATOR_JOBS_MOST ? n : COORDINATOR_JOBS_MOST, 1, .25);
    for (size_t i = 0; i < team.net.n; i++)
        measure(&team.net.relays[i]);
    double hours = until_idle();
    struct figures f = judge(false);
    show("by orders", hours, &f);
    ck_assert_uint_eq(f.ends, team.net.n);
    ck_assert_uint_ge(100 * f.ok, 99 * f.ends);
    ck_assert_uint_ge(100 * f.near, 95 * f.counted);
    ck_assert(f.weight_error <= .02);
    nobody_gave_too_much();
    fluid_team_free(&team);
}
END_TEST

static size_t ends_of(size_t number, const struct fluid_end **last)
{
    size_t n = 0;
    for (size_t i = 0; i < team.n_ends; i++)
        if (team.ends[i].number == number) {
            *last = &team.ends[i];
            n++;
        }
    return n;
}

/* Relays that are away, that do not want to, that lie or cheat: each has its end with its reason,
 * nobody gains more than the ratio allows, and the others do not notice. */
START_TEST(test_network_of_relays_that_misbehave)
{
    static const char *const why[] = {"", "relay_lost", "refused",   "unsupported",
                                      "", "cheat",      "relay_lost"};
    const struct fluid_end *end;
    fluid_team_new(&team, 210, 2, .25);
    for (size_t i = 0; i < team.net.n; i++) {
        struct fluid_relay *r = &team.net.relays[i];
        r->kind = i % 5 ? FLUID_HONEST : (enum fluid_kind)(i / 5 % 7);
        measure(r);
    }
    (void)until_idle();
    for (size_t i = 0; i < team.net.n; i++) {
        const struct fluid_relay *r = &team.net.relays[i];
        ck_assert_uint_eq(ends_of(i, &end), 1);
        ck_assert_msg(strcmp(end->why, why[r->kind]) == 0, "%d: %s", (int)r->kind, end->why);
        if (r->kind == FLUID_BOASTS)
            ck_assert((double)end->bw < r->capacity * 1.34 * 1.06);
    }
    struct figures f = judge(false);
    ck_assert_uint_ge(100 * f.near, 95 * f.counted);
    nobody_gave_too_much();
    fluid_team_free(&team);
}
END_TEST

/* A measurer that is lost costs the runs that it takes part in, and no other; it comes back. */
START_TEST(test_network_loses_a_measurer)
{
    size_t lost = 0;
    const struct fluid_end *end;
    fluid_team_new(&team, 100, 3, .25);
    for (size_t i = 0; i < team.net.n; i++)
        measure(&team.net.relays[i]);
    fluid_pass(&team, 200);
    size_t running = team.running, before = team.n_ends;
    ck_assert_uint_gt(running, 0);
    fluid_kill(&team, 2);
    fluid_pass(&team, 1);
    for (size_t i = before; i < team.n_ends; i++)
        lost += strcmp(team.ends[i].why, "measurer_lost") == 0;
    ck_assert_uint_ge(lost, running);
    size_t begun = team.members[2].begun;
    fluid_pass(&team, 120);
    ck_assert_uint_gt(team.n_ends, before + lost);
    fluid_start(&team, 2);
    (void)until_idle();
    ck_assert_uint_gt(team.members[2].begun, begun);
    for (size_t i = 0; i < team.n_ends; i++)
        ck_assert_msg(team.ends[i].ok || strcmp(team.ends[i].why, "measurer_lost") == 0 ||
                          strcmp(team.ends[i].why, "inconclusive") == 0,
                      "%s", team.ends[i].why);
    for (size_t i = 0; i < team.net.n; i++)
        ck_assert_uint_eq(ends_of(i, &end), 1);
    nobody_gave_too_much();
    fluid_team_free(&team);
}
END_TEST

/* What FlashFlow's authors warn of: each of two relays on one host shows the whole host. */
START_TEST(test_network_relays_of_one_host_apart)
{
    const struct fluid_end *a, *b;
    fluid_team_new(&team, 64, 4, 0);
    ck_assert_uint_ge(team.net.n_hosts, 2);
    const struct fluid_host *h = &team.net.hosts[1]; /* the first that limits its relays */
    for (size_t i = 0; i < 2; i++) {
        h->relays[i]->clients = 0;
        measure(h->relays[i]);
    }
    (void)until_idle();
    ck_assert_uint_eq(ends_of(h->relays[0]->number, &a), 1);
    ck_assert_uint_eq(ends_of(h->relays[1]->number, &b), 1);
    ck_assert(fabs((double)a->bw / h->capacity - 1) < .06);
    ck_assert(fabs((double)b->bw / h->capacity - 1) < .06);
    fluid_team_free(&team);
}
END_TEST

TESTS("measure/network", test_network_by_orders, test_network_of_relays_that_misbehave,
      test_network_loses_a_measurer, test_network_relays_of_one_host_apart)
