#include "testnet/relay_certs.h"

#include <string.h>

#include "crypto/cert.h"
#include "crypto/secret.h"
#include "link/certs_make.h"

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    LIFETIME_S = 30 * DAY_S,
    RSA_LIFETIME_S = 365 * DAY_S,
    LONG_RSA_BITS = 1536
};

/* ---- lies about what is made ---- */

static struct chan_cert *find(struct relay_certs *c, uint8_t type)
{
    for (size_t i = 0; i < c->list.n; i++)
        if (c->list.c[i].type == type)
            return &c->list.c[i];
    return NULL;
}

static void leave_out(struct relay_certs *c, uint8_t type)
{
    struct chan_cert *cert = find(c, type);
    memmove(cert, cert + 1, (size_t)(&c->list.c[--c->list.n] - cert) * sizeof *cert);
}

/* All of these end in their signature. */
static void spoil_signature(struct relay_certs *c, uint8_t type)
{
    struct chan_cert *cert = find(c, type);
    c->storage[(size_t)(cert->body - c->storage) + cert->len - 1] ^= 1;
}

static void spoil(struct relay_certs *c, enum relay_certs_lie lie)
{
    if (lie >= RELAY_CERTS_NO_RSA_ID && lie <= RELAY_CERTS_NO_CROSS) {
        static const uint8_t types[] = {CERT_RSA_ID_X509, CERT_IDENTITY_V_SIGNING,
                                        CERT_SIGNING_V_TLS_CERT, CERT_RSA_ID_V_IDENTITY};
        leave_out(c, types[lie - RELAY_CERTS_NO_RSA_ID]);
    } else if (lie == RELAY_CERTS_TWO_LINKS) {
        c->list.c[c->list.n++] = *find(c, CERT_SIGNING_V_TLS_CERT);
    } else if (lie == RELAY_CERTS_RSA_SIGNATURE) {
        spoil_signature(c, CERT_RSA_ID_X509);
    } else if (lie == RELAY_CERTS_SIGNING_SIGNATURE) {
        spoil_signature(c, CERT_IDENTITY_V_SIGNING);
    } else if (lie == RELAY_CERTS_LINK_SIGNATURE) {
        spoil_signature(c, CERT_SIGNING_V_TLS_CERT);
    } else if (lie == RELAY_CERTS_CROSS_SIGNATURE) {
        spoil_signature(c, CERT_RSA_ID_V_IDENTITY);
    }
}

/* ---- all of them ---- */

/* What the identity key signs, and the signing key. */
static err_t add_eds(struct relay_certs *c, const struct identity *id, const struct ed_secret *ed,
                     const struct sha256 *tls_cert, int64_t now_s, enum relay_certs_lie lie,
                     struct wr *w)
{
    uint32_t until_h = (uint32_t)((now_s + LIFETIME_S) / HOUR_S);
    uint32_t over_h = (uint32_t)((now_s - DAY_S) / HOUR_S);
    struct ed_cert signing = {.type = CERT_IDENTITY_V_SIGNING,
                              .key_type = CERT_KEY_ED25519,
                              .expires_h = lie == RELAY_CERTS_EXPIRED ? over_h : until_h,
                              .has_signer = lie != RELAY_CERTS_SIGNING_NO_KEY};
    struct ed_cert link = {.type = CERT_SIGNING_V_TLS_CERT,
                           .key_type = lie == RELAY_CERTS_LINK_KEY_TYPE ? CERT_KEY_ED25519
                                                                        : CERT_KEY_X509_SHA256,
                           .expires_h = lie == RELAY_CERTS_LINK_EXPIRED ? over_h : until_h};
    memcpy(signing.key, id->signing.pub.b, sizeof signing.key);
    memcpy(link.key, tls_cert->b, sizeof link.key);
    if (lie == RELAY_CERTS_WRONG_TLS)
        link.key[0] ^= 1;
    TRY(certs_make_ed(&c->list, w, &signing, ed));
    return certs_make_ed(&c->list, w, &link, &id->signing);
}

static err_t add_all(struct relay_certs *c, const struct identity *id, const struct rsa_key *rsa,
                     const struct ed_secret *ed, const struct sha256 *tls_cert, int64_t now_s,
                     enum relay_certs_lie lie)
{
    struct wr w = wr_over(c->storage, sizeof c->storage);
    bool rsa_over = lie == RELAY_CERTS_RSA_EXPIRED, cross_over = lie == RELAY_CERTS_CROSS_EXPIRED;
    int64_t cross_until_s = now_s + (cross_over ? -DAY_S : LIFETIME_S);
    struct ed_id crossed = ed->pub;
    if (lie == RELAY_CERTS_CROSS_OTHER)
        crossed.b[0] ^= 1;
    c->list.n = 0;
    int64_t rsa_until_s = now_s + (rsa_over ? -10 * DAY_S : RSA_LIFETIME_S - DAY_S);
    TRY(certs_make_rsa_id(&c->list, &w, rsa, rsa_until_s - RSA_LIFETIME_S, rsa_until_s));
    TRY(add_eds(c, id, ed, tls_cert, now_s, lie, &w));
    TRY(certs_make_cross(&c->list, &w, rsa, &crossed, (uint32_t)(cross_until_s / HOUR_S)));
    spoil(c, lie);
    return OK;
}

/* The certificates in the order of their types, as tor has them; the legacy types 1 and 3 are gone
 * since 0.4.9. */
err_t relay_certs_make(const struct identity *id, const struct sha256 *tls_cert, int64_t now_s,
                       enum relay_certs_lie lie, struct relay_certs *out)
{
    struct ed_secret ed = id->ed;
    struct rsa_key *other = NULL;
    if (lie == RELAY_CERTS_RSA_BITS)
        TRY(rsa_key_generate(LONG_RSA_BITS, &other));
    if (lie == RELAY_CERTS_OTHER_ED)
        ed25519_from_seed(id->ntor_pub.b, &ed);
    err_t e = add_all(out, id, other ? other : id->rsa, &ed, tls_cert, now_s, lie);
    rsa_key_free(other);
    secret_wipe(&ed, sizeof ed);
    return e;
}
