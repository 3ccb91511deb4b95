/* Descriptors that were changed and signed again by their relay: what a signature cannot excuse. */
#include "crypto/cert.h"
#include "crypto/hash.h"
#include "dirdoc/docw.h"
#include "fetched.h"

enum { RELAY = 4 };

static struct text descriptor(const struct docnet *n)
{
    return netdocs_descriptor(n->docs, &n->id[RELAY].rsa_id);
}

/* Both signatures behind BODY; the RSA one is of its first RSA_LEN bytes, or of all if 0. */
static void sign(const struct docnet *n, struct docw *w, struct text body, size_t rsa_len)
{
    uint8_t digest[SHA1_LEN];
    docw_add(w, body);
    docw_add(w, TEXT_LIT("router-sig-ed25519 "));
    docw_ed_sign_from(w, 0, "Tor router descriptor signature v1", &n->id[RELAY].signing);
    docw_add(w, TEXT_LIT("router-signature\n"));
    sha1(w->s, rsa_len ? rsa_len : w->len, digest);
    docw_rsa_sign(w, n->id[RELAY].rsa, digest, sizeof digest, "SIGNATURE");
    ck_ok(w->err);
}

static struct text body_of(const char *text)
{
    const char *end = strstr(text, "router-sig-ed25519 ");
    ck_assert_ptr_nonnull(end);
    return (struct text){text, (size_t)(end - text)};
}

static void judged(const struct docnet *n, const char *from, const char *to,
                   enum docs_verdict verdict, const char *says)
{
    struct fetched f = fetched_new((struct docnet *)(uintptr_t)n);
    struct docw w = {0};
    char *text = fetched_changed(descriptor(n), from, to);
    sign(n, &w, body_of(text), 0);
    fetched_answer(&f, "server/authority", docw_text(&w));
    fetched_is(&f, verdict, says);
    docw_free(&w);
    free(text);
    fetched_clear(&f);
}

START_TEST(test_resigned_descriptor_is_good)
{
    struct docnet *n = docnet_usual(1);
    judged(n, "\nuptime 0", "\nuptime 1", DOCS_GOOD, "");
    judged(n, "\nuptime 0", "\nrouter-signature-x 1\nuptime 0", DOCS_GOOD, "");
    docnet_free(n);
}
END_TEST

START_TEST(test_resigned_lines_must_be_right)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"\nidentity-ed25519\n", "\nx 1\nidentity-ed25519\n", "is not the second one"},
        {"\npublished 2", "\npublished 1", "published line is malformed"},
        {"\nuptime 0", "\nuptime 0\nuptime2 1\npublished 2026-01-01 00:00:00", "there twice"},
        {"router ", "router -", "router line is malformed"},
        {"\nfingerprint ", "\nfingerprint F", "fingerprint line is malformed"},
        {"\nmaster-key-ed25519 ", "\nmaster-key-ed25519 =", "master-key-ed25519 line is malformed"},
        {"\nonion-key-crosscert\n", "\nx\n", "onion-key and onion-key-crosscert"},
        {"\nntor-onion-key-crosscert ", "\nntor-onion-key-crosscert 2", "no bit of 0 or 1"},
    };
    struct docnet *n = docnet_usual(2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        judged(n, rows[i].from, rows[i].to, DOCS_BAD, rows[i].says);
    docnet_free(n);
}
END_TEST

/* The object behind the line KEYWORD in the descriptor becomes CERT, signed by SIGNER. */
static void with_cert(const struct docnet *n, const char *keyword, const struct ed_cert *cert,
                      const struct ed_secret *signer, const char *says)
{
    uint8_t bytes[256];
    char pem[1024], old[1024];
    struct wr w = wr_over(bytes, sizeof bytes);
    struct text t = descriptor(n);
    const char *begin = memmem(t.s, t.len, keyword, strlen(keyword));
    ck_assert_ptr_nonnull(begin);
    begin = strstr(begin, "-----BEGIN");
    const char *end = strstr(begin, "-----END ED25519 CERT-----\n") + 27;
    (void)snprintf(old, sizeof old, "%.*s", (int)(end - begin), begin);
    ck_ok(ed_cert_make(cert, signer, &w));
    pem_encode("ED25519 CERT", bytes, w.len, pem);
    judged(n, old, pem, DOCS_BAD, says);
}

START_TEST(test_resigned_certificates_must_be_of_their_kind)
{
    struct docnet *n = docnet_usual(3);
    const struct identity *id = &n->id[RELAY];
    struct ed_cert cert = {.type = CERT_SIGNING_V_LINK_AUTH,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = 10000000,
                           .has_signer = true,
                           .signer = id->ed.pub};
    memcpy(cert.key, id->signing.pub.b, sizeof cert.key);
    with_cert(n, "identity-ed25519\n", &cert, &id->ed, "certificate of the wrong type");
    cert.type = CERT_IDENTITY_V_SIGNING;
    cert.has_signer = false;
    with_cert(n, "identity-ed25519\n", &cert, &id->ed, "certificate of the wrong type");
    docnet_free(n);
}
END_TEST

START_TEST(test_resigned_ntor_crosscert_must_be_of_the_identity)
{
    struct docnet *n = docnet_usual(4);
    const struct identity *id = &n->id[RELAY];
    struct ed_secret ntor;
    unsigned bit;
    ck_ok(ed25519_secret_from_x25519(&id->ntor, &ntor, &bit));
    struct ed_cert cert = {
        .type = CERT_NTOR_CC_IDENTITY, .key_type = CERT_KEY_ED25519, .expires_h = 10000000};
    memcpy(cert.key, n->id[0].ed.pub.b, sizeof cert.key);
    with_cert(n, "ntor-onion-key-crosscert ", &cert, &ntor, "certificate of something else");
    memcpy(cert.key, id->ed.pub.b, sizeof cert.key);
    cert.type = CERT_HS_IP_CC_SIGNING;
    with_cert(n, "ntor-onion-key-crosscert ", &cert, &ntor, "certificate of something else");
    cert.type = CERT_NTOR_CC_IDENTITY;
    cert.expires_h = 1;
    with_cert(n, "ntor-onion-key-crosscert ", &cert, &ntor, "expired at 1970-01-01 01:00:00");
    docnet_free(n);
}
END_TEST

START_TEST(test_resigned_signature_of_a_part_is_bad)
{
#define HIDDEN "\nx\n-----BEGIN X-----\nrouter-signature\n-----END X-----\nuptime 0"
    struct docnet *n = docnet_usual(5);
    struct fetched f = fetched_new(n);
    struct docw w = {0};
    char *text = fetched_changed(descriptor(n), "\nuptime 0", HIDDEN);
    const char *at = strstr(text, "\nrouter-signature\n");
    sign(n, &w, body_of(text), (size_t)(at - text) + 18);
    fetched_answer(&f, "server/authority", docw_text(&w));
    fetched_is(&f, DOCS_BAD, "not where its signed part ends");
    docw_free(&w);
    free(text);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

TESTS("fetch/resigned", test_resigned_descriptor_is_good, test_resigned_lines_must_be_right,
      test_resigned_certificates_must_be_of_their_kind,
      test_resigned_ntor_crosscert_must_be_of_the_identity,
      test_resigned_signature_of_a_part_is_bad)
