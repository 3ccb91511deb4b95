/* Look: what there is in a client now, as the same records that events are told with (events.h):
 * for whoever is asked for it, or has lost events. */
#ifndef TUNIC_CLIENT_LOOK_H
#define TUNIC_CLIENT_LOOK_H

#include "client/events.h"
#include "path/guards.h"

struct client;

/* What FN is given is good during the call; it may not change the client. Circuits, streams and OR
 * connections come oldest first, their status what was told of them last. */
void look_at_circuits(const struct client *c, void (*fn)(void *arg, const struct event_circuit *e),
                      void *arg);
void look_at_streams(const struct client *c, void (*fn)(void *arg, const struct event_stream *e),
                     void *arg);
void look_at_orconns(const struct client *c, void (*fn)(void *arg, const struct event_orconn *e),
                     void *arg);
/* Of the sample in use, in order of preference. */
void look_at_guards(const struct client *c, void (*fn)(void *arg, const struct guard_info *g),
                    void *arg);

/* What was told last of the bootstrap; a percent of -1: nothing yet. */
const struct event_bootstrap *look_at_bootstrap(const struct client *c);
bool look_has_directory(const struct client *c); /* enough to build paths: ENOUGH_DIR_INFO */
bool look_has_circuit(const struct client *c);   /* CIRCUIT_ESTABLISHED */
bool look_network_is_live(const struct client *c);

/* Bytes over all OR connections since the start. */
struct event_bw look_at_bytes(const struct client *c);
/* Second I of those in which somebody listened to EVENT_BW, the last five minutes, oldest first;
 * NULL: there are no more. */
const struct event_bw *look_at_second(const struct client *c, size_t i);

/* The nickname of relay ID in the newest consensus; "": it is not there. Good until the next one.
 */
const char *look_nickname(const struct client *c, const struct rsa_id *id);

#endif
