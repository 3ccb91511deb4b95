/* Link pool: the links of a client, one for each relay it talks to directly. A circuit asks for a
 * link to a relay; an open one is shared, else one is made and the circuit waits. */
#ifndef TUNIC_CLIENT_LINKPOOL_H
#define TUNIC_CLIENT_LINKPOOL_H

#include "base/env.h"
#include "circuit/circ.h"
#include "client/client.h"
#include "client/events.h"
#include "habits/habits.h"
#include "link/link.h"

struct linkpool;
struct pooled_link;

/* A wait for a link: a member of whoever waits. Exactly one of ready and failed is called, once,
 * unless linkpool_cancel() comes first. */
struct link_want {
    void (*ready)(void *arg, struct link *l);
    void (*failed)(void *arg, const struct link_end *end);
    void *arg;
    struct pooled_link *on; /* NULL: not waiting */
    bool has_ed;            /* the Ed25519 identity that the link must have proved */
    struct ed_id ed;
    struct link_want *prev, *next;
};

struct linkpool_ops {
    void (*clock_skew)(void *arg, int64_t skew_s, const struct link_target *peer);
    /* A link stood, or failed before it stood. */
    void (*opened)(void *arg, const struct link_target *peer);
    void (*failed)(void *arg, const struct link_target *peer, const struct link_end *end);
    /* A link stalls (link_is_stalled()), or is not answered while it is made; or it stalls no
     * longer. */
    void (*stalled)(void *arg, bool stalled);
};

struct linkpool_config {
    struct link_config link; /* its idle_timeout_ms is drawn for each link */
    struct habits habits;
    struct circ_config circ; /* of circuits over the pool's links */
};

/* What happens to links is told to EVENTS, which is borrowed. NULL out of memory. */
struct linkpool *linkpool_new(struct env *env, struct events *events,
                              const struct linkpool_config *config,
                              const struct client_world *world_ops, void *world,
                              const struct linkpool_ops *ops, void *arg);
/* Hangs up every link; nobody is told. NULL is fine. */
void linkpool_free(struct linkpool *pool);

/* Hangs up all links. Whoever waits for one hears nothing. */
void linkpool_drop_all(struct linkpool *pool);

/* Hangs up those that are being made and nobody waits for: their relays may be such as the options
 * do not have dialled any more. */
void linkpool_drop_unwanted(struct linkpool *pool);

/* Settings for new links; padding and keepalives hold for those that are open, too. */
void linkpool_set_config(struct linkpool *pool, const struct linkpool_config *config);

/* What a new circuit over one of its links is made with. */
const struct circ_config *linkpool_circ_config(const struct linkpool *pool);

/* *OUT is an open link to TARGET, or NULL: then W waits (the caller has set its functions).
 * ERR_NOMEM: neither. */
MUST_USE err_t linkpool_get(struct linkpool *pool, const struct link_target *target,
                            struct link_want *w, struct link **out);
void linkpool_cancel(struct link_want *w);
/* Sees to a link to TARGET, ahead of whoever will ask for one. */
void linkpool_prepare(struct linkpool *pool, const struct link_target *target);

/* L did not answer the first cell of a circuit: no new circuit goes onto it, and it ends with those
 * that it has. Another link to its relay may do better (the machine moved to another network). */
void linkpool_distrust(struct linkpool *pool, const struct link *l);

/* ---- while the way to the relays is in doubt (doubt.h) ---- */

/* Links that have not come to stand for MS are dialled anew: the kernel would wait longer and
 * longer between two attempts. A relay that took the connection may be busy, and has longer.
 * Whoever waits for one goes on waiting if GOES_ON, else it fails. */
void linkpool_dial_anew(struct linkpool *pool, uint64_t ms, bool goes_on);
/* A second link to the relay of each one that stalls and carries a circuit. */
void linkpool_double_stalled(struct linkpool *pool);
/* One more link to TARGET, unless one is being made. */
void linkpool_try(struct linkpool *pool, const struct link_target *target);
/* The way stands: links that are being made and were not answered for MS are closed; those that
 * stall all the same, when they had time enough to be heard again. */
void linkpool_way_stands(struct linkpool *pool, uint64_t ms);

/* Something was sent over L at SINCE_US that has no answer yet, though it should. If nothing at all
 * came over L since, it stalls, unless another link to its relay has stood meanwhile: then the
 * relay is slow, and no more. */
void linkpool_unanswered(struct linkpool *pool, const struct link *l, uint64_t since_us);

/* Bytes on the wire, of all links that there were, from its first on. */
struct linkpool_bytes {
    uint64_t in, out;
};
struct linkpool_bytes linkpool_bytes(const struct linkpool *pool);
/* Tells of each link over which bytes went since the last call (EVENT_CONN_BW). */
void linkpool_tell_bytes(struct linkpool *pool);
/* Each link as it was told of last, oldest first. FN must not change the pool. */
void linkpool_look(const struct linkpool *pool, void (*fn)(void *arg, const struct event_orconn *e),
                   void *arg);
/* L's id as an OR connection; 0: it is none of the pool's. */
uint64_t linkpool_id(const struct linkpool *pool, const struct link *l);

/* Calls FN for every link. FN must not change the pool. */
void linkpool_each(const struct linkpool *pool, void (*fn)(void *arg, struct link *l), void *arg);

/* When bytes last came over any link that there is; 0: none ever. */
uint64_t linkpool_heard_us(const struct linkpool *pool);

#endif
