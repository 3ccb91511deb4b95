/* Circuit ids of one link: which circuit has which, and which are not to be used for a while.
 *
 * A given-up id rests: cells that the relay sent before it saw our DESTROY still arrive under it,
 * and must not reach a new circuit. */
#ifndef TUNIC_LINK_CIRCMAP_H
#define TUNIC_LINK_CIRCMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "link/link.h"

struct resting_id; /* circmap.c */

struct circmap {
    struct env *env;
    struct link_circ *by_id;
    struct link_circ *last; /* the one found last: cells come in runs */
    size_t n;
    struct resting_id *resting;       /* by id */
    struct resting_id *resting_first; /* the oldest */
    size_t n_resting;
    uint64_t strays_since_us;
    unsigned strays;
};

void circmap_init(struct circmap *m, struct env *env);
void circmap_free(struct circmap *m); /* of circuits, it must be empty */

/* Gives LC a free random id of ID_LEN bytes with the top bit set. ERR_LIMIT: none found in as many
 * tries as tor makes, or LINK_CIRCS_MOST circuits; ERR_NOMEM. */
MUST_USE err_t circmap_add(struct circmap *m, struct link_circ *lc, size_t id_len);
/* Gives LC the id that the peer chose, which is free. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t circmap_add_under(struct circmap *m, struct link_circ *lc, uint32_t id);
/* Takes LC out; its id rests. */
void circmap_remove(struct circmap *m, struct link_circ *lc);
struct link_circ *circmap_find(struct circmap *m, uint32_t id);
/* Any circuit, or NULL. */
struct link_circ *circmap_any(const struct circmap *m);

/* A cell came for an id that has no circuit. ERR_LINK_PROTO: too many cells came for ids that were
 * never used. */
MUST_USE err_t circmap_stray(struct circmap *m, uint32_t id);

#endif
