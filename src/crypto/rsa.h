/* RSA public keys: legacy identities of relays, keys of directory authorities.
 *
 * Tor signs a bare digest: PKCS#1 1.5 padding around the digest alone, without the DigestInfo that
 * names the hash. Keys have 1024 to 4096 bits and the
 * exponent 65537, like every key that tor has ever made; whoever needs an identity key also checks
 * that rsa_pub_bits() is RSA_ID_BITS. */
#ifndef TUNIC_CRYPTO_RSA_H
#define TUNIC_CRYPTO_RSA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"

enum {
    RSA_ID_BITS = 1024,
    RSA_BITS_MAX = 4096,
    RSA_SIG_MAX = 512,
    RSA_DER_MAX = 600,
    RSA_SIGNED_MIN = 20,
    RSA_SIGNED_MAX = 64
};

struct rsa_pub;

/* PKCS#1 RSAPublicKey in DER, nothing behind it, and in the one canonical form (a key has
 * one fingerprint only). ERR_MALFORMED, ERR_BAD_KEY (size or exponent),
 * ERR_NOMEM. On OK the caller owns *OUT. */
MUST_USE err_t rsa_pub_from_der(const void *der, size_t len, struct rsa_pub **out);

/* The same between "-----BEGIN RSA PUBLIC KEY-----" and "-----END RSA PUBLIC KEY-----". */
MUST_USE err_t rsa_pub_from_pem(struct text pem, struct rsa_pub **out);

/* The key of an X.509 certificate in DER (CERTS cell types 1 and 2); nothing else is checked. */
MUST_USE err_t rsa_pub_from_x509(const void *der, size_t len, struct rsa_pub **out);

void rsa_pub_free(struct rsa_pub *key); /* NULL is harmless */

unsigned rsa_pub_bits(const struct rsa_pub *key);
size_t rsa_pub_sig_len(const struct rsa_pub *key);                  /* bytes of a signature */
void rsa_pub_id(const struct rsa_pub *key, struct rsa_id *out);     /* SHA-1 of the PKCS#1 DER */
void rsa_pub_sha256(const struct rsa_pub *key, struct sha256 *out); /* SHA-256 of the same */
/* The PKCS#1 DER; valid as long as the key. */
const uint8_t *rsa_pub_der(const struct rsa_pub *key, size_t *len);

/* Verifies a signature over a bare digest (20 or 32 bytes; onion-key-crosscert has 52): what the
 * signature opens to must be that and nothing more, where C tor would let more follow. ERR_ARG,
 * ERR_BAD_SIGNATURE. */
MUST_USE err_t rsa_verify_digest(const struct rsa_pub *key, const void *digest, size_t digest_len,
                                 const void *sig, size_t sig_len);

/* CERTS type 2: the self-signed certificate of a legacy identity. Checks the signature, the dates
 * (with tor's slack: started at most 30 days from now, ended at most 2 days ago) and the key (1024
 * bits). ERR_MALFORMED, ERR_BAD_KEY, ERR_BAD_SIGNATURE, ERR_EXPIRED, ERR_NOT_YET_VALID. On OK the
 * caller owns *OUT. */
MUST_USE err_t rsa_id_cert_verify(const void *der, size_t len, int64_t now_s, struct rsa_pub **out);

#endif
