/* Stall: whether the peer of a TCP connection acknowledges what it was sent. The kernel tells only
 * after a quarter of an hour that it does not; whoever asks it (TCP_INFO) knows after seconds. */
#ifndef TUNIC_NET_STALL_H
#define TUNIC_NET_STALL_H

#include <stdbool.h>

#include "base/env.h"

struct stall {
    struct env *env;
    int fd;
    /* Nothing that was sent has been acknowledged for some seconds, or some of it has again. */
    void (*tell)(void *arg, bool stalled);
    void *arg;
    struct timer look; /* armed while something may be unacknowledged */
    uint64_t since_us; /* when that began */
    bool stalled;
};

/* FD is the caller's and outlives S. */
void stall_init(struct stall *s, struct env *env, int fd, void (*tell)(void *arg, bool stalled),
                void *arg);
/* Bytes went to the kernel. */
void stall_sent(struct stall *s);
/* No look follows. */
void stall_end(struct stall *s);

#endif
