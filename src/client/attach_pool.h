/* The pool's policy of attachment: tunnels that wait look for an open circuit among the exits, and
 * what has to be built for them is given out by turns (waiting.h). */
#ifndef TUNIC_CLIENT_ATTACH_POOL_H
#define TUNIC_CLIENT_ATTACH_POOL_H

#include "base/env.h"
#include "client/attach.h"
#include "client/exits.h"

struct attach_pool;

/* NULL out of memory. */
struct attach_pool *attach_pool_new(struct env *env, struct exits *exits);
void attach_pool_free(struct attach_pool *p); /* nobody may wait any more; NULL is fine */

/* Valid while P lives. */
const struct attach_policy *attach_pool_policy(const struct attach_pool *p);

/* Tunnels that wait are tried in turn: a few now, the rest in the next wake-ups. */
void attach_pool_look(struct attach_pool *p);
/* Tunnels that stand under one of the keys WHO are tried first. */
void attach_pool_look_these(struct attach_pool *p, const struct isolation_key who[ISOLATION_KEYS]);

#endif
