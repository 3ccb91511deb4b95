/* Orders to a running coordinator: JSON objects, a line each, over a unix socket that is its
 * owner's alone; answers and events in the same form (docs/measurement-protocol.md). */
#ifndef TUNIC_APP_MEASURE_ORDERS_H
#define TUNIC_APP_MEASURE_ORDERS_H

#include "app/measure/resultsdir.h"
#include "measure/coordinator.h"
#include "net/net.h"

struct orders;

/* SHUTDOWN: somebody wants the coordinator to end. ERR_IO (logged), ERR_LIMIT (PATH is too long for
 * a unix socket), ERR_NOMEM. */
MUST_USE err_t orders_open(struct net *n, const char *path, struct coordinator *c,
                           struct resultsdir *results, void (*shutdown)(void *arg), void *arg,
                           struct orders **out);
void orders_close(struct orders *o); /* NULL is fine */

/* An event of the coordinator, for whoever waits for that measurement. */
void orders_event(struct orders *o, uint32_t meas_id, const char *json, bool over);

#endif
