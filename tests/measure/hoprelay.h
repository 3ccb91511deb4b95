/* A node of wired.h as the relay that is measured. */
#ifndef TUNIC_TESTS_MEASURE_HOPRELAY_H
#define TUNIC_TESTS_MEASURE_HOPRELAY_H

#include "circuit/circ.h"
#include "measure/measurement.h"

static inline struct meas_relay hop_relay(const struct circ_hop_target *t)
{
    return (struct meas_relay){.fp = t->rsa,
                               .ed25519 = t->ed,
                               .has_fp = true,
                               .has_ed25519 = true,
                               .addrs = {t->v4},
                               .n_addrs = 1};
}

#endif
