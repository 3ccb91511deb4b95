/* Lines: a unix socket of its owner's alone that takes orders, a line each, and gives answers in
 * lines. What an order says is whose orders they are (measure/orders.h, testnet/orders.h). */
#ifndef TUNIC_APP_LINES_H
#define TUNIC_APP_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "net/net.h"

struct lines;
struct lines_caller; /* one connection */

enum { LINES_CALLERS_MOST = 64 };

struct lines_kind {
    const char *what;    /* names the socket in the log */
    size_t line_most;    /* of an order, with its end: who says more is sent away */
    size_t answers_most; /* bytes that wait: who asks and does not read is sent away */
    size_t own_size;     /* of what a caller has besides, zeroed at first */
    void (*obey)(void *arg, struct lines_caller *c, struct text line);
    /* Some of what waited for it has gone out; it is gone itself. Both may be NULL. */
    void (*sent)(void *arg, struct lines_caller *c);
    void (*gone)(void *arg, struct lines_caller *c);
};

/* KIND and ARG are borrowed. ERR_IO (logged), ERR_LIMIT (PATH is too long for a unix socket),
 * ERR_NOMEM. */
MUST_USE err_t lines_open(struct net *n, const struct lines_kind *kind, const char *path, void *arg,
                          struct lines **out);
/* Ends the connections. NULL is fine. */
void lines_close(struct lines *l);

void *lines_own(struct lines_caller *c); /* own_size bytes */
void lines_each(struct lines *l, void (*fn)(void *arg, struct lines_caller *c), void *arg);

/* TEXT, then an end of a line if it has none. Not to one who was sent away. */
void lines_say(struct lines_caller *c, struct text text);
size_t lines_waiting(const struct lines_caller *c); /* bytes */

#endif
