/* Stock: one measurement of a relay of unmodified tor, at one measurer. Links to the relay, a
 * circuit on each, and what the mode sends over them; told and reporting as any other measurement
 * (measurement.h).
 *
 * A relay that knows nothing of measuring cannot say no on the way, so it is treated with care: it
 * must have agreed beforehand, which is looked at before there is anything that could send a byte;
 * few links, opened slowly; few cells under way (flight.h); and the first DESTROY, TRUNCATED or
 * closed link ends all of it at once.
 *
 * A machine without sockets: the world dials, moves bytes, and lends the second hop. */
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
    STOCK_CONNECT_MS = 25 * 1000, /* TCP, handshake, circuit; from the last link's opening on */
    STOCK_GO_MS = 60 * 1000,
    STOCK_DRAIN_MS = 5 * 1000,
    STOCK_SINK_EVERY = 50, /* sink2: one cell in so many comes back */
    /* What TLS and its like may add to the bytes of cells, in percent, when bytes on the wire are
     * counted: a relay could send more of that than of cells. */
    STOCK_WIRE_PERCENT = 8,
};

struct stock_config {
    struct connect_to_relay told; /* copied; its proof is looked at in stock_new() alone */
    const char *name;             /* the measurer's */
    struct tls_ctx *tls;          /* a client's; borrowed */
    const struct sha256 *pin;     /* of the coordinator that asks; NULL: it has none */
    /* echo2 and sink2: the second hop, borrowed, and how the relay is to reach it. */
    const struct echohop *hop;
    struct circ_hop_target next;
    /* http: the exit that comes second, and where to; the exit's own descriptor, if it needs one.
     */
    struct text next_proof;
    struct ipport server;
    uint64_t bytes_most; /* both ways: then it ends */
};

struct stock_end {
    bool done; /* all seconds are reported; else FAILURE says why not */
    struct meas_failure failure;
    bool sent_away; /* by the relay: it is to be left alone */
    uint64_t bytes; /* of all links to it, both ways */
};

struct stock_ops {
    void (*dial)(void *world, struct link *l, const struct ipport *to);
    void (*output)(void *world, struct link *l); /* as link_ops' on_output */
    void (*hangup)(void *world, struct link *l); /* L is freed when this call is over */
    uint64_t (*cpu_us)(void *world);             /* of the process, so far */
    void (*on_connected)(void *world, const struct connected_to_relay *m);
    void (*on_report)(void *world, const struct bw_report *r);
    /* Once, at the end of a wake-up; the owner may free it in there. */
    void (*on_end)(void *world, const struct stock_end *end);
};

/* Whether it may be, and all that it needs; nothing is dialled before the next wake-up. ERR_ARG,
 * ERR_NOMEM, or an error of consent.h; WHY says which. */
MUST_USE err_t stock_new(struct env *env, const struct stock_config *config,
                         const struct stock_ops *ops, void *world, struct stock **out,
                         char why[CONSENT_WHY_MAX]);
void stock_free(struct stock *s); /* without a word to anybody; NULL is fine */

/* ERR_STATE: it runs already, or is not ready. */
MUST_USE err_t stock_go(struct stock *s);
void stock_alloc(struct stock *s, uint64_t alloc_bw);
void stock_cancel(struct stock *s, enum meas_code code, const char *info);

/* What a result of this mode proves, in a sentence for people. */
const char *stock_mode_proves(enum meas_mode mode);

#endif
