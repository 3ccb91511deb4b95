/* Exits: the pool of three-hop circuits that carry tunnels. It builds some ahead of need, one when
 * a tunnel finds none that fits, and closes those that have served.
 *
 * What a circuit may carry: tunnels whose isolation is the same as that of the first one on it, to
 * ports that its exit allows, until MaxCircuitDirtiness after the first. */
#ifndef TUNIC_CLIENT_EXITS_H
#define TUNIC_CLIENT_EXITS_H

#include "base/env.h"
#include "client/circuits.h"
#include "client/config.h"
#include "client/ride.h"
#include "client/tunnel.h"
#include "dir/netdir.h"
#include "habits/habits.h"
#include "path/cbt.h"
#include "path/guards.h"
#include "path/path.h"
#include "path/vanguards.h"

struct exits;
struct exit_circ;

/* What a tunnel needs of its circuit. */
struct exit_need {
    const struct tunnel_request *request;
    const char *asked_host;      /* isolation goes by what it was opened to; NULL: to that host */
    const struct rsa_id *exit;   /* the one that it wants; NULL: any that will do */
    const struct rsa_id *failed; /* exits that let this tunnel down */
    size_t n_failed;
    uint64_t avoid_circuit; /* id of a circuit it does not want again; 0: none */
};

struct exits_ops {
    /* Tunnels that wait should ask again. WHO: those that stand under one of these keys, for a
     * circuit that they may use has opened, or the one that they wait for will not. NULL: all in
     * turn, as long as exits_could_serve(). */
    void (*changed)(void *arg, const struct isolation_key who[ISOLATION_KEYS]);
};

/* Conflux: what the consensus and options say of it (proposal 329, 8). */
struct conflux_policy {
    bool on;               /* ConfluxEnabled, or cfx_enabled, and there is congestion control */
    uint8_t ux;            /* ConfluxClientUX: enum conflux_ux */
    unsigned max_linked;   /* cfx_max_linked_set: no set is begun while there are so many */
    unsigned max_prebuilt; /* cfx_max_prebuilt_set: unused ones that there are to be... */
    unsigned low_exit_threshold; /* cfx_low_exit_threshold: ...if so many of 10000 exits do it */
    unsigned legs;               /* cfx_num_legs_set */
    unsigned leg_retries;        /* cfx_max_unlinked_leg_retry */
    size_t held_most;            /* cfx_max_oooq_bytes */
};

struct exits_config {
    const struct path_config *path;
    uint64_t max_dirtiness_ms;
    size_t max_pending;
    bool allow_internal;
    bool no_predicted;               /* __DisablePredictedCircuits */
    struct habits habits;            /* until exits_set_habits(): before there is a consensus */
    enum config_choice extend_by_ed; /* whether relays are named by their Ed25519 identity too */
};

/* Builds members of CIRCUITS. CONFIG is copied, its pointers are borrowed until exits_set_config().
 */
struct exits *exits_new(struct circuits *circuits, struct guards *guards,
                        struct vanguards *vanguards, struct cbt *cbt,
                        const struct exits_config *config, const struct exits_ops *ops, void *arg);
void exits_free(struct exits *x); /* closes all; NULL is fine */
void exits_set_config(struct exits *x, const struct exits_config *config);

/* Closes all circuits, and builds none until it is told of a network again. */
void exits_stop(struct exits *x);
/* What sets of circuits are built by from now on; before, none is. */
void exits_set_conflux(struct exits *x, const struct conflux_policy *policy);
/* How long circuits rest from now on. */
void exits_set_habits(struct exits *x, const struct habits *h);

/* The network to build from; NULL: build nothing. Takes a reference. */
void exits_set_netdir(struct exits *x, struct netdir *nd);

/* An open circuit that fits, or NULL. Then one is on its way (ops->changed will tell), or *WHY_NOT
 * is set to text that says why none can be built (valid until the next call). */
struct exit_circ *exits_find(struct exits *x, const struct exit_need *need, const char **why_not);
/* The same, but nothing is begun for who finds none: his turn has not come. */
struct exit_circ *exits_find_open(struct exits *x, const struct exit_need *need);
/* Whether there is anything for a tunnel that finds no circuit of its own: one may be built, or
 * there are circuits that are nobody's yet. */
bool exits_could_serve(const struct exits *x);

/* A tunnel goes onto C: fixes its isolation and makes it dirty. */
void exits_use(struct exit_circ *c, const struct exit_need *need);

/* The pool's circuit with this id; NULL: there is none. */
struct exit_circ *exits_by_id(const struct exits *x, uint64_t id);
/* Its last hop, once it is open. */
struct ride *exit_circ_ride(struct exit_circ *c);

/* ---- what somebody asks for by name (exits_steer.c) ---- */

/* The relay that NAME ("$fp", "fp", a nickname) is, of what is known; *EXCLUDED: options keep it
 * from being an exit even for who asks for it. NULL: there is none. */
const struct router *exits_named(const struct exits *x, const char *name, bool *excluded);

/* Hop HOP (1 = first) of C, which is open and has as many; NULL out of memory. */
struct ride *exit_circ_ride_at(struct exit_circ *c, unsigned hop);

/* Builds a circuit over the N relays of PATH, of ND, whatever they are. A GENERAL one takes the
 * tunnels that it would do for, if it has two hops or more; a CONTROLLER one takes those that are
 * put onto it by its id, and stays until then. Errors as leg_launch_over(). */
MUST_USE err_t exits_build(struct exits *x, struct netdir *nd, const struct router *const *path,
                           size_t n, enum circuit_purpose purpose, struct exit_circ **out);
/* A GENERAL one as for a tunnel that may want any port. ERR_NOT_FOUND: there is no path;
 * ERR_STATE: too little is known of the network, or too many failed; ERR_NOMEM. */
MUST_USE err_t exits_build_any(struct exits *x, struct exit_circ **out);
/* C goes on over N relays of ND behind its last; until they are there it takes no new tunnel.
 * Errors as leg_extend(). */
MUST_USE err_t exit_circ_extend(struct exit_circ *c, struct netdir *nd,
                                const struct router *const *more, size_t n);
/* PURPOSE: GENERAL or CONTROLLER. */
void exit_circ_set_purpose(struct exit_circ *c, enum circuit_purpose purpose);
void exit_circ_close(struct exit_circ *c, uint8_t reason);
uint64_t exit_circ_id(const struct exit_circ *c);

/* ---- time ---- */

/* A tunnel wants what REQ says, as far as it is known: more of the kind are expected. */
void exits_asked(struct exits *x, const struct tunnel_request *req);
/* Whether what was asked for lately is expected to be asked for again. */
bool exits_expects_streams(const struct exits *x);
/* While DORMANT nothing is built that no tunnel waits for. */
void exits_set_dormant(struct exits *x, bool dormant);

/* Call it once a NewCircuitPeriod: it closes circuits that have served. */
void exits_expire(struct exits *x);
/* No new tunnel goes onto a circuit that has carried a stream; once its last one has ended, it has
 * served. */
void exits_retire_dirty(struct exits *x);
/* The same for every circuit there is, and those that carry none are closed: it says nothing of
 * guards and build times. Waits after failures end. */
void exits_retire_all(struct exits *x);

/* A link stalls: circuits that are being built over it are given up, without blame, and none of
 * those that stand takes a new tunnel while it does. */
void exits_leave_stalled(struct exits *x);
/* The network is back: what failed says nothing, and what is missing is built at once. */
void exits_network_back(struct exits *x);

size_t exits_open_count(const struct exits *x);
/* Calls FN for each, with a line of text that describes it. */
void exits_describe(const struct exits *x, void (*fn)(void *arg, const char *line), void *arg);

#endif
