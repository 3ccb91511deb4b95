/* The X.509 certificate around a relay's legacy RSA identity. */
#include "crypto/openssl.h"
#include "crypto/rsa.h"
#include "crypto/rsa_int.h"

#include <openssl/x509.h>

enum {
    SECONDS_A_DAY = 24 * 60 * 60,
    X509_PAST_SLACK_S = 2 * SECONDS_A_DAY,    /* C tor's, for clocks that are off */
    X509_FUTURE_SLACK_S = 30 * SECONDS_A_DAY, /* also C tor's */
    X509_MAX = 65535,                         /* what a CERTS cell can hold */
};

static err_t x509_parse(const void *der, size_t len, X509 **out)
{
    const uint8_t *at = der;
    if (len > X509_MAX)
        return ERR_MALFORMED;
    X509 *cert = d2i_X509(NULL, &at, (long)len);
    if (!cert)
        return ERR_MALFORMED;
    if (at != (const uint8_t *)der + len) {
        X509_free(cert);
        return ERR_TRAILING;
    }
    *out = cert;
    return OK;
}

err_t rsa_pub_from_x509(const void *der, size_t len, struct rsa_pub **out)
{
    X509 *cert;
    err_t e = x509_parse(der, len, &cert);
    if (e != OK)
        return rsa_done(e);
    EVP_PKEY *pkey = X509_get0_pubkey(cert);
    e = pkey ? rsa_pub_from_pkey(pkey, out) : ERR_BAD_KEY;
    X509_free(cert);
    return rsa_done(e);
}

static err_t check_dates(const X509 *cert, int64_t now_s)
{
    time_t earliest_end = (time_t)(now_s - X509_PAST_SLACK_S);
    time_t latest_start = (time_t)(now_s + X509_FUTURE_SLACK_S);
    int end = X509_cmp_time(X509_get0_notAfter(cert), &earliest_end);
    int start = X509_cmp_time(X509_get0_notBefore(cert), &latest_start);
    if (end == 0 || start == 0) /* no proper date; equal counts as before */
        return ERR_MALFORMED;
    if (end < 0)
        return ERR_EXPIRED;
    return start > 0 ? ERR_NOT_YET_VALID : OK;
}

err_t rsa_id_cert_verify(const void *der, size_t len, int64_t now_s, struct rsa_pub **out)
{
    struct rsa_pub *key = NULL;
    X509 *cert;
    err_t e = x509_parse(der, len, &cert);
    if (e != OK)
        return rsa_done(e);
    EVP_PKEY *pkey = X509_get0_pubkey(cert);
    e = pkey ? rsa_pub_from_pkey(pkey, &key) : ERR_BAD_KEY;
    /* tor-spec 4.2: "The certified key in the ID certificate is a 1024-bit RSA key." */
    if (e == OK && rsa_pub_bits(key) != RSA_ID_BITS)
        e = ERR_BAD_KEY;
    /* tor-spec 4.2: "The RSA ID certificate is correctly self-signed." */
    if (e == OK && X509_verify(cert, pkey) != 1)
        e = ERR_BAD_SIGNATURE;
    if (e == OK)
        e = check_dates(cert, now_s);
    X509_free(cert);
    if (e == OK)
        *out = key;
    else
        rsa_pub_free(key);
    return rsa_done(e);
}
