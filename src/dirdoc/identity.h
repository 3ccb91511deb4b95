/* Identity: every key of one relay of a test network (tor-spec 1.1), made from the environment's
 * random source alone, so that a seed gives the same relay again. */
#ifndef TUNIC_DIRDOC_IDENTITY_H
#define TUNIC_DIRDOC_IDENTITY_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "crypto/ed25519.h"
#include "crypto/rsa_key.h"
#include "crypto/x25519.h"

enum { IDENTITY_RSA_BITS = 1024 };

struct identity {
    struct rsa_key *rsa; /* identity key */
    struct rsa_id rsa_id;
    uint8_t ed_seed[ED25519_SEED_LEN];
    struct ed_secret ed; /* identity key */
    struct ed_secret signing;
    struct x25519_secret ntor;
    struct x25519_pub ntor_pub;
};

/* ERR_CRYPTO, ERR_NOMEM. */
MUST_USE err_t identity_make(struct env *env, struct identity *out);
void identity_wipe(struct identity *id); /* frees and wipes what is inside; the zero one is fine */

#endif
