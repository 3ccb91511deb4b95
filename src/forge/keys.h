/* Keys: a relay's, as tor keeps them in the keys folder of its DataDirectory. */
#ifndef TUNIC_FORGE_KEYS_H
#define TUNIC_FORGE_KEYS_H

#include "base/env.h"
#include "base/err.h"
#include "base/text.h"
#include "dirdoc/docw.h"
#include "dirdoc/identity.h"

/* X(enumerator, file name) */
#define FORGE_KEY_LIST(X)                                  \
    X(FORGE_KEY_RSA, "secret_id_key")                      \
    X(FORGE_KEY_ED_SECRET, "ed25519_master_id_secret_key") \
    X(FORGE_KEY_ED_PUBLIC, "ed25519_master_id_public_key") \
    X(FORGE_KEY_TAP, "secret_onion_key")                   \
    X(FORGE_KEY_NTOR, "secret_onion_key_ntor")

enum forge_key {
#define X(name, file) name,
    FORGE_KEY_LIST(X)
#undef X
        FORGE_KEYS
};

enum { FORGE_KEY_FILE_MAX = 8192 };

struct forge_keys {
    struct identity id;
    struct rsa_key *tap;
};

const char *forge_key_file(enum forge_key key);

/* All made from ENV's random source. ERR_CRYPTO, ERR_NOMEM. */
MUST_USE err_t forge_keys_make(struct env *env, struct forge_keys *out);
void forge_keys_wipe(struct forge_keys *k); /* the zero one is fine */

/* The key in place of the one that was made, from a file's bytes. The public Ed25519 key is
 * compared only, after the secret one was taken: ERR_BAD_KEY. Else ERR_MALFORMED. */
MUST_USE err_t forge_keys_take(struct forge_keys *k, enum forge_key key, struct text bytes);
/* The file's bytes; who frees W wipes it. */
void forge_keys_write(const struct forge_keys *k, enum forge_key key, struct docw *w);

/* "-----BEGIN RSA PRIVATE KEY-----", as OpenSSL writes it. ERR_MALFORMED, ERR_BAD_KEY. */
MUST_USE err_t forge_rsa_from_pem(struct text pem, struct rsa_key **out);
void forge_rsa_to_pem(const struct rsa_key *key, struct docw *w);

/* Frees W, and wipes what was in it. */
void forge_wipe_text(struct docw *w);

#endif
