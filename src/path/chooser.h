/* The chooser: the one place that says which relay is connected to next, for circuits and for
 * documents (guard-spec, path-spec 2.2, dir-spec 4.1, 4.3).
 *
 * It knows the guard set, the newest consensus, what torrc says of paths, guards and firewalls, and
 * who failed lately. Whoever asks for documents is sent to a directory guard; while there is none
 * that is up, or no consensus that names any, to a fallback or an authority, and to nobody else: a
 * network that blocks the guards cannot drive a client to strangers. Paths of circuits come from
 * path_pick() over the same guard set. */
#ifndef TUNIC_PATH_CHOOSER_H
#define TUNIC_PATH_CHOOSER_H

#include <stdbool.h>

#include "base/env.h"
#include "dir/dirmgr.h"
#include "path/guards.h"
#include "path/path.h"

struct chooser;

/* GUARDS is borrowed. NULL out of memory. */
struct chooser *chooser_new(struct env *env, struct guards *guards);
void chooser_free(struct chooser *c); /* NULL is fine */

/* What torrc says: CFG is borrowed until the next call. The guards are judged anew by it. TESTING:
 * who failed is tried again soon. */
void chooser_configure(struct chooser *c, const struct path_config *cfg, bool testing);

/* The newest consensus, whose relays may lack microdescriptors: guards are sampled and kept by it.
 * Nothing happens if it is known already. */
void chooser_know(struct chooser *c, struct netdir *nd);

/* Whom to ask for documents; as dirmgr_carrier.choose. */
bool chooser_for_documents(struct chooser *c, const struct dir_wish *wish, struct dir_choice *out,
                           uint64_t *again_us);
/* At whom circuits will begin, as far as that can be said before microdescriptors are here: for
 * links that are dialled ahead. How many, MOST at the most. */
size_t chooser_first_hops(const struct chooser *c, struct dir_choice *out, size_t most);
/* What came of asking RSA, as dirmgr_carrier.judge and forgive. */
void chooser_judge(struct chooser *c, const struct rsa_id *rsa, bool good);
void chooser_forgive(struct chooser *c);

#endif
