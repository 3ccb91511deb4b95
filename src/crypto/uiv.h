/* UIV+: the cipher over whole bodies of cells that CGO is made of (proposal 359). One changed bit
 * anywhere, or in the tweak, leaves nothing of the other side's text.
 *
 * A body is X_L, 16 bytes, and X_R, the other 493. The tweak is H, 16 bytes, and one byte AD. The
 * key is J and S, of 32 bytes each; uiv_update() replaces it, and the nonce, by what nobody can
 * turn back.
 *
 * By the processor's own AES and carry-less multiplication where it has them, else by OpenSSL's AES
 * and portable arithmetic. Calls fail with ERR_CRYPTO only (our bug or the library's), with the
 * processor's never; body and key are useless then. */
#ifndef TUNIC_CRYPTO_UIV_H
#define TUNIC_CRYPTO_UIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/aes128.h"
#include "crypto/polyval.h"

enum { UIV_KEYS_LEN = 64, UIV_TAG_LEN = 16, UIV_LEN = 509 };

/* A direction is for one of these: the blocks' cipher has its key ready for one. */
enum uiv_use { UIV_ENCRYPT, UIV_DECRYPT };

struct uiv {
    const struct polyval_kind *polyval;
    struct aes128 Kb; /* J is Kb | Ku */
    struct polyval_key Ku;
    struct aes128 K; /* S is K | B */
    uint8_t B[POLYVAL_LEN];
};

/* Makes *U; the caller ends it with uiv_free(). ERR_NOMEM. */
MUST_USE err_t uiv_init(struct uiv *u, enum uiv_use use, const uint8_t keys[UIV_KEYS_LEN]);
/* The same without the processor's instructions, whatever it has. */
MUST_USE err_t uiv_init_portable(struct uiv *u, enum uiv_use use, const uint8_t keys[UIV_KEYS_LEN]);
void uiv_free(struct uiv *u); /* wipes; harmless after a failed or no uiv_init() of zeros */

/* In place, whichever way U is for. */
MUST_USE err_t uiv_apply(struct uiv *u, const uint8_t H[UIV_TAG_LEN], uint8_t AD,
                         uint8_t body[UIV_LEN]);

/* Other keys, and another nonce in place of N, follow from these. */
MUST_USE err_t uiv_update(struct uiv *u, uint8_t N[UIV_TAG_LEN]);

#endif
