/* Bucket: tokens for bytes. It fills by RATE a second up to BURST, in steps of an interval, and is
 * looked at only when somebody wants some: it needs no timer of its own. */
#ifndef TUNIC_BASE_BUCKET_H
#define TUNIC_BASE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

struct bucket {
    uint64_t rate, burst; /* bytes a second, bytes */
    uint64_t step_us;
    uint64_t left;
    uint64_t part;      /* of the next byte: millionths */
    uint64_t filled_us; /* up to when it was filled: whole steps */
};

/* Full at NOW_US. RATE and BURST below 1 are 1; STEP_US is not 0. */
void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t step_us,
                 uint64_t now_us);
/* Goes on with another rate, burst and step; what is over the new burst is lost. */
void bucket_change(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t step_us,
                   uint64_t now_us);
/* What there is at NOW_US. */
uint64_t bucket_look(struct bucket *b, uint64_t now_us);
/* Takes N, of which there are as many. */
void bucket_take(struct bucket *b, uint64_t n);
/* When there will be more than now. */
uint64_t bucket_next_us(const struct bucket *b);

#endif
