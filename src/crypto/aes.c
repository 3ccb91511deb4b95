#include "crypto/aes.h"
#include "crypto/openssl.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/aes128.h"
#include "crypto/aes_wide.h"

struct aes_ctr {
    EVP_CIPHER_CTX *evp; /* NULL: it is WIDE's */
    struct aes128 wide;
    uint64_t at; /* of the key stream */
};

/* The usual stream, of 128 bits from counter zero on, where the processor has wide instructions. */
static bool make_wide(struct aes_ctr *ctx, const uint8_t *key)
{
    const struct aes128_kind *kind = aes_wide_here() ? aes128_hw() : NULL;
    return kind && aes128_init(&ctx->wide, kind, AES128_STREAM) == OK &&
           kind->rekey(&ctx->wide, key) == OK;
}

static bool make_evp(struct aes_ctr *ctx, const EVP_CIPHER *cipher, const uint8_t *key,
                     const uint8_t *iv)
{
    static const uint8_t zero_iv[AES_IV_LEN];
    ctx->evp = EVP_CIPHER_CTX_new();
    return ctx->evp && EVP_EncryptInit_ex2(ctx->evp, cipher, key, iv ? iv : zero_iv, NULL) == 1;
}

struct aes_ctr *aes_ctr_new(const uint8_t *key, unsigned bits, const uint8_t iv[AES_IV_LEN])
{
    const EVP_CIPHER *cipher = bits == 128   ? EVP_aes_128_ctr()
                               : bits == 256 ? EVP_aes_256_ctr()
                                             : NULL;
    struct aes_ctr *ctx = cipher ? calloc(1, sizeof *ctx) : NULL;
    if (!ctx)
        return NULL;
    if (bits == 128 && !iv && make_wide(ctx, key))
        return ctx;
    if (!make_evp(ctx, cipher, key, iv)) {
        aes_ctr_free(ctx);
        return NULL;
    }
    return ctx;
}

err_t aes_ctr_xor(struct aes_ctr *ctx, void *bytes, size_t len)
{
    int done = 0;
    if (len > INT_MAX) /* OpenSSL counts in int */
        return ERR_ARG;
    if (!ctx->evp) {
        aes_wide_xor(ctx->wide.schedule, ctx->at, bytes, len);
        ctx->at += len;
        return OK;
    }
    if (len && EVP_EncryptUpdate(ctx->evp, bytes, &done, bytes, (int)len) != 1)
        return ERR_CRYPTO;
    return (size_t)done == len ? OK : ERR_CRYPTO;
}

void aes_ctr_free(struct aes_ctr *ctx)
{
    if (!ctx)
        return;
    EVP_CIPHER_CTX_free(ctx->evp); /* clears the key schedule */
    aes128_free(&ctx->wide);
    free(ctx);
}
