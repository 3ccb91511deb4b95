/* The world of one client: its links' sockets and its files. */
#ifndef TUNIC_NET_WORLD_H
#define TUNIC_NET_WORLD_H

#include "client/client.h"
#include "net/dial.h"
#include "net/files.h"
#include "net/net.h"

struct world {
    struct net *net;
    /* DataDirectory, and CacheDirectory: what can be fetched anew. NULL: nothing is kept. */
    struct files *files, *cache;
    struct limit *limit;        /* BandwidthRate; or NULL */
    struct ip bind_v4, bind_v6; /* OutboundBindAddress; family IP_NONE: the system's choice */
    /* Proxies and transports as they can be had now; borrowed. What none of them is for is reached
     * at its address, or not at all if it names a transport. */
    const struct dial_way *ways;
    size_t n_ways;
};

/* The operations for client_new(), with a struct world as their argument. */
extern const struct client_world world_ops;

/* Gives C every file that it wants and that is there. An error (logged): one that would be lost if
 * C started without it is there and cannot be read. */
MUST_USE err_t world_load(struct world *w, struct client *c);

#endif
