/* TLS of two programs that know each other's keys: both prove theirs, and nothing but the key makes
 * anybody known. */
#include "crypto/openssl.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "link/tls_mutual.h"

#include <string.h>

#include "support/test.h"

enum { YEAR_S = 365 * 24 * 3600 };

struct own {
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    size_t cert_len, key_len;
    struct sha256 pin;
};

static struct {
    struct env *env;
    struct own a, b; /* the client's, the server's */
    struct tls_ctx *client_ctx, *server_ctx;
    struct tls *client, *server;
    uint8_t hello[4096]; /* the client's first bytes */
    size_t hello_len;
    size_t last_words; /* what the server sent when it was through */
} p;

static void own_make(struct own *o, const char *name)
{
    struct wr cert = wr_over(o->cert, sizeof o->cert), key = wr_over(o->key, sizeof o->key);
    int64_t now_s = env_wall_s(p.env);
    ck_ok(tls_mutual_make(name, now_s, now_s + YEAR_S, &cert, &key));
    o->cert_len = cert.len;
    o->key_len = key.len;
    ck_ok(tls_cert_spki_sha256(o->cert, o->cert_len, &o->pin));
}

static struct tls_ctx *ctx_of(bool server, const struct own *o)
{
    struct tls_ctx *ctx;
    ck_ok(tls_ctx_new_mutual(server, o->cert, o->cert_len, o->key, o->key_len, &ctx));
    return ctx;
}

static void set_up(void)
{
    p.env = test_env(3);
    own_make(&p.a, "m1");
    own_make(&p.b, "coordinator");
    p.client_ctx = ctx_of(false, &p.a);
    p.server_ctx = ctx_of(true, &p.b);
}

static void tear_down(void)
{
    tls_free(p.client);
    tls_free(p.server);
    tls_ctx_free(p.client_ctx);
    tls_ctx_free(p.server_ctx);
    test_env_free(p.env);
    p.client = p.server = NULL;
}

static void move(struct tls *from, struct tls *to)
{
    size_t len, room;
    const uint8_t *at = tls_out(from, &len);
    uint8_t *in = tls_in_room(to, &room);
    if (!at || !in)
        return;
    if (!p.hello_len && len < sizeof p.hello)
        memcpy(p.hello, at, p.hello_len = len);
    len = len < room ? len : room;
    memcpy(in, at, len);
    tls_in_done(to, len);
    tls_out_sent(from, len);
}

/* What becomes of the two sides; neither waits for ever. */
static void shake(err_t *client, err_t *server)
{
    *client = *server = ERR_MORE;
    p.hello_len = 0;
    p.client = tls_new(p.client_ctx, p.env);
    p.server = tls_new(p.server_ctx, p.env);
    ck_assert(p.client && p.server);
    for (int i = 0; i < 8; i++) {
        if (*client == ERR_MORE)
            *client = tls_handshake(p.client);
        move(p.client, p.server);
        bool was_through = *server == OK;
        if (*server == ERR_MORE)
            *server = tls_handshake(p.server);
        if (*server == OK && !was_through)
            tls_out(p.server, &p.last_words);
        move(p.server, p.client);
    }
}

static void shaken(void)
{
    err_t client, server;
    shake(&client, &server);
    ck_ok(client);
    ck_ok(server);
}

START_TEST(test_tls_mutual_each_sees_the_others_key)
{
    struct sha256 seen;
    char text[80];
    uint8_t got[8];
    size_t n;
    set_up();
    shaken();
    ck_assert(tls_peer_spki_sha256(p.server, &seen));
    ck_assert_mem_eq(&seen, &p.a.pin, sizeof seen);
    ck_assert(tls_peer_spki_sha256(p.client, &seen));
    ck_assert_mem_eq(&seen, &p.b.pin, sizeof seen);
    ck_assert_mem_ne(&p.a.pin, &p.b.pin, sizeof seen);
    ck_assert_ptr_nonnull(strstr(tls_describe(p.client, text, sizeof text), "TLSv1.3"));
    ck_ok(tls_write(p.client, (const uint8_t *)"hello", 5));
    move(p.client, p.server);
    ck_ok(tls_read(p.server, got, sizeof got, &n));
    ck_assert_uint_eq(n, 5);
    tear_down();
}
END_TEST

/* The pin is that of the key as `openssl pkey -pubout -outform der | sha256sum` has it. */
START_TEST(test_tls_mutual_pin_is_of_the_public_key)
{
    set_up();
    const unsigned char *at = p.a.key;
    unsigned char *der = NULL, digest[32];
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)p.a.key_len);
    ck_assert_ptr_nonnull(key);
    int len = i2d_PUBKEY(key, &der);
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
    ck_assert_mem_eq(digest, p.a.pin.b, sizeof digest);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    tear_down();
}
END_TEST

START_TEST(test_tls_mutual_certificate_signs_no_others)
{
    set_up();
    const unsigned char *at = p.a.cert;
    X509 *cert = d2i_X509(NULL, &at, (long)p.a.cert_len);
    ck_assert_ptr_nonnull(cert);
    ck_assert_int_eq(X509_check_ca(cert), 0);
    ck_assert_uint_eq(X509_get_extension_flags(cert) & (EXFLAG_BCONS | EXFLAG_CA), EXFLAG_BCONS);
    time_t later = (time_t)(env_wall_s(p.env) + YEAR_S + 1), before = later - YEAR_S - 60;
    ck_assert_int_lt(X509_cmp_time(X509_get0_notAfter(cert), &later), 0);
    ck_assert_int_gt(X509_cmp_time(X509_get0_notBefore(cert), &before), 0);
    X509_free(cert);
    tear_down();
}
END_TEST

START_TEST(test_tls_mutual_names)
{
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX], name[66] = {0};
    static const char *const bad[] = {"", "a\nb", "m\xc3\xbcller"};
    p.env = test_env(3);
    for (size_t i = 0; i < 3; i++) {
        struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
        ck_err(tls_mutual_make(bad[i], 0, YEAR_S, &c, &k), ERR_ARG);
    }
    memset(name, 'n', 65);
    struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
    ck_err(tls_mutual_make((char *)name, 0, YEAR_S, &c, &k), ERR_ARG);
    name[64] = 0;
    ck_ok(tls_mutual_make((char *)name, 0, YEAR_S, &c, &k));
    c = wr_over(cert, 20);
    ck_err(tls_mutual_make("m1", 0, YEAR_S, &c, &k), ERR_FULL);
    test_env_free(p.env);
}
END_TEST

/* A's key signs a certificate of C's, with or without A's own behind it: it is C who proves a key,
 * and C is nobody that B knows. */
START_TEST(test_tls_mutual_signature_of_a_known_key_makes_nobody_known)
{
    struct own c;
    struct sha256 seen;
    set_up();
    own_make(&c, "m1");
    const unsigned char *at = c.cert, *a_at = p.a.key;
    X509 *cert = d2i_X509(NULL, &at, (long)c.cert_len);
    EVP_PKEY *signer = d2i_AutoPrivateKey(NULL, &a_at, (long)p.a.key_len);
    ck_assert(cert && signer);
    ck_assert_int_gt(X509_sign(cert, signer, EVP_sha256()), 0);
    ck_assert_int_eq(X509_verify(cert, signer), 1);
    unsigned char *der = c.cert;
    int len = i2d_X509(cert, NULL);
    ck_assert(len > 0 && (size_t)len <= sizeof c.cert);
    c.cert_len = (size_t)i2d_X509(cert, &der);
    X509_free(cert);
    EVP_PKEY_free(signer);
    tls_ctx_free(p.client_ctx);
    p.client_ctx = ctx_of(false, &c);
    shaken();
    ck_assert(tls_peer_spki_sha256(p.server, &seen));
    ck_assert_mem_ne(&seen, &p.a.pin, sizeof seen);
    ck_assert_mem_eq(&seen, &c.pin, sizeof seen);
    tear_down();
}
END_TEST

/* A's certificate does not help who lacks A's key. */
START_TEST(test_tls_mutual_certificate_without_its_key_is_refused)
{
    struct tls_ctx *ctx = NULL;
    set_up();
    ck_err(tls_ctx_new_mutual(false, p.a.cert, p.a.cert_len, p.b.key, p.b.key_len, &ctx),
           ERR_CRYPTO);
    ck_err(tls_ctx_new_mutual(false, p.a.cert, 20, p.a.key, p.a.key_len, &ctx), ERR_CRYPTO);
    ck_err(tls_ctx_new_mutual(false, p.a.cert, p.a.cert_len, p.a.key, 20, &ctx), ERR_CRYPTO);
    ck_assert_ptr_null(ctx);
    tear_down();
}
END_TEST

START_TEST(test_tls_mutual_client_without_a_certificate_is_refused)
{
    err_t client, server;
    struct sha256 seen;
    set_up();
    tls_ctx_free(p.client_ctx);
    ck_ok(tls_ctx_new_client(&p.client_ctx));
    shake(&client, &server);
    ck_err(server, ERR_LINK_TLS);
    ck_assert(!tls_peer_spki_sha256(p.server, &seen));
    tear_down();
}
END_TEST

START_TEST(test_tls_mutual_only_version_1_3)
{
    err_t client, server;
    set_up();
    ck_ok(tls_ctx_force_version(p.client_ctx, TLS_1_2));
    shake(&client, &server);
    ck_err(server, ERR_LINK_TLS);
    ck_err(client, ERR_LINK_TLS);
    tear_down();
    set_up();
    ck_ok(tls_ctx_force_version(p.server_ctx, TLS_1_2));
    shake(&client, &server);
    ck_err(client, ERR_LINK_TLS);
    tear_down();
}
END_TEST

/* Nothing is on the wire that would resume a session or name a server. */
START_TEST(test_tls_mutual_no_tickets_and_no_server_name)
{
    set_up();
    p.last_words = 1;
    shaken();
    ck_assert_uint_eq(p.last_words, 0);
    ck_assert_uint_gt(p.hello_len, 0);
    ck_assert_ptr_null(memmem(p.hello, p.hello_len, "www.", 4));
    tear_down();
}
END_TEST

/* RFC 5705: both ends have the same, another label, context or session something else. */
START_TEST(test_tls_mutual_exporter)
{
    uint8_t c[TLS_EXPORT_LEN], s[TLS_EXPORT_LEN], other[TLS_EXPORT_LEN];
    set_up();
    p.client = tls_new(p.client_ctx, p.env);
    ck_err(tls_export(p.client, "label", "context", 7, c), ERR_CRYPTO); /* too early */
    tls_free(p.client);
    shaken();
    ck_ok(tls_export(p.client, "label", "context", 7, c));
    ck_ok(tls_export(p.server, "label", "context", 7, s));
    ck_assert_mem_eq(c, s, sizeof c);
    ck_ok(tls_export(p.server, "label", "contexu", 7, other));
    ck_assert_mem_ne(c, other, sizeof c);
    ck_ok(tls_export(p.server, "labem", "context", 7, other));
    ck_assert_mem_ne(c, other, sizeof c);
    tls_free(p.client);
    tls_free(p.server);
    shaken();
    ck_ok(tls_export(p.server, "label", "context", 7, other));
    ck_assert_mem_ne(c, other, sizeof c);
    tear_down();
}
END_TEST

START_TEST(test_tls_mutual_pin_of_what_is_no_certificate)
{
    struct sha256 pin;
    set_up();
    for (size_t len = 0; len < p.a.cert_len; len++)
        ck_err(tls_cert_spki_sha256(p.a.cert, len, &pin), ERR_MALFORMED);
    p.a.cert[p.a.cert_len] = 0;
    ck_err(tls_cert_spki_sha256(p.a.cert, p.a.cert_len + 1, &pin), ERR_MALFORMED);
    tear_down();
}
END_TEST

TESTS("link/tls_mutual", test_tls_mutual_each_sees_the_others_key,
      test_tls_mutual_pin_is_of_the_public_key, test_tls_mutual_certificate_signs_no_others,
      test_tls_mutual_names, test_tls_mutual_signature_of_a_known_key_makes_nobody_known,
      test_tls_mutual_certificate_without_its_key_is_refused,
      test_tls_mutual_client_without_a_certificate_is_refused, test_tls_mutual_only_version_1_3,
      test_tls_mutual_no_tickets_and_no_server_name, test_tls_mutual_exporter,
      test_tls_mutual_pin_of_what_is_no_certificate)
