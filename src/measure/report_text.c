/* A report about a relay, in words. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure/estimate.h"
#include "measure/report_int.h"

enum { TIME_MAX = 24, HISTORY_MOST = 14, AGE_OLD_S = 2 * 24 * 3600 };

static double mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

static const char *when(int64_t s, char out[TIME_MAX])
{
    struct tm tm;
    time_t t = (time_t)s;
    if (!gmtime_r(&t, &tm) || !strftime(out, TIME_MAX, "%Y-%m-%d %H:%M", &tm))
        memcpy(out, "?", sizeof "?");
    return out;
}

static uint64_t u64(const json_t *object, const char *name)
{
    json_int_t x = json_integer_value(json_object_get(object, name));
    return x > 0 ? (uint64_t)x : 0;
}

/* 0 to 1, in percent. */
static unsigned percent(const json_t *share)
{
    double x = json_number_value(share) * 100;
    return x > 0 && x <= 1000 ? (unsigned)(x + .5) : 0;
}

/* The newest with a figure; NULL: there is none. */
static const struct result *figure(const struct report *r)
{
    const struct result *run;
    for (size_t k = 0; (run = report_run(r, k)); k++)
        if (run->ok)
            return run;
    return NULL;
}

/* The median of those before the newest figure; 0: there are none. */
static uint64_t before(const struct report *r)
{
    uint64_t bw[REPORT_RUNS_MOST];
    size_t n = 0;
    const struct result *run;
    for (size_t k = 0; (run = report_run(r, k)); k++)
        if (run->ok && run != figure(r))
            bw[n++] = run->bw;
    return estimate_median(bw, n);
}

/* ---- the figure ---- */

static void put_figure(const struct report *r, int64_t now_s, struct docw *w)
{
    char time[TIME_MAX], age[TEXT_DURATION_MAX];
    const struct result *run = figure(r);
    if (!run) {
        docw_fmt(w, "It has no figure.\n");
        return;
    }
    docw_fmt(w, "It carries %.1f Mbit/s (%llu bytes/s), measured %s UTC, %s ago, by %s.\n",
             mbit(run->bw), (unsigned long long)run->bw, when(run->ts, time),
             text_duration(now_s - run->ts, age), run->mode[0] ? run->mode : "?");
    docw_fmt(w,
             "  Eight of ten seconds lay between %.1f and %.1f Mbit/s; %llu counted.\n"
             "  %.1f Mbit/s came back to the measurers, %.1f are believed of its clients.\n",
             mbit(u64(r->good, "p10")), mbit(u64(r->good, "p90")),
             (unsigned long long)u64(r->good, "counted"), mbit(run->x), mbit(run->bg));
}

/* ---- each measurer ---- */

static uint64_t median_of(const json_t *list)
{
    uint64_t v[ESTIMATE_SECONDS_MOST];
    size_t n = json_array_size(list);
    n = n < ESTIMATE_SECONDS_MOST ? n : ESTIMATE_SECONDS_MOST;
    for (size_t i = 0; i < n; i++)
        v[i] = (uint64_t)json_integer_value(json_array_get(list, i));
    return estimate_median(v, n);
}

static void put_measurers(const struct report *r, struct docw *w)
{
    const char *name;
    json_t *list, *members = json_object_get(json_object_get(r->good, "sec"), "m");
    const json_t *blocked = json_object_get(r->good, "blocked");
    if (json_object_size(members))
        docw_fmt(w, "\nBy measurer, the medians of what came back:\n");
    json_object_foreach(members, name, list)
    {
        docw_fmt(w, "  %-16.32s %8.1f Mbit/s", name, mbit(median_of(list)));
        if (r->alloc)
            docw_fmt(w, " of %.1f allotted", mbit(u64(r->alloc, name)));
        docw_fmt(w, ", held back %u%% of the time, %llu ms away, %u%% of a core\n",
                 percent(json_object_get(blocked, name)),
                 (unsigned long long)u64(json_object_get(r->good, "rtt_ms"), name),
                 percent(json_object_get(json_object_get(r->good, "cpu"), name)));
    }
}

/* ---- what others say ---- */

static void put_votes(const struct report *r, struct docw *w)
{
    for (size_t i = 0; i < r->n_votes; i++) {
        const struct report_vote *v = &r->votes[i];
        docw_fmt(w, "  authority %-10s ", v->authority);
        if (v->measured)
            docw_fmt(w, "%8.1f Mbit/s (Measured=%llu)\n", mbit(v->kb * 1000),
                     (unsigned long long)v->kb);
        else
            docw_fmt(w, "        has not measured it\n");
    }
}

static void put_others(const struct report *r, struct docw *w)
{
    if (!r->is_described && !r->is_listed && !r->n_votes)
        return;
    docw_fmt(w, "\nWhat others say of it:\n");
    if (r->is_described) {
        uint64_t least = r->average < r->observed ? r->average : r->observed;
        docw_fmt(w,
                 "  its limit            %8.1f Mbit/s (bandwidth-avg, its RelayBandwidthRate)\n"
                 "  what it saw itself   %8.1f Mbit/s (observed: its best ten seconds lately)\n"
                 "  advertised           %8.1f Mbit/s (the less of both)\n",
                 mbit(r->average), mbit(r->observed), mbit(least));
    }
    if (r->is_listed)
        docw_fmt(w, "  consensus weight     %8.1f Mbit/s (Bandwidth=%u%s)\n",
                 mbit((uint64_t)r->weight_kb * 1000), r->weight_kb,
                 r->is_unmeasured ? ", Unmeasured" : "");
    put_votes(r, w);
}

/* ---- history ---- */

static void put_run(const struct result *run, struct docw *w)
{
    char time[TIME_MAX];
    docw_fmt(w, "  %s  ", when(run->ts, time));
    if (run->ok)
        docw_fmt(w, "%8.1f Mbit/s%s\n", mbit(run->bw), run->clamped ? ", clamped" : "");
    else
        docw_fmt(w, "no figure: %s%s%s\n", run->why, run->detail[0] ? ": " : "", run->detail);
}

static void put_history(const struct report *r, struct docw *w)
{
    const struct result *run;
    if (report_run(r, 0))
        docw_fmt(w, "\nIts runs, the newest first:\n");
    for (size_t k = 0; k < HISTORY_MOST && (run = report_run(r, k)); k++)
        put_run(run, w);
    if (r->n_runs > HISTORY_MOST)
        docw_fmt(w, "  and %zu before\n", r->n_runs - HISTORY_MOST);
}

/* ---- why ---- */

static void why_no_figure(const struct report *r, struct docw *w)
{
    static const struct {
        const char *why, *means;
    } reasons[] = {
        {"unsupported", "It does not know measurements, as tor's relays do not: measure it in a "
                        "mode for those (--mode echo2)."},
        {"refused", "The relay itself said no."},
        {"no_consent", "It has not agreed: its operator has to write so into its contact line, or "
                       "to allow the coordinator."},
        {"timeout", "It did not answer, or not in time: it is down, or the way to it."},
        {"cheat", "What came back was not what went out: it is no figure of an honest relay."},
        {"measurer_lost", "A measurer went away: nothing is said about the relay."},
        {"relay_lost", "It closed links or circuits, and is left alone for a day."},
        {"inconclusive", "The measurers were too weak for it, or what it carries was thought too "
                         "little: it carries that at least. Measure again, or with more."},
        {"cancelled", "Somebody cancelled it."},
    };
    const struct result *run = report_run(r, 0);
    for (size_t i = 0; run && i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].why, run->why) == 0)
            docw_fmt(w, "- %s\n", reasons[i].means);
    if (!run)
        docw_fmt(w, r->begin ? "- Runs of it began, and none was brought to its end.\n"
                             : "- It was never measured.\n");
}

static void why_limit(const struct report *r, const struct result *run, struct docw *w)
{
    if (strcmp(run->limited_by, "relay") == 0)
        docw_fmt(w, "- The relay was the limit, or its way to the network: the measurers would "
                    "have sent more.\n");
    else if (run->limited_by[0])
        docw_fmt(w, "- The measurers were the limit: it may carry more.\n");
    if (!r->is_described)
        return;
    if (r->average < run->bw)
        docw_fmt(w,
                 "- It says itself that it gives %.1f Mbit/s (RelayBandwidthRate), and gets no "
                 "more than that in the bandwidth file.\n",
                 mbit(r->average));
    else if (run->bw >= r->average / 100 * 85)
        docw_fmt(w,
                 "- That is what its RelayBandwidthRate of %.1f Mbit/s allows; tor gives some "
                 "percent less.\n",
                 mbit(r->average));
    else if (r->average < UINT64_C(1000000000))
        docw_fmt(w,
                 "- Its RelayBandwidthRate of %.1f Mbit/s is not what holds it back: look at its "
                 "link, its processor, and what else runs there.\n",
                 mbit(r->average));
}

static void why_clients(const struct report *r, const struct result *run, struct docw *w)
{
    uint64_t counted = u64(r->good, "counted");
    if (run->clamped)
        docw_fmt(w,
                 "- In %llu of %llu seconds it claimed more for its clients than is believed: "
                 "what was over does not count.\n",
                 (unsigned long long)run->clamped, (unsigned long long)counted);
    if (strcmp(run->mode, "flashflow") != 0 && run->mode[0])
        docw_fmt(w, "- Unmodified relays do not tell what their clients had meanwhile: with many "
                    "of them it carries more.\n");
}

static void why_others(const struct report *r, const struct result *run, struct docw *w)
{
    size_t measured = 0;
    for (size_t i = 0; i < r->n_votes; i++)
        measured += r->votes[i].measured ? 1 : 0;
    if (r->is_listed && r->is_unmeasured)
        docw_fmt(w, "- Fewer than three authorities have measured it, so its weight is capped "
                    "(Unmeasured).\n");
    else if (r->is_listed && (uint64_t)r->weight_kb * 2000 < run->bw)
        docw_fmt(w, "- Its consensus weight is under half of what it carries: authorities saw less "
                    "of it than we.\n");
    if (r->n_votes && measured < 3)
        docw_fmt(w, "- %zu of %zu authorities in these votes have measured it.\n", measured,
                 r->n_votes);
    if (r->is_described && r->observed < run->bw / 2)
        docw_fmt(w, "- It has not seen so much itself for days (observed): clients do not use it "
                    "to its limit.\n");
}

static void why_history(const struct report *r, const struct result *run, int64_t now_s,
                        struct docw *w)
{
    uint64_t median = before(r);
    const struct result *newest = report_run(r, 0);
    if (median && run->bw < median / 3 * 2)
        docw_fmt(w, "- It carried more before: %.1f Mbit/s, the median of the runs before this.\n",
                 mbit(median));
    if (newest && newest != run)
        docw_fmt(w, "- Since then a run of it gave no figure: %s.\n", newest->why);
    if (now_s - run->ts > AGE_OLD_S)
        docw_fmt(w, "- The figure is old.\n");
}

static void put_why(const struct report *r, int64_t now_s, struct docw *w)
{
    const struct result *run = figure(r);
    docw_fmt(w, "\nWhy:\n");
    if (!run) {
        why_no_figure(r, w);
        return;
    }
    why_limit(r, run, w);
    why_clients(r, run, w);
    why_others(r, run, w);
    why_history(r, run, now_s, w);
}

err_t report_text(const struct report *r, int64_t now_s, char **out)
{
    struct docw w = {.err = OK};
    char at[IPPORT_TEXT_MAX];
    *out = NULL;
    if (!report_run(r, 0) && !r->begin && !r->is_listed && !r->is_described)
        return ERR_NOT_FOUND;
    docw_fmt(&w, "%s%s%s\n", r->nickname, r->nickname[0] ? ", " : "",
             r->fp[0] ? r->fp : ipport_text(&r->at, at));
    put_figure(r, now_s, &w);
    put_why(r, now_s, &w);
    put_measurers(r, &w);
    put_others(r, &w);
    put_history(r, &w);
    *out = w.err == OK ? text_dup(docw_text(&w)) : NULL;
    docw_free(&w);
    return *out ? OK : ERR_NOMEM;
}
