/* A circuit through a guard, as the guard set sees it (guard-spec 4.6 to 4.9): whether it may be
 * used once it stands depends on the guard, on the primary guards, and on all others of its kind.
 * The set knows them all, from the pick of the guard to their end. */
#ifndef TUNIC_PATH_GUARD_CIRCUIT_H
#define TUNIC_PATH_GUARD_CIRCUIT_H

#include "path/guards.h"

enum guard_circuit_state {
    GUARD_CIRCUIT_NONE,     /* its first hop is no guard's affair, or it is over */
    GUARD_CIRCUIT_SURE,     /* usable_on_completion */
    GUARD_CIRCUIT_UNSURE,   /* usable_if_no_better_guard */
    GUARD_CIRCUIT_WAITING,  /* waiting_for_better_guard: it stands */
    GUARD_CIRCUIT_COMPLETE, /* it stands, and may be used */
};

/* How far it has got, as path bias counts it (pathbias.h); in this order. */
enum pathbias_state {
    PATHBIAS_NEW,
    PATHBIAS_ATTEMPTED, /* its second hop has answered */
    PATHBIAS_BUILT,
    PATHBIAS_USED,     /* a stream went onto it, */
    PATHBIAS_ANSWERED, /* and its end answered, */
    PATHBIAS_FAILED,   /* or did not, or could not read what it was sent */
    PATHBIAS_IGNORED,  /* not counted, or no more */
};

/* A member of whoever has the circuit, who zeroes it first; all else is this file's. */
struct guard_circuit {
    enum guard_circuit_state state;
    struct rsa_id guard;
    bool is_apart;       /* the guard was chosen not to be related to APART, */
    struct rsa_id apart; /* the last hop: so must one be that is preferred to it */
    uint64_t since_us;   /* in this state */
    enum pathbias_state bias;
    struct guard_circuit *prev, *next;
};

/* A circuit over PICK is begun. */
void guard_circuit_begin(struct guards *g, struct guard_circuit *c, const struct path_pick *pick);

/* All its hops stand (again, if it was extended): its guard works, and is confirmed by that. False:
 * the guard is one no more, and the circuit must not be used. ND as in guards_pick(). */
MUST_USE bool guard_circuit_built(struct guards *g, struct guard_circuit *c,
                                  const struct netdir *nd);

/* Whether C, which stands, may be used now; asked again and again while it waits. */
bool guard_circuit_may_be_used(struct guards *g, struct guard_circuit *c, const struct netdir *nd);
/* It has waited for so long that nobody has use for it (NONPRIMARY_GUARD_IDLE_TIMEOUT). */
bool guard_circuit_is_stale(const struct guards *g, const struct guard_circuit *c);

/* It did not come to stand, by its guard's fault: as guards_failed(). */
void guard_circuit_failed(struct guards *g, struct guard_circuit *c);
/* It is over, and nobody is to blame. Harmless on one that is. */
void guard_circuit_end(struct guards *g, struct guard_circuit *c);

#endif
