#include "measure/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct part {
    struct connected_to_relay circs;
    bool is_connected, is_over;
    unsigned reported; /* seconds */
    uint64_t share;    /* of the circuits: what its word on being held back weighs */
};

struct parts {
    struct connect_to_relay told;
    const struct measurement_ops *ops;
    void *arg;
    struct part part[PARTS_MOST];
    unsigned n;
    bool told_connected, over;
    struct bw_report *sums; /* told.dur of them; blocked: in hundredths, times circuits */
};

/* ---- what each is told ---- */

unsigned parts_first(const struct connect_to_relay *told, unsigned i, unsigned n)
{
    return told->n_circs / n * i + (i < told->n_circs % n ? i : told->n_circs % n);
}

static unsigned circs_of(const struct connect_to_relay *told, unsigned i, unsigned n)
{
    return parts_first(told, i + 1, n) - parts_first(told, i, n);
}

/* By circuits; what rounding leaves over is the last one's. */
uint64_t parts_share(const struct connect_to_relay *told, unsigned i, unsigned n, uint64_t alloc_bw)
{
    uint64_t each = alloc_bw / told->n_circs, rest = alloc_bw % told->n_circs;
    return each * circs_of(told, i, n) + (i + 1 == n ? rest : 0);
}

struct connect_to_relay parts_told(const struct connect_to_relay *told, unsigned i, unsigned n)
{
    struct connect_to_relay one = *told;
    one.n_circs = circs_of(told, i, n);
    one.alloc_bw = parts_share(told, i, n, told->alloc_bw);
    if (!one.alloc_bw)
        one.alloc_bw = 1; /* what is to give nothing would be malformed */
    return one;
}

/* ---- life ---- */

err_t parts_new(const struct connect_to_relay *told, unsigned n, const struct measurement_ops *ops,
                void *arg, struct parts **out)
{
    if (!n || n > PARTS_MOST || n > told->n_circs || !told->dur)
        return ERR_ARG;
    struct parts *p = calloc(1, sizeof *p);
    struct bw_report *sums = calloc(told->dur, sizeof *sums);
    if (!p || !sums) {
        free(p);
        free(sums);
        return ERR_NOMEM;
    }
    *p = (struct parts){.told = *told, .ops = ops, .arg = arg, .n = n, .sums = sums};
    p->told.proof = p->told.exit.proof = (struct text){"", 0};
    for (unsigned i = 0; i < n; i++)
        p->part[i].share = circs_of(told, i, n);
    *out = p;
    return OK;
}

void parts_free(struct parts *p)
{
    if (!p)
        return;
    free(p->sums);
    free(p);
}

static void fail(struct parts *p, enum meas_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct parts *p, enum meas_code code, const char *fmt, ...)
{
    struct meas_failure f = {.code = code, .meas_id = p->told.meas_id};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.info, sizeof f.info, fmt, args);
    va_end(args);
    p->over = true;
    p->ops->on_end(p->arg, &f);
}

/* ---- circuits ---- */

static struct connected_to_relay sum_circs(const struct parts *p, unsigned *connected)
{
    struct connected_to_relay sum = {.meas_id = p->told.meas_id};
    bool answered = false;
    *connected = 0;
    for (unsigned i = 0; i < p->n; i++) {
        const struct connected_to_relay *c = &p->part[i].circs;
        sum.circs += c->circs;
        sum.ready_circs += c->ready_circs;
        sum.bad_circs += c->bad_circs;
        /* One without a circuit has no answer either. */
        if (c->ready_circs && (!answered || c->rtt_ms < sum.rtt_ms))
            sum.rtt_ms = c->rtt_ms;
        answered |= c->ready_circs != 0;
        *connected += p->part[i].is_connected;
    }
    return sum;
}

/* 316: "If any of them fails to connect to at least half, it's a failure". */
void parts_connected(struct parts *p, unsigned i, const struct connected_to_relay *c,
                     const char *why)
{
    unsigned connected;
    if (p->over || i >= p->n)
        return;
    p->part[i].circs = *c;
    p->part[i].is_connected = true;
    const struct connected_to_relay sum = sum_circs(p, &connected);
    if (!*why)
        why = "nobody says why";
    if (2 * sum.bad_circs > p->told.n_circs && !p->told_connected)
        fail(p, MEAS_LAUNCH_CIRCS, "%u of %u circuits failed: %s", sum.bad_circs, p->told.n_circs,
             why);
    else if (2 * sum.bad_circs > p->told.n_circs)
        fail(p, MEAS_RELAY_LOST, "%u of %u circuits have ended: %s", sum.bad_circs, p->told.n_circs,
             why);
    else if (p->told_connected || connected < p->n)
        return;
    else if (2 * sum.ready_circs < p->told.n_circs)
        fail(p, MEAS_LAUNCH_CIRCS, "%u of %u circuits were there in time", sum.ready_circs,
             p->told.n_circs);
    else {
        p->told_connected = true;
        p->ops->on_connected(p->arg, &sum);
    }
}

void parts_alone_failed(struct parts *p, const char *why)
{
    if (!p->over)
        fail(p, MEAS_LAUNCH_CIRCS, "%u of %u circuits failed: %s", p->told.n_circs, p->told.n_circs,
             *why ? why : "nobody says why");
}

/* ---- seconds ---- */

static void add(struct parts *p, const struct part *of, const struct bw_report *r)
{
    struct bw_report *sum = &p->sums[r->sec - 1];
    sum->sent += r->sent;
    sum->recv += r->recv;
    sum->wire_in += r->wire_in;
    sum->wire_out += r->wire_out;
    sum->checked += r->checked;
    sum->bad += r->bad;
    sum->blocked += r->blocked * (unsigned)of->share;
    sum->cpu = r->cpu > sum->cpu ? r->cpu : sum->cpu;
    sum->lag_ms = r->lag_ms > sum->lag_ms ? r->lag_ms : sum->lag_ms;
}

static bool all_have(const struct parts *p, unsigned sec)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->part[i].reported < sec)
            return false;
    return true;
}

void parts_report(struct parts *p, unsigned i, const struct bw_report *r)
{
    if (p->over || i >= p->n || r->sec != p->part[i].reported + 1 || r->sec > p->told.dur)
        return;
    add(p, &p->part[i], r);
    p->part[i].reported = r->sec;
    if (!all_have(p, r->sec))
        return;
    struct bw_report told = p->sums[r->sec - 1];
    told.meas_id = p->told.meas_id;
    told.sec = r->sec;
    told.blocked /= p->told.n_circs;
    p->ops->on_report(p->arg, &told);
}

/* ---- the end ---- */

void parts_ended(struct parts *p, unsigned i, const struct meas_failure *failure)
{
    if (p->over || i >= p->n)
        return;
    p->part[i].is_over = true;
    for (unsigned k = 0; k < p->n && !failure; k++)
        if (!p->part[k].is_over)
            return;
    p->over = true;
    p->ops->on_end(p->arg, failure);
}
