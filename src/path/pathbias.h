/* Path bias (path-spec 7): of the circuits through each guard, how many come to stand, how many end
 * before they served, and how many of those that were used got an answer. A guard that lets only
 * those circuits live whose other end it knows lets many others die, and that is what is told, or
 * with PathBiasDropGuards held against it. Counts are C tor's (circpathbias.c), in its fields of
 * the state file.
 *
 * Whoever has the circuit tells here what becomes of it; guard_circuit.h's calls know of the rest.
 * Circuits whose guard_circuit is nobody's are not counted. */
#ifndef TUNIC_PATH_PATHBIAS_H
#define TUNIC_PATH_PATHBIAS_H

#include "path/cbt.h"
#include "path/guard_circuit.h"

/* Messages name the build timeout of CBT, which is borrowed; NULL: none. */
void pathbias_set_times(struct guards *g, const struct cbt *cbt);

/* The second hop answers: from here on a guard could have an interest in its end. False: the guard
 * is ruled out by what was counted before, so close it. */
MUST_USE bool pathbias_attempted(struct guards *g, struct guard_circuit *c);
/* It is closed because it took too long. */
void pathbias_timed_out(struct guards *g, struct guard_circuit *c);

/* A stream goes onto it. */
void pathbias_used(struct guards *g, struct guard_circuit *c);
/* Its end has answered a stream, in a way that needs the right keys. */
void pathbias_answered(struct guard_circuit *c);
/* A stream leaves it that will be tried elsewhere: it takes another answer to show that C works. */
void pathbias_left(struct guard_circuit *c);
/* Its end says that what it was sent made no sense (END reasons TORPROTOCOL, DESTROY). */
void pathbias_garbled(struct guard_circuit *c);
/* A controller chose hops of it: it is not counted. */
void pathbias_ignore(struct guard_circuit *c);

/* It was used, and nothing shows that it works: before it is closed it is probed. */
bool pathbias_wants_probe(const struct guard_circuit *c);
/* It ends, by OURS wish or somebody else's. */
void pathbias_closed(struct guards *g, struct guard_circuit *c, bool ours);

#endif
