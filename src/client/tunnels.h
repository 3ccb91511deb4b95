/* The tunnels of one client: attaches each to a circuit and keeps its attempts going. */
#ifndef TUNIC_CLIENT_TUNNELS_H
#define TUNIC_CLIENT_TUNNELS_H

#include "base/env.h"
#include "client/addrmap.h"
#include "client/attach_pool.h"
#include "client/config.h"
#include "client/exits.h"
#include "client/ostream.h"
#include "client/tunnel.h"

struct tunnels;

struct tunnels_config {
    uint64_t give_up_ms;        /* SocksTimeout */
    uint64_t stream_timeout_ms; /* CircuitStreamTimeout; 0: 10 s, 10 s, then 15 s */
    bool reject_internal, dns_reject_internal;
    bool leave_unattached; /* __LeaveStreamsUnattached */
    /* Lists are separated by commas, and borrowed until the next tunnels_set_config(). */
    bool automap;                 /* AutomapHostsOnResolve */
    const char *automap_suffixes; /* AutomapHostsSuffixes */
    const char *track_exits;      /* TrackHostExits; or NULL */
    uint32_t track_exits_s;       /* TrackHostExitsExpire */
};

/* CIRCUITS, STREAMS, EXITS and MAP are borrowed. NULL out of memory. */
struct tunnels *tunnels_new(struct circuits *circuits, struct ostreams *streams,
                            struct exits *exits, struct addrmap *map,
                            const struct tunnels_config *config);
void tunnels_free(struct tunnels *ts); /* no callbacks; NULL is fine */
void tunnels_set_config(struct tunnels *ts, const struct tunnels_config *config);
/* Each tunnel's owner is told that it is over, and WHY. */
void tunnels_end_all(struct tunnels *ts, const char *why);
/* The same, and whoever comes later is told at once (TUNNEL_STAGE_NETWORK). */
void tunnels_refuse_all(struct tunnels *ts, const char *why);

/* tunnel_open() for the client's set. */
struct tunnel *tunnels_open(struct tunnels *ts, const struct tunnel_request *req,
                            const struct tunnel_ops *ops, void *arg);

/* The pool's policy, to be told when it is worth looking again. */
struct attach_pool *tunnels_pool(const struct tunnels *ts);
/* client_set_attach() and client_attach() for the client's set. */
void tunnels_set_attach(struct tunnels *ts, const struct attach_policy *policy);
enum attach_result tunnels_attach(struct tunnels *ts, uint64_t stream, uint64_t circuit,
                                  unsigned hop);
/* client_close_stream() and client_redirect_stream(); the first is false if there is no tunnel of
 * this id. */
bool tunnels_close_stream(struct tunnels *ts, uint64_t stream, uint8_t reason);
void tunnels_redirect(struct tunnels *ts, uint64_t stream, const char *host, uint16_t port);
/* There is no network at all: whoever has waited for some seconds is told so, for nobody knows how
 * long that may last. */
void tunnels_no_network(struct tunnels *ts);
/* A link stalls: whoever waits for an answer over it is put onto another circuit. */
void tunnels_leave_stalled(struct tunnels *ts);
size_t tunnels_count(const struct tunnels *ts);
size_t tunnels_left(const struct tunnels *ts); /* that wait, and not for the pool */
size_t tunnels_waiting(const struct tunnels *ts);

#endif
