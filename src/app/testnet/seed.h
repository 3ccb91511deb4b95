/* The seed of a test network: its keys follow from it, and all else if that was asked for. */
#ifndef TUNIC_APP_TESTNET_SEED_H
#define TUNIC_APP_TESTNET_SEED_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

struct testnet_seed {
    uint64_t value;
    struct aes_ctr *stream;
};

/* From now on ENV's randomness follows from the value. ERR_NOMEM. */
MUST_USE err_t testnet_seed_use(struct testnet_seed *s, struct env *env);
/* ENV's randomness is the system's again. */
void testnet_seed_leave(struct env *env);
void testnet_seed_end(struct testnet_seed *s); /* the zero one is fine */

#endif
