/* Net: the loop around the machines. Sockets, the one timer, signals and the file store, on
 * libevent.
 *
 * Every wake-up is one batch: the first callback reads the clocks, machines are fed, and when all
 * that was ready has been handled the batch is settled once: timers run, every connection that has
 * output is written with as few calls as possible, and the timer is armed for the next deadline. */
#ifndef TUNIC_NET_NET_H
#define TUNIC_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"

struct net;
struct event_base;

/* LOG is borrowed. BASE is the caller's event base, or NULL for one of our own. ERR_NOMEM, ERR_IO:
 * no descriptors are left. */
MUST_USE err_t net_new(struct log *log, struct event_base *base, struct net **out);
/* Frees N, after everything that was made with it. */
void net_free(struct net *n); /* NULL is fine */

/* N is of this process only. After fork() net_is_forked() says so in the other one: there nothing
 * is read, sent, accepted, written or removed through N any more, and its loop's descriptor is one
 * of its own; all that is left to do is to free. */
void net_bind_to_process(struct net *n);
bool net_is_forked(struct net *n);

/* The environment for machines; lives as long as N. */
struct env *net_env(struct net *n);
struct event_base *net_base(struct net *n);

/* The kernel's buffers of sockets that are made from now on, in bytes; 0: as it likes
 * (ConstrainedSockets). */
void net_set_socket_buffers(struct net *n, size_t bytes);

/* For a program of our own: some seconds after much was given back to malloc(), that goes back to
 * the system, which malloc() by itself does only with what lies at its end. */
void net_return_memory(struct net *n);

/* Unix sockets that are made from now on are this user's (User), who has them when the process has
 * become that user. */
void net_set_owner(struct net *n, uid_t uid, gid_t gid);

/* Counts over all sockets since the start. */
struct net_counts {
    uint64_t read, written;            /* bytes */
    unsigned accepted_v4, accepted_v6; /* connections */
    unsigned dialled_v4, dialled_v6;
};
const struct net_counts *net_counts(const struct net *n);

/* A callback of the loop begins: reads the clocks if it is the first of this batch, and makes sure
 * that the batch is settled. Also to be called before calling into machines from outside the loop.
 */
void net_touch(struct net *n);

/* As net_touch(), for calls from outside the loop: the batch may have begun long ago, so the clocks
 * are read in any case. */
void net_enter(struct net *n);

/* One turn of the loop: handles what is ready, or, if it is to WAIT, the next thing that will be.
 * ERR_IO: it cannot wait any more, since somebody has closed its descriptor. */
MUST_USE err_t net_turn(struct net *n, bool wait);

/* Runs until net_stop(). */
void net_run(struct net *n);
void net_stop(struct net *n);

/* FN runs in the loop when SIGNUM comes. */
MUST_USE err_t net_on_signal(struct net *n, int signum, void (*fn)(void *arg, int signum),
                             void *arg);

#endif
