/* Queue: bytes that wait for somebody slow, an application that does not read or a circuit that
 * takes no more. A struct buf that counts, knows how old its oldest byte may be, and is given up
 * when all queues of the environment hold more than they may (MaxMemInQueues): those first whose
 * bytes have waited longest, as in C tor (circuits_handle_oom), until a tenth is free again.
 *
 * Bytes are looked at through .bytes, and change by the calls below only. */
#ifndef TUNIC_BASE_QUEUE_H
#define TUNIC_BASE_QUEUE_H

#include "base/buf.h"
#include "base/env.h"

struct queue {
    struct buf bytes;
    struct env *env;
    void (*shed)(void *arg); /* gives up what Q holds, and Q itself if it likes */
    void *arg;
    bool holds;        /* it is among those that hold bytes */
    uint64_t since_us; /* its oldest byte came then, or later */
    uint64_t mark_us;  /* the first MARK bytes had come by then */
    size_t mark;
    struct queue *prev, *next;
};

/* Allocates nothing. SHED is called at the end of a wake-up, inside no other call. */
void queue_init(struct queue *q, size_t cap, struct env *env, void (*shed)(void *arg), void *arg);
void queue_free(struct queue *q); /* leaves an empty one */

/* As those of buf.h. */
uint8_t *queue_room(struct queue *q, size_t len);
void queue_commit(struct queue *q, size_t len);
MUST_USE err_t queue_add(struct queue *q, const void *bytes, size_t len);
void queue_drain(struct queue *q, size_t len);
void queue_trim(struct queue *q);

/* ---- the environment's ---- */

/* No more than MOST bytes from now on; 0: no bound. */
void queues_set_most(struct env *env, size_t most);
size_t queues_held(const struct env *env);

#endif
