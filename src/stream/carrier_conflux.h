/* A carrier over circuits that are joined by conflux, at the client (proposal 329). conflux.h
 * decides; here is what is done to circuits about it.
 *
 * Whoever builds the circuits makes the carrier first, gives it to a set of streams, and announces
 * each leg when its circuit is launched. One that has been linked leaves the set by itself when its
 * circuit closes; a circuit that is still open is not freed before its member was dropped, or the
 * carrier left. If the set is over, all circuits that are linked, or asked to be, close. */
#ifndef TUNIC_STREAM_CARRIER_CONFLUX_H
#define TUNIC_STREAM_CARRIER_CONFLUX_H

#include "base/env.h"
#include "stream/carrier.h"
#include "stream/conflux.h"

struct conflux_member; /* a leg and its circuit */

/* ON_JOINED(ARG): all legs that were expected are linked, and streams may be opened; again if there
 * are more later. NULL out of memory. */
struct carrier *carrier_of_conflux(struct env *env, const struct conflux_config *config,
                                   void (*on_joined)(void *arg), void *arg);

/* A circuit was launched for C, which waits for it. ERR_STATE: C has ended; ERR_LIMIT, ERR_NOMEM.
 */
MUST_USE err_t conflux_member_new(struct carrier *c, struct conflux_member **out);
/* Its circuit stands: CONFLUX_LINK goes to its last hop; an answer that comes after TIMEOUT_US
 * closes the circuit. One that never comes is for the owner to notice. The carrier is its user from
 * now on, and gets its messages without a stream id. The circuit is closed if there is an error. */
MUST_USE err_t conflux_member_link(struct conflux_member *m, struct circ *circ,
                                   uint64_t timeout_us);
/* M is of no use any more, and is freed; what is not dropped is freed with the carrier. Its circuit
 * is not touched, but others may close. */
void conflux_member_drop(struct conflux_member *m);
/* No leg follows in place of those that failed: the set makes do with those that are linked, as
 * soon as none is waited for. */
void conflux_carrier_settle(struct carrier *c);

/* C has ended: what is not linked yet has no use any more. */
bool conflux_carrier_is_over(const struct carrier *c);
bool conflux_member_is_joined(const struct conflux_member *m);
uint64_t conflux_member_rtt_us(const struct conflux_member *m); /* 0: unknown */

#endif
