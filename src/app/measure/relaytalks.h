/* Relaytalks: what a coordinator says to relays, on sockets. */
#ifndef TUNIC_APP_MEASURE_RELAYTALKS_H
#define TUNIC_APP_MEASURE_RELAYTALKS_H

#include "link/link.h"
#include "measure/coordinator.h"
#include "net/net.h"

struct relaytalks;

/* LINK: TLS, and whom we prove to be. Conversations tell *C, which is set when the first begins.
 * NULL out of memory. */
struct relaytalks *relaytalks_new(struct net *n, const struct link_config *link,
                                  struct coordinator *const *c);
void relaytalks_free(struct relaytalks *r); /* after the coordinator; NULL is fine */

/* As struct coordinator_ops has them. */
MUST_USE err_t relaytalks_talk(struct relaytalks *r, uint32_t meas_id,
                               const struct meas_relay *relay, const struct meas_params *params,
                               void **talk);
void relaytalks_hush(struct relaytalks *r, void *talk, bool aborted);

#endif
