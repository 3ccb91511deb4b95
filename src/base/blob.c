#include "base/blob.h"

#include <stdint.h>
#include <stdlib.h>

static void release_allocated(struct text t)
{
    free((void *)(uintptr_t)t.s);
}

struct blob blob_of(void *gift_bytes, size_t len)
{
    return (struct blob){{gift_bytes, len}, release_allocated};
}

struct blob blob_copy(struct text t)
{
    char *copy = text_dup(t);
    return copy ? blob_of(copy, t.len) : (struct blob){{NULL, 0}, NULL};
}

void blob_drop(struct blob *b)
{
    if (b->release)
        b->release(b->text);
    *b = (struct blob){{NULL, 0}, NULL};
}
