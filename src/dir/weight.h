/* Choice of a relay at random, weighted by bandwidth and position (path-spec 2.2, dir-spec 3.8.3).
 *
 * Weights are whole numbers and their sum over all relays of a consensus fits in 64 bits, so the
 * choice is exact. If every candidate weighs nothing, all are equally likely. */
#ifndef TUNIC_DIR_WEIGHT_H
#define TUNIC_DIR_WEIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "dir/consensus.h"

enum weight_for {
    WEIGHT_FOR_GUARD,
    WEIGHT_FOR_MIDDLE,
    WEIGHT_FOR_EXIT,
    WEIGHT_FOR_DIR,
    WEIGHT_FOR_ANY, /* bandwidth alone */
    WEIGHT_POSITIONS
};

/* The factor that a relay's bandwidth is multiplied with, by its flags: plain data. */
struct weights {
    uint32_t factor[2][2][2]; /* [answers directory requests][Guard][Exit and not BadExit] */
};

/* A weight that is missing or negative in C makes all factors of this position equal, as tor does.
 */
void weights_init(struct weights *w, const struct consensus *c, enum weight_for position);

uint64_t weights_of(const struct weights *w, const struct router *r);

/* One of the N relays at LIST, or NULL if N is 0. */
const struct router *weights_choose(const struct weights *w, struct env *env,
                                    const struct router *const *list, size_t n);

/* The weights of all rows of a consensus in one position, summed up once, so that a choice among
 * them costs no more than a look at a few dozen rows. */
struct weight_sums;

/* NULL: out of memory. Frees with free(). */
struct weight_sums *weight_sums_new(const struct consensus *c, enum weight_for position);
/* One of the rows of C, for which S was made, whether it is usable or not; NULL if none has any
 * weight. */
const struct router *weight_sums_draw(const struct weight_sums *s, const struct consensus *c,
                                      struct env *env);

#endif
