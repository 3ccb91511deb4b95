/* The SHA-3 family has no low-level calls in OpenSSL's interface, and libsodium has none at all:
 * EVP it is, with the algorithm looked up once per object. */
#include "crypto/hash.h"
#include "crypto/openssl.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>

struct sha3 {
    enum sha3_kind kind;
    bool failed;
    EVP_MD_CTX *ctx;
    EVP_MD *md;
};

struct sha3 *sha3_new(enum sha3_kind kind)
{
    struct sha3 *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->kind = kind;
    s->ctx = EVP_MD_CTX_new();
    s->md = EVP_MD_fetch(NULL, kind == SHA3_KIND_256 ? "SHA3-256" : "SHAKE256", NULL);
    if (!s->ctx || !s->md) {
        sha3_free(s);
        return NULL;
    }
    sha3_reset(s);
    return s;
}

void sha3_reset(struct sha3 *s)
{
    if (s)
        s->failed = EVP_DigestInit_ex2(s->ctx, s->md, NULL) != 1;
}

void sha3_add(struct sha3 *s, const void *bytes, size_t len)
{
    if (s && len && EVP_DigestUpdate(s->ctx, bytes, len) != 1)
        s->failed = true;
}

err_t sha3_final(struct sha3 *s, void *out, size_t out_len)
{
    if (!s)
        return ERR_NOMEM;
    if (s->kind == SHA3_KIND_256 && out_len != SHA3_256_LEN)
        return ERR_ARG;
    if (s->failed)
        return ERR_CRYPTO;
    s->failed = true; /* used up */
    if (out_len == 0)
        return OK;
    int done = s->kind == SHA3_KIND_256 ? EVP_DigestFinal_ex(s->ctx, out, NULL)
                                        : EVP_DigestFinalXOF(s->ctx, out, out_len);
    return done == 1 ? OK : ERR_CRYPTO;
}

err_t sha3_copy(struct sha3 *to, const struct sha3 *from)
{
    if (from->failed || from->kind != to->kind)
        return ERR_CRYPTO;
    to->failed = EVP_MD_CTX_copy_ex(to->ctx, from->ctx) != 1;
    return to->failed ? ERR_CRYPTO : OK;
}

void sha3_free(struct sha3 *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->ctx); /* clears its state */
    EVP_MD_free(s->md);
    free(s);
}

static err_t one_shot(enum sha3_kind kind, const void *bytes, size_t len, void *out, size_t out_len)
{
    struct sha3 *s = sha3_new(kind);
    sha3_add(s, bytes, len);
    err_t e = sha3_final(s, out, out_len);
    sha3_free(s);
    return e;
}

err_t sha3_256(const void *bytes, size_t len, uint8_t out[SHA3_256_LEN])
{
    return one_shot(SHA3_KIND_256, bytes, len, out, SHA3_256_LEN);
}

err_t shake256(const void *bytes, size_t len, void *out, size_t out_len)
{
    return one_shot(SHA3_KIND_SHAKE256, bytes, len, out, out_len);
}
