/* Heartbeat: from time to time, a line in the log that tells that all is well, in tor's words. */
#ifndef TUNIC_HOST_HEARTBEAT_H
#define TUNIC_HOST_HEARTBEAT_H

#include "client/client.h"
#include "net/net.h"

struct heartbeat {
    struct net *net;
    const struct client *client;
    uint64_t begun_us;
    unsigned period_s; /* 0: none */
    struct timer timer;
};

/* Both are borrowed. No line comes before heartbeat_set(). */
void heartbeat_init(struct heartbeat *h, struct net *net, const struct client *client);
void heartbeat_say(const struct heartbeat *h);
/* A line each PERIOD_S from now on, the first after one; 0: none. The same period again goes on
 * counting. */
void heartbeat_set(struct heartbeat *h, unsigned period_s);

#endif
