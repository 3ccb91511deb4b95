/* The world of a test network: a listener for every node, each on its own loopback address, sockets
 * for its links and for what its exits reach, and how slow and how unsure the links are.
 *
 * Nothing but loopback: testworld_may_use() is asked before anything is listened on or dialled.
 *
 * Order: testworld_new() (listeners; fills ports in) -> testnet_new() with testworld_ops and the
 * world as its argument -> testworld_attach() -> the loop -> testnet_free() -> testworld_free(). */
#ifndef TUNIC_NET_TESTWORLD_H
#define TUNIC_NET_TESTWORLD_H

#include "net/net.h"
#include "net/shape.h"
#include "testnet/testnet.h"

struct testworld;

extern const struct node_world testworld_ops;

/* Opens an OR listener for each node of PLAN, and a DirPort for each authority. A port of 0 becomes
 * a free one, in PLAN too. RULES are copied. ERR_IO (logged: which address and why), ERR_ARG (an
 * address that is not loopback), ERR_NOMEM. */
MUST_USE err_t testworld_new(struct net *n, struct plan *plan, const struct shape_rules *rules,
                             struct testworld **out);
/* After the testnet. Closes listeners and what is left of connections. NULL is fine. */
void testworld_free(struct testworld *w);
/* From now on what is accepted goes to T. */
void testworld_attach(struct testworld *w, struct testnet *t);

/* The one check: loopback (127.0.0.0/8 or ::1). */
bool testworld_may_use(const struct ip *ip);

struct testworld_counts {
    size_t links, targets, requests; /* open connections: OR, of exits, to DirPorts */
    uint64_t cut;                    /* links cut so far by the rules */
};
struct testworld_counts testworld_counts(const struct testworld *w);

#endif
