/* Shape: what makes a wire between two nodes of a test network slow: a line that gives bytes back
 * some time after it took them. No sockets: clocks and timers are those of the environment. How
 * much a node may carry is its throttle's (testnet/throttle.h). */
#ifndef TUNIC_TESTBED_SHAPE_H
#define TUNIC_TESTBED_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"

/* How the wires of a network behave; all zero: as the system does. */
struct shape_rules {
    uint64_t rate;      /* bytes a second into and out of each relay, over all its links; 0: any */
    uint64_t burst;     /* bytes that it may carry at once, each way; 0: the throttle's own */
    uint32_t delay_ms;  /* each way on each link */
    uint32_t jitter_ms; /* added to it: a random time up to this; bytes stay in order */
    uint32_t mean_life_s; /* links are cut at random, after this time on average; 0: never */
};

/* ---- a line ---- */

enum { SHAPE_LINE_CAP = 4 << 20, SHAPE_STEPS = 512 };

struct shape_line {
    struct env *env;
    const struct shape_rules *rules;
    struct buf bytes;
    /* A ring: when so many bytes more are due. */
    struct shape_step {
        uint64_t due_us;
        size_t len;
    } * steps;
    size_t first, n_steps;
    struct timer due; /* armed while bytes wait that are not due */
};

/* DUE(ARG) is called when bytes have become due that were not. ERR_NOMEM. */
MUST_USE err_t shape_line_init(struct shape_line *l, struct env *env,
                               const struct shape_rules *rules, void (*due)(void *arg), void *arg);
void shape_line_end(struct shape_line *l); /* the zero line is fine */

/* How many bytes it would take now. */
size_t shape_line_space(const struct shape_line *l);
/* Room for LEN bytes, LEN <= the space; NULL out of memory. They count after shape_line_put(). */
uint8_t *shape_line_room(struct shape_line *l, size_t len);
void shape_line_put(struct shape_line *l, size_t len);

/* What is due; NULL: nothing yet. */
const uint8_t *shape_line_out(struct shape_line *l, size_t *len);
void shape_line_took(struct shape_line *l, size_t len);
bool shape_line_is_empty(const struct shape_line *l);

/* When a link that begins now is cut, in ms from now; 0: never. */
uint64_t shape_life_ms(struct env *env, const struct shape_rules *rules);

#endif
