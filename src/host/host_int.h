/* What the files of host share: host_new.c assembles and begins, host.c changes what runs and ends
 * it. */
#ifndef TUNIC_HOST_HOST_INT_H
#define TUNIC_HOST_HOST_INT_H

#include "host/apply.h"
#include "host/facts.h"
#include "host/geo.h"
#include "host/heartbeat.h"
#include "host/host.h"
#include "net/limit.h"
#include "net/routes.h"
#include "net/world.h"

struct host {
    struct host_place place;
    struct options *options;
    struct world world;
    struct client *client;
    struct controllers *controllers;
    struct doors *doors;
    struct heartbeat heartbeat;
    struct geo geo;
    struct facts facts;
    struct routes *routes; /* NULL: the kernel does not tell */
    int lock_fd;           /* of DataDirectory; -1 */
};

const struct log *host_log(const struct host *h);
/* What O says for the client; the caller frees it by applied_free(). ERR_NOMEM; ERR_IO: a GeoIP
 * file that node lists need; E says so. */
MUST_USE err_t host_apply(struct host *h, const struct options *o, struct applied *out,
                          struct conf_err *e);
MUST_USE err_t host_open_logs(struct host *h, enum host_why why, struct conf_err *e);

/* What the options that hold say: needs no preparation, cannot fail. */
void host_set_network(struct host *h); /* DisableNetwork */
void host_set_binding(struct host *h); /* OutboundBindAddress */
void host_set_limit(struct host *h);   /* BandwidthRate */
void host_set_memory(struct host *h);  /* MaxMemInQueues */

#endif
