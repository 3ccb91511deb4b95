/* One place that log lines are written to: a descriptor, and what it does not take at the moment.
 * Whoever reads a log (a pipe, a terminal, a service manager's socket) may stop reading; the
 * program does not stop for that. Files on disk are written at once. */
#ifndef TUNIC_HOST_LOGOUT_H
#define TUNIC_HOST_LOGOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { LOGOUT_QUEUE_MAX = 256 * 1024 };

enum logout_how { LOGOUT_DISK, LOGOUT_SOCKET, LOGOUT_NONBLOCK, LOGOUT_POLL };

struct logout {
    int fd;
    bool owned; /* it is closed with this */
    enum logout_how how;
    int own_fd; /* a description of our own for the same thing, or -1 */
    struct buf queue;
    size_t lost; /* lines, since the last that was taken */
};

void logout_init(struct logout *o, int fd, bool owned);
/* Closes; what is in the queue is gone. */
void logout_close(struct logout *o);

/* Writes or queues one whole line. False: there is no room for it; it counts as lost, as do all
 * that come until LOST is 0 again. */
bool logout_add(struct logout *o, const char *line, size_t len);
/* Writes what is taken without waiting. True: nothing is left. */
bool logout_flush(struct logout *o);
/* The same, but waits, MS at most. */
bool logout_flush_ms(struct logout *o, int ms);

#endif
