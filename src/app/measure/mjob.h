/* Mjob: one measurement at a measurer, on sockets: of a relay that knows measurements, or of one of
 * unmodified tor, with a second hop of its own if the mode has one. */
#ifndef TUNIC_APP_MEASURE_MJOB_H
#define TUNIC_APP_MEASURE_MJOB_H

#include "link/identity.h"
#include "measure/measurement.h"
#include "net/net.h"

struct mjob;
struct threads;

struct mjob_config {
    struct net *net;
    const char *name;                     /* the measurer's */
    struct tls_ctx *tls;                  /* a client's; borrowed, as are the next two */
    const struct link_identity *identity; /* of its links */
    const struct sha256 *coord_pin;       /* whom a relay's contact line has to name */
    struct ipport hop_addr;               /* where a second hop listens */
    /* Those that measure in flashflow; NULL: the loop of NET does. Relays of unmodified tor have
     * few links, and end with the first that they close: one loop has them all. */
    struct threads *threads;
};

/* It begins to connect; ARG is that of OPS. On errors INFO says why. */
MUST_USE err_t mjob_new(const struct mjob_config *config, const struct connect_to_relay *told,
                        const struct measurement_ops *ops, void *arg, struct mjob **out,
                        char info[MEAS_INFO_MAX]);
void mjob_free(struct mjob *j); /* NULL is fine */
MUST_USE err_t mjob_go(struct mjob *j);
void mjob_alloc(struct mjob *j, uint64_t alloc_bw);
void mjob_stop(struct mjob *j, enum meas_code code, const char *info);
void mjob_heard(struct mjob *j);

#endif
