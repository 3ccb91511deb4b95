#include "link/certs.h"

#include <stdio.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"

enum { KNOWN_TYPES = CHAN_CERT_RSA_ED_CROSS + 1 };

struct chain {
    const struct chan_cert *of[KNOWN_TYPES]; /* by type; NULL: not there */
    const struct sha256 *tls_cert;           /* NULL: an initiator's, who has none */
    int64_t now_s;
    char *text;
    size_t cap;
};

static err_t bad(struct chain *c, const char *what, err_t why)
{
    bool dates = why == ERR_EXPIRED || why == ERR_NOT_YET_VALID;
    if (why == ERR_NOMEM) { /* no fault of theirs */
        snprintf(c->text, c->cap, "no memory to check certificates");
        return why;
    }
    snprintf(c->text, c->cap, "bad CERTS cell: %s%s%s%s", what, why == OK ? "" : ": ",
             why == OK ? "" : err_text(why), dates ? " (or our clock is wrong)" : "");
    return dates ? ERR_LINK_DATES : ERR_LINK_CERTS;
}

/* tor-spec 4.2: "A CERTS cell may have no more than one certificate of each CertType." Types that
 * we do not know do not concern us. */
static err_t sort_by_type(struct chain *c, const struct chan_certs *cells)
{
    static const char *const missing[KNOWN_TYPES] = {
        [CHAN_CERT_RSA_ID] = "no RSA identity certificate (type 2)",
        [CHAN_CERT_ED_ID_SIGNING] = "no Ed25519 identity certificate (type 4)",
        [CHAN_CERT_ED_SIGNING_LINK] = "no certificate of the TLS key (type 5)",
        [CHAN_CERT_ED_SIGNING_AUTH] = "no certificate of the authentication key (type 6)",
        [CHAN_CERT_RSA_ED_CROSS] = "no RSA to Ed25519 cross-certificate (type 7)"};
    size_t others = c->tls_cert ? CHAN_CERT_ED_SIGNING_AUTH : CHAN_CERT_ED_SIGNING_LINK;
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t type = cells->c[i].type;
        if (type == 0 || type >= KNOWN_TYPES)
            continue;
        if (c->of[type])
            return bad(c, "two certificates of one type", OK);
        c->of[type] = &cells->c[i];
    }
    for (size_t type = 0; type < KNOWN_TYPES; type++) {
        if (missing[type] && !c->of[type] && type != others)
            return bad(c, missing[type], OK);
    }
    return OK;
}

/* Type 4: the identity key is inside and signs the signing key. */
static err_t check_identity(struct chain *c, struct ed_id *identity, struct ed_id *signing)
{
    const struct chan_cert *body = c->of[CHAN_CERT_ED_ID_SIGNING];
    struct ed_cert cert;
    err_t e = ed_cert_parse(body->body, body->len, &cert);
    if (e == OK && (cert.type != CERT_IDENTITY_V_SIGNING || cert.key_type != CERT_KEY_ED25519 ||
                    !cert.has_signer))
        e = ERR_MALFORMED;
    if (e == OK)
        e = ed_cert_verify(&cert, NULL, c->now_s);
    if (e != OK)
        return bad(c, "Ed25519 identity certificate (type 4)", e);
    *identity = cert.signer;
    memcpy(signing->b, cert.key, sizeof signing->b);
    return OK;
}

/* Type 5: the signing key vouches for the certificate that TLS was made with. */
static err_t check_tls(struct chain *c, const struct ed_id *signing)
{
    const struct chan_cert *body = c->of[CHAN_CERT_ED_SIGNING_LINK];
    struct ed_cert cert;
    err_t e = ed_cert_parse(body->body, body->len, &cert);
    if (e == OK && (cert.type != CERT_SIGNING_V_TLS_CERT || cert.key_type != CERT_KEY_X509_SHA256))
        e = ERR_MALFORMED;
    if (e == OK)
        e = ed_cert_verify(&cert, signing, c->now_s);
    if (e != OK)
        return bad(c, "certificate of the TLS key (type 5)", e);
    /* tor-spec 4.2: "The certified key in the Signing->Link certificate matches the SHA256 digest
     * of the certificate that was used to authenticate the TLS connection." */
    if (!secret_equal(cert.key, c->tls_cert->b, sizeof c->tls_cert->b))
        return bad(c, "it is for another TLS certificate than the connection's", OK);
    return OK;
}

/* Type 6: the signing key vouches for the key that signs AUTHENTICATE. */
static err_t check_auth(struct chain *c, const struct ed_id *signing, struct ed_id *auth_key)
{
    const struct chan_cert *body = c->of[CHAN_CERT_ED_SIGNING_AUTH];
    struct ed_cert cert;
    err_t e = ed_cert_parse(body->body, body->len, &cert);
    if (e == OK && (cert.type != CERT_SIGNING_V_LINK_AUTH || cert.key_type != CERT_KEY_ED25519))
        e = ERR_MALFORMED;
    /* tor-spec 4.2: "The Signing->AUTH cert was signed with the Signing key listed in the
     * ID->Signing cert." */
    if (e == OK)
        e = ed_cert_verify(&cert, signing, c->now_s);
    if (e != OK)
        return bad(c, "certificate of the authentication key (type 6)", e);
    memcpy(auth_key->b, cert.key, sizeof auth_key->b);
    return OK;
}

/* Types 2 and 7: the RSA identity signs itself and the Ed25519 identity. */
static err_t check_rsa(struct chain *c, const struct ed_id *identity, struct certs_proved *out)
{
    const struct chan_cert *id = c->of[CHAN_CERT_RSA_ID], *cross = c->of[CHAN_CERT_RSA_ED_CROSS];
    struct rsa_pub *rsa = NULL;
    struct rsa_crosscert cert;
    err_t e = rsa_id_cert_verify(id->body, id->len, c->now_s, &rsa);
    if (e != OK)
        return bad(c, "RSA identity certificate (type 2)", e);
    e = rsa_crosscert_parse(cross->body, cross->len, &cert);
    if (e == OK)
        e = rsa_crosscert_verify(&cert, rsa, c->now_s);
    rsa_pub_id(rsa, &out->rsa);
    rsa_pub_sha256(rsa, &out->rsa_sha256);
    rsa_pub_free(rsa);
    if (e != OK)
        return bad(c, "RSA to Ed25519 cross-certificate (type 7)", e);
    /* tor-spec 4.2: "The RSA->Ed25519 cross-certificate certifies the Ed25519 identity" */
    if (!ed_id_equal(&cert.ed, identity))
        return bad(c, "the cross-certificate is for another Ed25519 identity", OK);
    return OK;
}

static err_t other_relay(struct chain *c, const char *kind, const uint8_t *want,
                         const uint8_t *found, size_t len)
{
    char want_hex[HEX_SIZE(32)], found_hex[HEX_SIZE(32)];
    snprintf(c->text, c->cap, "another relay answers: %s expected %s, found %s", kind,
             hex_upper(want, len, want_hex), hex_upper(found, len, found_hex));
    return ERR_LINK_IDENTITY;
}

static err_t check_target(struct chain *c, const struct link_target *target,
                          const struct certs_proved *found)
{
    if (target->has_rsa && !rsa_id_equal(&target->rsa, &found->rsa))
        return other_relay(c, "RSA", target->rsa.b, found->rsa.b, sizeof found->rsa.b);
    if (target->has_ed && !ed_id_equal(&target->ed, &found->ed))
        return other_relay(c, "Ed25519", target->ed.b, found->ed.b, sizeof found->ed.b);
    return OK;
}

err_t certs_verify(const struct chan_certs *cells, const struct sha256 *tls_cert,
                   const struct link_target *target, int64_t now_s, struct certs_proved *out,
                   char *text, size_t cap)
{
    struct chain c = {.tls_cert = tls_cert, .now_s = now_s, .text = text, .cap = cap};
    struct certs_proved found;
    struct ed_id signing;
    TRY(sort_by_type(&c, cells));
    TRY(check_identity(&c, &found.ed, &signing));
    TRY(check_tls(&c, &signing));
    TRY(check_rsa(&c, &found.ed, &found));
    TRY(check_target(&c, target, &found));
    *out = found;
    return OK;
}

/* tor-spec 4.2: "To authenticate the initiator as having a given Ed25519,RSA identity key
 * combination, the responder MUST check": exactly one each of types 2, 4, 6 and 7, none expired,
 * all rightly signed, a 1024-bit RSA key that vouches for the Ed25519 identity. */
err_t certs_verify_initiator(const struct chan_certs *cells, int64_t now_s, struct certs_claim *out,
                             char *text, size_t cap)
{
    struct chain c = {.now_s = now_s, .text = text, .cap = cap};
    struct certs_claim found;
    struct ed_id signing;
    TRY(sort_by_type(&c, cells));
    TRY(check_identity(&c, &found.who.ed, &signing));
    TRY(check_auth(&c, &signing, &found.auth_key));
    TRY(check_rsa(&c, &found.who.ed, &found.who));
    *out = found;
    return OK;
}

static const struct chan_cert *find(const struct chan_certs *list, uint8_t type)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->c[i].type == type)
            return &list->c[i];
    return NULL;
}

err_t certs_shown(const struct chan_certs *ours, struct certs_proved *out)
{
    const struct chan_cert *id = find(ours, CHAN_CERT_RSA_ID);
    const struct chan_cert *signing = find(ours, CHAN_CERT_ED_ID_SIGNING);
    struct rsa_pub *rsa = NULL;
    struct ed_cert cert;
    if (!id || !signing)
        return ERR_NOT_FOUND;
    TRY(ed_cert_parse(signing->body, signing->len, &cert));
    TRY(rsa_pub_from_x509(id->body, id->len, &rsa));
    out->ed = cert.signer;
    rsa_pub_id(rsa, &out->rsa);
    rsa_pub_sha256(rsa, &out->rsa_sha256);
    rsa_pub_free(rsa);
    return OK;
}
