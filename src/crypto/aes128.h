/* AES-128 for who changes keys as often as cells come (CGO): single blocks, and key streams that
 * begin at a counter of their own each time. crypto/aes.h is for streams that run on.
 *
 * There are two ways, which agree: the processor's own instructions, whose key schedule lies in the
 * struct, and OpenSSL behind contexts that live as long as the struct. */
#ifndef TUNIC_CRYPTO_AES128_H
#define TUNIC_CRYPTO_AES128_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { AES128_KEY_LEN = 16, AES128_BLOCK_LEN = 16, AES128_SCHEDULE_LEN = 11 * 16 };

/* A key is for one of these. */
enum aes128_use { AES128_ENCRYPT, AES128_DECRYPT, AES128_STREAM };

struct aes128;

struct aes128_kind {
    err_t (*rekey)(struct aes128 *a, const uint8_t key[AES128_KEY_LEN]);
    /* In place, whichever way it is for. */
    err_t (*block)(struct aes128 *a, uint8_t block[AES128_BLOCK_LEN]);
    /* Adds the key stream from IV on to BYTES: the counter is IV's 128 bits, the highest first. */
    err_t (*stream)(struct aes128 *a, const uint8_t iv[AES128_BLOCK_LEN], uint8_t *bytes,
                    size_t len);
};

struct aes128 {
    const struct aes128_kind *kind;
    enum aes128_use use;
    uint8_t schedule[AES128_SCHEDULE_LEN];
    void *openssl; /* NULL: not OpenSSL's */
};

/* Makes *A, which has no key yet, of KIND; the caller ends it with aes128_free(). The calls of the
 * kind fail with ERR_CRYPTO only (our bug or the library's); BYTES are useless then. ERR_NOMEM. */
MUST_USE err_t aes128_init(struct aes128 *a, const struct aes128_kind *kind, enum aes128_use use);
void aes128_free(
    struct aes128 *a); /* wipes; harmless after a failed or no aes128_init() of zeros */

extern const struct aes128_kind aes128_openssl;
/* NULL: this processor, or the compiler, has no such instructions. */
const struct aes128_kind *aes128_hw(void);
/* The same, with the wide instructions for streams where there are some. */
const struct aes128_kind *aes128_fastest(void);

#endif
