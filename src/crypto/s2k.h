/* Passwords as torrc has them: a salt, how much is hashed, and the hash (RFC 2440, 3.6.1.3, the
 * iterated and salted S2K with SHA-1). */
#ifndef TUNIC_CRYPTO_S2K_H
#define TUNIC_CRYPTO_S2K_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "crypto/hash.h"

enum {
    S2K_SALT_LEN = 8,
    S2K_SPECIFIER_LEN = S2K_SALT_LEN + 1, /* the salt, and the coded count */
    S2K_LEN = S2K_SPECIFIER_LEN + SHA1_LEN,
    S2K_COUNT_64K = 96, /* the coded count of tor's --hash-password */
    S2K_TEXT_SIZE = 3 + 2 * S2K_LEN + 1,
};

void s2k(const void *secret, size_t len, const uint8_t specifier[S2K_SPECIFIER_LEN],
         uint8_t out[SHA1_LEN]);

/* "16:" and hex, or base64: HashedControlPassword. ERR_MALFORMED. */
MUST_USE err_t s2k_decode(struct text in, uint8_t out[S2K_LEN]);
/* "16:" and hex of the specifier and what it makes of SECRET. Returns OUT. */
char *s2k_encode(const void *secret, size_t len, const uint8_t specifier[S2K_SPECIFIER_LEN],
                 char out[S2K_TEXT_SIZE]);
/* Whether HASHED is of SECRET; takes the same time whatever the hash is. */
MUST_USE bool s2k_matches(const uint8_t hashed[S2K_LEN], const void *secret, size_t len);

#endif
