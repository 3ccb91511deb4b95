/* Doubt: whether the way to the relays still stands. It begins when a link stalls (link_stall())
 * and ends when a relay answers. In between relays are dialled anew every few seconds, so that a
 * way that is back is found at once, by a first packet: what stood before would be sent again by
 * the kernel, at intervals that double.
 *
 * First the relay of the link that stalls is dialled; if it stays silent, the client's other
 * primary guards as well, and nobody else. If one of them answers the way stands: who is silent
 * then is to blame, and its links close. While none does nobody is, for some time: a network that
 * keeps a client from its first guards looks the same, and then others have to be tried. */
#ifndef TUNIC_CLIENT_DOUBT_H
#define TUNIC_CLIENT_DOUBT_H

#include "base/env.h"
#include "client/linkpool.h"

struct doubt_ops {
    void (*begun)(void *arg);
    /* Relays that may be asked whether the way stands, MOST at most; returns how many. */
    size_t (*others)(void *arg, struct link_target *out, size_t most);
    /* A relay has answered: what failed since it began says nothing. */
    void (*answered)(void *arg);
};

enum doubt_state { DOUBT_NONE, DOUBT_ASKING, DOUBT_ANSWERED };

struct doubt {
    struct env *env;
    struct linkpool *links; /* borrowed */
    const struct doubt_ops *ops;
    void *arg;
    enum doubt_state state;
    uint64_t since_us;
    unsigned rounds;
    struct timer next;
};

void doubt_init(struct doubt *d, struct env *env, struct linkpool *links,
                const struct doubt_ops *ops, void *arg);
void doubt_end(struct doubt *d); /* nothing follows; also of one that is all zero */

/* A link stalls. */
void doubt_stalled(struct doubt *d);
/* A link that stalled does no longer, or one stood. */
void doubt_answered(struct doubt *d);
/* Somebody has a use for the network: it is asked often again. */
void doubt_wanted(struct doubt *d);
/* The machine's network changed: it is asked now. */
void doubt_look(struct doubt *d);

#endif
