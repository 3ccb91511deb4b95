/* Half-closed streams of a circuit: we sent END, the other side may not have seen it yet. Until it
 * ends too, what it may still send is bounded by what it could have sent before; all else is an
 * attack or a bug (proposal 349). An exit need not answer an END, so entries stay as long as the
 * circuit: twelve bytes each, sorted by stream id. */
#ifndef TUNIC_STREAM_HALF_H
#define TUNIC_STREAM_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"
#include "stream/flow.h"

struct half {
    uint16_t id;
    bool connected_due;           /* CONNECTED had not come */
    bool resolved_due;            /* it was a RESOLVE: RESOLVED ends it too */
    struct stream_flow_rest rest; /* DATA, and words about flow */
};

struct halves {
    struct half *h;
    size_t n, room;
};

/* Makes room for N entries in all, so that half_add() cannot fail later. ERR_NOMEM. */
MUST_USE err_t halves_reserve(struct halves *t, size_t n);
void halves_free(struct halves *t);

void half_add(struct halves *t, const struct half *entry);   /* its id must be new */
struct half *half_find(const struct halves *t, uint16_t id); /* NULL if there is none */
void half_remove(struct halves *t, struct half *h);

/* Accounts for MSG, which is for a half-closed stream. ERR_NOT_FOUND: for none such;
 * ERR_CIRC_PROTO: more than it may send. */
MUST_USE err_t halves_on_msg(struct halves *t, const struct relay_msg *msg, uint64_t now_us);

#endif
