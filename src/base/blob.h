/* Bytes that change hands as a whole: from malloc(), or a file that lies mapped. Whoever has one
 * gives it back with blob_drop(), or hands it on. */
#ifndef TUNIC_BASE_BLOB_H
#define TUNIC_BASE_BLOB_H

#include <stddef.h>

#include "base/text.h"

struct blob {
    struct text text;
    void (*release)(struct text text); /* NULL: nothing is held */
};

/* GIFT_BYTES are from malloc(). */
struct blob blob_of(void *gift_bytes, size_t len);
/* A copy of its own; .release is NULL out of memory. */
struct blob blob_copy(struct text t);
void blob_drop(struct blob *b); /* leaves an empty one; an empty one is fine */

#endif
