/* Ports: listeners that a line of the configuration asks for, whatever speaks there. One record and
 * one set of flags for all kinds: conf parses them, net listens, a front end obeys the flags. */
#ifndef TUNIC_BASE_PORT_H
#define TUNIC_BASE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* A further kind is a row of conf's grammar (optports.c) and one of the fronts that host gives to
 * net (ports.h). */
enum port_kind { PORT_SOCKS, PORT_CONTROL, PORT_METRICS, PORT_EVENTS, PORT_KINDS };

/* Whether DisableNetwork closes ports of KIND: tor "will not make or accept non-control network
 * connections". */
bool port_kind_is_closed(enum port_kind kind);

struct port_at {
    const char *unix_path;                               /* a unix socket's; NULL: TCP at... */
    struct ipport tcp;                                   /* port 0: any free one ("auto") */
    bool group_writable, world_writable, relax_dir_mode; /* of a unix socket */
};

/* What keeps two streams of one port on different circuits. */
enum port_isolation {
    ISO_CLIENT_ADDR = 1u << 0,
    ISO_SOCKS_AUTH = 1u << 1,
    ISO_CLIENT_PROTOCOL = 1u << 2,
    ISO_DEST_PORT = 1u << 3,
    ISO_DEST_ADDR = 1u << 4,
    ISO_DEFAULT = ISO_CLIENT_ADDR | ISO_SOCKS_AUTH | ISO_CLIENT_PROTOCOL,
};

/* The flags of client ports (tor(1), SocksPort). */
struct port_flags {
    uint32_t isolation; /* enum port_isolation, or'ed */
    bool keepalive_isolate_socks_auth;
    bool ipv4, ipv6; /* addresses an exit may connect to for us */
    bool prefer_ipv6;
    bool dns, onion; /* host names; .onion names */
    bool cache_ipv4_dns, cache_ipv6_dns, use_ipv4_cache, use_ipv6_cache, prefer_ipv6_automap;
    bool prefer_no_auth; /* method "none" before user/password if both are offered */
    bool extended_errors;
    bool optimistic_reply; /* "connected" before the exit says so */
};

/* A line without SessionGroup. Groups are 0 and up, numbers of our own below. */
enum { SESSION_OWN = -1 };

struct port_spec {
    enum port_kind kind;
    struct port_at at;
    int32_t session; /* SESSION_OWN, or SessionGroup: streams of the same group may share */
    struct port_flags flags;
};

/* The same address and port as asked, or the same path. */
bool port_at_equal(const struct port_at *a, const struct port_at *b);

#endif
