/* Flow: how much DATA may be under way between us and the other end (tor-spec 7.3, 7.4).
 *
 * A flow is a kind and the state behind it. It is asked whether DATA may be sent, and told of DATA
 * sent, of DATA received, and of a SENDME; it does no I/O: its owner sends and receives. Fixed
 * windows (window.h) are one kind, congestion control (vegas.h) is another. What a SENDME must
 * prove is not the flow's affair (tags.h), so that flows are of use where SENDMEs prove nothing. */
#ifndef TUNIC_CIRCUIT_FLOW_H
#define TUNIC_CIRCUIT_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "circuit/cc_params.h"

/* What both ends start from. */
struct flow_config {
    unsigned package_start; /* DATA that we may send before a SENDME comes */
    unsigned deliver_start; /* DATA that the other end may send before ours */
    struct cc_params cc;
};

/* What there is to know about a SENDME. */
struct flow_sendme {
    uint64_t sent_us; /* when the DATA was sent that it answers */
    bool blocked;     /* our own link takes no more, though the window is wide open */
};

struct flow;

struct flow_kind {
    bool stream_sendmes; /* streams on it have windows of their own, with SENDMEs */
    /* INC is how many DATA messages one SENDME stands for, WAY how far away the other end is.
     * CONFIG outlives the flow. NULL: out of memory. */
    struct flow *(*make)(const struct flow_config *config, unsigned inc, enum cc_way way);
    /* DATA was sent; *ANSWERED: its SENDME will be for this one. ERR_FULL: it was not allowed. */
    err_t (*sent)(struct flow *f, bool *answered);
    /* DATA came; *SENDME_DUE: it is to be answered by a SENDME. ERR_CIRC_WINDOW: too much. */
    err_t (*received)(struct flow *f, bool *sendme_due);
    /* A SENDME came, at ENV's time. ERR_CIRC_SENDME: none was due. */
    err_t (*sendme)(struct flow *f, struct env *env, const struct flow_sendme *m);
    void (*free)(struct flow *f);
};

/* The head of every kind's state. */
struct flow {
    const struct flow_kind *kind;
    unsigned room;         /* DATA that may be sent now; each kind keeps it true */
    unsigned sendmes_most; /* that may be due at once */
};

/* Read for every cell, and therefore no call through the kind. */
static inline bool flow_may_send(const struct flow *f)
{
    return f->room > 0;
}

static inline void flow_free(struct flow *f)
{
    if (f)
        f->kind->free(f);
}

#endif
