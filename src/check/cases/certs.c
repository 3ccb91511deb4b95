/* CERTS: what "the initiator MUST check", each by itself (tor-spec 4.2, cert-spec). */
#include <string.h>

#include "check/probe.h"
#include "check/sections.h"
#include "crypto/cert.h"
#include "crypto/rsa.h"

/* ---- the cell ---- */

static void is_sent(struct trial *t)
{
    (void)probe_await(probe_versions(t), CELL_CERTS, NULL);
}

static void comes_once(struct trial *t)
{
    struct probe *p = probe_versions(t);
    (void)(probe_await(p, CELL_CERTS, NULL) && probe_await(p, CELL_AUTH_CHALLENGE, NULL));
}

/* The relay's certificates: views into OUT, which stays where it is. */
static struct probe *take(struct trial *t, struct probe_hello *out)
{
    struct probe *p = probe_hello(t, out);
    trial_awaits(t, "a CERTS cell that is in order");
    return p;
}

static void is_well_formed(struct trial *t)
{
    struct probe_hello hello;
    (void)take(t, &hello);
    TRIAL_EXPECT(t, hello.has_certs, "there is no CERTS");
    TRIAL_EXPECT(t, hello.certs_err == OK, "CERTS is malformed");
}

static void none_is_doubled(struct trial *t)
{
    struct probe_hello hello;
    unsigned of[256] = {0};
    (void)take(t, &hello);
    for (size_t i = 0; i < hello.certs.n; i++)
        TRIAL_EXPECT(t, ++of[hello.certs.c[i].type] == 1, "there are two of type %u",
                     (unsigned)hello.certs.c[i].type);
}

static const struct chan_cert *find(struct trial *t, const struct probe_hello *hello, uint8_t type)
{
    for (size_t i = 0; trial_goes_on(t) && i < hello->certs.n; i++)
        if (hello->certs.c[i].type == type)
            return &hello->certs.c[i];
    if (trial_goes_on(t))
        trial_fail(t, "there is none of type %u", (unsigned)type);
    return NULL;
}

static void has(struct trial *t, uint8_t type)
{
    struct probe_hello hello;
    (void)take(t, &hello);
    (void)find(t, &hello, type);
}

static void has_rsa_id(struct trial *t)
{
    has(t, CHAN_CERT_RSA_ID);
}

static void has_signing(struct trial *t)
{
    has(t, CHAN_CERT_ED_ID_SIGNING);
}

static void has_link(struct trial *t)
{
    has(t, CHAN_CERT_ED_SIGNING_LINK);
}

static void has_cross(struct trial *t)
{
    has(t, CHAN_CERT_RSA_ED_CROSS);
}

/* ---- type 2 ---- */

/* The RSA identity's key; the caller frees it. NULL: the trial has failed. */
static struct rsa_pub *rsa_of(struct trial *t, const struct probe_hello *hello)
{
    const struct chan_cert *cert = find(t, hello, CHAN_CERT_RSA_ID);
    struct rsa_pub *key = NULL;
    if (cert && rsa_pub_from_x509(cert->body, cert->len, &key) != OK)
        trial_fail(t, "type 2 is no X.509 certificate of an RSA key");
    return key;
}

static void rsa_is_1024(struct trial *t)
{
    struct probe_hello hello;
    (void)take(t, &hello);
    struct rsa_pub *key = rsa_of(t, &hello);
    if (key)
        TRIAL_EXPECT(t, rsa_pub_bits(key) == RSA_ID_BITS, "the key has %u bits", rsa_pub_bits(key));
    rsa_pub_free(key);
}

/* What is wrong with the RSA identity's certificate, if anything. */
static err_t rsa_judged(struct trial *t)
{
    struct probe_hello hello;
    struct rsa_pub *key = NULL;
    (void)take(t, &hello);
    const struct chan_cert *cert = find(t, &hello, CHAN_CERT_RSA_ID);
    err_t e = cert ? rsa_id_cert_verify(cert->body, cert->len, env_wall_s(t->run->env), &key) : OK;
    rsa_pub_free(key);
    return e;
}

static void rsa_signs_itself(struct trial *t)
{
    err_t e = rsa_judged(t);
    TRIAL_EXPECT(t, e != ERR_BAD_SIGNATURE && e != ERR_MALFORMED, "type 2: %s", err_text(e));
}

static void rsa_is_in_date(struct trial *t)
{
    err_t e = rsa_judged(t);
    TRIAL_EXPECT(t, e != ERR_EXPIRED && e != ERR_NOT_YET_VALID && e != ERR_MALFORMED, "type 2: %s",
                 err_text(e));
}

/* ---- types 4 and 5 ---- */

static bool ed_of(struct trial *t, const struct probe_hello *hello, uint8_t type,
                  struct ed_cert *out)
{
    const struct chan_cert *cert = find(t, hello, type);
    err_t e = cert ? ed_cert_parse(cert->body, cert->len, out) : OK;
    TRIAL_EXPECT(t, e == OK, "type %u: %s", (unsigned)type, err_text(e));
    TRIAL_EXPECT(t, out->type == type, "in type %u there is a certificate of type %u",
                 (unsigned)type, (unsigned)out->type);
    return trial_goes_on(t);
}

static bool take_ed(struct trial *t, struct probe_hello *hello, uint8_t type, struct ed_cert *out)
{
    *out = (struct ed_cert){.type = 0};
    (void)take(t, hello);
    return ed_of(t, hello, type, out);
}

static void signing_has_identity(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert cert;
    if (!take_ed(t, &hello, CHAN_CERT_ED_ID_SIGNING, &cert))
        return;
    TRIAL_EXPECT(t, cert.key_type == CERT_KEY_ED25519, "type 4 certifies no Ed25519 key");
    TRIAL_EXPECT(t, cert.has_signer, "type 4 does not say whose key signed it");
}

static void signing_is_signed(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert cert;
    if (take_ed(t, &hello, CHAN_CERT_ED_ID_SIGNING, &cert))
        TRIAL_EXPECT(t, ed_cert_check_signature(&cert, NULL) == OK,
                     "type 4 is not signed by the identity key in it");
}

static void is_in_date(struct trial *t, uint8_t type)
{
    struct probe_hello hello;
    struct ed_cert cert;
    if (take_ed(t, &hello, type, &cert))
        TRIAL_EXPECT(t, cert_check_expiry(cert.expires_h, env_wall_s(t->run->env)) == OK,
                     "type %u expired", (unsigned)type);
}

static void signing_is_in_date(struct trial *t)
{
    is_in_date(t, CHAN_CERT_ED_ID_SIGNING);
}

static void link_is_in_date(struct trial *t)
{
    is_in_date(t, CHAN_CERT_ED_SIGNING_LINK);
}

static void link_is_about_x509(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert cert;
    if (take_ed(t, &hello, CHAN_CERT_ED_SIGNING_LINK, &cert))
        TRIAL_EXPECT(t, cert.key_type == CERT_KEY_X509_SHA256,
                     "type 5 certifies a key of type %u, not the digest of an X.509 certificate",
                     (unsigned)cert.key_type);
}

static void link_is_signed(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert cert, signing = {.type = 0};
    struct ed_id signer;
    if (!take_ed(t, &hello, CHAN_CERT_ED_SIGNING_LINK, &cert) ||
        !ed_of(t, &hello, CHAN_CERT_ED_ID_SIGNING, &signing))
        return;
    memcpy(signer.b, signing.key, sizeof signer.b);
    TRIAL_EXPECT(t, ed_cert_check_signature(&cert, &signer) == OK,
                 "type 5 is not signed by the key in type 4");
}

static void link_is_this_one(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert cert = {.type = 0};
    struct sha256 tls_cert;
    struct probe *p = take(t, &hello);
    if (!p || !ed_of(t, &hello, CHAN_CERT_ED_SIGNING_LINK, &cert))
        return;
    TRIAL_EXPECT(t,
                 tls_peer_cert_sha256(p->tls, &tls_cert) &&
                     !memcmp(cert.key, tls_cert.b, sizeof tls_cert.b),
                 "type 5 has not the digest of this connection's TLS certificate");
}

/* ---- type 7 ---- */

static bool cross_of(struct trial *t, const struct probe_hello *hello, struct rsa_crosscert *out)
{
    const struct chan_cert *cert = find(t, hello, CHAN_CERT_RSA_ED_CROSS);
    err_t e = cert ? rsa_crosscert_parse(cert->body, cert->len, out) : OK;
    TRIAL_EXPECT(t, e == OK, "type 7: %s", err_text(e));
    return trial_goes_on(t);
}

static void cross_is_signed(struct trial *t)
{
    struct probe_hello hello;
    struct rsa_crosscert cert;
    (void)take(t, &hello);
    struct rsa_pub *key = rsa_of(t, &hello);
    if (key && cross_of(t, &hello, &cert))
        TRIAL_EXPECT(t, rsa_crosscert_verify(&cert, key, 0) == OK,
                     "type 7 is not signed by the RSA identity");
    rsa_pub_free(key);
}

static void cross_is_in_date(struct trial *t)
{
    struct probe_hello hello;
    struct rsa_crosscert cert;
    (void)take(t, &hello);
    if (cross_of(t, &hello, &cert))
        TRIAL_EXPECT(t, cert_check_expiry(cert.expires_h, env_wall_s(t->run->env)) == OK,
                     "type 7 expired");
}

static void cross_is_about_identity(struct trial *t)
{
    struct probe_hello hello;
    struct rsa_crosscert cert;
    struct ed_cert signing = {.type = 0};
    (void)take(t, &hello);
    if (cross_of(t, &hello, &cert) && ed_of(t, &hello, CHAN_CERT_ED_ID_SIGNING, &signing))
        TRIAL_EXPECT(t, signing.has_signer && ed_id_equal(&cert.ed, &signing.signer),
                     "type 7 is about another Ed25519 identity than type 4");
}

/* ---- all together ---- */

static void is_who_it_was(struct trial *t)
{
    struct probe_hello hello;
    struct ed_cert signing;
    struct rsa_id id;
    if (!take_ed(t, &hello, CHAN_CERT_ED_ID_SIGNING, &signing))
        return;
    TRIAL_EXPECT(t, ed_id_equal(&signing.signer, &t->run->ed), "the Ed25519 identity has changed");
    struct rsa_pub *key = rsa_of(t, &hello);
    if (!key)
        return;
    rsa_pub_id(key, &id);
    TRIAL_EXPECT(t, rsa_id_equal(&id, &t->run->rsa), "the RSA identity has changed");
    rsa_pub_free(key);
}

static const struct check_case cases[] = {
    {"certs/sent", CHECK_MUST, "tor-spec 4", "sends CERTS after VERSIONS", is_sent, NEEDS_NOTHING},
    {"certs/once", CHECK_MUST, "tor-spec 4", "sends one CERTS, and AUTH_CHALLENGE after it",
     comes_once, NEEDS_NOTHING},
    {"certs/form", CHECK_MUST, "tor-spec 4.2", "sends CERTS with as many certificates as it says",
     is_well_formed, NEEDS_NOTHING},
    {"certs/no-doubles", CHECK_MUST, "tor-spec 4.2", "sends no two certificates of one type",
     none_is_doubled, NEEDS_NOTHING},
    {"certs/rsa-id", CHECK_MUST, "tor-spec 4.2", "shows its RSA identity (type 2)", has_rsa_id,
     NEEDS_NOTHING},
    {"certs/signing", CHECK_MUST, "tor-spec 4.2", "shows its Ed25519 signing key (type 4)",
     has_signing, NEEDS_NOTHING},
    {"certs/link", CHECK_MUST, "tor-spec 4.2",
     "shows a certificate of the TLS certificate (type 5)", has_link, NEEDS_NOTHING},
    {"certs/cross", CHECK_MUST, "tor-spec 4.2",
     "shows its RSA identity's certificate of the Ed25519 identity (type 7)", has_cross,
     NEEDS_NOTHING},
    {"certs/rsa-1024", CHECK_MUST, "tor-spec 4.2", "has an RSA identity of 1024 bits", rsa_is_1024,
     NEEDS_NOTHING},
    {"certs/rsa-signature", CHECK_MUST, "tor-spec 4.2",
     "has signed its RSA identity's certificate with it", rsa_signs_itself, NEEDS_NOTHING},
    {"certs/rsa-date", CHECK_MUST, "tor-spec 4.2",
     "shows a certificate of its RSA identity that is in date", rsa_is_in_date, NEEDS_NOTHING},
    {"certs/signing-identity", CHECK_MUST, "cert-spec 2.2.1",
     "names its Ed25519 identity in the certificate of its signing key", signing_has_identity,
     NEEDS_NOTHING},
    {"certs/signing-signature", CHECK_MUST, "tor-spec 4.2",
     "has signed its signing key with its Ed25519 identity", signing_is_signed, NEEDS_NOTHING},
    {"certs/signing-date", CHECK_MUST, "tor-spec 4.2", "shows a signing key that is in date",
     signing_is_in_date, NEEDS_NOTHING},
    {"certs/link-kind", CHECK_MUST, "cert-spec A.4",
     "certifies the TLS certificate as the digest of an X.509 certificate", link_is_about_x509,
     NEEDS_NOTHING},
    {"certs/link-signature", CHECK_MUST, "tor-spec 4.2",
     "has signed the TLS certificate's with its signing key", link_is_signed, NEEDS_NOTHING},
    {"certs/link-date", CHECK_MUST, "tor-spec 4.2",
     "shows a certificate of the TLS certificate that is in date", link_is_in_date, NEEDS_NOTHING},
    {"certs/link-tls", CHECK_MUST, "tor-spec 4.2",
     "certifies the very TLS certificate of the connection", link_is_this_one, NEEDS_NOTHING},
    {"certs/cross-signature", CHECK_MUST, "tor-spec 4.2",
     "has signed the cross-certificate with its RSA identity", cross_is_signed, NEEDS_NOTHING},
    {"certs/cross-date", CHECK_MUST, "tor-spec 4.2", "shows a cross-certificate that is in date",
     cross_is_in_date, NEEDS_NOTHING},
    {"certs/cross-identity", CHECK_MUST, "tor-spec 4.2",
     "cross-certifies the Ed25519 identity that it shows", cross_is_about_identity, NEEDS_NOTHING},
    {"certs/identity", CHECK_MUST, "tor-spec 2", "shows the same identities in every connection",
     is_who_it_was, NEEDS_NOTHING},
};
const struct check_section check_certs = {"certs", "CERTS", cases, sizeof cases / sizeof *cases};
