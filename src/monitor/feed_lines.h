/* Feed lines: the lines of EventSocket, each an object of its row's fields (feed_fields.h). */
#ifndef TUNIC_MONITOR_FEED_LINES_H
#define TUNIC_MONITOR_FEED_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/events.h"

/* The number of what is in docs/events.md: higher once a field or word goes, or means another
 * thing; what is new does not change it. */
enum { FEED_SCHEMA = 1 };

struct feed_scope;

struct feed_event_row {
    const char *name;     /* "CIRC" */
    enum event_kind kind; /* it is made of */
    bool each_second;     /* and told only to who asks for it by name */
};

/* In the order of docs/events.md; NULL: there are no more. */
const struct feed_event_row *feed_event_row(size_t i);

/* The line of E if it is row I's; NULL: it is not, or there is no memory. */
json_t *feed_event(const struct feed_scope *scope, size_t i, const struct event_record *e);
/* The line that comes first: who speaks, and what there is now. NULL out of memory. */
json_t *feed_hello(const struct feed_scope *scope, int64_t wall_us);

#endif
