/* RSA secret keys: for tests and for the relays and authorities of private test networks. */
#ifndef TUNIC_CRYPTO_RSA_KEY_H
#define TUNIC_CRYPTO_RSA_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/wr.h"
#include "crypto/rsa.h"

struct rsa_key;

/* BITS is 1024 to 4096, exponent 65537. The library's own random source is used. */
MUST_USE err_t rsa_key_generate(unsigned bits, struct rsa_key **out);
/* The same from ENV's random source alone, so that it repeats, and fast: for test networks. BITS is
 * a multiple of 16. */
MUST_USE err_t rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out);
/* PKCS#1 RSAPrivateKey in DER. */
MUST_USE err_t rsa_key_from_der(const void *der, size_t len, struct rsa_key **out);
/* Appends it in that form. */
MUST_USE err_t rsa_key_to_der(const struct rsa_key *key, struct wr *out);
void rsa_key_free(struct rsa_key *key); /* wipes; NULL is harmless */

/* The public half; lives as long as KEY and belongs to it. */
const struct rsa_pub *rsa_key_public(const struct rsa_key *key);

/* A tor signature that rsa_verify_digest() accepts; *SIG_LEN is rsa_pub_sig_len(). */
MUST_USE err_t rsa_sign_digest(const struct rsa_key *key, const void *digest, size_t digest_len,
                               uint8_t sig[RSA_SIG_MAX], size_t *sig_len);

/* Appends a self-signed X.509 certificate in DER (CERTS type 2) that is valid in the given time. */
MUST_USE err_t rsa_id_cert_make(const struct rsa_key *key, int64_t not_before_s,
                                int64_t not_after_s, struct wr *out);

#endif
