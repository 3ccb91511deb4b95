/* Relay talk: what a coordinator says to the relay that is to be measured, and hears of it, on a
 * circuit of one hop: PARAMS and the answer to it, then BG each second. With no seconds asked for
 * it is a probe: may I, and under which limits? It starts nothing. */
#ifndef TUNIC_MEASURE_RELAY_TALK_H
#define TUNIC_MEASURE_RELAY_TALK_H

#include "base/env.h"
#include "base/err.h"
#include "measure/measurement.h"

enum {
    RELAY_TALK_ANSWER_MS = 10 * 1000, /* silence for so long: it does not know measuring */
    /* It is over by then, or it was granted. */
    RELAY_TALK_MOST_MS =
        2 * MEAS_ADDRS_MOST * MEAS_CONNECT_MS + MEAS_CIRCS_MS + RELAY_TALK_ANSWER_MS + 1000,
};

struct relay_talk;

struct relay_talk_ops {
    void (*on_granted)(void *arg, const struct meas_ext *limits); /* once, PARAMS_OK */
    void (*on_bg)(void *arg, const struct meas_bg *bg);
    /* It is over, once, unless we left: MEAS_UNSUPPORTED, MEAS_REFUSED (TEXT: what the relay says),
     * MEAS_TIMEOUT, MEAS_MALFORMED_TOR_RESP, or what became of the link: MEAS_UNREACHABLE,
     * MEAS_HANDSHAKE_FAILED, MEAS_WRONG_IDENTITY, MEAS_RELAY_LOST. The owner frees later, not in
     * it. */
    void (*on_end)(void *arg, enum meas_code code, const char *text);
};

struct relay_talk_config {
    struct link_config link; /* tls, and whom we prove to be; the rest is set here */
    const struct meas_world *ops_world;
    void *world;
    struct meas_relay relay;
    struct meas_params params;
};

/* Dials, one address of the relay's after the other until it is reached. ERR_NOMEM; ERR_ARG: the
 * relay has no address. CONFIG is copied. */
MUST_USE err_t relay_talk_new(struct env *env, const struct relay_talk_config *config,
                              const struct relay_talk_ops *ops, void *arg, struct relay_talk **out);
/* No more is heard. ABORTED: the relay is told so. */
void relay_talk_leave(struct relay_talk *t, bool aborted);
void relay_talk_free(struct relay_talk *t); /* leaves first; NULL is fine */

/* Whom it reached: the identities that the relay proved; NULL: not yet. */
const struct ed_id *relay_talk_peer(const struct relay_talk *t);
const struct rsa_id *relay_talk_peer_rsa(const struct relay_talk *t);
/* The address that was dialled last, and at which it answers, if it does. */
const struct ipport *relay_talk_at(const struct relay_talk *t);

#endif
