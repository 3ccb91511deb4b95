/* Sums over a survey: coverage, age, spread, and errors beside the truth. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/survey_int.h"

enum { DAY_S = 24 * 3600, MINUTE_S = 60 };

/* ---- truth ---- */

/* Its fingerprint as it is written everywhere here, or its address. */
static bool key_of(struct text word, char key[SURVEY_KEY_MAX])
{
    struct rsa_id rsa;
    struct ipport at;
    if (text_starts(word, "$"))
        word = (struct text){word.s + 1, word.len - 1};
    if (hex_decode_exact(word, rsa.b, sizeof rsa.b) == OK) {
        (void)hex_upper(rsa.b, sizeof rsa.b, key);
        return true;
    }
    snprintf(key, SURVEY_KEY_MAX, "%.*s", TEXT_ARG(word));
    if (word.len >= SURVEY_KEY_MAX || ipport_parse(key, &at) != OK)
        return false;
    (void)ipport_text(&at, key);
    return true;
}

err_t survey_truth(struct survey *s, struct text truth, unsigned *bad)
{
    struct text line, who, number;
    char key[SURVEY_KEY_MAX];
    *bad = 0;
    while (text_line(&truth, &line)) {
        struct survey_relay *r;
        uint64_t bytes;
        if (!text_token(&line, &who) || text_starts(who, "#"))
            continue;
        if (!text_token(&line, &number) || text_to_u64(number, INT64_MAX, &bytes) != OK ||
            !key_of(who, key)) {
            ++*bad;
            continue;
        }
        TRY(survey_find_or_add(s, key, &r));
        s->n_truth += r->has_truth ? 0 : 1;
        r->has_truth = true;
        r->truth = bytes;
    }
    return OK;
}

static const char *const source_names[SURVEY_SOURCES_N] = {
    [SURVEY_OURS] = "our figures",
    [SURVEY_WEIGHT] = "consensus weights",
    [SURVEY_ADVERTISED] = "advertised",
};

const char *survey_source_name(enum survey_source source)
{
    return source_names[source];
}

static uint64_t says(const struct survey_relay *r, enum survey_source source)
{
    return source == SURVEY_OURS ? r->good.bw : source == SURVEY_WEIGHT ? r->weight : r->advertised;
}

double survey_weight_error(const struct survey *s, enum survey_source source)
{
    double all = 0, truth = 0, sum = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->relays[i]->has_truth) {
            all += (double)says(s->relays[i], source);
            truth += (double)s->relays[i]->truth;
        }
    if (!(all > 0) || !(truth > 0))
        return -1;
    for (size_t i = 0; i < s->n; i++)
        if (s->relays[i]->has_truth)
            sum += fabs((double)says(s->relays[i], source) / all -
                        (double)s->relays[i]->truth / truth);
    return sum / 2;
}

/* ---- coverage ---- */

static void widen(struct survey_sum *out, uint64_t x)
{
    if (!x)
        return;
    out->least = out->least && out->least < x ? out->least : x;
    out->most = out->most > x ? out->most : x;
}

static void add_figure(const struct survey *s, const struct survey_relay *r, struct survey_sum *out)
{
    bool is_fresh = s->now_s - r->good.ts <= SURVEY_FRESH_DAYS * DAY_S;
    out->measured++;
    out->all += r->good.bw;
    out->fresh += is_fresh ? 1 : 0;
    out->listed_fresh += is_fresh && r->is_listed ? 1 : 0;
    out->newest_s = r->good.ts > out->newest_s ? r->good.ts : out->newest_s;
    out->oldest_s = r->good.ts < out->oldest_s ? r->good.ts : out->oldest_s;
    out->n_weights += r->weight && r->good.bw ? 1 : 0;
    out->n_advertised += r->advertised && r->good.bw ? 1 : 0;
    widen(out, r->good.bw);
    widen(out, r->weight);
    widen(out, r->advertised);
}

void survey_sum(const struct survey *s, struct survey_sum *out)
{
    *out = (struct survey_sum){.oldest_s = INT64_MAX};
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        out->tried += r->runs ? 1 : 0;
        out->failing += r->runs && !r->newest.ok ? 1 : 0;
        if (r->good.ts)
            add_figure(s, r, out);
        widen(out, r->truth);
    }
}

void survey_day(const struct survey *s, int64_t *from, int64_t *to)
{
    int64_t last = 0, first = INT64_MAX, day = s->plan_s;
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        last = run->began && run->ts > last ? run->ts : last;
    }
    day = day ? day : last - DAY_S + MINUTE_S;
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        first = run->began >= day && run->began < first ? run->began : first;
    }
    first = s->plan_s || first > last ? day : first;
    if (s->plan_s && !s->is_compact && s->now_s > last)
        last = s->now_s;
    *from = first / MINUTE_S * MINUTE_S;
    *to = last / MINUTE_S * MINUTE_S + MINUTE_S;
    *to = *to < *from + MINUTE_S ? *from + MINUTE_S : *to;
    *to = *to > *from + DAY_S ? *from + DAY_S : *to;
}

/* ---- spread ---- */

static size_t kept(const struct survey_measurer *m)
{
    return m->n < SURVEY_PARTS_MOST ? m->n : SURVEY_PARTS_MOST;
}

unsigned survey_part(const struct survey_measurer *m, unsigned p)
{
    return m->n ? m->percent[(kept(m) - 1) * p / 100] : 0;
}

unsigned survey_rtt(const struct survey_measurer *m)
{
    return m->n ? m->rtt_ms[(kept(m) - 1) / 2] : 0;
}

bool survey_is_odd(const struct survey *s, const struct survey_measurer *m)
{
    return agree_is_odd(teams_agree(s->teams), m->name);
}

/* ---- order ---- */

static int ascending(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static int larger_first(const void *a, const void *b)
{
    const struct survey_relay *x = *(const struct survey_relay *const *)a;
    const struct survey_relay *y = *(const struct survey_relay *const *)b;
    if (x->good.bw != y->good.bw)
        return x->good.bw < y->good.bw ? 1 : -1;
    return strcmp(x->key, y->key);
}

void survey_sort(struct survey *s)
{
    if (s->n)
        qsort(s->relays, s->n, sizeof *s->relays, larger_first);
    for (size_t i = 0; i < s->n && s->focus && s->relays[0] != s->focus; i++)
        if (s->relays[i] == s->focus) {
            struct survey_relay *focus = s->relays[i];
            memmove(s->relays + 1, s->relays, i * sizeof *s->relays);
            s->relays[0] = focus;
        }
    for (size_t i = 0; i < s->n_measurers; i++) {
        struct survey_measurer *m = s->measurers[i];
        qsort(m->percent, kept(m), sizeof *m->percent, ascending);
        qsort(m->rtt_ms, kept(m), sizeof *m->rtt_ms, ascending);
    }
}
