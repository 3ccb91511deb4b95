/* Orders to a running test network: a line in, a line of answer out, over the unix socket
 * DIR/control (docs/testnet.md has the list). */
#ifndef TUNIC_APP_TESTNET_ORDERS_H
#define TUNIC_APP_TESTNET_ORDERS_H

#include "net/net.h"
#include "testbed/world.h"
#include "testnet/testnet.h"

enum { TESTNET_ORDERS_WHY = 320 };

struct testnet_orders;

/* ERR_IO (logged), ERR_LIMIT (PATH is too long for a unix socket), ERR_NOMEM. */
MUST_USE err_t testnet_orders_open(struct net *n, struct testnet *t, struct testbed_world *w,
                                   const char *path, struct testnet_orders **out);
void testnet_orders_close(struct testnet_orders *o); /* before T and W are freed; NULL is fine */

/* SPEC is "NODE:fault[=N]"; NODE may be a group (guards, middles, exits, authorities, all). ERR_ARG
 * and WHY: no such node; ERR_NOT_FOUND, ERR_MALFORMED: no such fault. */
MUST_USE err_t testnet_set_fault(struct testnet *t, const char *spec, char why[TESTNET_ORDERS_WHY]);

#endif
