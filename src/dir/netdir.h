/* The network as a client sees it: a verified consensus joined with microdescriptors.
 *
 * A netdir is counted: whoever keeps one, or a struct router of one, holds it with netdir_ref() and
 * lets go with netdir_unref(). A new consensus makes a new netdir; the old one stays as it was for
 * those who still hold it. While microdescriptors arrive, rows of the newest netdir become complete
 * in place; a row never changes again after that, and netdir_changes() tells that something did. */
#ifndef TUNIC_DIR_NETDIR_H
#define TUNIC_DIR_NETDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "dir/consensus.h"
#include "dir/microdesc.h"
#include "dir/policy.h"
#include "dir/weight.h"

struct netdir;

/* Takes over GIFT_CONSENSUS (also on error). Microdescriptors that OLD (or NULL) has for the same
 * digests are taken from it. The caller holds the result. */
MUST_USE err_t netdir_new(struct consensus *gift_consensus, const struct netdir *old,
                          struct netdir **out);
struct netdir *netdir_ref(struct netdir *nd);
void netdir_unref(struct netdir **nd); /* sets *ND to NULL; NULL in *ND is fine */

const struct consensus *netdir_consensus(const struct netdir *nd);
/* ND may be NULL: then FALLBACK. */
int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most);

size_t netdir_n(const struct netdir *nd);
const struct router *netdir_at(const struct netdir *nd, size_t i); /* i < netdir_n() */
const struct router *netdir_by_rsa(const struct netdir *nd, const struct rsa_id *rsa);
/* Relays with microdescriptors only. */
const struct router *netdir_by_ed(const struct netdir *nd, const struct ed_id *ed);
/* A nickname (any case) that exactly one relay has; NULL if none or several. */
const struct router *netdir_by_nickname(const struct netdir *nd, struct text nickname);
/* "$fingerprint", "fingerprint", "$fp~nick", "$fp=nick" or a nickname. */
const struct router *netdir_by_name(const struct netdir *nd, struct text name);

/* One of all rows, weighted for POSITION, be it usable or not: whoever wants one that fulfils
 * conditions draws until one does, or looks at each. NULL: none has any weight, or no memory is to
 * be had. */
const struct router *netdir_draw(const struct netdir *nd, enum weight_for position,
                                 struct env *env);

/* May be part of a circuit: running, valid, with a microdescriptor that has both keys. */
bool router_usable(const struct router *r);

/* Declared families only, in both directions, or a family id in common (protocol-map 2f; the
 * consensus parameters use-family-lists and use-family-ids switch either off). Addresses are path's
 * business. A relay is in its own family. */
bool netdir_same_family(const struct netdir *nd, const struct router *a, const struct router *b);

/* Gives the relays that list MD's digest what it says. OK, ERR_NOT_FOUND (nobody lists it, or it is
 * there already), ERR_MALFORMED (a key is missing), ERR_NOMEM. */
MUST_USE err_t netdir_add_md(struct netdir *nd, const struct microdesc *md);
/* Whether some relay lists this digest, and still lacks it. */
bool netdir_wants_md(const struct netdir *nd, const struct sha256 *digest);
/* The I-th row in the order of microdescriptors' digests; I < netdir_n(). */
size_t netdir_md_order(const struct netdir *nd, size_t i);
/* A relay that lists it, or NULL. */
const struct router *netdir_by_md(const struct netdir *nd, const struct sha256 *digest);
bool netdir_lists_md(const struct netdir *nd, const struct sha256 *digest);
/* Goes up with every row that was completed. */
uint32_t netdir_changes(const struct netdir *nd);

/* How much of the network is known. Fractions are of bandwidth weighted by position, in 1/10000;
 * path is their product: the share of all paths that can be built (path-spec 2.2, guard-spec
 * fractions). */
struct netdir_coverage {
    size_t n_usable, n_have;            /* relays that count, and those with microdescriptors */
    uint32_t guard, middle, exit, path; /* 0..10000 */
    bool has_exits;                     /* the consensus lists any exit at all */
    bool enough;
    uint32_t needed; /* 1/10000 */
};

/* NEEDED_PERMYRIAD: option PathsNeededToBuildCircuits, or 0 for the consensus parameter
 * min_paths_for_circs_pct (60 per cent). Cached until a row changes. */
void netdir_coverage(struct netdir *nd, uint32_t needed_permyriad, struct netdir_coverage *out);

#endif
