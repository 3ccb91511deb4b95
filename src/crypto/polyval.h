/* POLYVAL (RFC 8452, 3): a polynomial over GF(2^128) whose coefficients are blocks of 16 bytes and
 * whose variable is a secret key. CGO's tweaks and counters are made of it.
 *
 * "POLYVAL(H, X_1, ..., X_s) = S_s", where S_0 = 0 and S_j = dot(S_(j-1) + X_j, H). The state S is
 * the caller's; a length is not added, as CGO has none.
 *
 * There are three ways to compute it, which agree: by the processor's carry-less multiplication, by
 * that of four blocks at once, and by ordinary arithmetic that takes the same time whatever the
 * bytes are. Nothing here fails. */
#ifndef TUNIC_CRYPTO_POLYVAL_H
#define TUNIC_CRYPTO_POLYVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLYVAL_LEN = 16, POLYVAL_POWERS = 8 };

/* A key for many blocks. Secret: whoever has it wipes it. */
struct polyval_key {
    /* The last is H, the one before dot(H, H), and so on; some ways need the last only. */
    uint8_t power[POLYVAL_POWERS][POLYVAL_LEN];
};

struct polyval_kind {
    void (*init)(struct polyval_key *k, const uint8_t H[POLYVAL_LEN]);
    /* LEN bytes more, the last block filled up with zeros. */
    void (*add)(const struct polyval_key *k, uint8_t S[POLYVAL_LEN], const uint8_t *bytes,
                size_t len);
    /* S becomes dot(S, H): one block under a key that needs no preparation. */
    void (*dot)(uint8_t S[POLYVAL_LEN], const uint8_t H[POLYVAL_LEN]);
};

extern const struct polyval_kind polyval_portable;
/* NULL: this processor, or the compiler, has no such instructions. */
const struct polyval_kind *polyval_hw(void);
const struct polyval_kind *polyval_wide(void);
/* The quickest of them; NULL as above. */
const struct polyval_kind *polyval_fastest(void);

#endif
