/* Front ends: what all of them share that speak with applications. A port's settings, and what an
 * application asks for held against them, in whatever protocol it was said. */
#ifndef TUNIC_SOCKS_FRONT_H
#define TUNIC_SOCKS_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/port.h"
#include "base/ratelim.h"
#include "base/text.h"
#include "client/events.h"
#include "client/tunnel.h"

/* Warnings that applications can cause, each held back on its own. All zero at first. */
enum front_warning { FRONT_WARN_LEAK, FRONT_WARN_PLAINTEXT, FRONT_WARN_GARBAGE, FRONT_WARN_N };
struct front_warnings {
    struct ratelim of[FRONT_WARN_N];
};

/* What holds for all ports alike, by options. */
struct front_rules {
    bool safe_socks; /* SafeSocks: refuse requests that come with a resolved address */
    bool test_socks; /* TestSocks: say for each request whether it leaked DNS */
    const uint16_t *warn_ports, *reject_ports; /* WarnPlaintextPorts, RejectPlaintextPorts */
    size_t n_warn_ports, n_reject_ports;
    struct front_warnings *warnings; /* shared by all ports; or NULL: nothing is held back */
};

/* One port. The listener owns it and it outlives its connections; a reload replaces it for new
 * connections only. */
struct front_config {
    int32_t session; /* SessionGroup, or a number of the port's own */
    struct port_flags flags;
    struct front_rules rules;
};

bool front_may_warn(const struct front_config *c, const struct env *env, enum front_warning which);

/* What an application asks for. */
struct front_wish {
    enum tunnel_kind kind; /* CONNECT, RESOLVE or RESOLVE_PTR */
    struct text host;      /* a name or an address as text; empty: IP counts */
    struct ip ip;
    uint16_t port;
    uint8_t protocol;     /* a number for each that IsolateClientProtocol keeps apart: 4, 5 */
    struct ipport client; /* the application's address; family IP_NONE: a unix socket */
    struct isolation who; /* what it said of itself: front_note_auth(), else zero */
    struct login *login;  /* the same, for whoever listens; or NULL; borrowed */
};

/* Why a wish is not granted, for the front end to say in its protocol. */
enum front_verdict {
    FRONT_GRANTED,
    FRONT_NO_HOST,         /* what stands for a host name can be none */
    FRONT_NO_ADDRESS,      /* a reverse look-up of a name */
    FRONT_NOT_ALLOWED,     /* a flag of the port */
    FRONT_NO_ONION,        /* NoOnionTraffic */
    FRONT_PLAINTEXT,       /* RejectPlaintextPorts */
    FRONT_ONION_MALFORMED, /* with ExtendedErrors alone; else the tunnel's end says it */
};

/* A user name and password (or what else tells who asks, with an empty password) count if the
 * port isolates by them. */
void front_note_auth(const struct front_config *c, struct isolation *who, struct text user,
                     struct text pass);

/* WISH as the client takes it; WISH's views are copied, its login is borrowed. */
enum front_verdict front_request(const struct front_config *c, const struct front_wish *wish,
                                 struct tunnel_request *out);
/* What the port's flags have against REQ; warns where tor does, and tells whoever listens to
 * CLIENT. */
enum front_verdict front_judge(const struct front_config *c, struct client *client,
                               const struct env *env, const struct tunnel_request *req);
/* Whoever listens to CLIENT is told what an application did. */
void front_tell(struct client *client, const struct event_status *status);

/* Whether an application may have IP as the answer of a look-up. */
bool front_may_have(const struct front_config *c, const struct ip *ip);

#endif
