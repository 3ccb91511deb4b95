#include "link/tls_int.h"

#include "link/tls_odd.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { DAY_S = 24 * 60 * 60, RSA_BITS = 2048, RSA_BITS_SMALL = 1024 };

/* ---- contexts ---- */

static int number_of(enum tls_odd_version version)
{
    static const int numbers[] = {
        [TLS_ODD_1_1] = TLS1_1_VERSION, [TLS_ODD_1_2] = TLS1_2_VERSION, TLS1_3_VERSION};
    return numbers[version];
}

static int give_no_cert(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    struct tls *t = SSL_get_app_data(ssl);
    (void)cert;
    (void)key;
    if (t)
        t->cert_asked = true;
    return 0;
}

static bool make_resume(SSL_CTX *ssl, bool server)
{
    static const unsigned char id[] = "odd";
    SSL_CTX_clear_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ssl, server ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_session_id_context(ssl, id, sizeof id - 1) == 1;
}

static void make_renegotiate(SSL_CTX *ssl)
{
    SSL_CTX_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_options(ssl, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
}

static bool make_odd(struct tls_ctx *ctx, const struct tls_odd *odd)
{
    if (odd->ciphers || odd->least == TLS_ODD_1_1)
        SSL_CTX_set_security_level(ctx->ssl, 0);
    if (odd->renegotiates)
        make_renegotiate(ctx->ssl);
    if (odd->asks_cert)
        SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    if (!ctx->server)
        SSL_CTX_set_client_cert_cb(ctx->ssl, give_no_cert);
    return (!odd->resumes || make_resume(ctx->ssl, ctx->server)) &&
           (!odd->ciphers || SSL_CTX_set_cipher_list(ctx->ssl, odd->ciphers) == 1) &&
           (!odd->least || SSL_CTX_set_min_proto_version(ctx->ssl, number_of(odd->least)) == 1) &&
           (!odd->most || SSL_CTX_set_max_proto_version(ctx->ssl, number_of(odd->most)) == 1);
}

/* ---- a server's certificate ---- */

static bool set_name(X509_NAME *name, const char *cn)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1,
                                      0) == 1;
}

/* Signed by SIGNER, which may be another key. */
static X509 *cert_new(EVP_PKEY *key, EVP_PKEY *signer, const char *issuer, int64_t from_s,
                      int64_t until_s)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, 2) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 1) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s) &&
        set_name(X509_get_subject_name(cert), "www.example.net") &&
        set_name(X509_get_issuer_name(cert), issuer) && X509_set_pubkey(cert, key) == 1 &&
        X509_sign(cert, signer, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static EVP_PKEY *rsa_new(size_t bits)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
}

static bool show_two(SSL_CTX *ssl, EVP_PKEY *key, int64_t now_s)
{
    X509 *more = cert_new(key, key, "www.example.net", now_s - DAY_S, now_s + DAY_S);
    if (more && SSL_CTX_add_extra_chain_cert(ssl, more) == 1) /* takes it over */
        return true;
    X509_free(more);
    return false;
}

static bool give_cert(struct tls_ctx *ctx, enum tls_odd_cert kind, int64_t now_s)
{
    bool small = kind == TLS_ODD_CERT_SMALL || kind == TLS_ODD_CERT_V2;
    bool v2 = kind == TLS_ODD_CERT_V2;
    int64_t until_s = now_s + (kind == TLS_ODD_CERT_OLD ? -10 : 10) * (int64_t)DAY_S;
    EVP_PKEY *key = rsa_new(small ? RSA_BITS_SMALL : RSA_BITS);
    EVP_PKEY *signer = v2 ? rsa_new(RSA_BITS_SMALL) : key;
    X509 *cert = key && signer ? cert_new(key, signer, v2 ? "www.other.net" : "www.example.net",
                                          now_s - 20 * (int64_t)DAY_S, until_s)
                               : NULL;
    bool good = cert && tls_ctx_use(ctx, cert, key) &&
                (kind != TLS_ODD_CERT_CHAIN || show_two(ctx->ssl, key, now_s));
    X509_free(cert);
    if (v2)
        EVP_PKEY_free(signer);
    EVP_PKEY_free(key);
    return good;
}

err_t tls_odd_ctx_new(bool server, const struct tls_odd *odd, int64_t now_s, struct tls_ctx **out)
{
    struct tls_ctx *ctx;
    TRY(tls_ctx_make(server, &ctx));
    bool good = make_odd(ctx, odd) && (!server || give_cert(ctx, odd->cert, now_s));
    ERR_clear_error();
    if (!good) {
        tls_ctx_free(ctx);
        return ERR_CRYPTO;
    }
    *out = ctx;
    return OK;
}

/* ---- sessions ---- */

bool tls_odd_resume(struct tls *t, const struct tls *earlier)
{
    SSL_SESSION *session = SSL_get1_session(earlier->ssl);
    bool good = session && SSL_set_session(t->ssl, session) == 1;
    SSL_SESSION_free(session);
    ERR_clear_error();
    return good;
}

bool tls_odd_resumed(const struct tls *t)
{
    return SSL_session_reused(t->ssl);
}

bool tls_odd_renegotiate(struct tls *t)
{
    bool good = SSL_renegotiate(t->ssl) == 1;
    ERR_clear_error();
    return good;
}

bool tls_odd_cert_asked(const struct tls *t)
{
    return t->cert_asked;
}

/* ---- what the server has shown ---- */

/* Whether NAME is a common name that ends in ".net", and nothing else. */
static bool is_net_only(const X509_NAME *name)
{
    static const char suffix[] = ".net";
    if (X509_NAME_entry_count(name) != 1)
        return false;
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, 0);
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);
    size_t len = (size_t)ASN1_STRING_length(text), tail = sizeof suffix - 1;
    return OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName && len >= tail &&
           !memcmp(ASN1_STRING_get0_data(text) + len - tail, suffix, tail);
}

/* tor-spec 2: "at least one of these properties must be true of the certificate". */
static bool looks_v3(X509 *cert, const EVP_PKEY *key)
{
    bool self_signed = X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
    return self_signed || !is_net_only(X509_get_subject_name(cert)) ||
           !is_net_only(X509_get_issuer_name(cert)) || EVP_PKEY_get_bits(key) > RSA_BITS_SMALL;
}

bool tls_odd_facts(const struct tls *t, int64_t now_s, struct tls_odd_facts *out)
{
    X509 *cert = SSL_get1_peer_certificate(t->ssl);
    const EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;
    time_t now = (time_t)now_s;
    if (key)
        *out =
            (struct tls_odd_facts){.in_date = X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
                                              X509_cmp_time(X509_get0_notAfter(cert), &now) > 0,
                                   .rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA,
                                   .bits = (unsigned)EVP_PKEY_get_bits(key),
                                   .v3 = looks_v3(cert, key),
                                   .n_certs = (size_t)sk_X509_num(SSL_get_peer_cert_chain(t->ssl))};
    X509_free(cert);
    ERR_clear_error();
    return key;
}
