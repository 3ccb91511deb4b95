/* Node: one relay of a test network: links from clients and other nodes, circuits, streams to
 * targets on loopback and to its own directory server. The other side of what link, circuit and
 * stream do, on the same codecs, onion layers and link machine (tor-spec 4 to 7). */
#ifndef TUNIC_TESTNET_NODE_H
#define TUNIC_TESTNET_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "circuit/flow.h"
#include "dirdoc/identity.h"
#include "link/link.h"
#include "testnet/measurable.h"
#include "testnet/netdocs.h"
#include "testnet/plan.h"

struct misdeeds;
struct node;
struct target; /* an exit stream's connection to where it was asked to go */

/* What a node asks of whoever drives it; as client_world. Nothing here may call back into it. */
struct node_world {
    /* Connect L to TO, another node or a relay on loopback, from FROM; then feed and drain it
     * (link.h, "net's side"). */
    void (*dial)(void *world, struct link *l, const struct ip *from, const struct ipport *to);
    void (*output)(void *world, struct link *l);
    void (*hangup)(void *world, struct link *l);
    void (*resume)(void *world, struct link *l); /* it was held, and has room again */
    /* L carries a measurement, and no clients, from now on; or no more. NULL: no matter. */
    void (*measures)(void *world, struct link *l, bool measures);
    /* The same for a TCP connection to a target: told how it went by target_*(). */
    void (*target_dial)(void *world, struct target *t, const struct ip *from,
                        const struct ipport *to);
    void (*target_output)(void *world, struct target *t);
    void (*target_resume)(void *world, struct target *t); /* it has room again */
    void (*target_hangup)(void *world, struct target *t); /* T is over; flush, then close */
};

/* A name that exits resolve (or, to family IP_NONE, do not) besides localhost and *.test, which are
 * 127.0.0.1. A port of 0 keeps the port that was asked for. */
struct node_host {
    const char *name;
    struct ipport to;
    uint16_t port; /* counts only where this port is asked for; 0: any */
};

struct node_config {
    const struct plan_node *plan;  /* borrowed, with ports filled in */
    const struct identity *id;     /* borrowed */
    struct netdocs *docs;          /* borrowed */
    struct tls_ctx *dial_tls;      /* borrowed: of links to other nodes, */
    struct tls_ctx *accept_tls;    /* borrowed: of links that come in */
    const struct node_host *hosts; /* borrowed */
    size_t n_hosts;
    uint64_t handshake_timeout_ms;
    struct flow_config flow;      /* what the consensus says of it */
    struct measurable measurable; /* what its operator says of measurements */
};

/* ERR_ARG: an address that is not loopback; ERR_NOMEM, ERR_CRYPTO. */
MUST_USE err_t node_new(struct env *env, const struct node_config *config,
                        const struct node_world *ops, void *world, struct node **out);
void node_free(struct node *n); /* hangs everything up; NULL is fine */

/* A TCP connection came in from PEER: the link machine to feed, or NULL (not loopback, too many,
 * out of memory): close it. */
struct link *node_accept(struct node *n, const struct ipport *peer);
/* The same for the DirPort: served by a struct dirserv over this. */
struct dirserv_source *node_dir_source(struct node *n);

/* How it breaks the protocol, from now on (misdeeds.h): a node has none, or these for good. Links
 * that came in before show no more than the misdeeds of circuits. The node frees ARG with it. */
void node_set_misdeeds(struct node *n, const struct misdeeds *misdeeds, void *gift_arg);
void *node_misdeeds(const struct node *n); /* ARG; NULL: N is honest */
const struct plan_node *node_plan(const struct node *n);
/* Ends every link and takes no more, or comes back. */
void node_stop(struct node *n);
void node_start(struct node *n);
/* DESTROY on every circuit through the node with this reason. */
void node_destroy_circuits(struct node *n, uint8_t reason);

struct node_counts {
    uint64_t links, circuits, streams; /* now */
    uint64_t links_ever, circuits_ever, streams_ever, cells_in, cells_out;
    uint64_t client_in, client_out; /* bytes of cells, and of targets: all but measurements' */
    uint64_t echoes, measurements;  /* cells given back; runs that were allowed */
    uint64_t conflux_links, conflux_switches; /* circuits that joined a set; SWITCHes sent */
    uint64_t handshakes_fast, handshakes_ntor, handshakes_ntor_v3; /* how circuits were made... */
    uint64_t handshakes_cgo; /* ...and of the last, those that agreed on CGO */
    uint64_t queued;         /* bytes waiting in the node: bounded */
};
struct node_counts node_counts(const struct node *n);

/* A stream that leaves the network here. */
struct node_stream {
    uint32_t circuit; /* its id on the link towards the client */
    struct ipport to;
};
void node_each_stream(const struct node *n, void (*fn)(void *arg, const struct node_stream *s),
                      void *arg);

/* ---- the world's side of a target ---- */

void target_connected(struct target *t);
void target_failed(struct target *t, int errno_); /* connecting failed, or it broke */
/* Room for received bytes, NULL: none now, target_resume follows. */
uint8_t *target_in_room(struct target *t, size_t *room);
void target_in_done(struct target *t, size_t len);
void target_in_end(struct target *t); /* orderly EOF */
const uint8_t *target_out(struct target *t, size_t *len);
void target_sent(struct target *t, size_t len);
void target_set_io(struct target *t, void *io);
void *target_io(const struct target *t);

#endif
