/* Reach: how a relay is reached: at which address, by which transport, with what arguments. A plain
 * value, copied by whoever keeps it. Most relays have an address alone; a bridge's line may name a
 * transport, and the address is then that line's word to the transport, which need not be an
 * address at all.
 *
 * A transport is a name here. Whom to connect to for it, and what is said there first, the world
 * knows (net/dial.h). */
#ifndef TUNIC_BASE_REACH_H
#define TUNIC_BASE_REACH_H

#include "base/addr.h"

enum {
    REACH_HOST_SIZE = 256,
    REACH_TRANSPORT_SIZE = 64,
    REACH_ARGUMENTS_SIZE = 511, /* two SOCKS5 fields of 255 bytes (pt-spec 3.5), and NUL */
    REACH_TEXT_MAX = REACH_HOST_SIZE + REACH_TRANSPORT_SIZE + IPPORT_TEXT_MAX,
};

/* Texts are NUL-terminated and NUL behind that, as zeroed memory that was printed into is. */
struct reach {
    struct ipport addr;         /* family IP_NONE: HOST, or no address */
    char host[REACH_HOST_SIZE]; /* a name, for a proxy to look up; it goes with addr.port */
    char transport[REACH_TRANSPORT_SIZE];
    char arguments[REACH_ARGUMENTS_SIZE]; /* "k=v;k=v", encoded as in pt-spec 3.5 */
};

/* At AT, without a transport. */
struct reach reach_at(struct ipport at);

/* The same in every part: only then may what was reached one way serve for the other. */
bool reach_equal(const struct reach *a, const struct reach *b);

/* "192.0.2.1:9001", "192.0.2.1:443 by obfs4", for people; arguments can be secrets and are left
 * out. Returns OUT. */
const char *reach_text(const struct reach *r, char out[REACH_TEXT_MAX]);

#endif
