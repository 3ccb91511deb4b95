/* Hoard: bytes that are kept because somebody is slow. They count, it is known how old the oldest
 * of them may be, and they are given up when all hoards of the environment hold more than they may
 * (MaxMemInQueues): those first whose bytes have waited longest, as in C tor (circuits_handle_oom),
 * until a tenth is free again.
 *
 * Queue: a struct buf whose bytes are such, for an application that does not read or a circuit that
 * takes no more. They are looked at through .bytes, and change by the calls below only. */
#ifndef TUNIC_BASE_QUEUE_H
#define TUNIC_BASE_QUEUE_H

#include "base/buf.h"
#include "base/env.h"

struct hoard {
    struct env *env;
    void (*shed)(void *arg); /* gives up what there is, and the hoard itself if it likes */
    void *arg;
    size_t len;        /* bytes that wait */
    bool holds;        /* it is among those that hold bytes */
    uint64_t since_us; /* its oldest byte came then, or later */
    uint64_t mark_us;  /* the first MARK bytes had come by then */
    size_t mark;
    struct hoard *prev, *next;
};

/* Allocates nothing. SHED is called at the end of a wake-up, inside no other call. */
void hoard_init(struct hoard *h, struct env *env, void (*shed)(void *arg), void *arg);
void hoard_free(struct hoard *h); /* there is nothing any more; harmless on a zeroed one */
/* LEN bytes have come, or those that came first are gone. What they take in storage is counted by
 * whoever keeps them, in the environment's tally, before. */
void hoard_grew(struct hoard *h, size_t len);
void hoard_shrank(struct hoard *h, size_t len);

struct queue {
    struct buf bytes;
    struct hoard hoard;
};

/* As hoard_init(). */
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
