/* Choice of paths: which relays a circuit goes through (path-spec 2.2).
 *
 * A request says how many hops there are and what each must be. The last hop is chosen first, then
 * the guard (from the guard set, guards.h), then those between them from the second on. Nothing
 * here builds a circuit or keeps one: a pick is a few pointers into the netdir, good as long as the
 * caller holds that netdir. Randomness comes through the environment. */
#ifndef TUNIC_PATH_PATH_H
#define TUNIC_PATH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrpolicy.h"
#include "base/env.h"
#include "base/err.h"
#include "dir/netdir.h"
#include "path/nodeset.h"

struct guards;

/* What the consensus, or what else is said, decides unless the user does. */
enum config_choice { CONFIG_AUTO, CONFIG_YES, CONFIG_NO };

/* PathBias options; below what they may be (tor's default is -1) the consensus decides. */
struct pathbias_config {
    int32_t circ_threshold, scale_threshold, use_threshold, scale_use_threshold;
    double notice_rate, warn_rate, extreme_rate, notice_use_rate, extreme_use_rate;
    enum config_choice drop_guards;
};

extern const struct pathbias_config pathbias_usual; /* tor's defaults */

/* What torrc says about paths. Owned by the caller, as are all sets in it; NULL sets are unset. It
 * must outlive every call that is given it, and the guard set that it was set in. */
struct path_config {
    const struct nodeset *exclude;         /* ExcludeNodes */
    const struct nodeset *exclude_exit;    /* ExcludeExitNodes */
    const struct nodeset *exit;            /* ExitNodes */
    const struct nodeset *entry;           /* EntryNodes */
    const struct nodeset *middle;          /* MiddleNodes */
    const struct nodeset *const *families; /* NodeFamily, one set a line */
    size_t n_families;
    /* StrictNodes: ExcludeNodes binds everywhere. Without it, an excluded relay may still be used
     * where nothing else would do: for directory requests and for an exit that was asked for by
     * name. ExitNodes, EntryNodes, MiddleNodes and ExcludeExitNodes always bind (tor(1)). */
    bool strict_nodes;
    bool enforce_distinct_subnets; /* EnforceDistinctSubnets */
    bool use_entry_guards;         /* UseEntryGuards */
    /* ORPorts that a first hop may be reached at */
    bool ipv4, ipv6;              /* ClientUseIPv4/6 */
    bool prefer_ipv6;             /* ClientPreferIPv6ORPort */
    bool private_addrs;           /* ExtendAllowPrivateAddresses */
    struct addr_policy reachable; /* ReachableAddresses and its like */
    double authority_rate;        /* DirAuthorityFallbackRate */
    const uint16_t *long_lived;   /* LongLivedPorts; NULL: the default list */
    size_t n_long_lived;
    uint32_t n_guards, n_dir_guards, n_primary; /* NumEntryGuards, NumDirectoryGuards,
                                                   NumPrimaryGuards; 0: by the consensus */
    uint32_t guard_lifetime_s;                  /* GuardLifetime; 0: by the consensus */
    enum config_choice vanguards_lite;          /* VanguardsLiteEnabled */
    struct pathbias_config path_bias;
};

/* tor's defaults, with nothing set. */
void path_config_init(struct path_config *cfg);

/* What a hop must be. */
enum hop_kind {
    HOP_GUARD,     /* the first: one of the guard set */
    HOP_MIDDLE,    /* passes on what comes */
    HOP_VANGUARD,  /* the same, and one of a layer that was chosen before (proposals 292, 333) */
    HOP_EXIT,      /* lets connections out, to the request's port */
    HOP_INTERNAL,  /* the end of a path that leads nowhere else: any relay that is not MiddleOnly */
    HOP_DIRECTORY, /* answers directory requests */
    HOP_AUTHORITY, /* the same, and is an authority */
};

struct path_hop {
    enum hop_kind kind;
    /* The last hop only: it is given, such as an introduction point that the consensus lists, or an
     * exit that was asked for by name (NULL: choose it). One that is no row of the netdir is not
     * for the request: ask for the hops before it. */
    const struct router *relay;
    const struct router *const *layer; /* HOP_VANGUARD: the relays of the layer; NULL: any middle */
    size_t n_layer;
};

enum { PATH_HOPS_MOST = 8, PATH_USUAL_HOPS = 3, PATH_WHY_MAX = 192 };

/* The usual paths: a guard, a middle, and what the name says. */
extern const struct path_hop path_to_exit[PATH_USUAL_HOPS];
extern const struct path_hop path_to_directory[PATH_USUAL_HOPS];
extern const struct path_hop path_to_authority[PATH_USUAL_HOPS];
extern const struct path_hop path_internal[PATH_USUAL_HOPS];

/* What the path is for. All zero but .hops: any exit that allows some port. */
struct path_request {
    const struct path_hop *hops; /* first hop first, and it is a HOP_GUARD */
    size_t n_hops;               /* 2 to PATH_HOPS_MOST */
    /* HOP_EXIT: the exit must allow PORT (0: any) to addresses of FAMILY (IP_NONE: a host name). */
    enum ip_family family;
    uint16_t port;
    /* HOP_EXIT: ports that will probably be wanted; an exit that allows one of them is taken, if
     * there is any. */
    const uint16_t *predicted;
    size_t n_predicted;
    bool stable; /* only Stable relays; a long-lived PORT implies it */
    /* path_exit_fits(): the circuit was picked `relaxed`, so Stable is not asked for again. */
    bool relaxed;
    /* The same: it was picked without asking for Stable relays. */
    bool unstable;
    /* Relays not to be used in this attempt at all, and not as the last hop: what failed before. */
    const struct rsa_id *avoid;
    size_t n_avoid;
    const struct rsa_id *avoid_exit;
    size_t n_avoid_exit;
    /* HOP_EXIT: it must join circuits by conflux. For a leg of a set: the first hops of the set's
     * other legs, none of which may be this one's, and what is between there and the exit. */
    bool conflux;
    const struct rsa_id *leg_guards, *leg_middles;
    size_t n_legs;
};

/* Whether a circuit may be used once it is built, by its guard (guard-spec 4.6). */
enum guard_use {
    GUARD_NONE,               /* its first hop is no guard's affair */
    GUARD_USABLE,             /* usable_on_completion */
    GUARD_USABLE_IF_NO_BETTER /* guard_circuit.h says when, once it stands */
};

struct path_pick {
    const struct router *hop[PATH_HOPS_MOST]; /* first hop first */
    size_t n;
    enum guard_use guard_use;
    const struct router *apart; /* the last hop, if the guard had to be unrelated to it; or NULL */
    bool stable;                /* Stable relays were wanted */
    bool relaxed;           /* no relay had all the flags wanted; some hop lacks Fast or Stable */
    bool no_guard;          /* after an error: for want of a guard, as would any other request */
    char why[PATH_WHY_MAX]; /* after an error: a sentence such as "no exit relay allows port 25" */
};

/* Chooses a path. No two hops are one relay, of one family or neighbours; with vanguards in it none
 * is there twice, which is all that counts (proposal 333), and the guard may be again after four
 * hops and at the end. GUARDS may be NULL (and is not used without UseEntryGuards): then the first
 * hop is chosen like any other, weighted for the guard position. ERR_NOT_FOUND: no such path, see
 * out->why; ERR_NOMEM; ERR_ARG for too few or too many hops. A guard that was picked counts as
 * tried: guard_circuit.h wants to know what comes of it. */
MUST_USE err_t path_pick(const struct netdir *nd, const struct path_config *cfg,
                         struct guards *guards, const struct path_request *req, struct env *env,
                         struct path_pick *out);

/* Whether an existing circuit that ends at EXIT may serve REQ (port, family, flags, exclusions). */
bool path_exit_fits(const struct netdir *nd, const struct path_config *cfg,
                    const struct path_request *req, const struct router *exit);

/* Whether a circuit's relays, of ND, are still allowed after the configuration changed: none of the
 * N hops is excluded or in another one's family or network, the first is an EntryNode and can be
 * reached, the last is an ExitNode if EXITS. */
bool path_allowed(const struct netdir *nd, const struct path_config *cfg,
                  const struct router *const *hops, size_t n, bool exits);

/* The one address of R that a first hop is connected to under CFG: IPv4 unless that is not allowed
 * or IPv6 is preferred; family IP_NONE if it cannot be reached. */
struct ipport path_first_hop_addr(const struct path_config *cfg, const struct router *r);

#endif
