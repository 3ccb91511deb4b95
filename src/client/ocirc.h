/* Origin circuit: one circuit that this client builds, from the wish to the end: it waits for a
 * link, builds the hops, and keeps its build deadline. Which circuit is built, what rides on it and
 * who may use it, its owner decides (dirfetch.h, leg.h). */
#ifndef TUNIC_CLIENT_OCIRC_H
#define TUNIC_CLIENT_OCIRC_H

#include "base/env.h"
#include "base/hash.h"
#include "base/later.h"
#include "circuit/circ.h"
#include "client/circuits.h"
#include "client/linkpool.h"
#include "stream/carrier_conflux.h"

enum ocirc_state { OCIRC_WAITING /* for the link */, OCIRC_BUILDING, OCIRC_OPEN, OCIRC_CLOSED };

/* Why it ended: the link could not be had, or the circuit ended. */
struct ocirc_end {
    enum ocirc_state during;
    bool timed_out;       /* by ocirc_plan.timeout_ms */
    struct circ_end circ; /* circ.link_ended: see circ.link */
};

struct ocirc;

struct ocirc_ops {
    void (*on_begin)(void *arg, struct ocirc *oc);              /* the link is there; may be NULL */
    void (*on_hop)(void *arg, struct ocirc *oc, unsigned hops); /* may be NULL */
    void (*on_open)(void *arg, struct ocirc *oc);
    /* Exactly once, at the end of a wake-up; the owner may free OC inside. */
    void (*on_end)(void *arg, struct ocirc *oc, const struct ocirc_end *end);
};

struct ocirc_plan {
    struct link_target first;
    bool fast;                                  /* one hop, CREATE_FAST */
    struct circ_hop_target hops[CIRC_MAX_HOPS]; /* unless fast */
    size_t n_hops;
    uint64_t timeout_ms; /* from the link to the last hop; the link has deadlines of its own */
    enum circuit_purpose purpose; /* at first */
    unsigned flags;               /* enum circuit_flag, for whoever listens; so are these: */
    const uint8_t *conflux_nonce; /* the set it is to be a leg of; it outlives the circuit. NULL */
    char nickname[CIRC_MAX_HOPS][NICKNAME_MAX + 1]; /* of the hops, or "" */
};

struct ocirc {
    struct circuits *set;
    struct env *env;
    struct linkpool *pool;
    struct link *link; /* from OCIRC_BUILDING until it is closed */
    const struct ocirc_ops *ops;
    void *arg;
    enum ocirc_state state;
    uint64_t id; /* in the set; for people too: "circuit 12" */
    enum circuit_purpose purpose;
    const struct isolation *isolation;    /* its owner keeps it for these; NULL: for nobody */
    struct login *login;                  /* of who asked for it first; its owner holds it */
    const struct conflux_member *conflux; /* its place in that set; its owner keeps it; or NULL */
    struct ocirc_plan plan;
    struct link_want want;
    struct circ *circ;  /* from OCIRC_BUILDING on */
    int64_t created_us; /* wall clock */
    uint64_t begun_us;  /* when building began, the link being there */
    uint64_t open_us;   /* when it stood first; 0: it has not */
    struct timer deadline;
    struct timer first;                        /* until then the first hop should have answered */
    bool waits_for_guard;                      /* it stands, and may not be used yet (leg.h) */
    struct circ_counts told_bytes, told_cells; /* meter.c's: of what went over it */
    bool told_create;                          /* the same: of its first cell */
    struct later tell;                         /* of the end */
    struct ocirc_end end;
    UT_hash_handle hh; /* in the set */
};

/* A member of SET. NULL out of memory. */
struct ocirc *ocirc_new(struct circuits *set, const struct ocirc_plan *plan,
                        const struct ocirc_ops *ops, void *arg);
/* Closes without telling anyone; NULL is fine. Streams on it have left it before. */
void ocirc_free(struct ocirc *oc);
/* Closes; on_end follows at the end of the wake-up. */
void ocirc_close(struct ocirc *oc, err_t why, uint8_t reason);

/* Extends OC by the hops of MORE (and their nicknames): at once if it is open, else when those
 * asked for before are there. An open one is being built again, for MORE->timeout_ms at most;
 * on_hop and on_open come as at first. ERR_STATE: it is closed; ERR_LIMIT: too many hops. Other
 * errors: it closes. */
MUST_USE err_t ocirc_extend(struct ocirc *oc, const struct ocirc_plan *more);

/* Hop HOP (1 = first) that is there; NULL out of memory. */
struct carrier *ocirc_carrier(const struct ocirc *oc, unsigned hop);

/* Whether END, of a circuit that did not open, speaks against its first hop: no link, or no answer
 * to the first CREATE. Not when we lacked memory, sockets or the way (a proxy that failed, a
 * transport that is not there), nor when the relay itself (or one
 * behind it) refused: it is there then (guard-spec 4.8; C tor does not count these either). */
bool ocirc_end_blames_first_hop(const struct ocirc_end *end);

/* Something that was sent over OC at SINCE_US should have been answered, and was not. */
void ocirc_unanswered(const struct ocirc *oc, uint64_t since_us);
/* It is on a link that stalls (link_is_stalled()). */
bool ocirc_is_stalled(const struct ocirc *oc);

/* "$FP1 $FP2 $FP3", for the log; returns OUT. */
const char *ocirc_path_text(const struct ocirc *oc, char *out, size_t size);

#endif
