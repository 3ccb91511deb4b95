/* AES-128 in counter mode, 32 blocks at once, by instructions of newer x86-64 processors (VAES and
 * AVX-512): for crypto/aes.c
 * and crypto/aes128_hw.c. OpenSSL 3.0 does not use them for this mode, and its way from call to
 * key stream costs as much again as the 32 blocks of a cell. */
#ifndef TUNIC_CRYPTO_AES_WIDE_H
#define TUNIC_CRYPTO_AES_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has them, and the compiler can. */
bool aes_wide_here(void);
/* Adds to BYTES the key stream from its byte AT on; its counter begins at zero. SCHEDULE: the 11
 * round keys of FIPS 197, in order. Only if aes_wide_here(). */
void aes_wide_xor(const uint8_t *schedule, uint64_t at, uint8_t *bytes, size_t len);

/* A counter of 128 bits. */
struct aes_wide_block {
    uint64_t high, low;
};

/* The same from the counter FIRST on, whose LOW must not run over. */
void aes_wide_xor_from(const uint8_t *schedule, struct aes_wide_block first, uint8_t *bytes,
                       size_t len);

#endif
