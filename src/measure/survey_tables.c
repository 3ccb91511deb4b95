/* Tables of a survey: days, ages, measurers, truth. */
#include <stdlib.h>
#include <time.h>

#include "measure/survey_int.h"

enum { DAY_S = 24 * 3600, HOUR_S = 3600 };

/* ---- days ---- */

struct day {
    size_t tried, measured, fresh, listed_fresh;
};

static void count_day(const struct survey *s, unsigned ago, struct day *d)
{
    const uint64_t week = (UINT64_C(1) << SURVEY_FRESH_DAYS) - 1;
    *d = (struct day){.tried = 0};
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        bool is_fresh = (r->good_days >> ago & week) != 0;
        d->tried += r->tried_days >> ago & 1;
        d->measured += r->good_days >> ago & 1;
        d->fresh += is_fresh ? 1 : 0;
        d->listed_fresh += is_fresh && r->is_listed ? 1 : 0;
    }
}

unsigned survey_oldest_day(const struct survey *s)
{
    uint64_t all = 0;
    unsigned ago = 0;
    for (size_t i = 0; i < s->n; i++)
        all |= s->relays[i]->tried_days;
    while (all >>= 1)
        ago++;
    return ago;
}

size_t survey_days_most(const struct survey *s)
{
    size_t most = 0;
    for (unsigned ago = 0; ago <= survey_oldest_day(s); ago++) {
        struct day d;
        count_day(s, ago, &d);
        most = d.tried > most ? d.tried : most;
        most = d.fresh > most ? d.fresh : most;
    }
    return most;
}

void survey_write_days(const struct survey *s, struct docw *w)
{
    char date[SURVEY_TIME_MAX];
    docw_fmt(w, "date,tried,measured,with_a_figure_of_7_days,percent_of_the_consensus\n");
    for (unsigned ago = survey_oldest_day(s) + 1; ago-- > 0;) {
        struct day d;
        count_day(s, ago, &d);
        (void)survey_when((s->now_s / DAY_S - ago) * DAY_S, date);
        docw_fmt(w, "%.10s,%zu,%zu,%zu,", date, d.tried, d.measured, d.fresh);
        if (s->n_listed)
            docw_fmt(w, "%.1f", (double)d.listed_fresh * 100 / (double)s->n_listed);
        docw_fmt(w, "\n");
    }
}

/* ---- ages ---- */

void survey_write_ages(const struct survey *s, struct docw *w)
{
    static const unsigned hours[] = {0,  1,  2,  3,   6,   9,   12,  18,  24,  30,  36,  48,
                                     60, 72, 96, 120, 144, 168, 240, 336, 504, 720, 1440};
    struct survey_sum sum;
    survey_sum(s, &sum);
    docw_fmt(w, "hours,figures_younger,percent\n");
    for (size_t k = 0; k < sizeof hours / sizeof *hours; k++) {
        size_t n = 0;
        for (size_t i = 0; i < s->n; i++) {
            const struct result *good = &s->relays[i]->good;
            n += good->ts && s->now_s - good->ts <= (int64_t)hours[k] * HOUR_S ? 1 : 0;
        }
        docw_fmt(w, "%u,%zu,%.1f\n", hours[k], n,
                 sum.measured ? (double)n * 100 / (double)sum.measured : 0.);
        if (n == sum.measured && hours[k] >= 24)
            return;
    }
}

/* ---- measurers ---- */

void survey_write_measurers(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "measurer,runs,p10,p25,median,p75,p90,rtt_ms,disagrees\n");
    for (size_t i = 0; i < s->n_measurers; i++) {
        const struct survey_measurer *m = s->measurers[i];
        survey_put_word(w, m->name);
        docw_fmt(w, ",%zu,%u,%u,%u,%u,%u,%u,%s\n", m->n, survey_part(m, 10), survey_part(m, 25),
                 survey_part(m, 50), survey_part(m, 75), survey_part(m, 90), survey_rtt(m),
                 survey_is_odd(s, m) ? "yes" : "no");
    }
}

/* ---- truth ---- */

void survey_write_truth(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "relay,truth,ours,weight,advertised,error_percent\n");
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        if (!r->has_truth)
            continue;
        docw_fmt(w, "%s,%llu,%llu,%llu,%llu,", r->key, (unsigned long long)r->truth,
                 (unsigned long long)r->good.bw, (unsigned long long)r->weight,
                 (unsigned long long)r->advertised);
        if (r->good.bw && r->truth)
            docw_fmt(w, "%.2f", ((double)r->good.bw / (double)r->truth - 1) * 100);
        docw_fmt(w, "\n");
    }
}

/* ---- all of it ---- */

static json_t *errors_json(const struct survey *s)
{
    json_t *all = json_object();
    for (int i = 0; i < SURVEY_SOURCES_N; i++) {
        double error = survey_weight_error(s, (enum survey_source)i);
        if (error >= 0 && json_object_set_new(all, survey_source_name((enum survey_source)i),
                                              json_real(error)) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *odd_json(const struct survey *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < s->n_measurers; i++)
        if (survey_is_odd(s, s->measurers[i]) &&
            json_array_append_new(all, json_string(s->measurers[i]->name)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

void survey_write_summary(const struct survey *s, struct docw *w)
{
    struct survey_sum sum;
    survey_sum(s, &sum);
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "made",
        (json_int_t)s->now_s, "runs", (json_int_t)s->n_runs, "tried", (json_int_t)sum.tried,
        "measured", (json_int_t)sum.measured, "measured_in_7_days", (json_int_t)sum.fresh,
        "of_the_consensus", (json_int_t)sum.listed_fresh, "consensus", (json_int_t)s->n_listed,
        "newest_run_failed", (json_int_t)sum.failing, "newest", (json_int_t)sum.newest_s, "oldest",
        (json_int_t)(sum.measured ? sum.oldest_s : 0), "network_weight_error", errors_json(s),
        "measurers_that_disagree", odd_json(s));
    char *text = all ? json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(all);
    if (text)
        docw_fmt(w, "%s\n", text);
    else
        docw_fail(w, ERR_NOMEM);
    free(text);
}
