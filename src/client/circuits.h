/* Circuits: the register of all circuits of a client, whoever they are for, by their ids. Ids count
 * up from 1 and none is given twice, however long the client runs; a circuit is found from its
 * launch until it fails or is closed. What happens to it is told from here (events.h). */
#ifndef TUNIC_CLIENT_CIRCUITS_H
#define TUNIC_CLIENT_CIRCUITS_H

#include "client/events.h"

struct circuits;
struct linkpool;
struct ocirc;

/* POOL and EVENTS are borrowed. NULL out of memory. */
struct circuits *circuits_new(struct env *env, struct linkpool *pool, struct events *events);
/* All circuits have been freed before. NULL is fine. */
void circuits_free(struct circuits *cs);

struct env *circuits_env(const struct circuits *cs);
struct linkpool *circuits_links(const struct circuits *cs);

/* NULL: there is none, or no more. */
struct ocirc *circuits_find(const struct circuits *cs, uint64_t id);
size_t circuits_count(const struct circuits *cs);
/* When the last one was launched, on the monotonic clock; 0: none was. */
uint64_t circuits_launched_us(const struct circuits *cs);
/* Oldest first. FN must neither launch nor free any, but may close them. */
void circuits_each(const struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg);

/* FN is called when the congestion control of a circuit leaves slow start; one alone is. */
void circuits_on_steady(struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg);

/* Circuits of before may not work any more, because the CLOCK jumped or there is no directory any
 * more: whether streams can be served is to be found out anew. */
void circuits_doubt(struct circuits *cs, bool clock);
/* Whether any stands that has more hops than one. */
bool circuits_any_open(const struct circuits *cs);
/* Some circuit for streams was built since. */
bool circuits_established(const struct circuits *cs);

/* ---- for ocirc.c and owners of circuits ---- */

/* Gives OC its id and tells of its launch; false out of memory. */
MUST_USE bool circuits_add(struct circuits *cs, struct ocirc *oc);
/* OC, whose end is known, is gone: tells of that, once. */
void circuits_remove(struct ocirc *oc);
/* Tells of any other change. Owners say BUILT, or GUARD_WAIT, in on_open. */
void circuits_tell(const struct ocirc *oc, enum circuit_status status);
void circuits_steady(struct ocirc *oc);
/* There is no path for a circuit with FLAGS: it fails before it is there, as in tor. */
void circuits_tell_pathless(struct circuits *cs, unsigned flags);
/* OC in STATUS, and its end if it is over. */
void circuits_describe(const struct ocirc *oc, enum circuit_status status,
                       struct event_circuit *out);
/* OC, which was begun at BEGUN_US and was nobody's, goes on for somebody. */
void circuits_tell_cannibalized(const struct ocirc *oc, uint64_t begun_us);
void circuits_set_purpose(struct ocirc *oc, enum circuit_purpose purpose);

#endif
