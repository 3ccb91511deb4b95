/* Byte queue: contiguous bytes, filled at the back and drained at the front, never over its cap.
 *
 * The bytes are one piece, so that cells and records are handled in place. Pointers into the queue
 * are valid until the next call that adds to it. An empty queue can give back its storage. */
#ifndef TUNIC_BASE_BUF_H
#define TUNIC_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What many queues hold together. */
struct buf_tally {
    size_t held;       /* storage, in bytes */
    size_t given_back; /* storage, since the beginning */
};

struct buf {
    uint8_t *storage;
    size_t size;             /* of the storage */
    size_t head;             /* where the bytes begin */
    size_t len;              /* how many there are */
    size_t cap;              /* most that may be held */
    struct buf_tally *tally; /* where its storage counts; or NULL */
};

void buf_init(struct buf *b, size_t cap); /* allocates nothing; counts nowhere */
/* B, which is empty and has no storage, counts in TALLY, which outlives its storage. */
void buf_count(struct buf *b, struct buf_tally *tally);
void buf_free(struct buf *b); /* leaves an empty queue with the same cap and tally */
void buf_wipe(struct buf *b); /* buf_free() that zeroes the storage first */

/* Room for LEN more bytes behind the last one, or NULL: over the cap (see buf_space()) or out of
 * memory. The bytes count once buf_commit() says how many of them were filled. */
uint8_t *buf_room(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* ERR_FULL over the cap, ERR_NOMEM; nothing is added then. */
MUST_USE err_t buf_add(struct buf *b, const void *bytes, size_t len);

static inline uint8_t *buf_at(const struct buf *b)
{
    return b->head ? b->storage + b->head : b->storage; /* no arithmetic on NULL */
}

static inline size_t buf_space(const struct buf *b)
{
    return b->cap - b->len;
}

/* Takes LEN (<= b->len) bytes off the front. */
void buf_drain(struct buf *b, size_t len);

/* Gives the storage back if the queue is empty. */
void buf_trim(struct buf *b);

#endif
