/* MetricsPort: what monitor/metrics.h counts, for whom MetricsPortPolicy lets in. */
#ifndef TUNIC_APP_METRICS_PORT_H
#define TUNIC_APP_METRICS_PORT_H

#include "host/host.h"
#include "net/ports.h"

struct metrics_port;

/* NULL out of memory. */
struct metrics_port *metrics_port_new(struct net *n);
/* Before the host. NULL is fine. */
void metrics_port_free(struct metrics_port *m);

/* For the host that is to be made. */
struct port_front metrics_port_front(struct metrics_port *m);
/* H was made, or its options have changed: there is counting while there is a MetricsPort. */
void metrics_port_set(struct metrics_port *m, const struct host *h);

#endif
