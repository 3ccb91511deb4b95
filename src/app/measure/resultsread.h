/* Resultsread: results that somebody asks a coordinator for, read by a process of its own
 * (net/chore.h): those of a week are hundreds of megabytes for a whole network, and measurements
 * need the coordinator each second. */
#ifndef TUNIC_APP_MEASURE_RESULTSREAD_H
#define TUNIC_APP_MEASURE_RESULTSREAD_H

#include <stdbool.h>

#include "base/text.h"
#include "measure/listing.h"
#include "net/net.h"

struct resultsread;

struct resultsread_of {
    const char *dir;
    const char *relay; /* a fingerprint, an address with its port, or a name; NULL: all */
    const struct listing *listing; /* of whom that may be; NULL: of nobody */
    /* Whole LINES of ends, the oldest first, each with the relay's nickname if it is listed now. It
     * may hold the reader, and may not stop it. */
    void (*lines)(void *arg, struct text lines);
    void (*done)(void *arg, bool good); /* it is over, and freed when this returns */
    void *arg;
};

/* Those of the last eight days. ERR_ARG: that is no relay. ERR_LIMIT: several are called so.
 * ERR_IO, ERR_NOMEM. */
MUST_USE err_t resultsread_start(struct net *n, const struct resultsread_of *of,
                                 struct resultsread **out);
/* Whether there are to be no lines for now: the reading waits, and nothing grows meanwhile. */
void resultsread_hold(struct resultsread *r, bool held);
void resultsread_stop(struct resultsread *r); /* it ends at once: done() is not called */

#endif
