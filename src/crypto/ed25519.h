/* Ed25519 (RFC 8032): signatures of identities, certificates and descriptors. */
#ifndef TUNIC_CRYPTO_ED25519_H
#define TUNIC_CRYPTO_ED25519_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "crypto/x25519.h"

enum { ED25519_SIG_LEN = 64, ED25519_SEED_LEN = 32, ED25519_EXPANDED_LEN = 64 };

/* ERR_BAD_SIGNATURE also for a public key that is no point or has small order. */
MUST_USE err_t ed25519_verify(const struct ed_id *pub, const void *bytes, size_t len,
                              const uint8_t sig[ED25519_SIG_LEN]);

/* A signing key in expanded form, so that keys that have no seed (made from X25519 keys; later
 * blinded ones) sign in the same way. The owner wipes it with secret_wipe(). */
struct ed_secret {
    uint8_t scalar[32];
    uint8_t prefix[32]; /* what the nonce is derived from */
    struct ed_id pub;
};

void ed25519_keypair(struct env *env, struct ed_secret *out);
void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN], struct ed_secret *out);
/* Scalar and prefix, as tor's key files have them. */
void ed25519_from_expanded(const uint8_t expanded[ED25519_EXPANDED_LEN], struct ed_secret *out);
void ed25519_sign(const struct ed_secret *secret, const void *bytes, size_t len,
                  uint8_t sig[ED25519_SIG_LEN]);

/* The X25519 key of an Ed25519 key. ERR_BAD_KEY: not on the curve, or of small order. */
MUST_USE err_t x25519_from_ed25519(const struct ed_id *ed, struct x25519_pub *out);

/* The Ed25519 key of an X25519 key (tor-spec, "Converting a curve25519 public key to an ed25519
 * public key"), for checking ntor-onion-key-crosscert; SIGN_BIT (0, 1) is the bit of the x
 * coordinate, which X25519 does not keep. ERR_BAD_KEY: no such point. */
MUST_USE err_t ed25519_from_x25519(const struct x25519_pub *x, unsigned sign_bit,
                                   struct ed_id *out);

/* The signing key for the other side of it; *SIGN_BIT goes into the descriptor. */
MUST_USE err_t ed25519_secret_from_x25519(const struct x25519_secret *x, struct ed_secret *out,
                                          unsigned *sign_bit);

#endif
