/* Relay talk: what a coordinator says to the relay that is to be measured, and hears of it, on a
 * circuit of one hop: PARAMS and the answer to it, then BG each second. With no seconds asked for
 * it is a probe: may I, and under which limits? It starts nothing. */
#ifndef TUNIC_MEASURE_RELAY_TALK_H
#define TUNIC_MEASURE_RELAY_TALK_H

#include "base/env.h"
#include "base/err.h"
#include "measure/measurement.h"

enum { RELAY_TALK_ANSWER_MS = 10 * 1000 /* silence for so long: it does not know measuring */ };

struct relay_talk;

struct relay_talk_ops {
    void (*on_granted)(void *arg, const struct meas_ext *limits); /* once, PARAMS_OK */
    void (*on_bg)(void *arg, const struct meas_bg *bg);
    /* It is over, once, unless we left: MEAS_UNSUPPORTED, MEAS_REFUSED (TEXT: what the relay says),
     * MEAS_TIMEOUT, MEAS_RELAY_LOST, MEAS_MALFORMED_TOR_RESP. The owner frees later, not in it. */
    void (*on_end)(void *arg, enum meas_code code, const char *text);
};

struct relay_talk_config {
    struct link_config link; /* tls, and whom we prove to be; the rest is set here */
    const struct meas_world *ops_world;
    void *world;
    struct meas_relay relay;
    struct meas_params params;
};

/* Dials. ERR_NOMEM; ERR_ARG: the relay has no address. CONFIG is copied. */
MUST_USE err_t relay_talk_new(struct env *env, const struct relay_talk_config *config,
                              const struct relay_talk_ops *ops, void *arg, struct relay_talk **out);
/* No more is heard. ABORTED: the relay is told so. */
void relay_talk_leave(struct relay_talk *t, bool aborted);
void relay_talk_free(struct relay_talk *t); /* leaves first; NULL is fine */

/* Whom it reached: the identities that the relay proved; NULL: not yet. */
const struct ed_id *relay_talk_peer(const struct relay_talk *t);
const struct rsa_id *relay_talk_peer_rsa(const struct relay_talk *t);

#endif
