/* CREATE_FAST handshake (tor-spec 5.1.5): no public keys, so it only stands on the link's own proof
 * of who the first hop is. Used for one-hop circuits to directories. */
#ifndef TUNIC_CIRCUIT_FAST_H
#define TUNIC_CIRCUIT_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

enum { FAST_SKIN_LEN = 20, FAST_REPLY_LEN = 40 };

/* Between asking and the answer; the owner wipes it. */
struct fast_client {
    uint8_t x[FAST_SKIN_LEN];
};

void fast_client_begin(struct env *env, struct fast_client *st, uint8_t skin[FAST_SKIN_LEN]);

/* KEYS are the bytes behind KH, in the order of tor-spec 5.5. ERR_CIRC_HANDSHAKE: KH is wrong. KEYS
 * are written on OK only. */
MUST_USE err_t fast_client_finish(const struct fast_client *st, const uint8_t reply[FAST_REPLY_LEN],
                                  uint8_t *keys, size_t keys_len);

/* The relay's side. */
MUST_USE err_t fast_server_reply(struct env *env, const uint8_t skin[FAST_SKIN_LEN],
                                 uint8_t reply[FAST_REPLY_LEN], uint8_t *keys, size_t keys_len);

#endif
