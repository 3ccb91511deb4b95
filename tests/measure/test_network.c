/* Whole networks of fluid relays, three measurers and the coordinator, under virtual time: what a
 * day takes, and what comes out for what each relay carries. NETWORK=N: so many relays in place of
 * a small network, and the figures are printed (bench/measure.py network). */
#include "fluidteam.h"
#include "measure/coordinator_plan.h"

static struct fluid_team team;

/* What came out, of honest relays. */
struct figures {
    size_t ends, ok;      /* results, and of them good ones */
    size_t near, counted; /* good ones within 5%, and all that are looked at */
    size_t clamped;       /* whose clients had more than is believed, most of the time */
    size_t measured;      /* relays with a good one */
    size_t why[4];        /* bad ones: inconclusive, refused, measurer_lost, others */
    double weight_error;
};

/* How much of what slow relays carry their clients want, at most: SLOW. */
static double slow(void)
{
    const char *much = getenv("SLOW");
    return much ? strtod(much, NULL) : .25;
}

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

static size_t reason(const char *why)
{
    static const char *const words[] = {"inconclusive", "resting", "measurer_lost"};
    size_t i = 0;
    while (i < 3 && strcmp(words[i], why) != 0)
        i++;
    return i;
}

static struct figures judge(bool hosts)
{
    const struct fluid_end **of = newest();
    struct figures f = {.ends = team.n_ends, .weight_error = weight_error(of, hosts)};
    for (size_t i = 0; i < team.n_ends; i++) {
        f.ok += team.ends[i].ok;
        f.why[reason(team.ends[i].why)] += !team.ends[i].ok;
    }
    for (size_t i = 0; i < team.net.n; i++) {
        const struct fluid_relay *r = &team.net.relays[i];
        f.measured += of[i] != NULL;
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
    printf("%s: %zu of %zu relays in %.2f h, %.1f%% within 5%%, clamped %zu, weight error %.2f%%\n",
           what, f->measured, team.net.n, hours, 100. * (double)f->near / (double)f->counted,
           f->clamped, 100 * f->weight_error);
    printf("    %zu results: inconclusive %zu, refused %zu, measurer_lost %zu, others %zu; at most "
           "%zu at once\n",
           f->ends, f->why[0], f->why[1], f->why[2], f->why[3], team.ran_most);
}

static void verbose(void)
{
    for (size_t i = 0; getenv("VERBOSE") && i < team.n_lines; i++)
        if (strstr(team.lines[i], "\"why\""))
            printf("%.*s\n", 600, strstr(team.lines[i], "\"ts\""));
}

static void nobody_gave_too_much(void)
{
    for (size_t k = 0; k < FLUID_TEAM; k++)
        ck_assert_msg(team.members[k].gave_most <= FLUID_BW * 1.001, "%.0f",
                      team.members[k].gave_most);
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

/* ---- by a schedule ---- */

static size_t left(void)
{
    const struct cplan *p = team.c->plan;
    return p->count[CPLAN_WAITING] + p->count[CPLAN_ASKED];
}

/* Hours that the plan says that it takes from now on. */
static double forecast(void)
{
    const struct cplan *p = team.c->plan;
    return (double)(cplan_ends_us(p) - cplan_now_us(p)) / 3600e6;
}

/* The day's plan is made, and followed; hours. EACH_MINUTE may be NULL. */
static double follow(double *said, void (*each_minute)(unsigned minute))
{
    uint64_t began_us = team.env->mono_us;
    coordinator_schedule_start(team.c);
    fluid_pass(&team, 2);
    ck_assert(team.c->plan->made);
    *said = forecast();
    for (unsigned minute = 0; left() && minute < 24 * 60; minute++) {
        for (int i = 0; i < 12 && left(); i++)
            fluid_pass(&team, 5);
        if (each_minute)
            each_minute(minute);
    }
    return (double)(team.env->mono_us - began_us) / 3600e6;
}

/* Each relay is a fifth faster or slower than it was. */
static void drift(void)
{
    for (size_t i = 0; i < team.net.n; i++) {
        struct fluid_relay *r = &team.net.relays[i];
        double by = fluid_draw(&team.net, 2) ? 1.2 : .8;
        r->capacity *= by;
        if (r->host == FLUID_NO_HOST)
            r->truth = r->capacity;
    }
    for (size_t i = 0; i < team.net.n_hosts; i++) {
        struct fluid_host *h = &team.net.hosts[i];
        h->capacity *= fluid_draw(&team.net, 2) ? 1.2 : .8;
        for (size_t k = 0; k < 2; k++)
            h->relays[k]->truth = fluid_fair(h, k);
    }
}

static void next_day(void)
{
    uint64_t gone_s = (uint64_t)env_wall_s(team.env) % SCHEDULE_PERIOD_S;
    fluid_pass(&team, (double)(SCHEDULE_PERIOD_S - gone_s));
    team.n_ends = 0;
    team.ran_most = 0;
}

static void set_rule(bool paper)
{
    team.conf.compact = true;
    team.conf.paper = paper;
    team.conf.adaptive = !paper;
    coordinator_reconfigure(team.c, &team.conf);
}

static uint32_t slot_of(const struct fluid_relay *r)
{
    const struct cplan_item *item;
    HASH_FIND(hh, team.c->plan->items, &r->fp, sizeof r->fp, item);
    ck_assert_ptr_nonnull(item);
    return item->at.slot;
}

/* Slots of the plan hold no more than the team has; of relays at one address all have one slot. */
static void plan_is_sound(void)
{
    const struct cplan *p = team.c->plan;
    for (uint32_t s = 0; s < schedule_slots(p->schedule); s++)
        ck_assert_uint_le(schedule_given(p->schedule, s), FLUID_TEAM * (uint64_t)FLUID_BW);
    for (size_t i = 0; i < team.net.n_hosts; i++) {
        const struct fluid_host *h = &team.net.hosts[i];
        ck_assert_uint_eq(slot_of(h->relays[0]), slot_of(h->relays[1]));
    }
}

/* The two relays of a host that is what limits them show it together. */
static void hosts_are_found(void)
{
    const struct fluid_end **of = newest();
    size_t n = 0, good = 0;
    for (size_t i = 1; i < team.net.n_hosts; i += 2) {
        const struct fluid_host *h = &team.net.hosts[i];
        const struct fluid_end *a = of[h->relays[0]->number], *b = of[h->relays[1]->number];
        if (!a || !b)
            continue;
        n++;
        good += fabs((double)(a->bw + b->bw) / h->capacity - 1) < .06;
    }
    if (getenv("NETWORK"))
        printf("    hosts that limit two relays: the sum is within 6%% of %zu of %zu\n", good, n);
    ck_assert_uint_ge(100 * good, 90 * n);
    free(of);
}

/* What is true of any day that nothing disturbs. */
static void day(const char *what, bool paper, double most_hours)
{
    double said, hours;
    set_rule(paper);
    hours = follow(&said, NULL);
    while (team.c->plan->count[CPLAN_RESTING] || left())
        fluid_pass(&team, 60); /* those that had two runs yesterday */
    struct figures f = judge(true);
    verbose();
    show(what, hours, &f);
    printf("    forecast %.2f h\n", said);
    nobody_gave_too_much();
    hosts_are_found();
    ck_assert_uint_ge(100 * f.measured, 98 * team.net.n);
    ck_assert_uint_ge(100 * f.near, 95 * f.counted);
    ck_assert_uint_eq(f.why[1], 0);
    ck_assert(f.weight_error <= .02);
    ck_assert(hours <= most_hours);
    ck_assert(fabs(said / hours - 1) <= .1 || hours < .5);
}

START_TEST(test_network_days)
{
    fluid_team_new(&team, relays_wanted(200), 5, slow());
    fluid_publish(&team);
    day("the paper's rule", true, 5.0);
    next_day();
    drift();
    day("adaptive, a day later", false, 2.5);
    fluid_team_free(&team);
}
END_TEST

/* How many good results each relay has, and how many runs began. The caller frees it. */
struct tally {
    size_t good, begun;
};
static struct tally *tally(void)
{
    struct result line;
    struct tally *of = calloc(team.net.n, sizeof *of);
    ck_assert_ptr_nonnull(of);
    for (size_t i = 0; i < team.n_lines; i++) {
        ck_ok(results_parse((struct text){team.lines[i], strlen(team.lines[i]) - 1}, &line));
        struct tally *t = &of[fluid_at(&team.net, &line.at)->number];
        t->good += line.is_end && line.ok;
        t->begun += !line.is_end;
    }
    return of;
}

static void accident(unsigned minute)
{
    size_t running = team.running;
    if (minute == 1) {
        fluid_kill(&team, 2);
    } else if (minute == 3) {
        fluid_start(&team, 2);
    } else if (minute == 5) {
        ck_assert_uint_gt(running, 0);
        fluid_kill_coordinator(&team);
        fluid_pass(&team, 20);
        ck_assert_uint_eq(team.running, 0);
        fluid_coordinator(&team);
        fluid_publish(&team);
        fluid_pass(&team, 5);
        ck_assert(team.c->plan->made && team.c->plan->on);
        ck_assert_uint_ge(team.c->plan->cut, running);
    }
}

/* A measurer is lost and comes back, so does the coordinator, and relays are away, say no, lie and
 * cheat: the day's plan goes on, each is measured once, and nobody is asked more than twice. */
START_TEST(test_network_a_day_of_accidents)
{
    size_t honest = 0, measured = 0;
    double said, hours;
    fluid_team_new(&team, relays_wanted(240), 7, .25);
    for (size_t i = 0; i < team.net.n; i += 8)
        team.net.relays[i].kind = (enum fluid_kind)(i / 8 % 7);
    set_rule(true);
    fluid_publish(&team);
    hours = follow(&said, accident);
    struct tally *of = tally();
    for (size_t i = 0; i < team.net.n; i++) {
        const struct fluid_relay *r = &team.net.relays[i];
        ck_assert_uint_le(of[i].good, 1);
        ck_assert_uint_le(of[i].begun, 2);
        if (r->kind != FLUID_HONEST && r->kind != FLUID_BOASTS)
            ck_assert_uint_eq(of[i].good, 0);
        honest += r->kind == FLUID_HONEST;
        measured += r->kind == FLUID_HONEST && of[i].good;
    }
    free(of);
    const struct fluid_end **last = newest();
    for (size_t i = 0; i < team.net.n; i++) {
        const struct fluid_relay *r = &team.net.relays[i];
        if (last[i] && r->kind == FLUID_BOASTS && r->host == FLUID_NO_HOST)
            ck_assert((double)last[i]->bw < r->capacity * 1.34 * 1.06);
    }
    free(last);
    struct figures f = judge(true);
    show("a day of accidents", hours, &f);
    ck_assert_uint_ge(100 * measured, 95 * honest);
    ck_assert_uint_ge(100 * f.near, 95 * f.counted);
    ck_assert_uint_gt(f.why[2], 0);
    nobody_gave_too_much();
    fluid_team_free(&team);
}
END_TEST

/* By the schedule they are measured together, and end together: else the one that goes on alone
 * would have the whole host for the rest of its seconds. */
START_TEST(test_network_relays_of_one_host_together)
{
    double said;
    fluid_team_new(&team, 60, 9, .25);
    ck_assert_uint_eq(team.net.n_hosts, 1);
    struct fluid_host *h = &team.net.hosts[0];
    for (size_t k = 0; k < 2; k++) {
        struct fluid_relay *r = h->relays[k];
        r->capacity = h->capacity = 20e6;
        r->truth = r->weight = 10e6;
        r->clients = 0;
    }
    set_rule(false);
    for (int again = 0; again < 3; again++) {
        const struct fluid_end **of;
        fluid_publish(&team);
        (void)follow(&said, NULL);
        of = newest();
        double sum = (double)(of[h->relays[0]->number]->bw + of[h->relays[1]->number]->bw);
        ck_assert_msg(fabs(sum / h->capacity - 1) < .06, "day %d: %.0f", again, sum);
        free(of);
        next_day();
    }
    fluid_team_free(&team);
}
END_TEST

/* Not back to back: each in a slot of the day that nobody else knows. */
START_TEST(test_network_over_the_day)
{
    double said;
    size_t n = 0;
    fluid_team_new(&team, relays_wanted(200), 8, .25);
    team.conf.adaptive = true;
    coordinator_reconfigure(team.c, &team.conf);
    fluid_publish(&team);
    double hours = follow(&said, NULL);
    struct figures f = judge(true);
    show("over the day", hours, &f);
    nobody_gave_too_much();
    hosts_are_found();
    ck_assert(hours > 20 && hours < 24.1);
    for (size_t i = 0; i < team.n_ends; i++)
        n += team.ends[i].began % SCHEDULE_PERIOD_S < SCHEDULE_PERIOD_S / 2;
    ck_assert(n > team.n_ends * 2 / 5 && n < team.n_ends * 3 / 5);
    ck_assert_uint_ge(100 * f.measured, 98 * team.net.n);
    ck_assert_uint_ge(100 * f.near, 95 * f.counted);
    ck_assert(f.weight_error <= .02);
    fluid_team_free(&team);
}
END_TEST

/* The same secret, relays and team give the same plan, in whatever process. */
START_TEST(test_network_same_secret_same_plan)
{
    uint32_t slots[200];
    fluid_team_new(&team, 200, 6, .25);
    for (int again = 0; again < 2; again++) {
        set_rule(true);
        fluid_publish(&team);
        coordinator_schedule_start(team.c);
        fluid_pass(&team, 40 * again + 2);
        plan_is_sound();
        for (size_t i = 0; i < team.net.n; i++) {
            if (again)
                ck_assert_uint_eq(slots[i], slot_of(&team.net.relays[i]));
            slots[i] = slot_of(&team.net.relays[i]);
        }
        if (again)
            break;
        fluid_kill_coordinator(&team);
        fluid_forget_kept(&team);
        fluid_forget_results(&team);
        fluid_coordinator(&team);
    }
    fluid_team_free(&team);
}
END_TEST

TESTS("measure/network", test_network_days, test_network_same_secret_same_plan,
      test_network_a_day_of_accidents, test_network_over_the_day,
      test_network_relays_of_one_host_together, test_network_by_orders,
      test_network_of_relays_that_misbehave, test_network_loses_a_measurer,
      test_network_relays_of_one_host_apart)
