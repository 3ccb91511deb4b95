/* What the RSA files share. */
#ifndef TUNIC_CRYPTO_RSA_INT_H
#define TUNIC_CRYPTO_RSA_INT_H

#include "crypto/rsa.h"

#include "crypto/openssl.h"

struct rsa_pub {
    EVP_PKEY *pkey;
    unsigned bits;
    size_t der_len;
    uint8_t der[RSA_DER_MAX];
};

/* The public half of PKEY, if it is one that we accept. ERR_BAD_KEY, ERR_NOMEM. */
MUST_USE err_t rsa_pub_from_pkey(EVP_PKEY *pkey, struct rsa_pub **out);

struct rsa_key;
/* Takes PKEY over, also when it fails. */
MUST_USE err_t rsa_key_from_pkey(EVP_PKEY *gift_pkey, struct rsa_key **out);

/* Returns E, and leaves OpenSSL's error queue empty: what is left in it would be taken for the
 * error of the next TLS call. */
err_t rsa_done(err_t e);

#endif
