#include "app/measure/verdict.h"

#include <string.h>

#include "measure/alloc.h"

static double mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

const char *verdict_grouped(uint64_t n, char out[VERDICT_NUMBER_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *to = out;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *verdict_second(const struct run_second *s, const struct run *run,
                           char out[VERDICT_LINE_MAX])
{
    char cells[VERDICT_NUMBER_MAX];
    const struct connected_to_relay *c = run_circs(run, 0);
    char background[VERDICT_NUMBER_MAX] = "unknown";
    if (run_hears_of_clients(run))
        snprintf(background, sizeof background, "%.1f", mbit(s->t - s->sum.x));
    snprintf(out, VERDICT_LINE_MAX,
             "[%u/%u s] %.1f Mbit/s, background %s, %s cells checked, %u/%u sockets", s->sec,
             run_dur(run), mbit(s->t), background, verdict_grouped(s->checked, cells),
             c->ready_circs, c->circs);
    return out;
}

/* ---- the end ---- */

static void say_limit(FILE *to, const struct estimate *e)
{
    if (e->limited_by == LIMITED_BY_RELAY)
        fprintf(
            to,
            "  The limit was the relay, or the way to it: we were held back %u%% of the time.\n",
            e->blocked);
    else if (e->cpu >= ESTIMATE_CPU_MOST)
        fprintf(to, "  The limit was this computer's processor: %u%% of a core.\n", e->cpu);
    else if (e->lag_ms >= ESTIMATE_LAG_MOST_MS)
        fprintf(to, "  The limit was this computer: it came %u ms late.\n", e->lag_ms);
    else
        fprintf(to, "  The limit was what we gave: we were held back only %u%% of the time.\n",
                e->blocked);
}

static void say_background(FILE *to, const struct run_result *r)
{
    const struct estimate *e = &r->estimate;
    fprintf(to, "  Of that %.1f Mbit/s were echoes%s and %.1f Mbit/s its clients', as it says.\n",
            mbit(e->x), r->checked ? " that we checked" : "", mbit(e->bg));
    if (e->clamped)
        fprintf(to, "  In %u of %u seconds it claimed more of them than is believed.\n", e->clamped,
                e->counted);
    if (r->bg_missing)
        fprintf(to, "  In %u seconds it said nothing of them.\n", r->bg_missing);
}

void verdict_spread(FILE *to, const struct estimate *e)
{
    fprintf(to, "the median of %u second%s", e->counted, e->counted == 1 ? "" : "s");
    if (e->counted >= ESTIMATE_SPREAD_LEAST)
        fprintf(to, ", half of them from %.1f to %.1f.\n", mbit(e->p25), mbit(e->p75));
    else
        fputs(", too few to say how sure it is.\n", to);
    if (estimate_is_unsteady(e))
        fputs("  The run was unsteady: its seconds differ widely. Measure it again.\n", to);
}

void verdict_again(FILE *to, uint64_t next_prior)
{
    if (next_prior)
        fprintf(to, "  More may be had with --prior %.0fmbit.\n", mbit(next_prior) + 0.5);
}

static void say_measured(FILE *to, const char *name, const struct run_result *r)
{
    const struct estimate *e = &r->estimate;
    char cells[VERDICT_NUMBER_MAX];
    fprintf(to, "%s carries %.1f Mbit/s (%.3f MB/s): ", name, mbit(e->bw), (double)e->bw / 1e6);
    verdict_spread(to, e);
    say_background(to, r);
    say_limit(to, e);
    if (r->checked)
        fprintf(to, "  %s cells were checked, and all were good.\n",
                verdict_grouped(r->checked, cells));
    else
        fprintf(to, "  No cell was checked: nothing proves that the relay did its work.\n");
}

static void say_inconclusive(FILE *to, const char *name, const struct run_result *r)
{
    const struct estimate *e = &r->estimate;
    fprintf(to, "%s: inconclusive. It carries %.1f Mbit/s or more.\n", name, mbit(e->bw));
    if (3 * e->counted < 2 * r->seconds)
        fprintf(to,
                "  Only %u of %u seconds count, since more and more had to be given: try again "
                "with --prior %.0fmbit.\n",
                e->counted, r->seconds, mbit(alloc_next_prior(e->bw, e->bw)));
    else
        say_limit(to, e);
}

static void say_failed(FILE *to, const char *name, const struct run_result *r)
{
    const char *info = r->failure.info;
    fprintf(to, "%s was not measured: %s (%s)\n", name, info[0] ? info : "no reason is known",
            run_why(r));
}

void verdict_so_far(FILE *to, const struct run_result *r, const struct run *run)
{
    struct estimate e;
    char cells[VERDICT_NUMBER_MAX];
    if (r->failure.code != MEAS_CANCELLED || !run_so_far(run, &e))
        return;
    fprintf(to,
            "  Until then, in %u of %u s: %.1f Mbit/s (%.3f MB/s), the median of %u; %s cells were "
            "checked, and all were good.\n",
            r->seconds, run_dur(run), mbit(e.bw), (double)e.bw / 1e6, e.counted,
            verdict_grouped(r->checked, cells));
}

void verdict_write(FILE *to, const char *name, const struct run_result *result,
                   const struct run *run)
{
    if (result->state == RUN_FAILED) {
        say_failed(to, name, result);
        verdict_so_far(to, result, run);
    } else if (result->conclusive) {
        say_measured(to, name, result);
    } else {
        say_inconclusive(to, name, result);
    }
}
