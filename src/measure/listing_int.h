/* Inside of the listing. */
#ifndef TUNIC_MEASURE_LISTING_INT_H
#define TUNIC_MEASURE_LISTING_INT_H

#include "measure/listing.h"

/* Whom a descriptor names as family: the first eight bytes of each fingerprint, ascending, then of
 * each family's key, which nobody makes another family's for. */
struct listing_kin {
    size_t n_relays, n;
    uint64_t name[];
};

struct listing {
    struct sha256 pin;
    struct listed_relay *relays; /* ascending by rsa */
    size_t n;
    int64_t valid_after_s, valid_until_s;
    size_t kin; /* names that are kept, of all */
    bool families_due;
    uint32_t changes;
};

void listing_kin_drop(struct listing *l, struct listed_relay *r);
/* Those of D, or none: too many, or out of memory. */
void listing_kin_take(struct listing *l, struct listed_relay *r, const struct descriptor *d);

#endif
