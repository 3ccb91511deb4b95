#include "measure/results.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "measure/jsontext.h"

enum { DAY_S = 24 * 3600 };

/* ---- files ---- */

const char *results_file(int64_t wall_s, char out[RESULTS_NAME_MAX])
{
    struct tm tm;
    time_t t = (time_t)wall_s;
    if (!gmtime_r(&t, &tm) || !strftime(out, RESULTS_NAME_MAX, "%Y-%m-%d.jsonl", &tm))
        snprintf(out, RESULTS_NAME_MAX, "1970-01-01.jsonl");
    return out;
}

const char *results_file_packed(int64_t wall_s, char out[RESULTS_NAME_MAX])
{
    (void)results_file(wall_s, out);
    memcpy(out + strlen(out), ".gz", sizeof ".gz");
    return out;
}

bool results_file_day(const char *name, int64_t *day_s)
{
    struct tm tm = {0};
    char again[RESULTS_NAME_MAX];
    if (!strptime(name, "%Y-%m-%d", &tm))
        return false;
    *day_s = (int64_t)timegm(&tm);
    return *day_s % DAY_S == 0 && (strcmp(results_file(*day_s, again), name) == 0 ||
                                   strcmp(results_file_packed(*day_s, again), name) == 0);
}

/* ---- lines ---- */

/* An object in the making. A value that could not be made shows when it is put there. */
struct line {
    json_t *object;
    bool failed;
};

static void put(struct line *l, const char *name, json_t *gift_value)
{
    if (json_object_set_new(l->object, name, gift_value) != 0)
        l->failed = true;
}

static void put_u64(struct line *l, const char *name, uint64_t x)
{
    put(l, name, json_integer((json_int_t)x));
}

static void put_text(struct line *l, const char *name, const char *text)
{
    put(l, name, json_string(text));
}

static char *line_end(struct line *l)
{
    if (l->failed) {
        json_decref(l->object);
        return NULL;
    }
    return jsontext_make(l->object, "\n");
}

static struct line line_begin(const char *t, const struct run_config *c, int64_t now_s)
{
    struct line l = {.object = json_object()};
    const struct meas_relay *r = &c->relay;
    char text[BASE64_SIZE(32) + IPPORT_TEXT_MAX];
    put_text(&l, "t", t);
    put_u64(&l, "id", c->meas_id);
    put_u64(&l, "ts", (uint64_t)now_s);
    if (r->has_fp)
        put_text(&l, "fp", hex_upper(r->fp.b, sizeof r->fp.b, text));
    if (r->has_ed25519)
        put_text(&l, "ed", base64_encode(r->ed25519.b, sizeof r->ed25519.b, false, text));
    if (r->n_addrs)
        put_text(&l, "addr", ipport_text(&r->addrs[0], text));
    put_text(&l, "mode", meas_mode_name(c->mode));
    return l;
}

typedef json_t *member_fn(const struct results_of *r, size_t k);

/* {"m1": ..., "m2": ...} */
static void put_members(struct line *l, const char *name, const struct results_of *r, member_fn *fn)
{
    const struct run_config *c = r->config;
    struct line all = {.object = json_object()};
    for (size_t k = 0; k < c->n_members; k++)
        put(&all, c->members[k].name, fn(r, k));
    l->failed |= all.failed;
    put(l, name, all.object);
}

static json_t *alloc_of(const struct results_of *r, size_t k)
{
    return json_integer((json_int_t)run_alloc(r->run, k));
}

char *results_begin(const struct results_of *r, int64_t now_s)
{
    const struct run_config *c = r->config;
    struct line l = line_begin("begin", c, now_s);
    put_u64(&l, "dur", c->dur);
    put(&l, "r", json_real(c->percent / 100.0));
    put_u64(&l, "prior", c->prior);
    put_members(&l, "alloc", r, alloc_of);
    put_u64(&l, "sockets", c->sockets);
    put(&l, "check", json_real(c->check));
    return line_end(&l);
}

/* ---- seconds ---- */

/* A number a second, up to the last one that all reported. */
static json_t *seconds(const struct results_of *r, size_t k,
                       uint64_t (*pick)(const struct results_of *r, size_t k, unsigned sec))
{
    json_t *list = json_array();
    for (unsigned sec = 1; list && run_summed(r->run, sec); sec++)
        if (json_array_append_new(list, json_integer((json_int_t)pick(r, k, sec))) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static uint64_t recv_of(const struct results_of *r, size_t k, unsigned sec)
{
    const struct bw_report *report = run_reported(r->run, k, sec);
    return report ? report->recv : 0;
}

static json_t *recv_seconds(const struct results_of *r, size_t k)
{
    return seconds(r, k, recv_of);
}

static uint64_t wire_of(const struct results_of *r, size_t k, unsigned sec)
{
    const struct bw_report *report = run_reported(r->run, k, sec);
    return report ? report->wire_in + report->wire_out : 0;
}

static uint64_t all_wire_of(const struct results_of *r, size_t k, unsigned sec)
{
    uint64_t sum = 0;
    (void)k;
    for (size_t i = 0; i < r->config->n_members; i++)
        sum += wire_of(r, i, sec);
    return sum;
}

static uint64_t bg_sent_of(const struct results_of *r, size_t k, unsigned sec)
{
    (void)k;
    return run_summed(r->run, sec)->bg_sent;
}

static uint64_t bg_recv_of(const struct results_of *r, size_t k, unsigned sec)
{
    (void)k;
    return run_summed(r->run, sec)->bg_recv;
}

static uint64_t trusted_of(const struct results_of *r, size_t k, unsigned sec)
{
    const struct estimate_second *s = run_summed(r->run, sec);
    (void)k;
    return estimate_believed(s->x, estimate_claim(s), r->config->percent);
}

static void put_seconds(struct line *l, const struct results_of *r)
{
    struct line sec = {.object = json_object()};
    put_members(&sec, "m", r, recv_seconds);
    put(&sec, "wire", seconds(r, 0, all_wire_of));
    put(&sec, "bg_sent", seconds(r, 0, bg_sent_of));
    put(&sec, "bg_recv", seconds(r, 0, bg_recv_of));
    put(&sec, "trusted", seconds(r, 0, trusted_of));
    l->failed |= sec.failed;
    put(l, "sec", sec.object);
}

/* ---- of each measurer ---- */

/* The mean of what PICK takes of each second's report. */
static json_t *mean(const struct results_of *r, size_t k,
                    unsigned (*pick)(const struct bw_report *m))
{
    uint64_t sum = 0, n = 0;
    for (unsigned sec = 1; run_summed(r->run, sec); sec++) {
        const struct bw_report *report = run_reported(r->run, k, sec);
        sum += report ? pick(report) : 0;
        n += report ? 1 : 0;
    }
    return json_real(n ? (double)sum / (double)n / 100 : 0);
}

static unsigned blocked_pick(const struct bw_report *m)
{
    return m->blocked;
}

static unsigned cpu_pick(const struct bw_report *m)
{
    return m->cpu;
}

static json_t *blocked_of(const struct results_of *r, size_t k)
{
    return mean(r, k, blocked_pick);
}

static json_t *cpu_of(const struct results_of *r, size_t k)
{
    return mean(r, k, cpu_pick);
}

static json_t *rtt_of(const struct results_of *r, size_t k)
{
    return json_integer(run_circs(r->run, k)->rtt_ms);
}

/* ---- the end ---- */

static uint64_t bytes_of(const struct results_of *r)
{
    uint64_t sum = 0;
    for (unsigned sec = 1; run_summed(r->run, sec); sec++)
        sum += all_wire_of(r, 0, sec);
    return sum;
}

static const char *why_inconclusive(const struct run_result *result)
{
    if (result->apart && 3 * result->estimate.counted < 2 * result->seconds)
        return "in too few seconds all measurers were at work: some began, or reported, seconds "
               "late";
    return result->estimate.limited_by == LIMITED_BY_US
               ? "the measurers were what limited it: the relay carries this at least"
               : "more was allotted to it late, or too little: the relay may carry more";
}

static void put_failure(struct line *l, const struct results_of *r, const struct run_result *result,
                        const char *why)
{
    const struct meas_failure *f = &result->failure;
    char text[MEAS_CHEAT_TEXT_MAX], more[160];
    const char *detail = f->info;
    put_text(l, "why", why);
    if (result->state == RUN_FAILED && f->code == MEAS_CHEAT)
        detail = meas_cheat_text(&f->cheat, text);
    if (result->state != RUN_FAILED)
        detail = why_inconclusive(result);
    if (result->state != RUN_FAILED && r->config->mode == MEAS_DROP)
        detail = "so much was sent, and nothing proves that the relay has read it";
    if (result->state != RUN_FAILED && r->config->mode != MEAS_DROP && result->next_prior) {
        snprintf(more, sizeof more, "%s: measure it with --prior %.0fmbit", detail,
                 (double)result->next_prior * 8 / 1e6 + 0.5);
        detail = more;
    }
    put_text(l, "detail", detail);
    if (result->state == RUN_FAILED && result->member < r->config->n_members)
        put_text(l, "measurer", r->config->members[result->member].name);
}

static void put_estimate(struct line *l, const struct run_result *result)
{
    const struct estimate *e = &result->estimate;
    put_u64(l, "bw", e->bw);
    put_u64(l, "x", e->x);
    put_u64(l, "bg", e->bg);
    put_u64(l, "p10", e->p10);
    put_u64(l, "p90", e->p90);
    put_text(l, "limited_by", e->limited_by == LIMITED_BY_RELAY ? "relay" : "us");
    put_u64(l, "clamped", e->clamped);
    put_u64(l, "counted", e->counted);
    if (estimate_is_unsteady(e))
        put(l, "unsteady", json_true());
}

char *results_end(const struct results_of *r, const struct run_result *result, int64_t began_s,
                  int64_t now_s)
{
    struct line l = line_begin("end", r->config, now_s);
    const char *why = run_why(result);
    put_u64(&l, "began", (uint64_t)began_s);
    put(&l, "ok", json_boolean(!why));
    if (why)
        put_failure(&l, r, result, why);
    if (result->estimate.counted)
        put_estimate(&l, result);
    put_u64(&l, "checked", result->checked);
    put_u64(&l, "bad", result->bad);
    put_u64(&l, "bytes", bytes_of(r));
    if (run_summed(r->run, 1)) {
        put_seconds(&l, r);
        put_members(&l, "blocked", r, blocked_of);
        put_members(&l, "rtt_ms", r, rtt_of);
        put_members(&l, "cpu", r, cpu_of);
    }
    return line_end(&l);
}

char *results_refused(const struct run_config *config, const char *why, const char *detail,
                      int64_t now_s)
{
    struct line l = line_begin("end", config, now_s);
    put(&l, "ok", json_false());
    put_text(&l, "why", why);
    put_text(&l, "detail", detail);
    return line_end(&l);
}
