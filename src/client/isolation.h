/* Isolation: which tunnels may share a circuit (tor(1), isolation flags of SocksPort). */
#ifndef TUNIC_CLIENT_ISOLATION_H
#define TUNIC_CLIENT_ISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/text.h"

enum { TUNNEL_HOST_MAX = 255 };

/* Sessions that are no listener's (or.h, SESSION_GROUP_*): requests for documents, and a
 * controller's look-ups. The numbers that listeners get lie below them. */
enum { SESSION_DIRECTORY = -2, SESSION_CONTROL = -3 };

/* What must be equal for two tunnels to share a circuit. Fields whose isolation flag is off on the
 * listener are left zero by the front end, so that comparing is plain. `session` keeps listeners
 * apart (SessionGroup, or a number of the listener's own). */
struct isolation {
    int32_t session;
    uint8_t protocol; /* IsolateClientProtocol: enum of the front end, 0 when off */
    struct ip client; /* IsolateClientAddr */
    bool has_auth;    /* IsolateSOCKSAuth */
    uint8_t auth[32]; /* SHA-256 over the lengths and bytes of user name and password */
    bool by_dest_port, by_dest_addr; /* IsolateDestPort, IsolateDestAddr */
    bool keep_alive;                 /* KeepAliveIsolateSOCKSAuth */
};

/* Only tunnels with the same user name and password will match. */
void isolation_set_auth(struct isolation *iso, struct text user, struct text pass);

/* An isolation as bytes to look up by. Listeners of one session group may differ in what they
 * isolate by destination, so a key says which parts of the destination it holds. */
enum isolation_dest { ISOLATION_PORT = 1, ISOLATION_HOST = 2 };
enum { ISOLATION_KEYS = 4 }; /* with none of the two, one, both */

struct isolation_key {
    int32_t session;
    uint8_t protocol, has_auth, dest; /* dest: enum isolation_dest, or'ed */
    struct ip client;
    uint8_t auth[32];
    uint16_t port;
    char host[TUNNEL_HOST_MAX + 1]; /* zero behind its end */
};

/* The parts of a destination that ISO asks to be alone with. */
unsigned isolation_dest(const struct isolation *iso);
void isolation_key_of(struct isolation_key *key, const struct isolation *iso, unsigned dest,
                      const char *host, uint16_t port);
/* All four: what may share a circuit with a tunnel of ISO to HOST and PORT stands under one of
 * them, whichever of the two asks to be alone with its destination. */
void isolation_keys_of(struct isolation_key keys[ISOLATION_KEYS], const struct isolation *iso,
                       const char *host, uint16_t port);
/* The bytes of KEY that count, from its first on. */
size_t isolation_key_len(const struct isolation_key *key);

#endif
