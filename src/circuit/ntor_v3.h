/* ntor-v3 handshake (proposal 332): ntor with an Ed25519 identity and a message each way, which no
 * one but the relay can read and neither side can have changed. For circuits the messages are
 * extension lists (cell/ext.h) and the verification string is NTOR_V3_CIRC_VERIFICATION. */
#ifndef TUNIC_CIRCUIT_NTOR_V3_H
#define TUNIC_CIRCUIT_NTOR_V3_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "base/wr.h"
#include "crypto/x25519.h"

#define NTOR_V3_CIRC_VERIFICATION TEXT_LIT("circuit extend")

enum {
    NTOR_V3_MAC_LEN = 32,
    NTOR_V3_SKIN_OVERHEAD = 128, /* ID, B, X, MAC */
    NTOR_V3_REPLY_OVERHEAD = 64, /* Y, AUTH */
    NTOR_V3_MSG_MAX = 400,
};

/* Between asking and the answer; the owner wipes it. */
struct ntor_v3_client {
    struct ed_id ID;
    struct x25519_pub B;
    struct x25519_secret x;
    struct x25519_pub X;
    uint8_t Bx[X25519_LEN];
    uint8_t msg_mac[NTOR_V3_MAC_LEN];
};

/* Appends the skin with client message CM to OUT. VER is the verification string. ERR_ARG: CM is
 * over NTOR_V3_MSG_MAX; ERR_CIRC_HANDSHAKE: B is not acceptable. */
MUST_USE err_t ntor_v3_client_begin(struct env *env, const struct ed_id *ID,
                                    const struct x25519_pub *B, struct text VER, const void *CM,
                                    size_t CM_len, struct ntor_v3_client *st, struct wr *out);

/* ERR_CIRC_HANDSHAKE: whoever answered does not hold the key, or a bad length. The relay's message
 * SM and KEYS are written on OK only. */
MUST_USE err_t ntor_v3_client_finish(const struct ntor_v3_client *st, struct text VER,
                                     const uint8_t *reply, size_t reply_len, struct wr *SM,
                                     uint8_t *keys, size_t keys_len);

/* The relay's side, in two steps because its message depends on the client's. The owner wipes it.
 */
struct ntor_v3_server {
    struct ed_id ID;
    struct x25519_pub B, X;
    uint8_t Xb[X25519_LEN];
    uint8_t msg_mac[NTOR_V3_MAC_LEN];
};

/* ERR_CIRC_HANDSHAKE: for another identity or key, or forged. */
MUST_USE err_t ntor_v3_server_read(const struct ed_id *ID, const struct x25519_secret *b,
                                   const struct x25519_pub *B, struct text VER, const uint8_t *skin,
                                   size_t skin_len, struct ntor_v3_server *st, struct wr *CM);
MUST_USE err_t ntor_v3_server_reply(struct env *env, const struct ntor_v3_server *st,
                                    struct text VER, const void *SM, size_t SM_len, struct wr *out,
                                    uint8_t *keys, size_t keys_len);

#endif
