/* What the files of the link pool share: linkpool.c makes and shares links, linkpool_silent.c
 * says over which nothing is heard, and linkpool_doubt.c what becomes of these. */
#ifndef TUNIC_CLIENT_LINKPOOL_INT_H
#define TUNIC_CLIENT_LINKPOOL_INT_H

#include "base/later.h"
#include "client/linkpool.h"

struct pooled_link {
    struct linkpool *pool;
    uint64_t id; /* for who listens; none comes twice */
    struct link *link;
    struct link_target target;
    struct link_want *wants;
    struct link_end end;
    uint64_t told_in, told_out; /* of its bytes */
    bool ended;                 /* END says how */
    bool renewed;               /* another one was dialled in its place */
    bool mute;                  /* it stalls for want of answers */
    bool is_slow;               /* it did while another link to its relay came to stand */
    bool retired;               /* takes no new circuit */
    bool writes_later;          /* with the pool's next run */
    uint64_t ran_us;            /* when it last sent cells: the pool's, if in its last run */
    uint64_t since_us;          /* when it was dialled */
    struct timer old;    /* until then it takes circuits: a session's keys do not live for ever */
    uint64_t stalls_us;  /* since then, if it stalls */
    struct timer silent; /* until then it may be without an answer */
    struct later reap;   /* asked for: the link has ended */
    struct pooled_link *prev, *next;
};

struct linkpool {
    struct env *env;
    struct events *events;
    struct linkpool_config config;
    const struct client_world *world_ops;
    void *world;
    const struct linkpool_ops *ops;
    void *arg;
    struct pooled_link *links;
    struct linkpool_bytes gone; /* of links that are no more */
    uint64_t last_id;
    uint64_t ran_us; /* when cells were last sent on any link */
    bool waits;      /* WRITE is armed for the end of a wait */
    struct timer write;
};

enum { LINK_SILENT_MS = 3000 }; /* in which a link that is made gets an answer, or is in doubt */

/* ---- linkpool.c ---- */

/* NULL out of memory. */
struct pooled_link *linkpool_launch(struct linkpool *pool, const struct link_target *target);

/* ---- linkpool_silent.c ---- */

/* P has no answer to its handshake, and nothing was heard for MS. */
bool linkpool_is_unanswered(const struct pooled_link *p, uint64_t ms);
/* For how long it may be silent, if others may be for MS. */
uint64_t linkpool_patience_ms(const struct pooled_link *p, uint64_t ms);

/* P's relay has answered: its other links are slow, if they are silent. */
void linkpool_believe_others(const struct pooled_link *p);
void linkpool_silent(void *p); /* the timer's */

#endif
