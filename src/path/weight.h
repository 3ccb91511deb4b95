/* Choice of a relay at random, weighted by bandwidth and position (path-spec 2.2, dir-spec 3.8.3).
 *
 * Weights are whole numbers and their sum over all relays of a consensus fits in 64 bits, so the
 * choice is exact. If every candidate weighs nothing, all are equally likely. */
#ifndef TUNIC_PATH_WEIGHT_H
#define TUNIC_PATH_WEIGHT_H

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

#endif
