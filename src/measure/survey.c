#include "measure/survey.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/survey_int.h"

struct survey *survey_new(int64_t now_s)
{
    struct survey *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->now_s = now_s;
    docw_fmt(&s->runs, "time,id,relay,mode,ok,bytes_per_s,background,limited_by,why\n");
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
        json_decref(s->relays[i]->sec);
        free(s->relays[i]);
    }
    free(s->relays);
    docw_free(&s->runs);
    free(s);
}

bool survey_is_empty(const struct survey *s)
{
    return s->n == 0;
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

/* ---- results ---- */

static uint64_t u64(const json_t *object, const char *name)
{
    json_int_t x = json_integer_value(json_object_get(object, name));
    return x > 0 ? (uint64_t)x : 0;
}

static err_t take_good(struct survey_relay *r, const struct result *of, struct text line)
{
    json_t *object = json_loadb(line.s, line.len, 0, NULL);
    if (!object)
        return ERR_NOMEM;
    r->good = *of;
    r->p10 = u64(object, "p10");
    r->p90 = u64(object, "p90");
    json_decref(r->sec);
    r->sec = json_incref(json_object_get(object, "sec"));
    json_decref(object);
    return OK;
}

/* A word of a table: nothing that would end it. */
static void put_word(struct docw *w, const char *word)
{
    for (; *word; word++)
        docw_add(w, *word == ',' || *word == '"' ? TEXT_LIT(" ") : (struct text){word, 1});
}

static void put_run(struct docw *w, const char *key, const struct result *of)
{
    docw_fmt(w, "%lld,%u,%s,", (long long)of->ts, of->id, key);
    put_word(w, of->mode);
    docw_fmt(w, ",%d,%llu,%llu,", of->ok, (unsigned long long)of->bw, (unsigned long long)of->bg);
    put_word(w, of->limited_by);
    docw_add(w, TEXT_LIT(","));
    put_word(w, of->why);
    docw_add(w, TEXT_LIT("\n"));
}

err_t survey_line(struct survey *s, struct text line)
{
    struct result of;
    char at[IPPORT_TEXT_MAX];
    TRY(results_parse(line, &of));
    if (!of.is_end || (!of.fp[0] && of.at.ip.family == IP_NONE))
        return OK;
    const char *key = of.fp[0] ? of.fp : ipport_text(&of.at, at);
    struct survey_relay *r = find(s, key);
    if (!r)
        r = add(s, key);
    if (!r)
        return ERR_NOMEM;
    r->newest = of;
    r->runs++;
    put_run(&s->runs, key, &of);
    return of.ok ? take_good(r, &of, line) : s->runs.err;
}

/* ---- what else is known ---- */

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

static int larger_first(const void *a, const void *b)
{
    const struct survey_relay *x = *(const struct survey_relay *const *)a;
    const struct survey_relay *y = *(const struct survey_relay *const *)b;
    if (x->good.bw != y->good.bw)
        return x->good.bw < y->good.bw ? 1 : -1;
    return strcmp(x->key, y->key);
}

void survey_sort(const struct survey *s)
{
    if (s->n)
        qsort(s->relays, s->n, sizeof *s->relays, larger_first);
}
