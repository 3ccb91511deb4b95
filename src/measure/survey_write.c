/* Tables of a survey. */
#include <stdlib.h>

#include "measure/estimate.h"
#include "measure/survey_int.h"

static const char *const names[] = {
#define X(name, file, what) [name] = file,
    SURVEY_FILES(X)
#undef X
};

const char *survey_file_name(enum survey_file file)
{
    return names[file];
}

/* ---- a line a relay ---- */

static void write_csv(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "relay,nickname,bytes_per_s,measured,p10,p90,verified,background,clamped,"
                "limited_by,weight,advertised,limit,runs,why\n");
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        const struct result *g = &r->good;
        docw_fmt(w, "%s,%s,%llu,%lld,%llu,%llu,%llu,%llu,%llu,%s,%llu,%llu,%llu,%u,%s\n", r->key,
                 r->nickname, (unsigned long long)g->bw, (long long)g->ts,
                 (unsigned long long)r->p10, (unsigned long long)r->p90, (unsigned long long)g->x,
                 (unsigned long long)g->bg, (unsigned long long)g->clamped,
                 g->limited_by[0] == 'r' ? "relay"
                 : g->limited_by[0]      ? "us"
                                         : "",
                 (unsigned long long)r->weight, (unsigned long long)r->advertised,
                 (unsigned long long)r->average, r->runs,
                 text_is_alnum(text_of(r->newest.why)) ? r->newest.why : "");
    }
}

static json_t *relay_json(const struct survey_relay *r)
{
    const struct result *g = &r->good;
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:i, "
                     "s:s, s:s}",
                     "relay", r->key, "nickname", r->nickname, "ok", g->ts != 0, "bytes_per_s",
                     (json_int_t)g->bw, "measured", (json_int_t)g->ts, "p10", (json_int_t)r->p10,
                     "p90", (json_int_t)r->p90, "verified", (json_int_t)g->x, "background",
                     (json_int_t)g->bg, "clamped", (json_int_t)g->clamped, "limited_by",
                     g->limited_by, "weight", (json_int_t)r->weight, "advertised",
                     (json_int_t)r->advertised, "limit", (json_int_t)r->average, "runs",
                     (int)r->runs, "why", r->newest.why, "detail", r->newest.detail);
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

/* ---- seconds ---- */

static uint64_t at(const json_t *list, size_t i)
{
    json_int_t x = json_integer_value(json_array_get(list, i));
    return x > 0 ? (uint64_t)x : 0;
}

/* What came back, what is believed beside it, and what was claimed over that. */
static void write_second(const struct survey_relay *r, size_t i, struct docw *w)
{
    const json_t *sent = json_object_get(r->sec, "bg_sent"), *recv;
    json_t *members = json_object_get(r->sec, "m"), *list;
    const char *name;
    uint64_t verified = 0, trusted = at(json_object_get(r->sec, "trusted"), i), claim;
    recv = json_object_get(r->sec, "bg_recv");
    json_object_foreach(members, name, list) verified += at(list, i);
    claim = at(sent, i) < at(recv, i) ? at(sent, i) : at(recv, i);
    docw_fmt(w, "%s,%zu,%llu,%llu,%llu,%llu\n", r->key, i + 1, (unsigned long long)verified,
             (unsigned long long)trusted,
             (unsigned long long)(claim > trusted ? claim - trusted : 0),
             (unsigned long long)r->good.bw);
}

static void write_seconds(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "relay,second,verified,trusted,untrusted,figure\n");
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++) {
        const struct survey_relay *r = s->relays[i];
        size_t n = json_array_size(json_object_get(r->sec, "trusted"));
        for (size_t k = 0; k < n && k < ESTIMATE_SECONDS_MOST; k++)
            write_second(r, k, w);
    }
}

void survey_write(const struct survey *s, enum survey_file file, struct docw *w)
{
    survey_sort(s);
    if (s->runs.err != OK)
        docw_fail(w, s->runs.err);
    switch (file) {
    case SURVEY_PAGE:
        survey_write_page(s, w);
        return;
    case SURVEY_CSV:
        write_csv(s, w);
        return;
    case SURVEY_JSON:
        write_json(s, w);
        return;
    case SURVEY_RUNS:
        docw_add(w, docw_text(&s->runs));
        return;
    case SURVEY_SECONDS:
        write_seconds(s, w);
        return;
    case SURVEY_PLOTS:
    case SURVEY_FILES_N:
        survey_write_plots(s, w);
        return;
    }
}
