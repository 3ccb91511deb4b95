/* usage: sim [--seed N | --scenario NAME | --all-named | --hostile | --from A --count N]
 *            [--trace] [--twice] [--memory STEP] [--list] [--max-failures N] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/sim.h"

struct run {
    const char *program;
    bool trace, twice;
    unsigned n, failed, max_failures;
    uint64_t apps, served, circuits, exits_seen, steps, memory_failed, memory_troubles;
    double virtual_s, slowest_s;
    char slowest[SCENARIO_NAME_MAX];
};

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void tell_failure(const struct run *r, const struct scenario *sc, bool by_seed,
                         const struct sim_result *res)
{
    printf("FAIL %s %s: %s: %s\n     replay: %s %s %s --trace\n", by_seed ? "seed" : "scenario",
           sc->name, res->invariant, res->why, r->program, by_seed ? "--seed" : "--scenario",
           sc->name);
}

static void run_one(struct run *r, const struct scenario *sc, bool by_seed)
{
    struct sim_result res, again;
    double begun = now_s();
    if (r->trace)
        scenario_print(sc);
    sim_run(sc, r->trace, &res);
    double took = now_s() - begun;
    if (res.good && r->twice) {
        sim_run(sc, false, &again);
        if (again.hash != res.hash || again.steps != res.steps) {
            res.good = false;
            snprintf(res.invariant, sizeof res.invariant, "replay");
            snprintf(res.why, sizeof res.why, "a second run differs: %llu steps, then %llu",
                     (unsigned long long)res.steps, (unsigned long long)again.steps);
        }
    }
    r->n++;
    r->failed += !res.good;
    r->apps += res.apps;
    r->served += res.served;
    r->circuits += res.circuits;
    r->exits_seen += res.exits_seen;
    r->steps += res.steps;
    r->memory_failed += res.memory_failed;
    r->virtual_s += (double)res.virtual_us / 1e6;
    if (took > r->slowest_s) {
        r->slowest_s = took;
        snprintf(r->slowest, sizeof r->slowest, "%s", sc->name);
    }
    if (!res.good)
        tell_failure(r, sc, by_seed, &res);
    if (r->trace)
        printf("%s: %s, %llu steps, %.1f s of virtual time, hash %016llx\n", sc->name,
               res.good ? "good" : "FAILED", (unsigned long long)res.steps,
               (double)res.virtual_us / 1e6, (unsigned long long)res.hash);
}

static bool enough(const struct run *r)
{
    return r->max_failures && r->failed >= r->max_failures;
}

static void run_seeds(struct run *r, uint64_t from, uint64_t count)
{
    static struct scenario sc;
    for (uint64_t i = 0; i < count && !enough(r); i++) {
        scenario_random(from + i, &sc);
        run_one(r, &sc, true);
    }
}

static int run_named(struct run *r, const char *name)
{
    static struct scenario sc;
    if (!scenario_named(name, &sc) && !scenario_hostile(name, &sc)) {
        fprintf(stderr, "no scenario is called %s\n", name);
        return 2;
    }
    run_one(r, &sc, false);
    return 0;
}

/* Every STEP-th allocation fails in turn, until a run has so few that none does. */
static void run_memory(struct run *r, uint64_t step)
{
    static struct scenario sc;
    uint64_t before;
    uint64_t n = 1;
    do {
        before = r->memory_failed;
        scenario_memory(n, &sc);
        run_one(r, &sc, false);
        n += step;
    } while (r->memory_failed > before && !enough(r));
}

static int finish(const struct run *r, double begun)
{
    double took = now_s() - begun;
    printf("%u scenarios, %u failed; %.1f s (%.0f an hour), slowest %s: %.2f s\n"
           "%.0f s of virtual time, %llu steps, %llu circuits, %llu of %llu tunnels served, %llu "
           "seen at exits, %llu allocations failed\n",
           r->n, r->failed, took, took > 0 ? r->n * 3600 / took : 0, r->slowest, r->slowest_s,
           r->virtual_s, (unsigned long long)r->steps, (unsigned long long)r->circuits,
           (unsigned long long)r->served, (unsigned long long)r->apps,
           (unsigned long long)r->exits_seen, (unsigned long long)r->memory_failed);
    return r->failed || !r->n ? 1 : 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seed N | --scenario NAME | --all-named | --hostile |\n"
                    "            --from A --count N]\n"
                    "           [--memory STEP] [--trace] [--twice] [--list] [--max-failures N]\n");
    return 2;
}

static void list(void)
{
    for (size_t i = 0; scenario_name(i); i++)
        printf("%s\n", scenario_name(i));
    for (size_t i = 0; scenario_hostile_name(i); i++)
        printf("%s\n", scenario_hostile_name(i));
}

int main(int argc, char **argv)
{
    struct run r = {.program = argv[0], .max_failures = 10};
    uint64_t from = 1, count = 0, memory_step = 0;
    const char *name = NULL;
    bool all_named = false, hostile = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--trace") == 0)
            r.trace = true;
        else if (strcmp(argv[i], "--twice") == 0)
            r.twice = true;
        else if (strcmp(argv[i], "--all-named") == 0)
            all_named = true;
        else if (strcmp(argv[i], "--list") == 0)
            list();
        else if (strcmp(argv[i], "--hostile") == 0)
            hostile = true;
        else if (!value)
            return usage();
        else if (strcmp(argv[i], "--seed") == 0)
            from = strtoull(argv[++i], NULL, 10), count = 1;
        else if (strcmp(argv[i], "--from") == 0)
            from = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0)
            count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--memory") == 0)
            memory_step = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--max-failures") == 0)
            r.max_failures = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--scenario") == 0)
            name = argv[++i];
        else
            return usage();
    }
    double begun = now_s();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (memory_step)
        run_memory(&r, memory_step);
    if (name && run_named(&r, name) != 0)
        return 2;
    for (size_t k = 0; all_named && scenario_name(k); k++)
        if (run_named(&r, scenario_name(k)) != 0)
            return 2;
    for (size_t k = 0; hostile && scenario_hostile_name(k); k++)
        if (run_named(&r, scenario_hostile_name(k)) != 0)
            return 2;
    run_seeds(&r, from, count);
    return r.n ? finish(&r, begun) : usage();
}
