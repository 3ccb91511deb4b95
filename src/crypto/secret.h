/* Secret memory, wiping, constant-time comparison, and the real source of randomness.
 *
 * Long-lived secrets (identity keys, onion keys of services) live in guarded pages from
 * secret_new(); short-lived ones live on the stack or in the machine that owns them and are wiped
 * with secret_wipe() at its one exit. */
#ifndef TUNIC_CRYPTO_SECRET_H
#define TUNIC_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Must succeed once before anything else of this layer is used; may be called again, and from
 * several threads. ERR_CRYPTO: the libraries do not start, nothing may be used. */
MUST_USE err_t crypto_init(void);

/* Fills OUT from the system's random source; never fails. For struct env's random member. */
void crypto_random(void *unused, void *out, size_t len);

/* LEN bytes with guard pages around them, kept out of swap and core dumps where the system allows;
 * costs at least three pages, so only for few, long-lived secrets. Not zeroed. NULL: out of memory.
 */
void *secret_new(size_t len);
void secret_free(void *secret); /* wipes; NULL is harmless */

/* Zeroes in a way that the compiler does not drop. */
void secret_wipe(void *bytes, size_t len);

/* Takes the same time whatever the bytes are. */
MUST_USE bool secret_equal(const void *a, const void *b, size_t len);

#endif
