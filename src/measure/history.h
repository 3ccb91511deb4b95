/* History: what is remembered of relays from results: the last figure of each, and which runs a
 * relay has had, also those that were cut short. */
#ifndef TUNIC_MEASURE_HISTORY_H
#define TUNIC_MEASURE_HISTORY_H

#include <stddef.h>

#include "base/hash.h"
#include "measure/polite.h"
#include "measure/results.h"

enum { HISTORY_RELAYS_MOST = 20000, HISTORY_PENDING_MOST = 1024 };

struct history_relay {
    char fp[41]; /* "": it was named by its address */
    struct ipport at;
    struct result last; /* its newest end */
    uint64_t bw;        /* of its newest good one that took the place of the one before */
    int64_t measured_s; /* (results_replaces()), and when that was; 0: there is none */
    uint64_t counted;   /* its seconds */
    uint64_t least;     /* an inconclusive one behind it showed that it carries so much */
    bool has_granted;   /* it was measured as one that knows measuring, and has not said no since */
    /* history.c's: relays with a fingerprint by that, all of them by their address. */
    UT_hash_handle hh;
    struct history_relay *next_here;
};

struct history_place; /* history.c */

struct history {
    struct history_relay **relays;
    size_t n;
    struct history_relay *by_fp;
    struct history_place *by_at;
    struct result *pending; /* begun, and no end seen */
    size_t n_pending;
};

void history_init(struct history *h);
void history_free(struct history *h);

/* Lines of the files, oldest first; then once history_read_end(): what had no end was an attempt.
 * POLITE is told of each run. ERR_MALFORMED: it is no line of ours. ERR_LIMIT: so many relays are
 * not remembered. ERR_NOMEM: a run may be forgotten. */
MUST_USE err_t history_read(struct history *h, struct text line, struct polite *polite);
MUST_USE err_t history_read_end(struct history *h, struct polite *polite);

/* The newest of a relay. ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t history_add(struct history *h, const struct result *end);

/* What to begin with the next time; 0: nothing is known. */
uint64_t history_prior(const struct history_relay *r);

/* By fingerprint if FP is not "", else the newest at the address; NULL: never measured. */
const struct history_relay *history_find(const struct history *h, const char *fp,
                                         const struct ipport *at);

#endif
