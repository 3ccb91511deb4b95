#include "link/tls_int.h"

#include "link/tls_mutual.h"

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/hash.h"

enum { NAME_MAX_LEN = 64, SERIAL_LEN = 8 }; /* X.520's bound of a common name */

/* ---- a key and its certificate ---- */

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (name[i] < 0x20 || name[i] > 0x7e)
            return false;
    return len > 0 && len <= NAME_MAX_LEN;
}

static bool set_names(X509 *cert, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool good = e && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

/* The serial number comes of the key, so that two certificates never share one. */
static bool set_serial(X509 *cert, EVP_PKEY *key)
{
    unsigned char *der = NULL, digest[SHA256_LEN];
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        return false;
    sha256(der, (size_t)len, digest);
    OPENSSL_free(der);
    uint64_t serial = 0;
    for (size_t i = 0; i < SERIAL_LEN; i++)
        serial = serial << 8 | digest[i];
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) == 1;
}

static X509 *cert_new(EVP_PKEY *key, const char *name, int64_t from_s, int64_t until_s)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, key) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s) && set_names(cert, name) &&
        X509_set_pubkey(cert, key) == 1 &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool put_cert(const X509 *cert, struct wr *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len > 0)
        wr_bytes(out, der, (size_t)len);
    OPENSSL_free(der);
    return len > 0;
}

static bool put_key(EVP_PKEY *key, struct wr *out)
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    if (len > 0)
        wr_bytes(out, der, (size_t)len);
    if (der)
        OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
    return len > 0;
}

err_t tls_mutual_make(const char *name, int64_t from_s, int64_t until_s, struct wr *cert,
                      struct wr *key)
{
    if (!name_ok(name))
        return ERR_ARG;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *x509 = pkey ? cert_new(pkey, name, from_s, until_s) : NULL;
    bool good = x509 && put_cert(x509, cert) && put_key(pkey, key);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (!good)
        return ERR_CRYPTO;
    TRY(wr_end(cert));
    return wr_end(key);
}

/* ---- contexts ---- */

static bool make_mutual(struct tls_ctx *ctx)
{
    SSL_CTX *ssl = ctx->ssl;
    int mode = SSL_VERIFY_PEER;
    if (ctx->server) /* the client's certificate is as wanted as ours */
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, NULL); /* the judge stays accept_any_cert() */
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_security_level(ssl, 2);
    return SSL_CTX_set_num_tickets(ssl, 0) == 1 && SSL_CTX_set_max_early_data(ssl, 0) == 1 &&
           tls_ctx_force_version(ctx, TLS_1_3) == OK;
}

err_t tls_ctx_new_mutual(bool server, const void *cert, size_t cert_len, const void *key,
                         size_t key_len, struct tls_ctx **out)
{
    struct tls_ctx *ctx;
    if (cert_len > LONG_MAX || key_len > LONG_MAX)
        return ERR_ARG;
    TRY(tls_ctx_make(server, &ctx));
    ctx->nameless = true;
    const unsigned char *c = cert, *k = key;
    X509 *x509 = d2i_X509(NULL, &c, (long)cert_len);
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &k, (long)key_len);
    bool good = make_mutual(ctx) && tls_ctx_use(ctx, x509, pkey);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (!good) {
        tls_ctx_free(ctx);
        return ERR_CRYPTO;
    }
    *out = ctx;
    return OK;
}

/* ---- pins ---- */

static bool spki_digest(X509 *cert, struct sha256 *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    if (len <= 0)
        return false;
    sha256(der, (size_t)len, out->b);
    OPENSSL_free(der);
    return true;
}

bool tls_peer_spki_sha256(const struct tls *t, struct sha256 *out)
{
    X509 *cert = SSL_is_init_finished(t->ssl) ? SSL_get1_peer_certificate(t->ssl) : NULL;
    bool good = cert && spki_digest(cert, out);
    X509_free(cert);
    return good;
}

err_t tls_cert_spki_sha256(const void *cert, size_t len, struct sha256 *out)
{
    if (len > LONG_MAX)
        return ERR_ARG;
    const unsigned char *at = cert, *end = at + len;
    X509 *x509 = d2i_X509(NULL, &at, (long)len);
    bool good = x509 && at == end && spki_digest(x509, out);
    X509_free(x509);
    ERR_clear_error();
    return good ? OK : ERR_MALFORMED;
}
