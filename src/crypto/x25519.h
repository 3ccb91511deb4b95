/* X25519 (RFC 7748): Diffie-Hellman of the ntor handshakes and of onion services. */
#ifndef TUNIC_CRYPTO_X25519_H
#define TUNIC_CRYPTO_X25519_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"

enum { X25519_LEN = 32 };

/* The owner wipes it with secret_wipe(). */
struct x25519_secret {
    uint8_t b[X25519_LEN];
};

void x25519_keypair(struct env *env, struct x25519_secret *secret, struct x25519_pub *pub);
void x25519_public(const struct x25519_secret *secret, struct x25519_pub *pub);

/* ERR_BAD_KEY if the result is all zeros (THEIRS is a point of small order); OUT is wiped then. The
 * caller wipes OUT. */
MUST_USE err_t x25519_dh(const struct x25519_secret *ours, const struct x25519_pub *theirs,
                         uint8_t out[X25519_LEN]);

#endif
