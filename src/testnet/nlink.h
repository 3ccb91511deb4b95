/* Nlink: one connection of a node's, from a client or another node, or to another node. A node owns
 * its links; one that is over is taken out at once and freed by the node's timer. */
#ifndef TUNIC_TESTNET_NLINK_H
#define TUNIC_TESTNET_NLINK_H

#include "link/link.h"

struct node;

/* Somebody who waits for a link to be open: told once, that it is or that it never will be. A
 * member of theirs. */
struct nlink_wait {
    struct nlink *on; /* NULL: it waits for none */
    void (*open)(void *arg, struct nlink *nl);
    void (*failed)(void *arg);
    void *arg;
    struct nlink_wait *prev, *next;
};

typedef void nlink_create_fn(struct nlink *nl, uint32_t id, uint8_t cmd, const uint8_t *body);

struct nlink {
    struct node *node;
    struct link *link;
    bool dialled, over;
    bool measures;      /* it carries a measurement, and no clients */
    bool held;          /* it is not read for now */
    size_t echoes_wait; /* bytes of echoes that its circuits hold back */
    struct nlink_wait *waiting;
    void *memo;                 /* what the node's misdeeds remember of it; theirs, freed with it */
    nlink_create_fn *on_create; /* NULL: it was dialled */
    struct nlink *prev, *next;
};

/* ON_CREATE is told as link_ops' is, with the nlink as ARG. */
struct nlink *nlink_accept(struct node *n, const struct ipport *peer, nlink_create_fn *on_create);
/* The link to TARGET, open or on its way, that there is; NULL if there is none. */
struct nlink *nlink_find(const struct node *n, const struct link_target *target);
/* A new one; NULL out of memory or too many. */
struct nlink *nlink_dial(struct node *n, const struct link_target *target);
/* Until it is open, or nlink_wait_no_more(). */
void nlink_wait(struct nlink *nl, struct nlink_wait *w);
void nlink_wait_no_more(struct nlink_wait *w); /* harmless if it waits for none */
/* It is not read until it is let go again. */
void nlink_hold(struct nlink *nl, bool hold);
void nlink_measures(struct nlink *nl, bool measures);
void nlink_close_all(struct node *n, const char *why);
void nlink_bury(struct nlink *nl);

#endif
