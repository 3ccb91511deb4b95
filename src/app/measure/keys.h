/* Keys of a coordinator or a measurer: what it shows the other (a TLS key and its certificate, in
 * one PEM file) and what it proves to relays (an identity file). Both are for their owner alone. */
#ifndef TUNIC_APP_MEASURE_KEYS_H
#define TUNIC_APP_MEASURE_KEYS_H

#include "base/env.h"
#include "link/identity.h"
#include "link/tls_mutual.h"

enum { KEYS_WHY = 640 };

struct keys {
    struct tls_ctx *tls;
    struct sha256 pin;
    struct link_identity identity;
};

/* Reads both. ERR_IO, ERR_MALFORMED, ERR_CRYPTO, with WHY; nothing is to be freed then. */
MUST_USE err_t keys_read(struct env *env, const char *tls_path, const char *identity_path,
                         bool server, struct keys *out, char why[KEYS_WHY]);
void keys_free(struct keys *k);

/* Makes new ones: NAME.pem and NAME.id in the folder DIR, which is made if need be. Files that are
 * there stay: ERR_STATE. PIN and ED are of what was made. */
MUST_USE err_t keys_make(struct env *env, const char *dir, const char *name, struct sha256 *pin,
                         struct ed_id *ed, char why[KEYS_WHY]);

#endif
