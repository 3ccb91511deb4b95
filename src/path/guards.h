/* Guards: the few relays that a client uses as first hop for months (guard-spec).
 *
 * What is here of guard-spec: the persistent sample, its confirmed part, the primary guards, the
 * retry schedule, lifetimes, and the separate sample under a narrow configuration. Circuits that
 * wait for a better guard are guard_circuit.h's; docs/path.md goes through the specification.
 * Bridges will be a third sample.
 *
 * Guards are named by RSA identity. Dates come from the wall clock and persist; reachability is
 * kept by the monotonic clock and does not. */
#ifndef TUNIC_PATH_GUARDS_H
#define TUNIC_PATH_GUARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "dir/netdir.h"
#include "path/path.h"
#include "path/state.h"

struct guards;

struct guards *guards_new(struct env *env); /* NULL out of memory */
void guards_free(struct guards **g);

/* Takes the Guard lines of S in place of all guards. A damaged line costs itself only, with a
 * warning, and counts in DAMAGED; what is not understood in a line is kept. ERR_NOMEM. */
MUST_USE err_t guards_load(struct guards *g, const struct state *s, size_t *damaged);
bool guards_remembered(const struct guards *g); /* there is at least one, of whatever sample */
/* Puts the Guard lines into S and marks G clean. */
MUST_USE err_t guards_save(struct guards *g, struct state *s);
/* Whether R is in the sample in use, passes the configuration and is not known to be down. */
bool guards_is_up(const struct guards *g, const struct rsa_id *id);
bool guards_dirty(const struct guards *g); /* changed since guards_load() or guards_save() */

/* Call it after a new consensus, a reload of the configuration, and any other change of ND: it
 * brings the sample up to date (guard-spec 4.10). CFG is kept. Before the first call there is no
 * guard to be picked. The rows are looked up anew at each pick: G holds no part of ND. */
MUST_USE err_t guards_update(struct guards *g, const struct netdir *nd,
                             const struct path_config *cfg);

enum guard_usage { GUARD_FOR_TRAFFIC, GUARD_FOR_DIR };

/* What a guard for one circuit may not be. */
struct guard_restriction {
    const struct router *exit;  /* neither this relay nor one related to it; or NULL */
    const struct rsa_id *avoid; /* failed in this attempt */
    size_t n_avoid;
    const struct rsa_id *taken; /* those of the other legs of a conflux set */
    size_t n_taken;
};

/* Chooses a guard (guard-spec 4.6) and notes that it is being tried. ND is that of the last
 * guards_update(). ERR_NOT_FOUND: none fits RST. ERR_STATE: there are none, or all are down or
 * being tried, so pause a moment and pick again. Those that are down may be tried at once then, but
 * not if RST's list is all that is in the way. */
MUST_USE err_t guards_pick(struct guards *g, const struct netdir *nd, enum guard_usage usage,
                           const struct guard_restriction *rst, const struct router **out,
                           enum guard_use *use);

/* The primary guards that circuits are begun at as things are, by their rows of ND; how many, MOST
 * at the most. Their microdescriptors may be missing. Nothing is noted. */
size_t guards_first(const struct guards *g, const struct netdir *nd, const struct router **out,
                    size_t most);

/* What came of a pick for documents (circuits: guard_circuit.h). Succeeded: the guard answered;
 * confirms the guard (guard-spec 4.8). Failed: no connection, wrong identity,
 * or no answer to the first CREATE; not for what happened at later hops. Dropped: the attempt was
 * given up for another reason. Relays that are no guards are ignored. */
void guards_succeeded(struct guards *g, const struct rsa_id *id);
void guards_failed(struct guards *g, const struct rsa_id *id);
void guards_dropped(struct guards *g, const struct rsa_id *id);

/* There was no network since SINCE_US (monotonic): whoever failed then may well be up. */
void guards_forgive(struct guards *g, uint64_t since_us);

/* All guards of the sample in use are forgotten; guards_update() finds others. */
void guards_drop_all(struct guards *g);

/* What its watch hears of guards of the sample in use: chosen; found to work, or not to; given up
 * for good. */
enum guard_news { GUARD_SAMPLED, GUARD_WORKS, GUARD_FAILS, GUARD_REMOVED };
/* TOLD is called as it happens, and may not call back; NULL: nobody is. */
typedef void guard_told_fn(void *arg, enum guard_news news, const struct rsa_id *id,
                           const char *nickname);
void guards_set_watch(struct guards *g, guard_told_fn *told, void *arg);

/* guard-spec 4.12: the first primary guards, or the next one (C tor), lack microdescriptors; no
 * circuits until they are here. */
bool guards_lack_md(const struct guards *g, const struct netdir *nd);

/* One guard for display: GETINFO entry-guards, the log. */
struct guard_info {
    struct rsa_id rsa;
    const char *nickname;           /* or "" */
    bool listed, primary, filtered; /* filtered: passes the configuration */
    bool confirmed, down, tried;
    int64_t sampled_on_s, confirmed_on_s, unlisted_since_s, failing_since_s; /* 0: not */
};
size_t guards_n(const struct guards *g); /* of the sample in use, in sample order, as in tor */
bool guards_at(const struct guards *g, size_t i, struct guard_info *out);
const char *guards_sample_name(const struct guards *g); /* "default", "restricted" */

#endif
