#include "crypto/secret.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

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

/* As sodium_memcmp(), volatile so that no compiler leaves early, but by words instead of bytes:
 * each cell that comes is told by this. */
bool secret_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    volatile uint64_t differs = 0;
    for (size_t n; len; len -= n, x += n, y += n) {
        uint64_t u = 0, v = 0;
        n = len < sizeof u ? len : sizeof u;
        memcpy(&u, x, n);
        memcpy(&v, y, n);
        differs |= u ^ v;
    }
    return differs == 0;
}
