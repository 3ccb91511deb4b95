/* Leg: a circuit over relays that path_pick() chose, or that were given, from the wish to the end:
 * its path, its link, its times. It tells the guards and the build timeout what comes of it. What
 * rides on it, and who may use it, is its owner's affair: a circuit for tunnels has one (exits.h),
 * a conflux set will have two that end at one exit, an onion service's conductor asks for four hops
 * or five. */
#ifndef TUNIC_CLIENT_LEG_H
#define TUNIC_CLIENT_LEG_H

#include "client/circuits.h"
#include "client/config.h"
#include "client/ocirc.h"
#include "dir/netdir.h"
#include "path/cbt.h"
#include "path/path.h"
#include "path/pathbias.h"

/* What legs are made with; all borrowed. */
struct leg_means {
    struct circuits *circuits;
    struct guards *guards;
    struct cbt *cbt;
    struct netdir *nd;
    const struct path_config *path;
    enum config_choice extend_by_ed; /* whether relays are named by their Ed25519 identity too */
    const uint8_t *conflux_nonce;    /* of the set it will be one of; it outlives it. NULL: none */
};

enum leg_state {
    LEG_BUILDING,   /* being built, or waiting for its link */
    LEG_GUARD_WAIT, /* stands, but may not be used: a better guard may be up (guard-spec 4.9) */
    LEG_OPEN,
    LEG_ENDED,
};

struct leg;

struct leg_ops {
    void (*on_slow)(void *arg); /* it is past the build timeout, and goes on for its time only */
    void (*on_open)(void *arg); /* it is LEG_OPEN or LEG_GUARD_WAIT */
    /* Exactly once, at the end of a wake-up; the owner may free the leg inside. FAILED: it did not
     * come to stand, and that was not our wish. */
    void (*on_end)(void *arg, const struct ocirc_end *end, bool failed);
};

struct leg {
    struct ocirc *oc; /* knows by itself when it is closed: on_end comes a little later */
    enum leg_state state;
    struct netdir *nd;                        /* holds the last hop, and most often all: */
    const struct router *hop[PATH_HOPS_MOST]; /* first hop first, with those asked for */
    size_t n_hops;
    struct netdir *before[PATH_HOPS_MOST]; /* hold hops of before an extension */
    size_t n_before;
    struct guard_circuit guard;
    bool is_given; /* its path was not picked: its first hop is no guard's affair */
    bool relaxed;  /* no path had all the flags wanted */
    struct env *env;
    struct guards *guards;
    struct cbt *cbt;
    const struct leg_ops *ops;
    void *arg;
    struct timer slow;
    bool is_late; /* that timer was told to the build timeout */
};

/* Picks a path and begins to build a circuit over it. ERR_NOT_FOUND: no path, see PICK->why;
 * ERR_NOMEM: and the guard that was picked has heard of it. */
MUST_USE err_t leg_launch(const struct leg_means *means, const struct path_request *req,
                          enum circuit_purpose purpose, const struct leg_ops *ops, void *arg,
                          struct path_pick *pick, struct leg **out);
/* The same over a path of N relays that is given, of MEANS->nd: nothing is asked of it but that its
 * first hop can be reached, and no guard hears of it (C tor, circuit_may_omit_guard()).
 * ERR_NOT_FOUND: it can't; ERR_LIMIT: too many hops; ERR_NOMEM. */
MUST_USE err_t leg_launch_over(const struct leg_means *means, const struct router *const *path,
                               size_t n, enum circuit_purpose purpose, const struct leg_ops *ops,
                               void *arg, struct leg **out);
/* N hops more, of MEANS->nd. One that is open is being built again, and on_open follows; if that
 * fails, it ends. Errors as ocirc_extend(), and ERR_LIMIT. */
MUST_USE err_t leg_extend(struct leg *l, const struct leg_means *means,
                          const struct router *const *more, size_t n);
/* Closes without telling anyone but the guards, if it was being built. NULL is fine. */
void leg_free(struct leg *l);
/* Closes, and its time counts no more; on_end follows at the end of the wake-up. */
void leg_close(struct leg *l, err_t why, uint8_t reason);

/* L is LEG_GUARD_WAIT: if no better guard can be up any more it is LEG_OPEN, as if it had just come
 * to stand; after so long that nobody has use for it, it closes (guard-spec 4.9). */
void leg_reconsider(struct leg *l);

/* How R, whose keys are known, is dialled as a first hop. */
struct link_target leg_first_hop(const struct path_config *path, const struct router *r);

bool leg_is_open(const struct leg *l);   /* its circuit stands now, and may be used */
bool leg_is_closed(const struct leg *l); /* its circuit does not any more, on_end told or not */
const struct router *leg_last(const struct leg *l);

#endif
