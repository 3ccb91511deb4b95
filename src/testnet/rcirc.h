/* Rcirc: a circuit at a relay: cells that pass by in both directions, and messages that end here.
 *
 * A node owns its circuits and a circuit its streams (struct target). One that is over is taken out
 * at once and freed by the node's timer.
 *
 *     rcirc.c         cells in and out, the life of a circuit
 *     rcirc_msg.c     messages that end here: what is done about each
 *     rcirc_judge.c   which of them are dropped, which break the protocol
 *     rcirc_create.c  CREATE cells and what they are answered
 *     rcirc_extend.c  EXTEND2, and the next node's side of the circuit
 *     rcirc_trace.c   what of all this is logged at debug
 *     rcirc_rend.c    two circuits joined at a rendezvous point
 *     rcirc_pad.c     its half of padding machines
 *     rwindow.c       its windows
 *     rset.c          circuits joined by conflux */
#ifndef TUNIC_TESTNET_RCIRC_H
#define TUNIC_TESTNET_RCIRC_H

#include "base/buf.h"
#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "cell/relay.h"
#include "cell/relay_extend.h"
#include "cell/relay_hs.h"
#include "circuit/circpad.h"
#include "circuit/layer.h"
#include "testnet/nlink.h"
#include "testnet/rmeas.h"
#include "testnet/rwindow.h"

struct conflux_leg;
struct node;
struct rset;
struct target;

enum {
    RCIRC_QUEUE_CELLS = 4096, /* cells that one direction of a circuit may hold back */
    RCIRC_QUEUE_FULL = 32,    /* from here on its streams stop reading */
    RCIRC_STREAMS_MOST = 1024,
    RCIRC_EARLY_MOST = 8,
};

/* A circuit's side towards one link: its place there, and cells that the link did not take. */
struct rside {
    struct link_circ lc;
    struct buf queue; /* command and body, again and again */
};

enum rend { REND_NONE, REND_WAITING /* for a service */, REND_JOINED };
enum rnext { NEXT_NONE, NEXT_DIALLING, NEXT_CREATING, NEXT_OPEN };

struct rcirc {
    struct node *node;
    struct nlink *came_on;         /* the link of BACK, as long as it is on one */
    struct rside back, fwd;        /* towards the client, away from it */
    struct ip from;                /* the address that opened it */
    const struct layer_kind *kind; /* agreed on: tor1 or CGO */
    struct layer *layer;
    struct rwindow window;
    bool congestion_control; /* granted: no SENDMEs for streams */
    uint8_t sendme_inc;      /* and what was said of those for circuits */
    bool fast;               /* made by CREATE_FAST: a directory circuit */
    bool over;
    bool cut;       /* TRUNCATED was sent: what the client had sent before it knew is dropped */
    unsigned early; /* RELAY_EARLY cells so far */
    enum rnext next_state;
    struct nlink_wait wait;    /* DIALLING: for the link */
    struct chan_create2 asked; /* DIALLING: what is to be sent, with... */
    uint8_t hdata[CREATE2_DATA_MAX];
    struct target *streams;
    unsigned n_streams;
    struct rset *set; /* the set it is a leg of, or was when it was over; NULL: none */
    struct conflux_leg *leg;
    enum rend rend;
    uint8_t cookie[HS_COOKIE_LEN]; /* WAITING: the service will show it */
    struct rcirc *joined;          /* JOINED: what goes on from here goes to it */
    enum rmeas_use use;
    unsigned refusals;         /* of measurements */
    int measurer;              /* of an echoing one: which, by identity; or -1 */
    size_t echoes_wait;        /* bytes held back that its link has counted */
    struct circpad *pad;       /* NULL: no client ever asked for a padding machine */
    void *memo;                /* what the node's misdeeds remember of it; theirs, freed with it */
    struct rcirc *prev, *next; /* of the node */
};

/* ---- life ---- */

/* A circuit that nobody knows of yet; NULL out of memory, or too many. */
struct rcirc *rcirc_new(struct nlink *nl);
void rcirc_keep(struct rcirc *c); /* it has a link: the node's from now on */
/* The client broke the protocol: says so at warn, with WHAT it did, and refuses it. */
void rcirc_broken(struct rcirc *c, const char *what);
/* Takes it down because what the client asks for cannot be: rcirc_close(). */
void rcirc_refuse(struct rcirc *c, uint8_t reason);
/* Takes it down: DESTROY with REASON to whoever is still there. */
void rcirc_close(struct rcirc *c, uint8_t reason);
void rcirc_bury(struct rcirc *c);

/* ---- cells and messages out ---- */

/* The way of a cell: made here for the client, from the next node back to the client, or on from
 * the client to the next node. */
enum rway { WAY_MADE, WAY_BACK, WAY_ON };

/* Sends a cell its way, or keeps it until the link takes it. It may close the circuit. */
void rcirc_cell(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body);
/* A message from here to the client. False if the circuit is over then. */
bool rcirc_send(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len);
/* The same two, and no misdeed is asked: what misdeeds themselves send. */
void rcirc_cell_as_is(struct rcirc *c, enum rway way, uint8_t cmd, const uint8_t *body);
bool rcirc_send_as_is(struct rcirc *c, const struct relay_msg *m);
/* DATA messages that the circuit, or its set, may send now, and how much fits into each. */
unsigned rcirc_room(const struct rcirc *c);
size_t rcirc_data_max(const struct rcirc *c);
/* Its link is behind: its streams are to stop reading. */
bool rcirc_is_full(const struct rcirc *c);
/* Something changed that streams may have waited for. */
void rcirc_wake_streams(struct rcirc *c);
size_t rcirc_queued(const struct rcirc *c); /* bytes */

/* ---- messages in ---- */

/* A relay cell whose layer is off turned out to be meant for this node. */
void rcirc_recognized(struct rcirc *c, uint8_t chan_cmd, const uint8_t *body);

/* A message whose turn it is, with its DATA accounted for: judged, and acted on. */
void rcirc_act(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m);

/* Answers RESOLVE. */
void rcirc_resolve(struct rcirc *c, const struct relay_msg *m);

enum judged { JUDGED_FINE, JUDGED_DROP, JUDGED_BREACH };
enum judged rcirc_judge(const struct rcirc *c, const struct relay_msg *m);

/* ---- rendezvous ---- */

/* ESTABLISH_RENDEZVOUS, RENDEZVOUS1. */
void rcirc_rend_establish(struct rcirc *c, const struct relay_msg *m);
void rcirc_rend_meet(struct rcirc *c, const struct relay_msg *m);
/* A cell of a joined circuit that is not for this node. */
void rcirc_rend_pass_on(struct rcirc *c, uint8_t *body);
/* C is over, and what it is joined to ends with it. */
void rcirc_rend_leave(struct rcirc *c, uint8_t reason);

/* ---- circuit padding ---- */

/* PADDING_NEGOTIATE, DROP. */
void rcirc_pad_negotiate(struct rcirc *c, const struct relay_msg *m);
void rcirc_pad_came(struct rcirc *c);
/* Another cell goes to the client; or comes from it, for this node or to be passed on. */
void rcirc_pad_sent(struct rcirc *c);
void rcirc_pad_received(struct rcirc *c);
void rcirc_pad_end(struct rcirc *c);

/* ---- CREATE ---- */

struct create_reply {
    uint8_t cmd;
    uint8_t data[CREATED2_DATA_MAX];
    size_t len;
    uint8_t keys[LAYER_KEYS_MAX]; /* of the circuit's kind: keys_len bytes */
    bool opened;                  /* ntor-v3, and what the client says in it was read: */
    uint8_t asked[EXTS_MAX];
    size_t n_asked; /* the types of its extensions */
};

/* CREATE_FAST or CREATE2 came on NL. */
void rcirc_create(struct nlink *nl, uint32_t id, uint8_t cmd, const uint8_t *body);
/* The answer to it, made with randomness of ENV. */
MUST_USE err_t rcirc_answer(struct rcirc *c, struct env *env, uint8_t cmd, const uint8_t *body,
                            struct create_reply *r);
/* What a client that asks for THEIRS is granted: OURS, and the circuit's kind of layer.
 * ERR_CIRC_HANDSHAKE: it may not be. */
MUST_USE err_t rcirc_grant(struct rcirc *c, const struct exts *theirs, struct exts *ours);

/* ---- EXTEND2 and the next node ---- */

void rcirc_extend(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m);
/* Whether EXTEND2 can be followed: what it asks for, which points into M, and who is next. */
bool rcirc_may_extend(const struct rcirc *c, const struct relay_msg *m, struct relay_extend2 *ask,
                      struct link_target *to);
/* Follows it over NL; NULL: there can be no such link. */
void rcirc_extend_over(struct rcirc *c, const struct relay_extend2 *ask, struct nlink *nl);
/* CREATED2 came from the next node. */
void rcirc_created(struct rcirc *c, const uint8_t *body);
/* What the next node did is over; the client is told, and may extend anew. */
void rcirc_truncated(struct rcirc *c, uint8_t reason);
void rcirc_leave_next(struct rcirc *c, uint8_t reason);

/* ---- the debug log: lines of what only this node can read (docs/testnet.md) ---- */

/* The handshake that C was made by. */
void rcirc_trace_handshake(const struct rcirc *c, const struct create_reply *r);
/* CREATE2 went to the next node. */
void rcirc_trace_extend(const struct rcirc *c);
/* A message that ends here. */
void rcirc_trace_message(const struct rcirc *c, const struct relay_msg *m);

#endif
