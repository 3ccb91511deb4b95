#include "crypto/rsa_key.h"

#include "crypto/openssl.h"
#include "crypto/rsa_int.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct rsa_key {
    EVP_PKEY *pkey;
    struct rsa_pub *pub;
};

err_t rsa_key_from_pkey(EVP_PKEY *gift_pkey, struct rsa_key **out)
{
    struct rsa_key *key = calloc(1, sizeof *key);
    if (!key) {
        EVP_PKEY_free(gift_pkey);
        return rsa_done(ERR_NOMEM);
    }
    key->pkey = gift_pkey;
    err_t e = rsa_pub_from_pkey(gift_pkey, &key->pub);
    if (e == OK)
        *out = key;
    else
        rsa_key_free(key);
    return rsa_done(e);
}

err_t rsa_key_generate(unsigned bits, struct rsa_key **out)
{
    if (bits < RSA_ID_BITS || bits > RSA_BITS_MAX)
        return ERR_ARG;
    EVP_PKEY *pkey = EVP_RSA_gen(bits);
    return pkey ? rsa_key_from_pkey(pkey, out) : rsa_done(ERR_CRYPTO);
}

err_t rsa_key_from_der(const void *der, size_t len, struct rsa_key **out)
{
    enum { MOST = 4096 }; /* a key of 4096 bits takes 2.4 kB */
    const uint8_t *at = der;
    EVP_PKEY *pkey = len <= MOST ? d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)len) : NULL;
    if (!pkey)
        return rsa_done(ERR_MALFORMED);
    if (at != (const uint8_t *)der + len) {
        EVP_PKEY_free(pkey);
        return ERR_TRAILING;
    }
    return rsa_key_from_pkey(pkey, out);
}

err_t rsa_key_to_der(const struct rsa_key *key, struct wr *out)
{
    int len = i2d_PrivateKey(key->pkey, NULL);
    if (len <= 0)
        return rsa_done(ERR_CRYPTO);
    uint8_t *to = wr_room(out, (size_t)len);
    return rsa_done(to && i2d_PrivateKey(key->pkey, &to) != len ? ERR_CRYPTO : wr_end(out));
}

void rsa_key_free(struct rsa_key *key)
{
    if (!key)
        return;
    rsa_pub_free(key->pub);
    EVP_PKEY_free(key->pkey); /* clears the secret numbers */
    free(key);
}

const struct rsa_pub *rsa_key_public(const struct rsa_key *key)
{
    return key->pub;
}

err_t rsa_sign_digest(const struct rsa_key *key, const void *digest, size_t digest_len,
                      uint8_t sig[RSA_SIG_MAX], size_t *sig_len)
{
    if (digest_len < RSA_SIGNED_MIN || digest_len > RSA_SIGNED_MAX)
        return ERR_ARG;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (!ctx)
        return rsa_done(ERR_NOMEM);
    *sig_len = RSA_SIG_MAX;
    int done = EVP_PKEY_sign_init(ctx) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_sign(ctx, sig, sig_len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return rsa_done(done ? OK : ERR_CRYPTO);
}

static bool fill_id_cert(X509 *cert, EVP_PKEY *pkey, int64_t not_before_s, int64_t not_after_s)
{
    static const unsigned char name[] = "www.example.net"; /* relays put a random name here */
    X509_NAME *subject = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), 1) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before_s) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after_s) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, pkey) == 1 &&
           X509_sign(cert, pkey, EVP_sha256()) > 0;
}

err_t rsa_id_cert_make(const struct rsa_key *key, int64_t not_before_s, int64_t not_after_s,
                       struct wr *out)
{
    X509 *cert = X509_new();
    if (!cert)
        return rsa_done(ERR_NOMEM);
    err_t e = ERR_CRYPTO;
    int len = fill_id_cert(cert, key->pkey, not_before_s, not_after_s) ? i2d_X509(cert, NULL) : 0;
    if (len > 0) {
        uint8_t *to = wr_room(out, (size_t)len);
        e = to && i2d_X509(cert, &to) != len ? ERR_CRYPTO : wr_end(out);
    }
    X509_free(cert);
    return rsa_done(e);
}
