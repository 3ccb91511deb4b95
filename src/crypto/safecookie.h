/* SAFECOOKIE (control-spec 3.24): both sides of a control port show that they know its cookie, and
 * neither says it. */
#ifndef TUNIC_CRYPTO_SAFECOOKIE_H
#define TUNIC_CRYPTO_SAFECOOKIE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"

enum { SAFECOOKIE_LEN = 32, SAFECOOKIE_NONCE_LEN = 32 };

struct safecookie {
    uint8_t server[SHA256_LEN], client[SHA256_LEN]; /* what each side shows */
};

/* Of the cookie, the client's nonce of any length, and the server's. ERR_NOMEM. */
MUST_USE err_t safecookie(const uint8_t cookie[SAFECOOKIE_LEN], const void *client_nonce,
                          size_t client_nonce_len, const uint8_t server_nonce[SAFECOOKIE_NONCE_LEN],
                          struct safecookie *out);

#endif
