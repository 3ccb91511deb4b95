/* Testnet: a whole Tor network in one object: authorities, relays and their documents. No I/O, and
 * nothing but loopback; net gives it sockets, tests/sim a made-up wire and clock. */
#ifndef TUNIC_TESTNET_TESTNET_H
#define TUNIC_TESTNET_TESTNET_H

#include "testnet/netdocs.h"
#include "testnet/node.h"
#include "testnet/plan.h"

struct testnet;

struct testnet_config {
    const struct plan *plan; /* copied; ports filled in */
    /* Keys, one a node in the plan's order, or NULL: made here. Borrowed if given. */
    const struct identity *ids;
    const struct node_host *hosts; /* borrowed */
    size_t n_hosts;
    bool republish;               /* a new consensus by itself every interval */
    struct measurable measurable; /* what all its relays say of measurements */
};

MUST_USE err_t testnet_new(struct env *env, const struct testnet_config *config,
                           const struct node_world *ops, void *world, struct testnet **out);
void testnet_free(struct testnet *t); /* NULL is fine */

size_t testnet_nodes(const struct testnet *t);
struct node *testnet_node(const struct testnet *t, size_t i);
/* Finds a node by nickname or $-less fingerprint; NULL if there is none. */
struct node *testnet_node_by_name(const struct testnet *t, const char *name);
struct node *testnet_node_at(const struct testnet *t, const struct ipport *or_port);
struct netdocs *testnet_docs(const struct testnet *t);

/* What torrc has behind "DirAuthority" for authority I (I < authorities); returns OUT. */
enum { TESTNET_LINE_MAX = 256 };
const char *testnet_authority_line(const struct testnet *t, size_t i, char out[TESTNET_LINE_MAX]);

#endif
