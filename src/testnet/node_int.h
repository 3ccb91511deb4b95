/* The inside of a node, for the files of this folder and for its misdeeds.
 *
 * Ownership: a node owns its links (struct nlink) and circuits (struct rcirc), a circuit its
 * streams (struct target). What is over is taken out at once, put on the node's list of the dead,
 * and freed by a timer, when nothing of it is on the stack. */
#ifndef TUNIC_TESTNET_NODE_INT_H
#define TUNIC_TESTNET_NODE_INT_H

#include "base/hash.h"
#include "base/later.h"
#include "link/tls.h"
#include "testnet/misdeeds.h"
#include "testnet/node.h"
#include "testnet/relay_certs.h"
#include "testnet/rmeas.h"
#include "testnet/rset.h"

enum {
    NODE_LINKS_MOST = 1024,
    NODE_CIRCS_MOST = 16384,
    SCRATCH_CELLS = 32,
};

struct node {
    struct env *env;
    struct node_config config;
    const struct node_world *ops;
    void *world;
    struct sha256 tls_cert;
    struct relay_certs certs;
    int64_t certs_made_s;
    struct xonxoff_params flow;      /* of streams that end here */
    const struct misdeeds *misdeeds; /* NULL: it is honest */
    void *misdeeds_arg;
    struct dirserv_source dir;
    struct nlink *links, *dead_links;
    struct rcirc *circs, *dead_circs;
    struct target *dead_targets;
    struct rset *sets, *dead_sets;
    unsigned n_sets;
    struct rmeas meas;
    struct later reap; /* frees the dead */
    bool stopped;
    struct node_counts counts;
    uint8_t scratch[SCRATCH_CELLS * RELAY_DATA_MAX]; /* what targets read into */
};

#endif
