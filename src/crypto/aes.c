#include "crypto/aes.h"
#include "crypto/openssl.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct aes_ctr {
    EVP_CIPHER_CTX *evp;
};

struct aes_ctr *aes_ctr_new(const uint8_t *key, unsigned bits, const uint8_t iv[AES_IV_LEN])
{
    static const uint8_t zero_iv[AES_IV_LEN];
    const EVP_CIPHER *cipher = bits == 128   ? EVP_aes_128_ctr()
                               : bits == 256 ? EVP_aes_256_ctr()
                                             : NULL;
    struct aes_ctr *ctx = cipher ? calloc(1, sizeof *ctx) : NULL;
    if (!ctx)
        return NULL;
    ctx->evp = EVP_CIPHER_CTX_new();
    if (!ctx->evp || EVP_EncryptInit_ex2(ctx->evp, cipher, key, iv ? iv : zero_iv, NULL) != 1) {
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
    if (len && EVP_EncryptUpdate(ctx->evp, bytes, &done, bytes, (int)len) != 1)
        return ERR_CRYPTO;
    return (size_t)done == len ? OK : ERR_CRYPTO;
}

void aes_ctr_free(struct aes_ctr *ctx)
{
    if (!ctx)
        return;
    EVP_CIPHER_CTX_free(ctx->evp); /* clears the key schedule */
    free(ctx);
}
