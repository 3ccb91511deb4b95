/* What a report about a relay is made of. */
#ifndef TUNIC_MEASURE_REPORT_INT_H
#define TUNIC_MEASURE_REPORT_INT_H

#include <jansson.h>

#include "measure/report.h"
#include "measure/teams.h"

enum { REPORT_VOTES_MOST = 16, REPORT_AUTHORITY_MAX = 24, REPORT_TIME_MAX = 24 };

struct report_vote {
    char authority[REPORT_AUTHORITY_MAX];
    bool listed, measured; /* the relay, by it */
    uint64_t kb;
};

struct report {
    char fp[41];                          /* "": not known */
    struct ipport at;                     /* family IP_NONE: it goes by its fingerprint */
    struct result runs[REPORT_RUNS_MOST]; /* ends: a ring */
    size_t n_runs;
    bool begun;   /* some run was */
    json_t *good; /* the run whose figure stands; NULL: there is none */
    struct result figure;
    struct teams *all;   /* of all relays */
    struct teams_run by; /* of the good one */

    bool is_listed, is_described;
    char nickname[NICKNAME_MAX + 1];
    uint32_t weight_kb;
    bool is_unmeasured;
    int64_t published_s;
    uint64_t average, burst, observed;
    struct report_vote votes[REPORT_VOTES_MOST];
    size_t n_votes;
    struct rsa_id auths[REPORT_VOTES_MOST]; /* of the consensus */
    size_t n_auths;
};

/* The K-th newest run; NULL: there is none. */
static inline const struct result *report_run(const struct report *r, size_t k)
{
    size_t kept = r->n_runs < REPORT_RUNS_MOST ? r->n_runs : REPORT_RUNS_MOST;
    return k < kept ? &r->runs[(r->n_runs - 1 - k) % REPORT_RUNS_MOST] : NULL;
}

/* ---- report.c ---- */

/* The one whose figure stands; NULL: there is none. */
const struct result *report_figure(const struct report *r);
/* The median of those before that; 0: there are none. */
uint64_t report_before(const struct report *r);

/* ---- report_why.c ---- */

/* Why it has the figure that it has, a line a reason; and all of it in a sentence or a few. */
void report_put_why(const struct report *r, int64_t now_s, struct docw *w);
void report_put_verdict(const struct report *r, struct docw *w);

static inline double report_mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

/* A count of an object; 0: it has none. */
static inline uint64_t report_u64(const json_t *object, const char *name)
{
    json_int_t x = json_integer_value(json_object_get(object, name));
    return x > 0 ? (uint64_t)x : 0;
}

#endif
