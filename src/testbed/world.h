/* The world of a test network: a listener for every node, each on its own loopback address, sockets
 * for its links and for what its exits reach, and how slow and how unsure the links are.
 *
 * Nothing but loopback: testbed_may_use() is asked before anything is listened on or dialled.
 *
 * Order: testbed_world_new() (listeners; fills ports in) -> testnet_new() with testbed_world_ops
 * and the world as its argument -> testbed_world_attach() -> the loop -> testnet_free() ->
 * testbed_world_free(). */
#ifndef TUNIC_TESTBED_WORLD_H
#define TUNIC_TESTBED_WORLD_H

#include "net/net.h"
#include "testbed/shape.h"
#include "testnet/testnet.h"

struct testbed_world;

extern const struct node_world testbed_world_ops;

/* Opens an OR listener for each node of PLAN, and a DirPort for each authority. A port of 0 becomes
 * a free one, in PLAN too. RULES are copied. ERR_IO (logged: which address and why), ERR_ARG (an
 * address that is not loopback), ERR_NOMEM. */
MUST_USE err_t testbed_world_new(struct net *n, struct plan *plan, const struct shape_rules *rules,
                                 struct testbed_world **out);
/* Called after testnet_free(). Closes listeners and what is left of connections. NULL is fine. */
void testbed_world_free(struct testbed_world *w);
/* From now on what is accepted goes to T. */
void testbed_world_attach(struct testbed_world *w, struct testnet *t);

/* Does to N what SIGSTOP does to a relay's process: its sockets stay open, connections to it are
 * made, and nothing is read or written until testbed_world_thaw(). What N itself closes meanwhile,
 * its timers being ours, is closed then. */
void testbed_world_freeze(struct testbed_world *w, const struct node *n);
void testbed_world_thaw(struct testbed_world *w, const struct node *n);

#endif
