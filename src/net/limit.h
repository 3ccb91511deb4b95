/* Limit: how many bytes a second go over a set of connections, each way (BandwidthRate). A
 * connection that would go over it waits, and goes on in its turn as tokens come. */
#ifndef TUNIC_NET_LIMIT_H
#define TUNIC_NET_LIMIT_H

#include "net/conn.h"

struct limit;

/* NULL out of memory. Without limit_set() it lets all pass. */
struct limit *limit_new(struct net *n);
void limit_free(struct limit *l); /* its connections have gone; NULL is fine */
/* From now on. */
struct limit_rule {
    uint64_t rate, burst; /* bytes a second, bytes at once, each way */
    uint32_t step_ms;     /* tokens come so often */
    bool counts_private;  /* also what goes to private addresses */
};
void limit_set(struct limit *l, const struct limit_rule *rule);

/* ---- for conn.c ---- */

enum limit_way { LIMIT_READ, LIMIT_WRITE };

/* A connection's place among those that wait; on_turn, conn and is_private are set before the first
 * limit_ask(). */
struct limit_wait {
    void (*on_turn)(struct conn *conn, enum limit_way way); /* asks again; not from inside */
    struct conn *conn;
    bool is_private; /* its peer has an address of a private network */
    bool waits[2];   /* by enum limit_way */
    struct limit_wait *prev, *next;
};

/* How many of WANT bytes may go now: 0: W waits. */
size_t limit_ask(struct limit *l, enum limit_way way, size_t want, struct limit_wait *w);
void limit_spend(struct limit *l, enum limit_way way, size_t n,
                 const struct limit_wait *w); /* of those */
void limit_leave(struct limit *l, struct limit_wait *w);

#endif
