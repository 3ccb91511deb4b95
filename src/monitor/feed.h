/* Feed: what happens in a client, and what there is, as lines of JSON on a connection
 * (docs/events.md). The first line says what there is now; then come events as they happen. A line
 * of the reader says which it wants. Destinations are told only if SafeLogging is off; what
 * applications say to a SOCKS port to be kept apart, never. */
#ifndef TUNIC_MONITOR_FEED_H
#define TUNIC_MONITOR_FEED_H

#include <stdbool.h>

#include "base/env.h"
#include "base/talk.h"

struct client;
struct feed;

enum {
    FEED_READERS_MOST = 64,
    FEED_LINE_MOST = 4096,      /* bytes of a reader's line */
    FEED_QUEUE_MOST = 1 << 20,  /* bytes that may wait when an event comes; else it is dropped */
    FEED_HELLO_MOST = 32 << 20, /* bytes of what there is */
};

/* DESTINATIONS is asked for each event. CLIENT is borrowed. NULL out of memory. */
struct feed *feed_new(struct env *env, struct client *client, bool (*destinations)(void *arg),
                      void *arg);
/* Its readers have been freed before. NULL is fine. */
void feed_free(struct feed *f);

/* A reader; its make() is given the address of a struct feed *, which may be NULL: then it is
 * turned away. */
extern const struct talk_kind feed_talk;

#endif
