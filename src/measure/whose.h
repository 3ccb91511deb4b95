/* Whose: which results are one relay's. A run that was ordered by an address, and ended before the
 * relay had proved who it is, has no fingerprint: it is of the relay that other results have at
 * that address, unless another identity was proved. */
#ifndef TUNIC_MEASURE_WHOSE_H
#define TUNIC_MEASURE_WHOSE_H

#include "measure/results.h"

enum { WHOSE_ADDRESSES_MOST = 8 };

struct whose {
    char fp[41]; /* upper-case hex; "": it goes by its address alone */
    struct ipport at[WHOSE_ADDRESSES_MOST];
    size_t n_at;
    char ed[RESULTS_ED_MAX]; /* "": not known */
};

/* RELAY is a fingerprint, also with a "$" before it, or an address with its port. ERR_ARG. */
MUST_USE err_t whose_init(struct whose *w, struct text relay);
/* Where the relay of a fingerprint was found: from each result, before whose_is(). */
void whose_learn(struct whose *w, const struct result *r);
bool whose_is(const struct whose *w, const struct result *r);
/* False: a LINE as results.h writes it is none of these, which is seen without reading it: in the
 * results of a network nearly all are of others. */
bool whose_may(const struct whose *w, struct text line);

#endif
