#include "testnet/relay_certs.h"

#include <string.h>

#include "crypto/cert.h"
#include "crypto/secret.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, LIFETIME_S = 30 * DAY_S, RSA_LIFETIME_S = 365 * DAY_S };

/* What was appended to W since FROM is a certificate of TYPE. */
static void add(struct relay_certs *c, uint8_t type, const struct wr *w, size_t from)
{
    c->list.c[c->list.n++] = (struct chan_cert){
        .type = type, .len = (uint16_t)(w->len - from), .body = c->storage + from};
}

static err_t add_ed(struct relay_certs *c, const struct ed_cert *cert,
                    const struct ed_secret *signer, struct wr *w)
{
    size_t from = w->len;
    TRY(ed_cert_make(cert, signer, w));
    add(c, cert->type, w, from);
    return OK;
}

static err_t add_rsa_id(struct relay_certs *c, const struct identity *id, int64_t now_s,
                        struct wr *w)
{
    size_t from = w->len;
    TRY(rsa_id_cert_make(id->rsa, now_s - DAY_S, now_s + RSA_LIFETIME_S, w));
    add(c, CERT_RSA_ID_X509, w, from);
    return OK;
}

static err_t add_cross(struct relay_certs *c, const struct identity *id, const struct ed_id *ed,
                       uint32_t until_h, struct wr *w)
{
    size_t from = w->len;
    TRY(rsa_crosscert_make(ed, until_h, id->rsa, w));
    add(c, CERT_RSA_ID_V_IDENTITY, w, from);
    return OK;
}

/* In the order of their types, as tor has them; the legacy types 1 and 3 are gone since 0.4.9. */
err_t relay_certs_make(const struct identity *id, const struct sha256 *tls_cert, int64_t now_s,
                       enum relay_certs_lie lie, struct relay_certs *out)
{
    uint32_t until_h = (uint32_t)((now_s + LIFETIME_S) / HOUR_S);
    struct ed_cert signing = {.type = CERT_IDENTITY_V_SIGNING,
                              .key_type = CERT_KEY_ED25519,
                              .expires_h = until_h,
                              .has_signer = true};
    struct ed_cert link = {
        .type = CERT_SIGNING_V_TLS_CERT, .key_type = CERT_KEY_X509_SHA256, .expires_h = until_h};
    struct ed_secret ed = id->ed;
    struct wr w = wr_over(out->storage, sizeof out->storage);
    out->list.n = 0;
    memcpy(signing.key, id->signing.pub.b, sizeof signing.key);
    memcpy(link.key, tls_cert->b, sizeof link.key);
    if (lie == RELAY_CERTS_EXPIRED)
        signing.expires_h = (uint32_t)((now_s - DAY_S) / HOUR_S);
    else if (lie == RELAY_CERTS_WRONG_TLS)
        link.key[0] ^= 1;
    else if (lie == RELAY_CERTS_OTHER_ED)
        ed25519_from_seed(id->ntor_pub.b, &ed);
    TRY(add_rsa_id(out, id, now_s, &w));
    TRY(add_ed(out, &signing, &ed, &w));
    TRY(add_ed(out, &link, &id->signing, &w));
    err_t e = add_cross(out, id, &ed.pub, until_h, &w);
    secret_wipe(&ed, sizeof ed);
    return e;
}
