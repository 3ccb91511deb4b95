/* Waiting: the tunnels that wait for a circuit, and whose turn it is.
 *
 * Those that the same circuit would do for (isolation, kind, port, family) stand in one queue, a
 * wish: where nothing is found for the first, nothing is for the others, and they are not tried.
 * Some wishes are due: they are to look at what is open, since they are new or a circuit of theirs
 * has come. All others sleep; what is there for anybody (a new circuit to be built, one that is
 * nobody's) they are offered in rounds, by turns: users first, then each user's wishes, so that
 * one user with many wishes takes no more from another than one with few.
 *
 * Nothing here looks at circuits or time; the caller tries and tells what came of it. */
#ifndef TUNIC_CLIENT_WAITING_H
#define TUNIC_CLIENT_WAITING_H

#include <stdbool.h>
#include <stddef.h>

#include "client/isolation.h"
#include "client/tunnel.h"

struct waiting;
struct wish;

/* A member of what waits; zero while it does not. */
struct waiter {
    struct wish *wish;
    struct waiter *prev, *next;
};

struct waiting *waiting_new(void);
void waiting_free(struct waiting *w); /* nobody may wait any more; NULL is fine */

/* HOST: what isolation goes by. ALONE: it has wishes that its request does not tell of (an exit to
 * keep from), and shares its place with nobody. A new wish is due. False out of memory. */
MUST_USE bool waiting_add(struct waiting *w, struct waiter *t, const struct tunnel_request *req,
                          const char *host, bool alone);
void waiting_remove(struct waiting *w, struct waiter *t); /* harmless if it does not wait */

/* All wishes that stand under one of KEYS are due, before others. */
void waiting_wake(struct waiting *w, const struct isolation_key keys[ISOLATION_KEYS]);
/* The wish of T is due: what T has found will do for those behind it. */
void waiting_wake_wish(struct waiting *w, struct waiter *t);

/* Who is to look next: the first of a wish that is due; NULL: none is. The wish is the last of
 * those that are due from now on, until none of it waits or it is put elsewhere. */
struct waiter *waiting_next_due(struct waiting *w);
void waiting_sleep(struct waiting *w, struct waiter *t); /* its wish; until it is woken */
void waiting_hold(struct waiting *w, struct waiter *t);  /* its wish, until waiting_end_hold() */
void waiting_end_hold(struct waiting *w);

/* Every wish that sleeps now is to have a turn. */
void waiting_begin_round(struct waiting *w);
/* Whose turn it is: the first of a wish that sleeps, which is the last in the order from now on;
 * NULL: the round is over. */
struct waiter *waiting_next_turn(struct waiting *w);

#endif
