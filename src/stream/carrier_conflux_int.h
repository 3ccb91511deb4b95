/* What the two files of a carrier over a conflux set share: carrier_conflux.c is the carrier, to
 * its streams; conflux_legs.c has the circuits below, how they are linked and how they end. */
#ifndef TUNIC_STREAM_CARRIER_CONFLUX_INT_H
#define TUNIC_STREAM_CARRIER_CONFLUX_INT_H

#include "base/hash.h"
#include "base/queue.h"
#include "stream/carrier_conflux.h"

struct conflux_carrier {
    struct carrier carrier;
    struct env *env;
    struct conflux state;
    struct conflux_member *members;
    struct hoard hoard;                   /* what waits for its turn */
    const struct circ_user_ops *user_ops; /* of its circuits, whose arg is a member */
    void (*on_joined)(void *arg);
    void *arg;
    bool left;           /* by its streams */
    bool closed;         /* over, and its circuits are closed */
    bool told;           /* its streams, of the end */
    struct circ_end end; /* why, once it is over */
};

struct conflux_member {
    struct conflux_carrier *carrier;
    struct conflux_leg *leg;
    struct circ *circ; /* NULL before it is linked */
    unsigned hop;
    uint64_t timeout_us;
    struct timer unanswered; /* LINK is */
    struct conflux_member *prev, *next;
};

/* What CONFIG's machine asks of its circuits, whose owners are members. */
extern const struct conflux_ops conflux_legs_ops;

/* If the set is over since the last look, it is for what END tells, and its circuits close. */
void conflux_legs_look(struct conflux_carrier *c, const struct circ_end *end);
/* The same for what came. */
void conflux_legs_look_broken(struct conflux_carrier *c);
/* It is over by our own doing, or because of what came; WHY is returned. */
err_t conflux_legs_fail(struct conflux_carrier *c, err_t why, const char *text);
/* M's circuit is no more, for what END tells: the set goes with it, or lives on. */
void conflux_legs_lose(struct conflux_member *m, const struct circ_end *end);
/* The circuits are nobody's of C any more, and are left as they are. */
void conflux_legs_leave(struct conflux_carrier *c);
void conflux_legs_free(struct conflux_carrier *c);

#endif
