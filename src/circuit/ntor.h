/* ntor handshake (tor-spec 5.1.4): authenticates a relay by its RSA identity and Curve25519 onion
 * key, and gives forward secret keys. */
#ifndef TUNIC_CIRCUIT_NTOR_H
#define TUNIC_CIRCUIT_NTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "crypto/x25519.h"

enum { NTOR_SKIN_LEN = 84, NTOR_REPLY_LEN = 64 };

/* Between asking and the answer; the owner wipes it. */
struct ntor_client {
    struct rsa_id ID;
    struct x25519_pub B;
    struct x25519_secret x;
    struct x25519_pub X;
};

/* ID and B are the relay's identity and onion key. */
void ntor_client_begin(struct env *env, const struct rsa_id *ID, const struct x25519_pub *B,
                       struct ntor_client *st, uint8_t skin[NTOR_SKIN_LEN]);

/* ERR_CIRC_HANDSHAKE: whoever answered does not hold the key. KEYS are written on OK only. */
MUST_USE err_t ntor_client_finish(const struct ntor_client *st, const uint8_t reply[NTOR_REPLY_LEN],
                                  uint8_t *keys, size_t keys_len);

/* The relay's side. ERR_CIRC_HANDSHAKE: the skin is for another identity or key. */
MUST_USE err_t ntor_server_reply(struct env *env, const struct rsa_id *ID,
                                 const struct x25519_secret *b, const struct x25519_pub *B,
                                 const uint8_t skin[NTOR_SKIN_LEN], uint8_t reply[NTOR_REPLY_LEN],
                                 uint8_t *keys, size_t keys_len);

#endif
