#include "crypto/aes128.h"
#include "crypto/openssl.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "crypto/secret.h"

static err_t openssl_rekey(struct aes128 *a, const uint8_t key[AES128_KEY_LEN])
{
    return EVP_CipherInit_ex2(a->openssl, NULL, key, NULL, -1, NULL) == 1 ? OK : ERR_CRYPTO;
}

static err_t update(struct aes128 *a, uint8_t *bytes, size_t len)
{
    int done = 0;
    if (len > INT_MAX) /* OpenSSL counts in int */
        return ERR_CRYPTO;
    if (EVP_CipherUpdate(a->openssl, bytes, &done, bytes, (int)len) != 1)
        return ERR_CRYPTO;
    return (size_t)done == len ? OK : ERR_CRYPTO;
}

static err_t openssl_block(struct aes128 *a, uint8_t block[AES128_BLOCK_LEN])
{
    return update(a, block, AES128_BLOCK_LEN);
}

static err_t openssl_stream(struct aes128 *a, const uint8_t iv[AES128_BLOCK_LEN], uint8_t *bytes,
                            size_t len)
{
    if (EVP_CipherInit_ex2(a->openssl, NULL, NULL, iv, -1, NULL) != 1)
        return ERR_CRYPTO;
    return update(a, bytes, len);
}

const struct aes128_kind aes128_openssl = {
    .rekey = openssl_rekey, .block = openssl_block, .stream = openssl_stream};

static err_t openssl_init(struct aes128 *a)
{
    const EVP_CIPHER *cipher = a->use == AES128_STREAM ? EVP_aes_128_ctr() : EVP_aes_128_ecb();
    a->openssl = EVP_CIPHER_CTX_new();
    if (!a->openssl)
        return ERR_NOMEM;
    if (EVP_CipherInit_ex2(a->openssl, cipher, NULL, NULL, a->use != AES128_DECRYPT, NULL) != 1)
        return ERR_NOMEM; /* nothing else can be wrong */
    EVP_CIPHER_CTX_set_padding(a->openssl, 0);
    return OK;
}

err_t aes128_init(struct aes128 *a, const struct aes128_kind *kind, enum aes128_use use)
{
    *a = (struct aes128){.kind = kind, .use = use};
    err_t err = kind == &aes128_openssl ? openssl_init(a) : OK;
    if (err != OK)
        aes128_free(a);
    return err;
}

void aes128_free(struct aes128 *a)
{
    EVP_CIPHER_CTX_free(a->openssl); /* clears the key schedule */
    secret_wipe(a, sizeof *a);
}
