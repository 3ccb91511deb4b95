/* The parts of UIV+, for uiv.c and its test. */
#ifndef TUNIC_CRYPTO_UIV_INT_H
#define TUNIC_CRYPTO_UIV_INT_H

#include "crypto/uiv.h"

enum { UIV_NEXT_LEN = UIV_KEYS_LEN + UIV_TAG_LEN };

/* ET, the cipher of X_L under a tweak of H, AD and X_R: BODY's first 16 bytes. */
MUST_USE err_t uiv_et(struct uiv *u, const uint8_t H[UIV_TAG_LEN], uint8_t AD,
                      uint8_t body[UIV_LEN]);
/* The function PRF of INPUT, for t = 0 or 1, is added to BYTES. */
MUST_USE err_t uiv_prf(struct uiv *u, const uint8_t input[UIV_TAG_LEN], unsigned t, uint8_t *bytes,
                       size_t len);

#endif
