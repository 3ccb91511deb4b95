/* Bandwidth weights of a consensus (dir-spec 3.8.3): how much of what has a flag may be used in
 * another place of a circuit, so that no place is short. */
#ifndef TUNIC_DIRDOC_BWWEIGHTS_H
#define TUNIC_DIRDOC_BWWEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

struct bwweights_totals {
    int64_t g, m, e, d; /* guards, neither, exits, both */
};

/* Weights in SCALEths. A name says for which place, then of which relays. */
struct bwweights {
    int64_t gg, gd, mg, me, md, ee, ed;
};

enum { BWWEIGHTS_SCALE = 10000, BWWEIGHTS_SCALE_MOST = 1000000 };

/* All totals are at least 1. False: no weights fit. */
bool bwweights_compute(const struct bwweights_totals *t, int64_t scale, struct bwweights *out);

#endif
