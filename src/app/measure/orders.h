/* Orders to a running coordinator: JSON objects, a line each, over a unix socket that is its
 * owner's alone; answers and events in the same form (docs/measurement-protocol.md). */
#ifndef TUNIC_APP_MEASURE_ORDERS_H
#define TUNIC_APP_MEASURE_ORDERS_H

#include "measure/coordinator.h"
#include "net/net.h"

struct orders;

struct orders_of {
    struct coordinator *coordinator;
    const char *resultsdir;        /* outlives it, */
    const struct listing *listing; /* and this */
    void (*shutdown)(void *arg);   /* somebody wants the coordinator to end */
    /* Somebody wants a bandwidth file: returns the number of the work, of which orders_bwfile()
     * tells once it is done. 0: no process could be made. */
    unsigned (*bwfile)(void *arg);
    void *arg;
};

/* ERR_IO (logged), ERR_LIMIT (PATH is too long for a unix socket), ERR_NOMEM. */
MUST_USE err_t orders_open(struct net *n, const char *path, const struct orders_of *of,
                           struct orders **out);
void orders_close(struct orders *o); /* NULL is fine */

/* An event of the coordinator, for whoever waits for that measurement. */
void orders_event(struct orders *o, uint32_t meas_id, const char *json, bool over);
/* The work on a bandwidth file that has this number is done, and what came of it. */
void orders_bwfile(struct orders *o, unsigned number, const char *json);

#endif
