/* Conflux: two circuits or more to one exit that carry one sequence of messages (proposal 329).
 * This is the state of such a set and all that is decided in it, without I/O: numbers, who goes
 * next, what waits for its turn, which leg's end is the end of all. Both sides have one: the
 * client's is a carrier (carrier_conflux.h), the exit's belongs to a relay.
 *
 * A set is the sole owner of its legs' state. Its owner has the circuits: it says what came on
 * which leg, sends what it is told to, and asks conflux_is_over() after each call, for then all
 * circuits of the set are to be closed, linked or not, and nothing more may be asked of the set.
 *
 * Life of a leg, at the client: conflux_expect(), its circuit being built -> conflux_ask() -> LINK
 * -> conflux_linked() -> when none is waited for any more, all are joined at once. At the exit:
 * LINK -> conflux_admit(), joined -> LINKED -> conflux_acked(). It ends with conflux_remove(). */
#ifndef TUNIC_STREAM_CONFLUX_H
#define TUNIC_STREAM_CONFLUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/queue.h"
#include "cell/relay.h"
#include "cell/relay_conflux.h"
#include "stream/held.h"

/* Which leg the next message goes over. */
enum conflux_alg {
    CONFLUX_MINRTT, /* the quickest leg, and if it has no room none */
    CONFLUX_LOWRTT, /* the quickest of those that have room */
};

enum conflux_leg_state {
    CONFLUX_EXPECTED,
    CONFLUX_ASKED,  /* LINK went; LINKED has not come */
    CONFLUX_LINKED, /* it came; other legs are waited for */
    CONFLUX_JOINED, /* carries messages */
    CONFLUX_GONE,   /* only what it brought is still there */
};

struct conflux_leg {
    void *owner; /* whose circuit it is; NULL once it is gone */
    enum conflux_leg_state state;
    uint64_t sent,
        got;           /* number of the last message that it carried, or that was carried past it */
    uint64_t asked_us; /* when LINK or LINKED went; 0: it was answered */
    uint64_t rtt_us;   /* 0: unknown */
    bool switched;     /* SWITCH came, and no message since */
    struct held held;
    struct conflux_leg *prev, *next;
};

/* What the set has to know of a leg's circuit. */
struct conflux_ops {
    /* There is room in its window and on its link. */
    bool (*may_send)(const struct conflux_leg *leg);
    /* What its congestion control has measured, in microseconds; 0: nothing yet. */
    uint64_t (*rtt_us)(const struct conflux_leg *leg);
    /* As much is under way as one SENDME answers, or more. */
    bool (*in_flight)(const struct conflux_leg *leg);
};

struct conflux_config {
    uint8_t nonce[CONFLUX_NONCE_LEN]; /* never logged: who knows it may join */
    uint8_t ux;                       /* enum conflux_ux that we ask of the other side */
    size_t held_most;                 /* bytes that may wait for their turn */
    unsigned legs_most;
};

struct conflux {
    struct conflux_config config;
    const struct conflux_ops *ops;
    struct hoard *hoard;         /* where what is held counts, its owner's; or NULL */
    struct conflux_leg *legs;    /* in the order in which they came */
    struct conflux_leg *current; /* the one that the last message was sent over, or NULL */
    bool switch_said;            /* and SWITCH was: the message that follows it has to go there */
    enum conflux_alg alg;        /* what the other side asked for last */
    uint64_t delivered;          /* number of the last message that was handed out */
    const char *why;             /* it is over: text; NULL: it is not */
};

void conflux_init(struct conflux *c, const struct conflux_config *config,
                  const struct conflux_ops *ops);
void conflux_clear(struct conflux *c); /* frees the legs, and wipes */

static inline bool conflux_is_over(const struct conflux *c)
{
    return c->why != NULL;
}
/* Something went wrong with one of its circuits that the rest cannot do without; WHY is static. */
void conflux_end(struct conflux *c, const char *why);

unsigned conflux_count(const struct conflux *c, enum conflux_leg_state state);
size_t conflux_held(const struct conflux *c); /* bytes */
/* The set is over, and what it holds is given back before its legs are. */
void conflux_give_up_held(struct conflux *c);

/* ---- legs ---- */

/* One more leg, OWNER's, is to be waited for. ERR_LIMIT: there are too many; ERR_NOMEM. */
MUST_USE err_t conflux_expect(struct conflux *c, void *owner, struct conflux_leg **leg);
/* LEG, which is expected, stands: its LINK is OUT, and goes at NOW_US. */
void conflux_ask(struct conflux *c, struct conflux_leg *leg, uint64_t now_us,
                 struct relay_conflux_link *out);
/* LINKED came on LEG. ERR_CIRC_PROTO: it may not; ERR_CIRC_TIMEOUT: it took TIMEOUT_US or longer.
 * LINKED_ACK is due if neither. */
MUST_USE err_t conflux_linked(struct conflux *c, struct conflux_leg *leg,
                              const struct relay_conflux_link *m, uint64_t now_us,
                              uint64_t timeout_us);
/* LINK came, for this set, on OWNER's circuit: LEG is joined, and LINKED is OUT. ERR_CIRC_PROTO;
 * ERR_LIMIT: too many; ERR_NOMEM. */
MUST_USE err_t conflux_admit(struct conflux *c, void *owner, const struct relay_conflux_link *m,
                             uint64_t now_us, struct conflux_leg **leg,
                             struct relay_conflux_link *out);
/* LINKED_ACK came on LEG. ERR_CIRC_PROTO: a second one. */
MUST_USE err_t conflux_acked(struct conflux_leg *leg, uint64_t now_us);

/* Joins what is linked, if none is waited for; whether there was any. A leg that is asked for later
 * waits for its fellows, as in C tor (try_finalize_set()), and those that are joined go on. */
bool conflux_settle(struct conflux *c);
/* LEG's circuit has closed: LEG is not used any more. The set may be over with it, because it was
 * the last, or because something went with it or was to come over it. */
void conflux_remove(struct conflux *c, struct conflux_leg *leg);

/* ---- sending ---- */

/* Over which leg the next message goes, DATA or another. NULL: over none for now. */
struct conflux_leg *conflux_choose(struct conflux *c, bool data);
/* Before LEG, which was chosen, carries a message: *SWITCH_DUE says whether SWITCH with *SKIP has
 * to go over it first. If it cannot, the set is to be ended. ERR_CIRC_PROTO: the set is over. */
MUST_USE err_t conflux_turn_to(struct conflux *c, struct conflux_leg *leg, bool *switch_due,
                               uint32_t *skip);
void conflux_sent(struct conflux *c, struct conflux_leg *leg); /* the message went */

/* ---- receiving ---- */

/* SWITCH came on LEG. ERR_CIRC_PROTO: it may not. */
MUST_USE err_t conflux_switched(struct conflux *c, struct conflux_leg *leg,
                                const struct relay_conflux_switch *m);
/* MSG, one that is numbered, came on LEG. *ITS_TURN: it is the next one, and is handed out by the
 * caller, and then all of conflux_next(); if not it is held, or an error. ERR_CIRC_PROTO; or
 * ERR_CIRC_WINDOW, ERR_NOMEM: too much is held, and the set is over. */
MUST_USE err_t conflux_got(struct conflux *c, struct conflux_leg *leg, const struct relay_msg *msg,
                           bool *its_turn);
/* Takes the next of those that are held, if its turn has come. OUT is a view that the next call
 * ends. */
bool conflux_next(struct conflux *c, struct relay_msg *out);

#endif
