#include "crypto/secret.h"

#include <sodium.h>

err_t crypto_init(void)
{
    return sodium_init() < 0 ? ERR_CRYPTO : OK; /* 1: was done before */
}

void crypto_random(void *unused, void *out, size_t len)
{
    (void)unused;
    randombytes_buf(out, len);
}

void *secret_new(size_t len)
{
    return sodium_malloc(len);
}

void secret_free(void *secret)
{
    sodium_free(secret);
}

void secret_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}
