/* Stock: one measurement of a relay of unmodified tor, at one measurer. Links to the relay, a
 * circuit on each, and what the mode sends over them; told and reporting as any other measurement
 * (measurement.h).
 *
 * A relay that knows nothing of measuring cannot say no on the way, so it is treated with care: it
 * must have agreed beforehand, which is looked at before there is anything that could send a byte;
 * few links, opened slowly; few cells under way (flight.h); and the first DESTROY, TRUNCATED or
 * closed link ends all of it at once.
 *
 * A machine without sockets, as a measurement is, with the same world and the same ops. */
#ifndef TUNIC_MEASURE_STOCK_H
#define TUNIC_MEASURE_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "circuit/circ.h"
#include "measure/consent.h"
#include "measure/measurement.h"

struct stock;
struct echohop;
struct tls_ctx;

enum {
    STOCK_DRAIN_MS = 5 * 1000,
    STOCK_SOCKETS = 10,     /* where nobody says how many */
    STOCK_SINK_SOCKETS = 4, /* of sink2, where a circuit has much under way */
    STOCK_SINK_EVERY = 50,  /* sink2: one cell in so many comes back */
    /* What TLS and its like may add to the bytes of cells, in percent, when bytes on the wire are
     * counted: a relay could send more of that than of cells. */
    STOCK_WIRE_PERCENT = 8,
};

struct stock_config {
    struct connect_to_relay told;     /* copied; its proof is looked at in stock_new() alone */
    const char *name;                 /* the measurer's */
    struct tls_ctx *tls;              /* a client's; borrowed */
    const struct meas_world *sockets; /* borrowed */
    void *world;                      /* theirs */
    bool dead_man;                    /* whoever asked is elsewhere, and stock_heard() says so */
    const struct sha256 *pin;         /* of the coordinator that asks; NULL: it has none */
    /* echo2 and sink2: the second hop, borrowed, and how the relay is to reach it. */
    const struct echohop *hop;
    struct circ_hop_target next;
    /* http: the exit that comes second, and where to; the exit's own descriptor, if it needs one.
     */
    struct text next_proof;
    struct ipport server;
    uint64_t bytes_most; /* both ways: then it ends */
};

/* Whether it may be, and all that it needs; nothing is dialled before the next wake-up. ERR_ARG,
 * ERR_NOMEM, or an error of consent.h; WHY says which. */
MUST_USE err_t stock_new(struct env *env, const struct stock_config *config,
                         const struct measurement_ops *ops, void *arg, struct stock **out,
                         char why[CONSENT_WHY_MAX]);
void stock_free(struct stock *s); /* without a word to anybody; NULL is fine */

/* ERR_STATE: it runs already, or is not ready. */
MUST_USE err_t stock_go(struct stock *s);
void stock_alloc(struct stock *s, uint64_t alloc_bw);
void stock_stop(struct stock *s, enum meas_code code, const char *info);
/* Something was heard of the coordinator. */
void stock_heard(struct stock *s);

/* The relay has ended what it had granted: it is to be left alone. */
bool stock_was_sent_away(const struct stock *s);
/* Of all links to the relay and of the second hop, both ways. */
uint64_t stock_bytes(const struct stock *s);

/* http: the hop behind the relay, by the exit's own descriptor, as which it has to answer. ERR: it
 * cannot be read, or says nothing of a key; WHY. */
MUST_USE err_t stock_exit(const struct meas_exit *exit, struct circ_hop_target *out,
                          char why[CONSENT_WHY_MAX]);

/* What a result of this mode proves, in a sentence for people. */
const char *stock_mode_proves(enum meas_mode mode);

#endif
