/* Throttle: how many bytes a second a node reads, or writes, over all of its links, as tor's
 * RelayBandwidthRate: a token bucket with turns. A node that is limited has two, one each way. No
 * sockets: clock and timers are those of the environment. */
#ifndef TUNIC_TESTNET_THROTTLE_H
#define TUNIC_TESTNET_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/env.h"

/* One link's place at the throttle: a member of what carries the link. */
struct throttle_turn {
    void (*ready)(void *arg); /* bytes may go again; not called inside throttle_allow() */
    void *arg;
    bool yields; /* to all that do not: see throttle_yield() */
    /* The throttle's own, zero at first. */
    uint64_t share;
    bool waiting;
    struct throttle_turn *prev, *next;
};

struct throttle {
    struct env *env;
    bool on; /* false: no limit */
    struct bucket bucket;
    uint64_t least; /* fewer are not taken between turns, unless no more is wanted */
    bool gives;     /* turns, now */
    uint64_t kept;  /* tokens for those who yield meanwhile */
    struct throttle_turn *waiting, *yielding;
    struct timer refill;
};

/* RATE: bytes a second; 0: no limit. BURST: bytes that it holds at most, and begins with; 0: as
 * many as flow in 200 ms, and 16 KB at least. */
void throttle_init(struct throttle *t, struct env *env, uint64_t rate, uint64_t burst);
void throttle_end(struct throttle *t);
/* How many of WANT bytes may go now; none: ready() follows. */
size_t throttle_allow(struct throttle *t, struct throttle_turn *turn, size_t want);
void throttle_spend(struct throttle *t, struct throttle_turn *turn, size_t bytes);
void throttle_leave(struct throttle *t, struct throttle_turn *turn);
/* From now on TURN yields to those that do not, but for an eighth of all; or it does no more. */
void throttle_yield(struct throttle *t, struct throttle_turn *turn, bool yields);

#endif
