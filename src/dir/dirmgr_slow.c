/* Requests under way. One that is slow holds back nobody: what it was to bring may be asked of
 * others, and the first good answer counts. So no server can keep a client waiting by answering a
 * byte at a time. On a slow line every request is slow; none is ended for that alone, and no server
 * is taken for a bad one: whoever throttles a line would drive its client from guard to guard. */
#include <stdlib.h>

#include "dir/dirmgr_int.h"

static size_t count(const struct dirmgr *d, enum dir_kind kind, bool good)
{
    size_t n = 0;
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        const struct dirmgr_request *rq = &d->requests[i];
        n += rq->id && rq->kind == kind && (rq->pace == PACE_GOOD) == good;
    }
    return n;
}

size_t dirmgr_in_flight(const struct dirmgr *d, enum dir_kind kind)
{
    return count(d, kind, true);
}

size_t dirmgr_slow_in_flight(const struct dirmgr *d, enum dir_kind kind)
{
    return count(d, kind, false);
}

struct dirmgr_request *dirmgr_request_find(struct dirmgr *d, uint32_t id)
{
    for (size_t i = 0; id && i < DIRMGR_REQUESTS_MAX; i++)
        if (d->requests[i].id == id)
            return &d->requests[i];
    return NULL;
}

struct dirmgr_row *dirmgr_row(const struct dirmgr *d, const struct sha256 *md)
{
    const struct router *r = d->newest ? netdir_by_md(d->newest, md) : NULL;
    return r ? &d->rows[r - netdir_at(d->newest, 0)] : NULL;
}

void dirmgr_mark_rows(const struct dirmgr *d, const struct dirmgr_request *rq, bool under_way)
{
    for (size_t i = 0; i < rq->n_digests; i++) {
        struct dirmgr_row *row = dirmgr_row(d, &rq->digests[i]);
        uint8_t *n = row ? &row->asked[rq->pace] : NULL;
        if (n && under_way)
            ++*n;
        else if (n && *n)
            --*n;
    }
}

struct dirmgr_request dirmgr_request_take(struct dirmgr *d, struct dirmgr_request *rq)
{
    struct dirmgr_request taken = *rq;
    dirmgr_mark_rows(d, rq, false);
    *rq = (struct dirmgr_request){0};
    return taken;
}

static void become(struct dirmgr *d, struct dirmgr_request *rq, enum dirmgr_pace pace)
{
    char name[64];
    if (rq->pace == PACE_GOOD)
        log_info(d->env->log,
                 "Directory server %s is slow (%zu bytes in %llu s): asking others as well",
                 dirmgr_server_name(d, &rq->rsa, name), rq->received,
                 (unsigned long long)((d->env->mono_us - rq->launched_us) / US_PER_SEC));
    dirmgr_mark_rows(d, rq, false);
    rq->pace = pace;
    dirmgr_mark_rows(d, rq, true);
}

/* The time at which RQ will have waited too long for what it has brought. */
static uint64_t late_us(const struct dirmgr *d, const struct dirmgr_request *rq, unsigned bytes_s)
{
    uint64_t patience_us = (d->testing ? 2 : SLOW_AFTER_S) * (uint64_t)US_PER_SEC;
    return rq->launched_us + patience_us + rq->received * (uint64_t)US_PER_SEC / bytes_s;
}

void dirmgr_look_for_slow(struct dirmgr *d)
{
    static const unsigned least[PACE_N] = {
        [PACE_SLOW] = SLOW_BYTES_S, [PACE_HOPELESS] = HOPELESS_BYTES_S};
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        struct dirmgr_request *rq = &d->requests[i];
        for (enum dirmgr_pace p = rq->pace + 1; rq->id && p < PACE_N; p++) {
            uint64_t at_us = late_us(d, rq, least[p]);
            if (d->env->mono_us >= at_us)
                become(d, rq, p);
            else
                dirmgr_note_wake(d, at_us);
        }
    }
}

static bool has_come(const struct dirmgr *d, const struct dirmgr_request *rq)
{
    for (size_t i = 0; i < rq->n_digests; i++) {
        const struct router *r = d->newest ? netdir_by_md(d->newest, &rq->digests[i]) : NULL;
        if (r && !r->has_md)
            return false;
    }
    return true;
}

void dirmgr_outrun(struct dirmgr *d, enum dir_kind kind)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        struct dirmgr_request *rq = &d->requests[i];
        if (rq->id && rq->kind == kind && d->carrier.cancel &&
            (rq->pace == PACE_HOPELESS || has_come(d, rq))) {
            rq->over = true;
            dirmgr_kick(d);
        }
    }
}

/* From the events' timer: whoever carries the request out may be in the middle of another one. */
void dirmgr_cancel_outrun(struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        uint32_t id = d->requests[i].id;
        if (!id || !d->requests[i].over)
            continue;
        struct dirmgr_request rq = dirmgr_request_take(d, &d->requests[i]);
        free(rq.digests);
        d->carrier.cancel(d->carrier_arg, id);
    }
}
