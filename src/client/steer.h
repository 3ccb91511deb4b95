/* Steering: what a controller asks of circuits and streams by their ids (control-spec 3.10 to 3.17,
 * C tor's control_cmd.c). Which stream goes onto which circuit is attach.h's. */
#ifndef TUNIC_CLIENT_STEER_H
#define TUNIC_CLIENT_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/addrmap.h"
#include "client/events.h"

struct client;

/* The newest consensus, also before enough is known to choose paths from it; NULL: none is known.
 * Good until the wake-up ends. */
struct netdir *client_known(const struct client *c);

struct addrmap *client_addrmap(const struct client *c);

bool client_has_circuit(const struct client *c, uint64_t id);
size_t client_streams_left(const struct client *c);          /* that wait for client_attach() */
bool client_has_stream(const struct client *c, uint64_t id); /* also one for a document */

/* WHAT has been done, by it or by what is around it: tells of that. */
void client_tell_signal(struct client *c, enum signal_what what);

/* All guards are forgotten, and others sampled (DROPGUARDS). */
void client_drop_guards(struct client *c);
/* So are build times, and learnt anew (DROPTIMEOUTS). */
void client_drop_timeouts(struct client *c);

/* Builds a circuit over the N relays of PATH, of client_known(), whatever they are; N 0: over a
 * path of its own choice, as for a tunnel (PURPOSE is GENERAL then). ERR_STATE: it does not run, or
 * knows too little; ERR_NOT_FOUND: no path, or its first relay cannot be reached; ERR_LIMIT: too
 * many hops; ERR_NOMEM. */
MUST_USE err_t client_build_circuit(struct client *c, const struct router *const *path, size_t n,
                                    enum circuit_purpose purpose, uint64_t *id);
/* N relays more; until they are there no new stream goes onto it. ERR_NOT_FOUND: there is no such
 * circuit; ERR_STATE: it is for documents, or closes. */
MUST_USE err_t client_extend_circuit(struct client *c, uint64_t id,
                                     const struct router *const *more, size_t n);

/* What follows does nothing if there is no such circuit or stream. PURPOSE is GENERAL or
 * CONTROLLER. */
void client_set_circuit_purpose(struct client *c, uint64_t id, enum circuit_purpose purpose);
/* IF_UNUSED: not if a stream is on it. */
void client_close_circuit(struct client *c, uint64_t id, bool if_unused);
/* REASON: enum end_reason, which whoever opened the stream is told. */
void client_close_stream(struct client *c, uint64_t id, uint8_t reason);
/* Its next attempt goes to HOST (what is too long is cut, as in tor) and, unless that is 0, PORT.
 * One for a document goes where it goes. */
void client_redirect_stream(struct client *c, uint64_t id, const char *host, uint16_t port);

#endif
