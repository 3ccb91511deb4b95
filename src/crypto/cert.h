/* Tor's own certificates (cert-spec): Ed25519 certificates, and the RSA -> Ed25519
 * cross-certificate.
 *
 * Parsing checks the form only. A certificate means something after its signature and its expiry
 * were checked as well: *_verify() does both. */
#ifndef TUNIC_CRYPTO_CERT_H
#define TUNIC_CRYPTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/wr.h"
#include "crypto/ed25519.h"
#include "crypto/rsa.h"

struct rsa_key;

/* CERT_TYPE and CertType of a CERTS cell share these numbers (cert-spec 2.1, A.1). */
enum cert_type {
    CERT_TLS_LINK_X509 = 0x01,       /* RSA id -> TLS key, X.509; legacy */
    CERT_RSA_ID_X509 = 0x02,         /* RSA id, self-signed X.509 */
    CERT_LINK_AUTH_X509 = 0x03,      /* legacy */
    CERT_IDENTITY_V_SIGNING = 0x04,  /* Ed identity -> signing key */
    CERT_SIGNING_V_TLS_CERT = 0x05,  /* signing key -> SHA-256 of the TLS certificate */
    CERT_SIGNING_V_LINK_AUTH = 0x06, /* signing key -> link authentication key */
    CERT_RSA_ID_V_IDENTITY = 0x07,   /* RSA id -> Ed identity: struct rsa_crosscert */
    CERT_HS_V_SIGNING = 0x08,        /* blinded id -> descriptor signing key */
    CERT_HS_IP_V_SIGNING = 0x09,     /* descriptor signing key -> intro auth key */
    CERT_NTOR_CC_IDENTITY = 0x0A,    /* ntor onion key -> Ed identity */
    CERT_HS_IP_CC_SIGNING = 0x0B,    /* descriptor signing key -> intro enc key */
    CERT_FAMILY_V_IDENTITY = 0x0C,   /* family key -> Ed identity */
};

/* CERT_KEY_TYPE: what the 32 certified bytes are */
enum cert_key_type {
    CERT_KEY_ED25519 = 0x01,
    CERT_KEY_RSA_SHA256 = 0x02,
    CERT_KEY_X509_SHA256 = 0x03,
};

enum { ED_CERT_MAX = 2048 }; /* longer ones are refused */

/* Expiry is in hours since 1970, here and on the wire. */
struct ed_cert {
    uint8_t type;     /* enum cert_type, or one we do not know */
    uint8_t key_type; /* enum cert_key_type, or one we do not know */
    uint32_t expires_h;
    uint8_t key[32];             /* the certified key or digest */
    bool has_signer;             /* the signing key is in an extension (type 4) */
    struct ed_id signer;         /* if has_signer */
    const uint8_t *signed_bytes; /* view into the caller's bytes, which must outlive verifying */
    size_t signed_len;
    uint8_t sig[ED25519_SIG_LEN];
};

/* The whole of BYTES. ERR_TRUNCATED, ERR_TRAILING, ERR_UNSUPPORTED (version other than 1, or an
 * unknown extension that affects validation), ERR_MALFORMED. The type is the caller's to check. */
MUST_USE err_t ed_cert_parse(const void *bytes, size_t len, struct ed_cert *out);

/* Signature by SIGNER, or by the embedded key if SIGNER is NULL. A certificate that embeds another
 * key than SIGNER is refused. ERR_BAD_SIGNATURE, ERR_MALFORMED (SIGNER NULL and no key inside). */
MUST_USE err_t ed_cert_check_signature(const struct ed_cert *cert, const struct ed_id *signer);

/* ERR_EXPIRED once the hour EXPIRES_H has begun and a second has passed, as in C tor. */
MUST_USE err_t cert_check_expiry(uint32_t expires_h, int64_t now_s);

/* Both. */
MUST_USE err_t ed_cert_verify(const struct ed_cert *cert, const struct ed_id *signer,
                              int64_t now_s);

/* Appends a certificate over CERT's type, key_type, expires_h and key, signed by SIGNER, whose
 * public key goes into an extension if CERT->has_signer. */
MUST_USE err_t ed_cert_make(const struct ed_cert *cert, const struct ed_secret *signer,
                            struct wr *out);

/* RSA -> Ed25519 cross-certificate (cert-spec 2.3; CERTS type 7). */
struct rsa_crosscert {
    struct ed_id ed;
    uint32_t expires_h;
    uint8_t digest[32]; /* what is signed: SHA-256 over prefix and fields */
    const uint8_t *sig; /* view into the caller's bytes, which must outlive verifying */
    size_t sig_len;
};

/* The whole of BYTES. ERR_TRUNCATED, ERR_TRAILING. */
MUST_USE err_t rsa_crosscert_parse(const void *bytes, size_t len, struct rsa_crosscert *out);

/* ERR_BAD_SIGNATURE, ERR_EXPIRED. */
MUST_USE err_t rsa_crosscert_verify(const struct rsa_crosscert *cert, const struct rsa_pub *rsa,
                                    int64_t now_s);

MUST_USE err_t rsa_crosscert_make(const struct ed_id *ed, uint32_t expires_h,
                                  const struct rsa_key *rsa, struct wr *out);

#endif
