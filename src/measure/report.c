#include "measure/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/estimate.h"
#include "measure/report_int.h"

/* ---- FlashFlow's lines ---- */

static long long at(const json_t *list, size_t i)
{
    return (long long)json_integer_value(json_array_get(list, i));
}

static void classic_second(const json_t *sec, size_t i, uint32_t id, long long ts, struct docw *out)
{
    const json_t *sent = json_object_get(sec, "bg_sent"), *recv = json_object_get(sec, "bg_recv");
    json_t *members = json_object_get(sec, "m"), *list;
    const char *name;
    json_object_foreach(members, name, list)
        docw_fmt(out, "%u %lld MEASR %lld\n", id, ts, at(list, i));
    docw_fmt(out, "%u %lld BG %lld %lld\n", id, ts,
             at(sent, i) < at(recv, i) ? at(sent, i) : at(recv, i),
             at(json_object_get(sec, "trusted"), i));
}

static void classic_end(const struct result *r, const json_t *line, struct docw *out)
{
    const json_t *sec = json_object_get(line, "sec");
    size_t n = json_array_size(json_object_get(sec, "trusted"));
    for (size_t i = 0; i < n; i++)
        classic_second(sec, i, r->id, (long long)(r->ts - (int64_t)(n - i)), out);
    docw_fmt(out, "%u %lld END\n", r->id, (long long)r->ts);
}

static void begin(struct report_begun *begun, uint32_t id)
{
    begun->id[begun->next++ % REPORT_BEGUN_MOST] = id;
}

static bool take_begun(struct report_begun *begun, uint32_t id)
{
    for (size_t i = 0; i < REPORT_BEGUN_MOST; i++)
        if (begun->id[i] == id) {
            begun->id[i] = 0;
            return true;
        }
    return false;
}

err_t report_classic(struct report_begun *begun, struct text line, struct docw *out)
{
    struct result r;
    json_t *object;
    TRY(results_read(line, &r, &object));
    if (!r.is_end)
        begin(begun, r.id);
    if (!r.is_end)
        docw_fmt(out, "%u %lld BEGIN %s\n", r.id, (long long)r.ts, r.fp[0] ? r.fp : "?");
    else if (r.began && take_begun(begun, r.id))
        classic_end(&r, object, out);
    json_decref(object);
    return out->err;
}

/* ---- one relay ---- */

struct report *report_new(const char *fp, const struct ipport *at_)
{
    struct report *r = calloc(1, sizeof *r);
    struct teams *all = teams_new();
    if (!r || !all) {
        teams_free(all);
        free(r);
        return NULL;
    }
    r->all = all;
    snprintf(r->fp, sizeof r->fp, "%s", fp);
    if (at_)
        r->at = *at_;
    return r;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    teams_free(r->all);
    json_decref(r->good);
    free(r);
}

static bool is_it(const struct report *r, const struct result *of)
{
    return (r->fp[0] && strcmp(of->fp, r->fp) == 0) ||
           (r->at.ip.family != IP_NONE && ipport_equal(&of->at, &r->at));
}

static void take(struct report *r, const struct result *of, json_t *object,
                 const struct teams_run *by)
{
    memcpy(r->fp, of->fp[0] ? of->fp : r->fp, sizeof r->fp);
    if (!of->is_end) {
        r->begun = true;
        return;
    }
    r->runs[r->n_runs++ % REPORT_RUNS_MOST] = *of;
    if (!of->ok || (r->good && !results_replaces(of, &r->figure)))
        return;
    r->figure = *of;
    json_decref(r->good);
    r->good = json_incref(object);
    r->by = *by;
}

err_t report_line(struct report *r, struct text line)
{
    struct result of;
    struct teams_run by;
    json_t *object;
    TRY(results_read(line, &of, &object));
    teams_read(r->all, &of, object, &by);
    if (is_it(r, &of))
        take(r, &of, object, &by);
    json_decref(object);
    return OK;
}

static bool has_fp(const struct report *r, const struct rsa_id *rsa)
{
    char hex[HEX_SIZE(20)];
    return strcmp(hex_upper(rsa->b, sizeof rsa->b, hex), r->fp) == 0;
}

void report_consensus(struct report *r, const struct consensus *c)
{
    struct rsa_id rsa;
    for (r->n_auths = 0; r->n_auths < c->n_auths && r->n_auths < REPORT_VOTES_MOST; r->n_auths++)
        r->auths[r->n_auths] = c->auths[r->n_auths];
    if (hex_decode_exact(text_of(r->fp), rsa.b, sizeof rsa.b) != OK)
        return;
    const struct router *from = consensus_relay(c, &rsa);
    if (!from)
        return;
    r->is_listed = true;
    r->weight_kb = from->bandwidth;
    r->is_unmeasured = from->unmeasured;
    snprintf(r->nickname, sizeof r->nickname, "%s", from->nickname);
}

void report_descriptor(struct report *r, const struct descriptor *d)
{
    if (!d->has_rsa || !has_fp(r, &d->rsa) || !descriptor_has(d, DESCRIPTOR_BANDWIDTH) ||
        (r->is_described && d->published_s < r->published_s))
        return;
    r->is_described = true;
    r->published_s = d->published_s;
    r->average = d->average;
    r->burst = d->burst;
    r->observed = d->observed;
}

/* ---- votes ---- */

/* dir-spec: "r" nickname identity ... */
static bool is_row_of(const struct report *r, struct text rest)
{
    struct text word;
    struct rsa_id rsa;
    return text_token(&rest, &word) && text_token(&rest, &word) &&
           base64_decode_exact(word, BASE64_UNPADDED, rsa.b, sizeof rsa.b) == OK && has_fp(r, &rsa);
}

static void take_w(struct report_vote *v, struct text rest)
{
    static const char *const names[] = {"Measured=", "MeasuredButAuthority="};
    struct text word;
    while (text_token(&rest, &word))
        for (size_t i = 0; i < 2; i++) {
            size_t len = strlen(names[i]);
            if (text_starts(word, names[i]))
                v->measured = text_to_u64((struct text){word.s + len, word.len - len}, UINT32_MAX,
                                          &v->kb) == OK;
        }
}

/* Who votes, again if it is another vote of the same; NULL: there are too many. */
static struct report_vote *voter(struct report *r, struct text name)
{
    struct report_vote *v = r->votes;
    char authority[REPORT_AUTHORITY_MAX];
    snprintf(authority, sizeof authority, "%.*s", TEXT_ARG(name));
    for (char *c = authority; *c; c++)
        *c = *c > ' ' && *c <= '~' ? *c : '?'; /* it goes to a terminal */
    while (v < r->votes + r->n_votes && strcmp(v->authority, authority) != 0)
        v++;
    if (v == r->votes + REPORT_VOTES_MOST)
        return NULL;
    if (v == r->votes + r->n_votes)
        r->n_votes++;
    *v = (struct report_vote){.kb = 0};
    memcpy(v->authority, authority, sizeof authority);
    return v;
}

void report_votes(struct report *r, struct text votes)
{
    struct text line, word;
    struct report_vote *v = NULL;
    bool is_ours = false;
    while (text_line(&votes, &line)) {
        if (!text_token(&line, &word))
            continue;
        if (text_is(word, "network-status-version"))
            v = NULL;
        if (text_is(word, "dir-source") && text_token(&line, &word)) {
            v = voter(r, word);
            is_ours = false;
            continue;
        }
        if (text_is(word, "r"))
            is_ours = is_row_of(r, line);
        if (v && is_ours && text_is(word, "w"))
            take_w(v, line);
        if (v && is_ours)
            v->listed = true;
    }
}

/* ---- looks ---- */

const struct result *report_figure(const struct report *r)
{
    const struct result *run;
    for (size_t k = 0; (run = report_run(r, k)); k++)
        if (run->ok && run->id == r->figure.id && run->ts == r->figure.ts)
            return run;
    return r->figure.ok ? &r->figure : NULL; /* so many runs ago */
}

uint64_t report_before(const struct report *r)
{
    uint64_t bw[REPORT_RUNS_MOST];
    size_t n = 0;
    const struct result *run, *figure = report_figure(r);
    for (size_t k = 0; (run = report_run(r, k)); k++)
        if (run->ok && figure && run->ts < figure->ts)
            bw[n++] = run->bw;
    return estimate_median(bw, n);
}
