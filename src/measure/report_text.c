/* A report about a relay, in words. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "measure/estimate.h"
#include "measure/report_int.h"

enum { HISTORY_MOST = 31, BAR_MOST = 24 };

static double mbit(uint64_t bytes)
{
    return report_mbit(bytes);
}

static const char *when(int64_t s, char out[REPORT_TIME_MAX])
{
    struct tm tm;
    time_t t = (time_t)s;
    if (!gmtime_r(&t, &tm) || !strftime(out, REPORT_TIME_MAX, "%Y-%m-%d %H:%M", &tm))
        memcpy(out, "?", sizeof "?");
    return out;
}

/* 0 to 1, in percent. */
static unsigned percent(const json_t *share)
{
    double x = json_number_value(share) * 100;
    return x > 0 && x <= 1000 ? (unsigned)(x + .5) : 0;
}

/* ---- the figure ---- */

static void put_figure(const struct report *r, int64_t now_s, struct docw *w)
{
    char time[REPORT_TIME_MAX], age[TEXT_DURATION_MAX];
    const struct result *run = report_figure(r);
    if (!run) {
        docw_fmt(w, "It has no figure.\n");
        return;
    }
    docw_fmt(w, "It carries %.1f Mbit/s (%llu bytes/s), measured %s UTC, %s ago, by %s.\n",
             mbit(run->bw), (unsigned long long)run->bw, when(run->ts, time),
             text_duration(now_s - run->ts, age), run->mode[0] ? run->mode : "?");
    docw_fmt(w,
             "  Eight of ten seconds lay between %.1f and %.1f Mbit/s; %llu counted.\n"
             "  %.1f Mbit/s came back to the measurers, ",
             mbit(report_u64(r->good, "p10")), mbit(report_u64(r->good, "p90")),
             (unsigned long long)report_u64(r->good, "counted"), mbit(run->x));
    if (results_knows_clients(run))
        docw_fmt(w, "%.1f are believed of its clients.\n", mbit(run->bg));
    else
        docw_fmt(w, "what its clients had is unknown.\n");
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

/* By the name that results have for it; the printable one is in r->by. */
static void put_measurer(const struct report *r, const char *key, const json_t *seconds, size_t i,
                         struct docw *w)
{
    const struct teams_member *m = &r->by.members[i];
    unsigned part = teams_percent(&r->by, i);
    docw_fmt(w, "  %-16s %8.1f Mbit/s", m->name, mbit(median_of(seconds)));
    if (m->alloc)
        docw_fmt(w, " of %.1f allotted", mbit(m->alloc));
    if (part && r->by.n > 1)
        docw_fmt(w, " (%u%% of its part)", part);
    docw_fmt(w, ", held back %u%% of the time, %u ms away, %u%% of a core\n",
             percent(json_object_get(json_object_get(r->good, "blocked"), key)), m->rtt_ms,
             percent(json_object_get(json_object_get(r->good, "cpu"), key)));
}

static void put_measurers(const struct report *r, struct docw *w)
{
    const char *key;
    json_t *list, *members = json_object_get(json_object_get(r->good, "sec"), "m");
    if (json_object_size(members))
        docw_fmt(w, "\nBy measurer, the medians of what came back:\n");
    json_object_foreach(members, key, list) for (size_t i = 0; i < r->by.n;
                                                 i++) if (strcmp(r->by.members[i].name, key) == 0)
        put_measurer(r, key, list, i, w);
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
            docw_fmt(w, "        %s\n", v->listed ? "has not measured it" : "does not list it");
    }
}

/* What is not here, and how to get it. */
static void put_wanted(const struct report *r, struct docw *w)
{
    char hex[HEX_SIZE(20)];
    if (!r->is_described)
        docw_fmt(w,
                 "  its own descriptor is not here: `tunic fetch -o descriptors server/fp/%s`, "
                 "then --descriptors descriptors\n",
                 r->fp[0] ? r->fp : "FINGERPRINT");
    if (!r->is_listed)
        docw_fmt(w, r->n_auths ? "  the consensus does not have it\n"
                               : "  no consensus is here: `tunic fetch -o consensus "
                                 "consensus-microdesc`, then --consensus consensus\n");
    if (r->n_votes)
        return;
    docw_fmt(w, "  no votes are here, which say what each authority measured: `tunic fetch -o "
                "votes/ vote/current/");
    for (size_t i = 0; i < r->n_auths; i++)
        docw_fmt(w, "%s%s", i ? "+" : "", hex_upper(r->auths[i].b, sizeof r->auths[i].b, hex));
    docw_fmt(w, "%s`, then --votes votes\n", r->n_auths ? "" : "AUTHORITY[+AUTHORITY...]");
}

static void put_others(const struct report *r, struct docw *w)
{
    const struct result *run = report_figure(r);
    docw_fmt(w, "\nBeside what others say of it:\n");
    if (run)
        docw_fmt(w, "  our figure           %8.1f Mbit/s\n", mbit(run->bw));
    if (r->is_described) {
        uint64_t least = r->average < r->observed ? r->average : r->observed;
        docw_fmt(w,
                 "  its limit            %8.1f Mbit/s (bandwidth-avg, its RelayBandwidthRate)\n"
                 "  what it saw itself   %8.1f Mbit/s (observed: its best ten seconds lately)\n"
                 "  advertised           %8.1f Mbit/s (the less of both)\n",
                 mbit(r->average), mbit(r->observed), mbit(least));
    }
    if (run && r->is_described)
        docw_fmt(w, "  in a bandwidth file  %8.1f Mbit/s (our figure%s)\n",
                 mbit(run->bw < r->average ? run->bw : r->average),
                 run->bw > r->average ? ", cut to its limit" : "");
    if (r->is_listed)
        docw_fmt(w, "  consensus weight     %8.1f Mbit/s (Bandwidth=%u%s)\n",
                 mbit((uint64_t)r->weight_kb * 1000), r->weight_kb,
                 r->is_unmeasured ? ", Unmeasured" : "");
    put_votes(r, w);
    put_wanted(r, w);
}

/* ---- history ---- */

static void put_bar(const struct result *run, uint64_t most, struct docw *w)
{
    static const char bar[BAR_MOST + 1] = "########################";
    uint64_t len = most ? (uint64_t)((double)run->bw / (double)most * BAR_MOST + .5) : 0;
    docw_fmt(w, "  %.*s", (int)(len < BAR_MOST ? len : BAR_MOST), bar);
}

static void put_run(const struct result *run, uint64_t most, struct docw *w)
{
    char time[REPORT_TIME_MAX];
    docw_fmt(w, "  %-16s ", when(run->ts, time));
    if (!run->ok) {
        docw_fmt(w, " no figure: %s%s%s\n", run->why, run->detail[0] ? ": " : "", run->detail);
        return;
    }
    docw_fmt(w, "%8.1f ", mbit(run->bw));
    if (results_knows_clients(run))
        docw_fmt(w, "%8.1f", mbit(run->bg));
    else
        docw_fmt(w, "%8s", "unknown");
    docw_fmt(w, "  %-8s %-9s", run->clamped ? "clamped" : run->limited_by, run->mode);
    put_bar(run, most, w);
    docw_fmt(w, "\n");
}

static void put_history(const struct report *r, struct docw *w)
{
    const struct result *run;
    uint64_t most = 0;
    if (!report_run(r, 0))
        return;
    docw_fmt(w, "\nIts runs, the newest first:\n"
                "  when, UTC          Mbit/s  clients  limit    mode\n");
    for (size_t k = 0; k < HISTORY_MOST && (run = report_run(r, k)); k++)
        most = run->ok && run->bw > most ? run->bw : most;
    for (size_t k = 0; k < HISTORY_MOST && (run = report_run(r, k)); k++)
        put_run(run, most, w);
    if (r->n_runs > HISTORY_MOST)
        docw_fmt(w, "  and %zu before\n", r->n_runs - HISTORY_MOST);
}

err_t report_text(const struct report *r, int64_t now_s, char **out)
{
    struct docw w = {.err = OK};
    char at[IPPORT_TEXT_MAX];
    *out = NULL;
    if (!report_run(r, 0) && !r->begun && !r->is_listed && !r->is_described)
        return ERR_NOT_FOUND;
    docw_fmt(&w, "%s%s%s\n", r->nickname, r->nickname[0] ? ", " : "",
             r->fp[0] ? r->fp : ipport_text(&r->at, at));
    put_figure(r, now_s, &w);
    report_put_why(r, now_s, &w);
    put_measurers(r, &w);
    put_others(r, &w);
    put_history(r, &w);
    report_put_verdict(r, &w);
    *out = w.err == OK ? text_dup(docw_text(&w)) : NULL;
    docw_free(&w);
    return *out ? OK : ERR_NOMEM;
}
