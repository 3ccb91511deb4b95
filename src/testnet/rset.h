/* Rset: circuits of one client that end at a node and are joined to one by conflux (proposal 329):
 * the exit's side. What is decided in a set is in stream/conflux.h; here is what a node does about
 * it. A node owns its sets. The streams of a set are those of one of its circuits, its home; when
 * that one goes they move on. */
#ifndef TUNIC_TESTNET_RSET_H
#define TUNIC_TESTNET_RSET_H

#include "cell/relay.h"
#include "stream/conflux.h"

struct node;
struct rcirc;

struct rset {
    struct node *node;
    struct conflux state;
    struct rcirc *home;
    bool over;
    struct rset *prev, *next; /* of the node, among those that live or the dead */
};

/* CONFLUX_LINK, LINKED_ACK or SWITCH came on C. */
void rset_on_msg(struct rcirc *c, const struct relay_msg *m);
/* A message that sets number came on C, which is of one: each whose turn has come is acted on. */
void rset_got(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m);
/* C, which is of a set, is over: so is the set, or it lives on without. */
void rset_leave(struct rcirc *c);
void rset_bury(struct rset *s);

/* The circuit that the next message CMD of C's streams goes over. If it numbers, SWITCH is sent
 * first when that is due; NULL: that was the end of C. */
struct rcirc *rset_turn_to(struct rcirc *c, uint8_t cmd);
/* The message went over C. */
void rset_sent(struct rcirc *c, uint8_t cmd);
/* The circuit that DATA would go over now; NULL: none has room. */
struct rcirc *rset_next(const struct rcirc *c);

#endif
