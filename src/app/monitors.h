/* Monitors: the ports for programs that watch: MetricsPort (monitor/metrics.h), for whom
 * MetricsPortPolicy lets in, and EventSocket (monitor/feed.h), for whoever may open it. */
#ifndef TUNIC_APP_MONITORS_H
#define TUNIC_APP_MONITORS_H

#include "host/host.h"
#include "net/ports.h"

struct monitors;

/* Puts what serves these ports into FRONTS, of the host that is to be made. NULL out of memory. */
struct monitors *monitors_new(struct net *n, struct port_front fronts[PORT_KINDS]);
/* Before the host. NULL is fine. */
void monitors_free(struct monitors *m);

/* H was made, or its options have changed. There is counting while there is a MetricsPort. Out of
 * memory nobody is let in until the next call. */
void monitors_set(struct monitors *m, const struct host *h);

#endif
