/* Watch: one descriptor that is readable whenever a turn of the loop would find something to do,
 * for programs that have a loop of another kind. libevent publishes none of its own, so this keeps
 * an epoll set beside it: every descriptor that libevent waits for with the same interest, a
 * timerfd for the one timer, an eventfd for a batch that waits to be settled. All are
 * level-triggered. */
#ifndef TUNIC_NET_WATCH_H
#define TUNIC_NET_WATCH_H

#include "net/net.h"

struct watch;

/* ERR_IO, ERR_NOMEM. */
MUST_USE err_t watch_new(struct net *n, struct watch **out);
void watch_free(struct watch *w); /* before N; NULL is fine */

int watch_fd(const struct watch *w);

/* Something was begun from outside the loop: a turn is wanted. */
void watch_kick(struct watch *w);

/* Call it when the loop has run, or what it waits for may have changed. ERR_NOMEM, ERR_IO: the
 * descriptor may miss something until this has succeeded. */
MUST_USE err_t watch_update(struct watch *w);

#endif
