/* Alloc: how much measurers are to give for one relay, and how it is split over them.
 *
 * With a prior z0 of the relay's rate the team allots f * z0, f = m (1 + e2) / (1 - e1) with
 * m 2.25, e1 .20 and e2 .05, and an estimate z is accepted if it is under allotted * (1 - e1) / m,
 * which is 1.05 * z0; else the relay is measured again with max(z, 2 * z0) as its prior. That is
 * the paper's rule. A run of ours also raises what it allots while it goes on, if its senders were
 * not held back. Rates are in bytes a second. */
#ifndef TUNIC_MEASURE_ALLOC_H
#define TUNIC_MEASURE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    ALLOC_SOCKETS = 160,          /* of a team */
    ALLOC_MULTIPLIER = 225,       /* m, in hundredths */
    ALLOC_SOCKET_BW = 250 * 1000, /* a link may be asked for so much before there are more, */
    ALLOC_SOCKETS_LEAST = 10,     /* but so many there are: with fewer one slow link shows */
    ALLOC_RAISE_S = 2, /* after so long a team whose senders are free gives twice as much */
};

/* f * PRIOR, rounded down; MULTIPLIER: m, in hundredths. */
uint64_t alloc_wanted(uint64_t prior, unsigned multiplier);
/* Of a relay whose last run it was itself the limit of: 1.4 * PRIOR. */
uint64_t alloc_wanted_known(uint64_t prior);
bool alloc_accepts(uint64_t z, uint64_t allotted, unsigned multiplier);
/* How many links suffice to give WANTED, at most MOST. */
unsigned alloc_sockets(uint64_t wanted, unsigned most);
uint64_t alloc_next_prior(uint64_t z, uint64_t prior);

/* One measurer's part. */
struct alloc_part {
    uint64_t free_bw;      /* what it has left to give */
    unsigned sockets_free; /* links that it may have open for this relay */
    uint64_t bw;           /* what it is to give: never more than it has */
    unsigned sockets;      /* never more than it may have, and at least one if it gives anything */
};

/* Splits WANTED over the N measurers, in proportion to what they have left, and SOCKETS in
 * proportion to that. Returns what is allotted: WANTED, or all that there is. With less than one
 * byte for each, or more of them than sockets, some give nothing. */
uint64_t alloc_split(struct alloc_part *parts, size_t n, uint64_t wanted, unsigned sockets);

/* When a running team raises what it allots. */
struct alloc_raise {
    uint64_t allotted; /* now */
    uint64_t most;     /* what there is, and what the relay was told */
    unsigned seconds;  /* gone by since it was looked at, and */
    unsigned blocked;  /* for how much of them senders were held back, in percent of one */
    unsigned last_s;   /* the second after which it was raised last; 0: never */
};

void alloc_raise_init(struct alloc_raise *r, uint64_t allotted, uint64_t most);
/* Second SEC is over, in which senders were held back for BLOCKED percent of the time. Returns
 * whether R->allotted has been raised. */
bool alloc_raise_second(struct alloc_raise *r, unsigned sec, unsigned blocked);

#endif
