/* Names of relays and keys, as fixed-size values that copy and compare like numbers. */
#ifndef TUNIC_BASE_IDS_H
#define TUNIC_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* SHA-1 of the DER of a relay's RSA identity key: its fingerprint (tor-spec 1.1). */
struct rsa_id {
    uint8_t b[20];
};

/* A relay's Ed25519 identity key. */
struct ed_id {
    uint8_t b[32];
};

/* A Curve25519 public key: an onion key, or half of a handshake. */
struct x25519_pub {
    uint8_t b[32];
};

struct sha256 {
    uint8_t b[32];
};

/* dir-spec 2.1.1: nickname = 1*19 of letters and digits. */
enum { NICKNAME_MAX = 19 };
bool nickname_valid(struct text t);
/* A copy with its NUL; false, and nothing copied, if it is not valid. */
bool nickname_copy(struct text t, char out[NICKNAME_MAX + 1]);

static inline bool rsa_id_equal(const struct rsa_id *a, const struct rsa_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool ed_id_equal(const struct ed_id *a, const struct ed_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool ed_id_is_zero(const struct ed_id *a)
{
    static const struct ed_id zero;
    return ed_id_equal(a, &zero);
}

#endif
