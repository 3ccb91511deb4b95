/* Tables of a survey. */
#include <stdlib.h>

#include "measure/survey_int.h"

/* ---- a line a relay ---- */

/* Nothing, if it is not known. */
static void put_clients(struct docw *w, bool known, uint64_t bytes)
{
    if (known)
        docw_fmt(w, "%llu", (unsigned long long)bytes);
}

static void write_csv(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "relay,nickname,bytes_per_s,measured,p10,p90,verified,background,clamped,"
                "limited_by,weight,advertised,limit,runs,why\n");
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        const struct result *g = &r->good;
        docw_fmt(w, "%s,", r->key);
        survey_put_word(w, r->nickname);
        docw_fmt(w, ",%llu,%lld,%llu,%llu,%llu,", (unsigned long long)g->bw, (long long)g->ts,
                 (unsigned long long)r->p10, (unsigned long long)r->p90, (unsigned long long)g->x);
        put_clients(w, results_knows_clients(g), g->bg);
        docw_fmt(w, ",%llu,%s,%llu,%llu,%llu,%u,", (unsigned long long)g->clamped,
                 g->limited_by[0] == 'r' ? "relay"
                 : g->limited_by[0]      ? "us"
                                         : "",
                 (unsigned long long)r->weight, (unsigned long long)r->advertised,
                 (unsigned long long)r->average, r->runs);
        survey_put_word(w, r->newest.why);
        docw_fmt(w, "\n");
    }
}

static json_t *relay_json(const struct survey_relay *r)
{
    const struct result *g = &r->good;
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:s, s:I, s:I, s:I, s:i, "
                     "s:s, s:s}",
                     "relay", r->key, "nickname", r->nickname, "ok", g->ts != 0, "bytes_per_s",
                     (json_int_t)g->bw, "measured", (json_int_t)g->ts, "p10", (json_int_t)r->p10,
                     "p90", (json_int_t)r->p90, "verified", (json_int_t)g->x, "background",
                     results_knows_clients(g) ? json_integer((json_int_t)g->bg) : json_null(),
                     "clamped", (json_int_t)g->clamped, "limited_by", g->limited_by, "weight",
                     (json_int_t)r->weight, "advertised", (json_int_t)r->advertised, "limit",
                     (json_int_t)r->average, "runs", (int)r->runs, "why", r->newest.why, "detail",
                     r->newest.detail);
}

static void write_json(const struct survey *s, struct docw *w)
{
    for (size_t i = 0; i < s->n; i++) {
        json_t *object = relay_json(s->relays[i]);
        char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
        if (text)
            docw_fmt(w, "%s%s", i ? ",\n" : "[", text);
        else
            docw_fail(w, ERR_NOMEM);
        free(text);
    }
    docw_fmt(w, s->n ? "]\n" : "[]\n");
}

/* ---- a line a run ---- */

static void write_runs(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "time,began,id,relay,mode,ok,bytes_per_s,background,allotted,limited_by,why\n");
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        docw_fmt(w, "%lld,%lld,%u,%s,", (long long)run->ts, (long long)run->began, run->id,
                 run->relay->key);
        survey_put_word(w, s->words[run->mode]);
        docw_fmt(w, ",%d,%llu,", run->ok, (unsigned long long)run->bw);
        put_clients(w, run->knows_bg, run->bg);
        docw_fmt(w, ",%llu,", (unsigned long long)run->alloc);
        survey_put_word(w, s->words[run->limited_by]);
        docw_fmt(w, ",");
        survey_put_word(w, s->words[run->why]);
        docw_fmt(w, "\n");
    }
}

static void write_history(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "time,mode,ok,bytes_per_s,background,limited_by,why\n");
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        if (run->relay != s->focus)
            continue;
        docw_fmt(w, "%lld,", (long long)run->ts);
        survey_put_word(w, s->words[run->mode]);
        docw_fmt(w, ",%d,%llu,", run->ok, (unsigned long long)run->bw);
        put_clients(w, run->knows_bg, run->bg);
        docw_fmt(w, ",");
        survey_put_word(w, s->words[run->limited_by]);
        docw_fmt(w, ",");
        survey_put_word(w, s->words[run->why]);
        docw_fmt(w, "\n");
    }
}

/* ---- seconds ---- */

static void write_seconds(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "relay,second,verified,trusted,untrusted,figure\n");
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++) {
        const struct survey_relay *r = s->relays[i];
        for (size_t k = 0; k < r->n_sec; k++)
            docw_fmt(w, "%s,%zu,%llu,%llu,%llu,%llu\n", r->key, k + 1,
                     (unsigned long long)r->sec[k].verified, (unsigned long long)r->sec[k].trusted,
                     (unsigned long long)r->sec[k].untrusted, (unsigned long long)r->good.bw);
    }
}

/* ---- all of them ---- */

static void write_table(const struct survey *s, enum survey_file file, struct docw *w)
{
    static void (*const writers[SURVEY_FILES_N])(const struct survey *, struct docw *) = {
        [SURVEY_CSV] = write_csv,
        [SURVEY_JSON] = write_json,
        [SURVEY_SUMMARY] = survey_write_summary,
        [SURVEY_RUNS] = write_runs,
        [SURVEY_HISTORY] = write_history,
        [SURVEY_SECONDS] = write_seconds,
        [SURVEY_MEASURERS] = survey_write_measurers,
        [SURVEY_SLOTS] = survey_write_slots,
        [SURVEY_DAYS] = survey_write_days,
        [SURVEY_AGES] = survey_write_ages,
        [SURVEY_TRUTH] = survey_write_truth,
        [SURVEY_PLOTS] = survey_write_plots,
    };
    writers[file](s, w);
}

void survey_write(struct survey *s, enum survey_file file, bool plotted, struct docw *w)
{
    survey_sort(s);
    if (file == SURVEY_PAGE)
        survey_write_page(s, plotted, w);
    else
        write_table(s, file, w);
}
