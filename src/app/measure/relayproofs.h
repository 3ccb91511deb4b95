/* Relayproofs: relays of unmodified tor, asked for their own descriptors, on sockets. */
#ifndef TUNIC_APP_MEASURE_RELAYPROOFS_H
#define TUNIC_APP_MEASURE_RELAYPROOFS_H

#include "measure/coordinator.h"
#include "net/net.h"

struct relayproofs {
    struct net *net;
    struct tls_ctx *tls;                    /* a client's; borrowed */
    struct coordinator *const *coordinator; /* who is told */
};

/* As struct coordinator_ops has them; R outlives what it gives. */
MUST_USE err_t relayproofs_ask(struct relayproofs *r, uint32_t meas_id,
                               const struct meas_relay *relay, void **out,
                               char why[CONSENT_WHY_MAX]);
void relayproofs_end(void *proof);

#endif
