/* The network that `tunic testnet` runs: its plan, keys, page, sockets, relays and the socket for
 * orders. */
#ifndef TUNIC_APP_TESTNET_NETWORK_H
#define TUNIC_APP_TESTNET_NETWORK_H

#include "app/testnet/args.h"
#include "app/testnet/files.h"
#include "app/testnet/seed.h"
#include "net/net.h"

struct testnet_network {
    struct testnet_args *args;     /* borrowed, as are NET and DIR */
    const struct testnet_dir *dir; /* open by the time of testnet_network_begin() */
    struct net *net;
    char *why; /* TESTNET_FILES_WHY bytes: what went wrong, in words */
    /* Its own. */
    struct plan *plan;
    struct identity *ids;
    struct identity coordinator; /* of measurements; empty unless its relays are measurable */
    struct testbed_page *page;
    struct testbed_world *world;
    struct testnet *testnet;
    struct testnet_orders *orders;
    struct testnet_seed seed;
};

/* What the arguments ask for; before anything is opened or written. ERR_ARG, ERR_NOMEM, and why. */
MUST_USE err_t testnet_network_plan(struct testnet_network *n);
/* Listens, and is a network. ERR_IO, ERR_ARG (a fault), ERR_CRYPTO, ERR_NOMEM, and why. */
MUST_USE err_t testnet_network_begin(struct testnet_network *n);
/* The folder's files; SOCKS_PORT 0: there is no client. ERR_IO and why. */
MUST_USE err_t testnet_network_write(const struct testnet_network *n, uint16_t socks_port);
void testnet_network_end(struct testnet_network *n); /* one that never began is fine */

#endif
