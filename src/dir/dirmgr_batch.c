/* Which microdescriptors are asked for, and in which requests. As C tor cuts them
 * (launch_descriptor_downloads): all that are missing, sorted by digest, in at least three requests
 * of the same size, all of them at once. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/encode.h"
#include "dir/dirmgr_int.h"

/* ---- which ---- */

static bool row_wanted(const struct dirmgr *d, size_t i, bool retries)
{
    /* As long as too few are there to build circuits with, nothing is given up: the network may
     * just have been down. */
    bool enough = d->current == d->newest;
    unsigned most = !retries ? 0 : enough ? MD_FAILS_MAX - 1 : MD_FAILS_MAX;
    const struct dirmgr_row *row = &d->rows[i];
    return !netdir_at(d->newest, i)->has_md && !row->asked[PACE_GOOD] &&
           row->asked[PACE_SLOW] < MD_SLOW_ASKED_MAX && row->fails <= most &&
           (row->is_first || d->first != FIRST_ASKED);
}

/* How many microdescriptors can be asked for now; RETRIES: those that failed before count too. */
static size_t count_wanted(struct dirmgr *d, bool *retries)
{
    size_t n = 0, n_retry = 0;
    *retries = backoff_due(&d->md_wait, d->env);
    for (size_t i = 0; i < netdir_n(d->newest); i++) {
        n += row_wanted(d, i, false);
        n_retry += row_wanted(d, i, true);
    }
    if (n_retry > n && !*retries)
        dirmgr_note_wake(d, d->md_wait.not_before_us);
    return *retries ? n_retry : n;
}

/* C tor: with enough at hand, a few missing ones wait until more come together. */
static bool few_may_wait(struct dirmgr *d, size_t n)
{
    uint64_t pause_us = d->schedule.few_wait_s * (uint64_t)US_PER_SEC;
    if (n >= MD_FEW || d->current != d->newest || !d->md_launched_us)
        return false;
    if (d->env->mono_us >= d->md_launched_us + pause_us)
        return false;
    dirmgr_note_wake(d, d->md_launched_us + pause_us);
    return true;
}

/* ---- what comes first ---- */

/* Relays that may be in a position, as far as weights go. */
static bool may_be(const struct router *r, unsigned flag)
{
    return router_is(r, ROUTER_RUNNING | ROUTER_VALID | flag);
}

static int heavier_first(const void *a, const void *b)
{
    const struct router *const *x = a, *const *y = b;
    if ((*x)->bandwidth != (*y)->bandwidth)
        return (*x)->bandwidth > (*y)->bandwidth ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* Of the relays with FLAG, those of most weight, until they have SHARE (of 1000) of it. */
static void mark_heaviest(struct dirmgr *d, const struct router *const *by_weight, unsigned flag,
                          unsigned share)
{
    uint64_t all = 0, have = 0;
    size_t n = netdir_n(d->newest);
    for (size_t i = 0; i < n; i++)
        all += may_be(by_weight[i], flag) ? by_weight[i]->bandwidth : 0;
    for (size_t i = 0; i < n && have * 1000 <= all * share; i++)
        if (may_be(by_weight[i], flag)) {
            have += by_weight[i]->bandwidth;
            d->rows[by_weight[i] - netdir_at(d->newest, 0)].is_first = true;
        }
}

/* The share of each of three positions of which the product is what paths need, and some more. */
static unsigned share_of_each(uint32_t needed_permyriad)
{
    unsigned share = 500;
    while (share < 1000 && (uint64_t)share * share * share / 100000 < needed_permyriad + 500)
        share += 10;
    return share;
}

/* False out of memory. */
static bool mark_first(struct dirmgr *d)
{
    size_t n = netdir_n(d->newest);
    struct netdir_coverage v;
    const struct router **by_weight = calloc(n + 1, sizeof *by_weight);
    if (!by_weight)
        return false;
    for (size_t i = 0; i < n; i++)
        by_weight[i] = netdir_at(d->newest, i);
    qsort(by_weight, n, sizeof *by_weight, heavier_first);
    netdir_coverage(d->newest, d->paths_needed_permyriad, &v);
    unsigned share = share_of_each(v.needed);
    mark_heaviest(d, by_weight, ROUTER_GUARD, share);
    mark_heaviest(d, by_weight, ROUTER_EXIT, share);
    mark_heaviest(d, by_weight, 0, share);
    free(by_weight);
    return true;
}

/* Where circuits can be built already, or somebody keeps us waiting, or all of them are few,
 * nothing comes first. */
static void choose_first(struct dirmgr *d)
{
    bool few = netdir_n(d->newest) <= (size_t)MD_REQUESTS_MIN * MD_BATCH_MIN;
    if (d->current || few || dirmgr_slow_in_flight(d, DIR_WANT_MICRODESCS))
        d->first = FIRST_OVER;
    else if (d->first == FIRST_NOT_CHOSEN)
        d->first = mark_first(d) ? FIRST_ASKED : FIRST_OVER;
}

/* ---- in which requests ---- */

static size_t batch_size(size_t n)
{
    size_t size = (n + MD_REQUESTS_MIN - 1) / MD_REQUESTS_MIN;
    if (size > DIRMGR_MD_BATCH_MAX)
        size = DIRMGR_MD_BATCH_MAX;
    if (size < MD_BATCH_MIN)
        size = MD_BATCH_MIN;
    return size < n ? size : n;
}

/* The next row of the round, in the order of digests; netdir_n() at its end. */
static size_t next_row(struct dirmgr *d)
{
    struct dirmgr_round *r = &d->round;
    for (; r->at < netdir_n(d->newest); r->at++) {
        size_t row = netdir_md_order(d->newest, r->at);
        if (row_wanted(d, row, r->retries))
            return row;
    }
    return netdir_n(d->newest);
}

static bool begin_round(struct dirmgr *d)
{
    struct dirmgr_round r = {.on = true, .begun_us = d->env->mono_us};
    if (d->env->mono_us < d->md_first_us) {
        dirmgr_note_wake(d, d->md_first_us);
        return false;
    }
    choose_first(d);
    size_t n = count_wanted(d, &r.retries);
    if (!n && d->first == FIRST_ASKED && !dirmgr_in_flight(d, DIR_WANT_MICRODESCS)) {
        d->first = FIRST_OVER; /* they are all here, and the rest follows at once */
        d->md_launched_us = 0;
        n = count_wanted(d, &r.retries);
    }
    if (!n || few_may_wait(d, n))
        return false;
    r.size = batch_size(n);
    d->round = r;
    return true;
}

bool dirmgr_batch_due(struct dirmgr *d)
{
    bool goes_on = d->round.on && d->round.begun_us == d->env->mono_us;
    return (goes_on && next_row(d) < netdir_n(d->newest)) || begin_round(d);
}

void dirmgr_end_round(struct dirmgr *d)
{
    d->round.on = false;
}

/* "/tor/micro/d/<D1>-<D2>....z" */
err_t dirmgr_fill_batch(struct dirmgr *d, struct dirmgr_request *rq, char path[DIRHTTP_URL_MAX])
{
    char b64[BASE64_SIZE(32)];
    size_t row, n = netdir_n(d->newest);
    rq->digests = calloc(d->round.size, sizeof *rq->digests);
    if (!rq->digests)
        return ERR_NOMEM;
    int at = snprintf(path, DIRHTTP_URL_MAX, "/tor/micro/d/");
    while (rq->n_digests < d->round.size && (row = next_row(d)) < n) {
        const struct sha256 *digest = &netdir_at(d->newest, row)->md_digest;
        at += snprintf(path + at, (size_t)(DIRHTTP_URL_MAX - at), "%s%s", rq->n_digests ? "-" : "",
                       base64_encode(digest->b, sizeof digest->b, false, b64));
        rq->digests[rq->n_digests++] = *digest;
        d->rows[row].asked[PACE_GOOD]++;
    }
    (void)snprintf(path + at, (size_t)(DIRHTTP_URL_MAX - at), ".z");
    return OK;
}
