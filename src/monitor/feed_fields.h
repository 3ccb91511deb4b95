/* Feed fields: what the lines of EventSocket say. One table has every field of every object: its
 * name, type, words, and what makes it of a record; docs/events.md and docs/events.schema.json are
 * written from it (tools/gen-events). */
#ifndef TUNIC_MONITOR_FEED_FIELDS_H
#define TUNIC_MONITOR_FEED_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/events.h"

struct client;

/* The number of what is in docs/events.md: higher once a field or word goes, or means another
 * thing; what is new does not change it. */
enum { FEED_SCHEMA = 1 };

struct feed_scope {
    const struct client *client;
    bool destinations; /* may be said: SafeLogging is off */
};

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
/* "2026-11-30T00:29:24.578508Z" */
json_t *feed_time(int64_t wall_us);

#endif
