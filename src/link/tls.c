#include "link/tls_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "crypto/encode.h"
#include "crypto/hash.h"

enum {
    READ_ROOM = 47 * 1024, /* with what is left of a record: under 64 KB, for storage doubles */
    NAME_LABEL_LEAST = 4,
    NAME_LABEL_MOST = 25,
    HOST_MAX = sizeof "www..com" + NAME_LABEL_MOST,
    DAY_S = 24 * 60 * 60
};

/* The lists are in C tor's order; the library leaves out what it does not have. */
static const char client_ciphers_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                        "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:"
                                        "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:"
                                        "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA";
/* tor-spec 2.1: "Responders MUST NOT select any TLS ciphersuite that lacks ephemeral keys" */
static const char server_ciphers_12[] = "kECDHE:kDHE:!aNULL:!eNULL";
static const char client_ciphers_13[] =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

/* ---- the two queues as a BIO ---- */

static int bio_read(BIO *bio, char *out, size_t cap, size_t *n)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *n = cap < t->in.len ? cap : t->in.len;
    if (!*n) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, buf_at(&t->in), *n);
    buf_drain(&t->in, *n);
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *n)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *n = 0;
    err_t e = buf_add(&t->out, bytes, len);
    if (e != OK) { /* for good: records must not be lost */
        t->starved |= e == ERR_NOMEM;
        return 0;
    }
    *n = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tunic queues");
    if (!m || !BIO_meth_set_read_ex(m, bio_read) || !BIO_meth_set_write_ex(m, bio_write) ||
        !BIO_meth_set_ctrl(m, bio_ctrl)) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

/* ---- contexts ---- */

static int accept_any_cert(X509_STORE_CTX *store, void *arg)
{
    (void)store;
    (void)arg;
    return 1;
}

/* The newest library gets the hybrid groups, which older ones would misread. The order and the key
 * shares are C tor's: P-256 first, since old relays do not take X25519. */
static bool set_groups(SSL_CTX *ssl)
{
    if (OPENSSL_VERSION_NUMBER >= 0x30500000L &&
        SSL_CTX_set1_groups_list(
            ssl, "?*X25519MLKEM768 / ?SecP256r1MLKEM768 / *P-256:?X25519:P-224") == 1)
        return true;
    return SSL_CTX_set1_groups_list(ssl, "P-256:X25519:P-224") == 1 ||
           SSL_CTX_set1_groups_list(ssl, "P-256:P-224") == 1;
}

static bool set_options(SSL_CTX *ssl, bool server)
{
    uint64_t options = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                       SSL_OP_TLSEXT_PADDING;
    /* A client offers tickets, as C tor and browsers do, but keeps no session: none is resumed. */
    if (server)
        options |= SSL_OP_NO_TICKET;
    SSL_CTX_set_options(ssl, options);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_security_level(ssl, 1); /* relays' RSA-1024 link certificates */
    SSL_CTX_set_quiet_shutdown(ssl, 0);
    if (server)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    else
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, accept_any_cert, NULL);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 && set_groups(ssl) &&
           (server ? SSL_CTX_set_cipher_list(ssl, server_ciphers_12) == 1
                   : (SSL_CTX_set_cipher_list(ssl, client_ciphers_12) == 1 &&
                      SSL_CTX_set_ciphersuites(ssl, client_ciphers_13) == 1));
}

err_t tls_ctx_make(bool server, struct tls_ctx **out)
{
    struct tls_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return ERR_NOMEM;
    ctx->server = server;
    ctx->bio = bio_method_new();
    ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_method());
    if (!ctx->bio || !ctx->ssl || !set_options(ctx->ssl, server)) {
        tls_ctx_free(ctx);
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    *out = ctx;
    return OK;
}

err_t tls_ctx_new_client(struct tls_ctx **out)
{
    return tls_ctx_make(false, out);
}

static bool cert_digest(const X509 *cert, struct sha256 *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len <= 0)
        return false;
    sha256(der, (size_t)len, out->b);
    OPENSSL_free(der);
    return true;
}

bool tls_ctx_use(struct tls_ctx *ctx, X509 *cert, EVP_PKEY *key)
{
    return cert && key && SSL_CTX_use_certificate(ctx->ssl, cert) == 1 &&
           SSL_CTX_use_PrivateKey(ctx->ssl, key) == 1 && SSL_CTX_check_private_key(ctx->ssl) == 1 &&
           cert_digest(cert, &ctx->cert);
}

static bool set_cert_name(X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"www.example.net", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1;
}

static X509 *throwaway_cert(EVP_PKEY *key, int64_t now_s)
{
    X509 *cert = X509_new();
    unsigned char serial[8] = {0};
    if (cert && key && RAND_bytes(serial, sizeof serial) == 1 && X509_set_version(cert, 2) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
                                (uint64_t)(serial[0] * 256u + serial[1] + 1u)) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now_s - DAY_S)) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(now_s + 365 * (int64_t)DAY_S)) &&
        set_cert_name(cert) && X509_set_pubkey(cert, key) == 1 &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static err_t server_finish(struct tls_ctx *ctx, X509 *cert, EVP_PKEY *key, struct tls_ctx **out)
{
    bool good = tls_ctx_use(ctx, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!good) {
        tls_ctx_free(ctx);
        return ERR_CRYPTO;
    }
    *out = ctx;
    return OK;
}

err_t tls_ctx_new_server(int64_t now_s, struct tls_ctx **out)
{
    struct tls_ctx *ctx;
    TRY(tls_ctx_make(true, &ctx));
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return server_finish(ctx, throwaway_cert(key, now_s), key, out);
}

err_t tls_ctx_new_server_with(const void *cert, size_t cert_len, const void *key, size_t key_len,
                              struct tls_ctx **out)
{
    struct tls_ctx *ctx;
    if (cert_len > LONG_MAX || key_len > LONG_MAX)
        return ERR_ARG;
    TRY(tls_ctx_make(true, &ctx));
    const unsigned char *c = cert, *k = key;
    return server_finish(ctx, d2i_X509(NULL, &c, (long)cert_len),
                         d2i_AutoPrivateKey(NULL, &k, (long)key_len), out);
}

void tls_ctx_free(struct tls_ctx *ctx)
{
    if (!ctx)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    free(ctx);
}

bool tls_library_is_3_0(void)
{
    return OPENSSL_version_major() == 3 && OPENSSL_version_minor() == 0;
}

err_t tls_ctx_force_version(struct tls_ctx *ctx, enum tls_version version)
{
    int v = version == TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    bool good = SSL_CTX_set_min_proto_version(ctx->ssl, v) == 1 &&
                SSL_CTX_set_max_proto_version(ctx->ssl, v) == 1;
    return good ? OK : ERR_CRYPTO;
}

void tls_ctx_cert_sha256(const struct tls_ctx *ctx, struct sha256 *out)
{
    *out = ctx->cert;
}

/* ---- sessions ---- */

/* www.<4 to 25 letters of base32>.com, as C tor makes them up. */
static void random_name(struct env *env, char out[HOST_MAX])
{
    uint8_t random[(NAME_LABEL_MOST * 5 + 7) / 8];
    char label[BASE32_SIZE(sizeof random)];
    size_t len =
        NAME_LABEL_LEAST + (size_t)env_random_below(env, NAME_LABEL_MOST - NAME_LABEL_LEAST + 1);
    env_random(env, random, sizeof random);
    base32_lower(random, sizeof random, label);
    snprintf(out, HOST_MAX, "www.%.*s.com", (int)len, label);
}

static bool attach_queues(struct tls *t, struct tls_ctx *ctx)
{
    BIO *bio = BIO_new(ctx->bio);
    if (!bio)
        return false;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio); /* takes BIO over */
    return true;
}

struct tls *tls_new(struct tls_ctx *ctx, struct env *env)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->read_room = READ_ROOM;
    t->record_most = TLS_RECORD_MOST;
    buf_init(&t->in, TLS_IN_CAP);
    buf_init(&t->out, TLS_OUT_CAP);
    buf_count(&t->in, &env->queues.tally);
    buf_count(&t->out, &env->queues.tally);
    t->ssl = SSL_new(ctx->ssl);
    if (!t->ssl || SSL_set_app_data(t->ssl, t) != 1 || !attach_queues(t, ctx)) {
        tls_free(t);
        ERR_clear_error();
        return NULL;
    }
    if (ctx->server) {
        SSL_set_accept_state(t->ssl);
        return t;
    }
    SSL_set_connect_state(t->ssl);
    if (ctx->nameless)
        return t;
    char name[HOST_MAX];
    random_name(env, name);
    if (SSL_set_tlsext_host_name(t->ssl, name) != 1) {
        tls_free(t);
        ERR_clear_error();
        return NULL;
    }
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    buf_free(&t->in);
    buf_free(&t->out);
    free(t);
}

uint8_t *tls_in_room(struct tls *t, size_t *room)
{
    uint8_t *at = NULL;
    *room = buf_space(&t->in) < t->read_room ? buf_space(&t->in) : t->read_room;
    if (*room)
        at = buf_room(&t->in, *room);
    if (!at)
        *room = 0;
    return at;
}

void tls_read_at_most(struct tls *t, size_t len)
{
    t->read_room = len;
}

void tls_record_at_most(struct tls *t, size_t len)
{
    t->record_most = len;
}

void tls_in_done(struct tls *t, size_t len)
{
    buf_commit(&t->in, len);
}

const uint8_t *tls_out(const struct tls *t, size_t *len)
{
    *len = t->out.len;
    return t->out.len ? buf_at(&t->out) : NULL;
}

void tls_out_sent(struct tls *t, size_t len)
{
    buf_drain(&t->out, len);
}

/* The library's first error is the cause; the rest are its echoes. */
static void note_error(struct tls *t, int ssl_error, const char *doing)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (!reason)
        reason = ssl_error == SSL_ERROR_SYSCALL ? "input or output failed" : "unknown error";
    snprintf(t->error, sizeof t->error, "%s while %s", reason, doing);
    ERR_clear_error();
}

/* What a call that returned RESULT means. */
static err_t judge(struct tls *t, int result, const char *doing)
{
    int e = SSL_get_error(t->ssl, result);
    if (t->starved) {
        snprintf(t->error, sizeof t->error, "out of memory while %s", doing);
        ERR_clear_error();
        return ERR_NOMEM;
    }
    if (e == SSL_ERROR_WANT_READ)
        return ERR_MORE;
    if (e == SSL_ERROR_ZERO_RETURN)
        return ERR_LINK_CLOSED;
    note_error(t, e, doing);
    return ERR_LINK_TLS;
}

err_t tls_handshake(struct tls *t)
{
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    return result == 1 ? OK : judge(t, result, "shaking hands");
}

err_t tls_read(struct tls *t, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    ERR_clear_error();
    while (*n < cap) {
        size_t got = 0;
        int result = SSL_read_ex(t->ssl, out + *n, cap - *n, &got);
        if (result != 1)
            return *n ? OK : judge(t, result, "reading");
        *n += got;
    }
    return OK;
}

err_t tls_write(struct tls *t, const uint8_t *bytes, size_t len)
{
    if (!len)
        return OK;
    size_t records = len / t->record_most + 1;
    if (buf_space(&t->out) < len + records * 256) /* header, tag and padding are far less */
        return ERR_FULL;
    ERR_clear_error();
    /* Cut here: OpenSSL's own limit fits its storage, which may be made while that is low. */
    for (size_t at = 0, done = 0; at < len; at += done) {
        size_t part = len - at < t->record_most ? len - at : t->record_most;
        int result = SSL_write_ex(t->ssl, bytes + at, part, &done);
        if (result == 1 && done == part)
            continue;
        err_t e = judge(t, result, "writing");
        return e == ERR_MORE ? ERR_LINK_TLS : e;
    }
    return OK;
}

void tls_close(struct tls *t)
{
    ERR_clear_error();
    if (SSL_is_init_finished(t->ssl) && SSL_shutdown(t->ssl) < 0)
        ERR_clear_error();
}

bool tls_peer_cert_sha256(const struct tls *t, struct sha256 *out)
{
    X509 *cert = SSL_get1_peer_certificate(t->ssl);
    bool good = cert && cert_digest(cert, out);
    X509_free(cert);
    return good;
}

err_t tls_export(const struct tls *t, const char *label, const void *context, size_t context_len,
                 uint8_t out[TLS_EXPORT_LEN])
{
    bool good = SSL_is_init_finished(t->ssl) &&
                SSL_export_keying_material(t->ssl, out, TLS_EXPORT_LEN, label, strlen(label),
                                           context, context_len, 1) == 1;
    ERR_clear_error();
    return good ? OK : ERR_CRYPTO;
}

const char *tls_error(const struct tls *t)
{
    return t->error;
}

const char *tls_describe(const struct tls *t, char *out, size_t cap)
{
    snprintf(out, cap, "%s %s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));
    return out;
}

void tls_trim(struct tls *t)
{
    buf_trim(&t->in);
    buf_trim(&t->out);
    if (SSL_is_init_finished(t->ssl) && !SSL_free_buffers(t->ssl))
        ERR_clear_error(); /* a record is half read: its buffer stays */
}
