#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 1024 };

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void buf_count(struct buf *b, struct buf_tally *tally)
{
    b->tally = tally;
}

void buf_free(struct buf *b)
{
    free(b->storage);
    if (b->tally) {
        b->tally->held -= b->size;
        b->tally->given_back += b->size;
    }
    *b = (struct buf){.cap = b->cap, .tally = b->tally};
}

void buf_wipe(struct buf *b)
{
    volatile uint8_t *p = b->storage;
    for (size_t i = 0; i < b->size; i++)
        p[i] = 0;
    buf_free(b);
}

static void to_front(struct buf *b)
{
    if (b->head && b->len)
        memmove(b->storage, b->storage + b->head, b->len);
    b->head = 0;
}

static err_t grow(struct buf *b, size_t need)
{
    size_t size = b->size ? b->size : SMALLEST;
    while (size < need)
        size *= 2;
    if (size > b->cap)
        size = b->cap > need ? b->cap : need;
    uint8_t *storage = realloc(b->storage, size);
    if (!storage)
        return ERR_NOMEM;
    if (b->tally)
        b->tally->held += size - b->size;
    b->storage = storage;
    b->size = size;
    return OK;
}

static err_t make_room(struct buf *b, size_t len)
{
    if (len > buf_space(b))
        return ERR_FULL;
    if (b->size - b->head - b->len >= len && b->storage)
        return OK;
    to_front(b);
    return b->size - b->len >= len && b->storage ? OK : grow(b, b->len + len);
}

uint8_t *buf_room(struct buf *b, size_t len)
{
    return make_room(b, len) == OK ? b->storage + b->head + b->len : NULL;
}

void buf_commit(struct buf *b, size_t len)
{
    b->len += len;
}

err_t buf_add(struct buf *b, const void *bytes, size_t len)
{
    TRY(make_room(b, len));
    if (len)
        memcpy(b->storage + b->head + b->len, bytes, len);
    b->len += len;
    return OK;
}

void buf_drain(struct buf *b, size_t len)
{
    b->len -= len;
    b->head = b->len ? b->head + len : 0;
}

void buf_trim(struct buf *b)
{
    if (!b->len)
        buf_free(b);
}
