/* The state of a CGO layer, for cgo.c and its test. */
#ifndef TUNIC_CIRCUIT_CGO_INT_H
#define TUNIC_CIRCUIT_CGO_INT_H

#include "circuit/cgo.h"
#include "crypto/uiv.h"

/* One direction. */
struct cgo_way {
    struct uiv uiv;
    uint8_t N[UIV_TAG_LEN]; /* what the next cell that ends here begins with */
    uint8_t T[UIV_TAG_LEN]; /* T', the tag of the last cell: what chains the cells */
};

struct cgo {
    struct layer layer; /* first: a struct layer * is a struct cgo * */
    enum layer_side side;
    struct cgo_way out, in;
};

#endif
