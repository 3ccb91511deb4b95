#include "measure/survey.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/survey_int.h"

enum { DAY_S = 24 * 3600 };

struct survey *survey_new(int64_t now_s)
{
    struct survey *s = calloc(1, sizeof *s);
    struct teams *teams = teams_new();
    if (!s || !teams) {
        teams_free(teams);
        free(s);
        return NULL;
    }
    s->now_s = now_s;
    s->teams = teams;
    s->n_words = 1;
    return s;
}

static void keep(void *row)
{
    (void)row; /* the list has it, too */
}

void survey_free(struct survey *s)
{
    if (!s)
        return;
    tdestroy(s->tree, keep);
    for (size_t i = 0; i < s->n; i++) {
        free(s->relays[i]->sec);
        free(s->relays[i]);
    }
    for (size_t i = 0; i < s->n_measurers; i++)
        free(s->measurers[i]);
    free(s->relays);
    free(s->runs);
    teams_free(s->teams);
    free(s);
}

bool survey_is_empty(const struct survey *s)
{
    return s->n_runs == 0;
}

/* ---- relays ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct survey_relay *)a)->key, ((const struct survey_relay *)b)->key);
}

static struct survey_relay *find(const struct survey *s, const char *key)
{
    struct survey_relay like = {.runs = 0};
    snprintf(like.key, sizeof like.key, "%s", key);
    struct survey_relay **found = tfind(&like, &s->tree, by_key);
    return found ? *found : NULL;
}

static struct survey_relay *add(struct survey *s, const char *key)
{
    bool is_full = (s->n & (s->n - 1)) == 0; /* storage grows by doubling */
    struct survey_relay *r = calloc(1, sizeof *r), **more = s->relays;
    if (r && is_full)
        more = realloc(s->relays, (s->n ? 2 * s->n : 1) * sizeof *more);
    s->relays = more ? more : s->relays;
    if (r)
        snprintf(r->key, sizeof r->key, "%s", key);
    if (!r || !more || !tsearch(r, &s->tree, by_key)) {
        free(r);
        return NULL;
    }
    s->relays[s->n++] = r;
    return r;
}

err_t survey_find_or_add(struct survey *s, const char *key, struct survey_relay **out)
{
    *out = find(s, key);
    if (*out)
        return OK;
    if (s->n == SURVEY_RELAYS_MOST)
        return ERR_LIMIT;
    *out = add(s, key);
    return *out ? OK : ERR_NOMEM;
}

/* ---- runs ---- */

size_t survey_runs_kept(const struct survey *s)
{
    return s->n_runs < SURVEY_RUNS_MOST ? s->n_runs : SURVEY_RUNS_MOST;
}

const struct survey_run *survey_run(const struct survey *s, size_t i)
{
    size_t first = s->n_runs < SURVEY_RUNS_MOST ? 0 : s->n_runs % SURVEY_RUNS_MOST;
    return &s->runs[(first + i) % SURVEY_RUNS_MOST];
}

/* Words repeat: their number is kept. Of too many different ones nothing. */
static uint8_t word_of(struct survey *s, const char *word)
{
    size_t i = 0;
    while (i < s->n_words && strcmp(s->words[i], word) != 0)
        i++;
    if (i == SURVEY_WORDS_MOST)
        return 0;
    if (i == s->n_words)
        snprintf(s->words[s->n_words++], sizeof s->words[i], "%s", word);
    return (uint8_t)i;
}

static struct survey_run *new_run(struct survey *s)
{
    if (s->n_runs == s->runs_cap && s->runs_cap < SURVEY_RUNS_MOST) {
        size_t cap = s->runs_cap ? 2 * s->runs_cap : 256;
        cap = cap < SURVEY_RUNS_MOST ? cap : SURVEY_RUNS_MOST;
        struct survey_run *more = realloc(s->runs, cap * sizeof *more);
        if (!more)
            return NULL;
        s->runs = more;
        s->runs_cap = cap;
    }
    return &s->runs[s->n_runs++ % SURVEY_RUNS_MOST];
}

static size_t seconds_of(const json_t *line)
{
    size_t n = json_array_size(json_object_get(json_object_get(line, "sec"), "trusted"));
    return n < ESTIMATE_SECONDS_MOST ? n : ESTIMATE_SECONDS_MOST;
}

static err_t add_run(struct survey *s, const struct survey_relay *r, const struct result *of,
                     uint64_t alloc, const json_t *line)
{
    struct survey_run *run = new_run(s);
    if (!run)
        return ERR_NOMEM;
    *run = (struct survey_run){
        .ts = of->ts,
        .began = of->began,
        .relay = r,
        .bw = of->bw,
        .bg = of->bg,
        .alloc = alloc,
        .seconds = (uint16_t)seconds_of(line),
        .id = of->id,
        .mode = word_of(s, of->mode),
        .limited_by = word_of(s, of->limited_by),
        .why = word_of(s, of->why),
        .ok = of->ok,
        .knows_bg = results_knows_clients(of),
    };
    return OK;
}

/* ---- results ---- */

static uint64_t positive(const json_t *number)
{
    json_int_t x = json_integer_value(number);
    return x > 0 ? (uint64_t)x : 0;
}

/* What came back, what is believed beside it, and what was claimed over that. */
static struct survey_second second(const json_t *sec, size_t i)
{
    json_t *members = json_object_get(sec, "m"), *list;
    const char *name;
    uint64_t sent = positive(json_array_get(json_object_get(sec, "bg_sent"), i));
    uint64_t recv = positive(json_array_get(json_object_get(sec, "bg_recv"), i));
    uint64_t claim = sent < recv ? sent : recv;
    struct survey_second at = {.trusted =
                                   positive(json_array_get(json_object_get(sec, "trusted"), i))};
    json_object_foreach(members, name, list) at.verified += positive(json_array_get(list, i));
    at.untrusted = claim > at.trusted ? claim - at.trusted : 0;
    return at;
}

static err_t take_good(struct survey_relay *r, const struct result *of, const json_t *line)
{
    const json_t *sec = json_object_get(line, "sec");
    size_t n = seconds_of(line);
    struct survey_second *more = n > r->n_sec ? realloc(r->sec, n * sizeof *more) : r->sec;
    if (n && !more)
        return ERR_NOMEM;
    r->good = *of;
    r->p10 = positive(json_object_get(line, "p10"));
    r->p90 = positive(json_object_get(line, "p90"));
    r->sec = more;
    r->n_sec = n;
    for (size_t i = 0; i < n; i++)
        r->sec[i] = second(sec, i);
    return OK;
}

static struct survey_measurer *measurer(struct survey *s, const char *name)
{
    for (size_t i = 0; i < s->n_measurers; i++)
        if (strcmp(s->measurers[i]->name, name) == 0)
            return s->measurers[i];
    struct survey_measurer *m = s->n_measurers < AGREE_MEASURERS_MOST ? calloc(1, sizeof *m) : NULL;
    if (!m)
        return NULL;
    snprintf(m->name, sizeof m->name, "%s", name);
    return s->measurers[s->n_measurers++] = m;
}

static void take_parts(struct survey *s, const struct teams_run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        unsigned percent = teams_percent(run, i);
        struct survey_measurer *m = percent ? measurer(s, run->members[i].name) : NULL;
        if (!m)
            continue;
        m->percent[m->n % SURVEY_PARTS_MOST] = percent;
        m->rtt_ms[m->n++ % SURVEY_PARTS_MOST] = run->members[i].rtt_ms;
    }
}

static void mark_day(const struct survey *s, struct survey_relay *r, const struct result *of)
{
    int64_t ago = s->now_s / DAY_S - of->ts / DAY_S;
    if (ago >= SURVEY_DAYS_MOST)
        return;
    uint64_t bit = UINT64_C(1) << (ago > 0 ? ago : 0);
    r->tried_days |= bit;
    r->good_days |= of->ok ? bit : 0;
}

static err_t take_end(struct survey *s, const struct result *of, const json_t *line,
                      const struct teams_run *run)
{
    char at[IPPORT_TEXT_MAX];
    struct survey_relay *r;
    TRY(survey_find_or_add(s, of->fp[0] ? of->fp : ipport_text(&of->at, at), &r));
    r->newest = *of;
    r->runs++;
    mark_day(s, r, of);
    if (of->ok)
        take_parts(s, run);
    TRY(add_run(s, r, of, run->alloc, line));
    return of->ok && (!r->good.ts || results_replaces(of, &r->good)) ? take_good(r, of, line) : OK;
}

err_t survey_line(struct survey *s, struct text line)
{
    struct result of;
    struct teams_run run;
    json_t *object;
    err_t e = OK;
    TRY(results_read(line, &of, &object));
    teams_read(s->teams, &of, object, &run);
    s->n_begun += of.is_end ? 0 : 1;
    s->n_ended += of.is_end && of.began ? 1 : 0;
    if (of.is_end && (of.fp[0] || of.at.ip.family != IP_NONE))
        e = take_end(s, &of, object, &run);
    json_decref(object);
    return e;
}

/* ---- what else is known ---- */

void survey_unverified(struct survey *s, const char *why)
{
    snprintf(s->unverified, sizeof s->unverified, "%s", why);
}

void survey_consensus(struct survey *s, const struct consensus *c)
{
    char hex[HEX_SIZE(20)];
    s->n_listed = c->n_relays;
    for (size_t i = 0; i < c->n_relays; i++) {
        const struct router *from = &c->relays[i];
        struct survey_relay *r = find(s, hex_upper(from->rsa.b, sizeof from->rsa.b, hex));
        if (!r)
            continue;
        r->is_listed = true;
        r->is_unmeasured = from->unmeasured;
        r->weight = (uint64_t)from->bandwidth * 1000;
        snprintf(r->nickname, sizeof r->nickname, "%s", from->nickname);
    }
}

void survey_descriptor(struct survey *s, const struct descriptor *d)
{
    char hex[HEX_SIZE(20)];
    struct survey_relay *r = d->has_rsa ? find(s, hex_upper(d->rsa.b, sizeof d->rsa.b, hex)) : NULL;
    if (!r || !descriptor_has(d, DESCRIPTOR_BANDWIDTH))
        return;
    r->is_described = true;
    r->average = d->average;
    r->advertised = d->average < d->observed ? d->average : d->observed;
}

bool survey_focus(struct survey *s, const char *fp, const struct ipport *at)
{
    s->focus = fp[0] ? find(s, fp) : NULL;
    for (size_t i = 0; i < s->n && !fp[0] && !s->focus; i++)
        if (ipport_equal(&s->relays[i]->newest.at, at))
            s->focus = s->relays[i];
    return s->focus != NULL;
}
