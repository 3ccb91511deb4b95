#include "crypto/rsa.h"

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "crypto/rsa_int.h"
#include "crypto/secret.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

err_t rsa_done(err_t e)
{
    ERR_clear_error();
    return e;
}

static err_t check_numbers(const EVP_PKEY *pkey)
{
    BIGNUM *n = NULL, *e = NULL;
    err_t result = ERR_BAD_KEY;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(n) &&
        BN_is_word(e, RSA_F4))
        result = OK;
    BN_free(n);
    BN_free(e);
    return result;
}

static err_t rebuild(const uint8_t *der, size_t len, struct rsa_pub *key)
{
    const uint8_t *at = der;
    key->pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
    if (!key->pkey)
        return ERR_MALFORMED;
    key->bits = (unsigned)EVP_PKEY_get_bits(key->pkey);
    if (key->bits < RSA_ID_BITS || key->bits > RSA_BITS_MAX)
        return ERR_BAD_KEY;
    TRY(check_numbers(key->pkey));
    int der_len = i2d_PublicKey(key->pkey, NULL);
    if (der_len <= 0 || (size_t)der_len > sizeof key->der)
        return ERR_BAD_KEY;
    uint8_t *to = key->der;
    key->der_len = (size_t)i2d_PublicKey(key->pkey, &to);
    /* This also refuses bytes behind the key. */
    return key->der_len == len && memcmp(key->der, der, len) == 0 ? OK : ERR_MALFORMED;
}

err_t rsa_pub_from_der(const void *der, size_t len, struct rsa_pub **out)
{
    if (len > RSA_DER_MAX)
        return ERR_BAD_KEY;
    struct rsa_pub *key = calloc(1, sizeof *key);
    if (!key)
        return ERR_NOMEM;
    err_t e = rebuild(der, len, key);
    if (e == OK)
        *out = key;
    else
        rsa_pub_free(key);
    return rsa_done(e);
}

err_t rsa_pub_from_pem(struct text pem, struct rsa_pub **out)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    err_t e = pem_decode(pem, "RSA PUBLIC KEY", der, sizeof der, &len);
    if (e != OK)
        return e == ERR_FULL ? ERR_BAD_KEY : e;
    return rsa_pub_from_der(der, len, out);
}

err_t rsa_pub_from_pkey(EVP_PKEY *pkey, struct rsa_pub **out)
{
    uint8_t der[RSA_DER_MAX], *to = der;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(pkey) > RSA_BITS_MAX)
        return rsa_done(ERR_BAD_KEY);
    int len = i2d_PublicKey(pkey, NULL);
    if (len <= 0 || (size_t)len > sizeof der || i2d_PublicKey(pkey, &to) != len)
        return rsa_done(ERR_BAD_KEY);
    return rsa_pub_from_der(der, (size_t)len, out);
}

void rsa_pub_free(struct rsa_pub *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

unsigned rsa_pub_bits(const struct rsa_pub *key)
{
    return key->bits;
}

size_t rsa_pub_sig_len(const struct rsa_pub *key)
{
    return (key->bits + 7) / 8;
}

void rsa_pub_id(const struct rsa_pub *key, struct rsa_id *out)
{
    sha1(key->der, key->der_len, out->b);
}

void rsa_pub_sha256(const struct rsa_pub *key, struct sha256 *out)
{
    sha256(key->der, key->der_len, out->b);
}

const uint8_t *rsa_pub_der(const struct rsa_pub *key, size_t *len)
{
    *len = key->der_len;
    return key->der;
}

err_t rsa_verify_digest(const struct rsa_pub *key, const void *digest, size_t digest_len,
                        const void *sig, size_t sig_len)
{
    uint8_t opened[RSA_SIG_MAX];
    size_t opened_len = sizeof opened;
    if (digest_len < RSA_SIGNED_MIN || digest_len > RSA_SIGNED_MAX)
        return ERR_ARG;
    if (sig_len != rsa_pub_sig_len(key))
        return ERR_BAD_SIGNATURE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (!ctx)
        return rsa_done(ERR_NOMEM);
    /* dir-spec 1.3: "The signature does not include the algorithmIdentifier specified in PKCS #1":
     * so no hash is named to the library, and what the padding held comes back bare. */
    bool opens = EVP_PKEY_verify_recover_init(ctx) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                 EVP_PKEY_verify_recover(ctx, opened, &opened_len, sig, sig_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return rsa_done(opens && opened_len == digest_len && secret_equal(opened, digest, digest_len)
                        ? OK
                        : ERR_BAD_SIGNATURE);
}
