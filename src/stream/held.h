/* Held: messages that came before their turn, in the order in which one leg brought them, each with
 * its number among all. They lie in chunks, so that neither adding nor taking moves what lies
 * there, and a chunk is freed when all in it have been taken. */
#ifndef TUNIC_STREAM_HELD_H
#define TUNIC_STREAM_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cell/relay.h"

struct held_chunk;

/* All zero: empty. */
struct held {
    struct held_chunk *first, *last;
    size_t bytes;            /* that it takes in memory, but for the rest of the last chunk */
    struct buf_tally *tally; /* where its chunks count; or NULL */
};

/* What one message of LEN bytes adds to `bytes`. */
size_t held_cost(size_t len);

/* Copies MSG, whose number is SEQ. ERR_NOMEM. */
MUST_USE err_t held_add(struct held *h, uint64_t seq, const struct relay_msg *msg);
/* The first one's number; 0: there is none. */
uint64_t held_first(const struct held *h);
/* Takes the first, of which there must be one. OUT is a view that the next call on H ends. */
void held_take(struct held *h, struct relay_msg *out);
void held_free(struct held *h); /* leaves it empty, with the same tally */

#endif
