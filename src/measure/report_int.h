/* What a report about a relay is made of. */
#ifndef TUNIC_MEASURE_REPORT_INT_H
#define TUNIC_MEASURE_REPORT_INT_H

#include <jansson.h>

#include "measure/report.h"

enum { REPORT_VOTES_MOST = 16, REPORT_AUTHORITY_MAX = 24 };

struct report_vote {
    char authority[REPORT_AUTHORITY_MAX];
    bool measured;
    uint64_t kb;
};

struct report {
    char fp[41];                          /* "": not known */
    struct ipport at;                     /* family IP_NONE: it goes by its fingerprint */
    struct result runs[REPORT_RUNS_MOST]; /* ends: a ring */
    size_t n_runs;
    json_t *begin; /* the newest; NULL: there is none */
    json_t *good;  /* the newest that has a figure, and what it was given */
    json_t *alloc;

    bool is_listed, is_described;
    char nickname[NICKNAME_MAX + 1];
    uint32_t weight_kb;
    bool is_unmeasured;
    int64_t published_s;
    uint64_t average, burst, observed;
    struct report_vote votes[REPORT_VOTES_MOST];
    size_t n_votes;
};

/* The K-th newest run; NULL: there is none. */
static inline const struct result *report_run(const struct report *r, size_t k)
{
    size_t kept = r->n_runs < REPORT_RUNS_MOST ? r->n_runs : REPORT_RUNS_MOST;
    return k < kept ? &r->runs[(r->n_runs - 1 - k) % REPORT_RUNS_MOST] : NULL;
}

#endif
