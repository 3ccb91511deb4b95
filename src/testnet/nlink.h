/* Nlink: one connection of a node's, from a client or another node, or to another node. A node owns
 * its links; one that is over is taken out at once and freed by the node's timer. */
#ifndef TUNIC_TESTNET_NLINK_H
#define TUNIC_TESTNET_NLINK_H

#include "link/link.h"

struct node;
struct rcirc;

struct nlink {
    struct node *node;
    struct link *link;
    bool dialled, over;
    struct rcirc *waiting; /* circuits to be extended over it once it is open */
    void *memo;            /* what the node's misdeeds remember of it; theirs, freed with it */
    struct nlink *prev, *next;
};

struct nlink *nlink_accept(struct node *n, const struct ipport *peer);
/* The link to TARGET, open or on its way, that there is; NULL if there is none. */
struct nlink *nlink_find(const struct node *n, const struct link_target *target);
/* A new one; NULL out of memory or too many. */
struct nlink *nlink_dial(struct node *n, const struct link_target *target);
void nlink_close_all(struct node *n, const char *why);
void nlink_bury(struct nlink *nl);

#endif
