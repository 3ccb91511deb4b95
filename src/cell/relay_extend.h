/* Bodies of the relay messages that lengthen and shorten circuits: EXTEND2, EXTENDED2, TRUNCATED
 * (tor-spec 5.1.2, 5.4), and link specifiers, which onion services use too. TRUNCATE has no body.
 */
#ifndef TUNIC_CELL_RELAY_EXTEND_H
#define TUNIC_CELL_RELAY_EXTEND_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/rd.h"
#include "base/wr.h"

enum linkspec_type {
    LINKSPEC_IPV4 = 0, /* address 4, port 2 */
    LINKSPEC_IPV6 = 1, /* address 16, port 2 */
    LINKSPEC_RSA_ID = 2,
    LINKSPEC_ED_ID = 3
};

enum {
    LINKSPECS_MAX = 16,    /* in one message */
    LINKSPECS_STORAGE = 76 /* 6 + 20 + 32 + 18: the bodies of one specifier of each type */
};

struct linkspec {
    uint8_t type; /* enum linkspec_type, or one unknown to us */
    uint8_t len;
    const uint8_t *body;
};

/* Specifiers as on the wire, in order. One of a known type and a wrong length is ERR_MALFORMED, and
 * so is a second identity of one kind. */
struct linkspecs {
    size_t n;
    struct linkspec s[LINKSPECS_MAX];
};

/* These two read and write a count and the list, in the midst of a message. */
MUST_USE err_t linkspecs_decode(struct rd *r, struct linkspecs *out);
MUST_USE err_t linkspecs_encode(struct wr *w, const struct linkspecs *m);

/* A relay as link specifiers tell it. Families IP_NONE and flags of false: not given. */
struct linkspec_relay {
    struct ipport v4, v6;
    bool has_rsa, has_ed;
    struct rsa_id rsa;
    struct ed_id ed;
};

/* Makes the list in the order C tor sends it: IPv4, RSA, Ed25519, IPv6. OUT has views into
 * STORAGE. */
void linkspecs_make(const struct linkspec_relay *relay, uint8_t storage[LINKSPECS_STORAGE],
                    struct linkspecs *out);

/* The first specifier of each known type. */
void linkspecs_read(const struct linkspecs *specs, struct linkspec_relay *out);

/* A list without an RSA identity is ERR_MALFORMED. */
struct relay_extend2 {
    struct linkspecs specs;
    uint16_t htype; /* enum handshake_type in chan_circ.h */
    uint16_t hlen;
    const uint8_t *hdata;
};
MUST_USE err_t relay_extend2_decode(struct rd r, struct relay_extend2 *out);
MUST_USE err_t relay_extend2_encode(struct wr *w, const struct relay_extend2 *m);

struct relay_extended2 {
    uint16_t hlen;
    const uint8_t *hdata;
};
MUST_USE err_t relay_extended2_decode(struct rd r, struct relay_extended2 *out);
MUST_USE err_t relay_extended2_encode(struct wr *w, const struct relay_extended2 *m);

/* An empty one is ERR_TRUNCATED. */
struct relay_truncated {
    uint8_t reason; /* enum destroy_reason in reason.h */
};
MUST_USE err_t relay_truncated_decode(struct rd r, struct relay_truncated *out);
MUST_USE err_t relay_truncated_encode(struct wr *w, const struct relay_truncated *m);

#endif
