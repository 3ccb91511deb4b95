/* The inside of a node: its links, the circuits through it, and the streams that end in it.
 *
 * Ownership: a node owns its links (struct nlink) and circuits (struct rcirc), a circuit its
 * streams (struct target). What is over is taken out at once, put on the node's list of the dead,
 * and freed by a timer, when nothing of it is on the stack. */
#ifndef TUNIC_TESTNET_NODE_INT_H
#define TUNIC_TESTNET_NODE_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "cell/relay.h"
#include "cell/relay_extend.h"
#include "cell/relay_pad.h"
#include "cell/relay_stream.h"
#include "circuit/layer.h"

#include "circuit/tor1.h"
#include "link/tls.h"
#include "testnet/dirserv.h"
#include "testnet/node.h"
#include "testnet/relay_certs.h"

enum {
    NODE_LINKS_MOST = 1024,
    NODE_CIRCS_MOST = 16384,
    RCIRC_QUEUE_CELLS = 4096, /* cells that one direction of a circuit may hold back */
    RCIRC_QUEUE_FULL = 32,    /* from here on its streams stop reading */
    RCIRC_STREAMS_MOST = 1024,
    RCIRC_EARLY_MOST = 8,
    RWINDOW_TAGS = 64,
    SCRATCH_CELLS = 32,
    CC_SENDME_INC = 31, /* the consensus' default of cc_sendme_inc */
};

/* One connection to a client or another node. */
struct nlink {
    struct node *node;
    struct link *link;
    bool dialled, over;
    bool half;             /* the rest of a cell is to come */
    bool had_circuit;      /* or was asked for one */
    uint8_t four[2];       /* link protocol 4, for a lie */
    struct rcirc *waiting; /* circuits to be extended over it once it is open */
    uint32_t refused_id;   /* the last one */
    uint32_t gone_id;      /* of the circuit that its peer ended last */
    struct nlink *prev, *next;
};

/* Flow control of a circuit at its end here: fixed windows (tor-spec 7.3), or a fixed congestion
 * window under the rules of proposal 324. */
struct rwindow {
    unsigned increment; /* DATA that one SENDME stands for */
    unsigned package;   /* DATA we may still send */
    unsigned deliver;   /* DATA we may still get */
    unsigned sent, got; /* since the last one that a SENDME answers */
    uint8_t tags[RWINDOW_TAGS][LAYER_TAG_MAX];
    unsigned tags_at, tags_n;
};

/* A circuit's side towards one link: its place there, and cells that the link did not take. */
struct rside {
    struct link_circ lc;
    struct buf queue; /* command and body, again and again */
};

enum rnext { NEXT_NONE, NEXT_DIALLING, NEXT_CREATING, NEXT_OPEN };

struct rcirc {
    struct node *node;
    struct rside back, fwd; /* towards the client, away from it */
    struct ip from;         /* who opened it */
    struct layer *layer;
    struct rwindow window;
    bool congestion_control; /* negotiated: no SENDMEs for streams */
    bool fast;               /* made by CREATE_FAST: a directory circuit */
    bool over;
    unsigned got, drops; /* for faults: DATA and DROP that have come */
    uint16_t resolved;   /* for a fault: the id of the last RESOLVE */
    bool passed_on;      /* a cell went to the next node */
    bool cut;       /* TRUNCATED was sent: what the client had sent before it knew is dropped */
    unsigned early; /* RELAY_EARLY cells so far */
    enum rnext next_state;
    struct nlink *next_on;     /* DIALLING: where it waits */
    struct chan_create2 asked; /* DIALLING: what is to be sent, with... */
    uint8_t hdata[CREATE2_DATA_MAX];
    struct target *streams;
    unsigned n_streams;
    struct rcirc *prev, *next;           /* of the node */
    struct rcirc *wait_prev, *wait_next; /* on next_on */
};

enum target_kind { TARGET_EXIT, TARGET_DIR };

/* A stream that ends here: a connection to a target, or a request to the directory server. */
struct target {
    struct rcirc *circ;
    uint16_t id;
    enum target_kind kind;
    bool open;   /* CONNECTED was sent */
    bool over;   /* END was sent or received */
    bool paused; /* target_in_room() said no */
    bool xoff;   /* the client wants no more for now */
    bool xoff_sent;
    bool dialled; /* the world knows it */
    struct ipport to;
    struct dirserv *dir;
    struct buf out; /* to the target */
    unsigned package, deliver;
    void *io;
    struct target *prev, *next;
};

enum { NODE_ODD_TLS = 12 };

struct node {
    struct env *env;
    struct node_config config;
    const struct node_world *ops;
    void *world;
    struct sha256 tls_cert;
    struct relay_certs certs, false_certs;
    int64_t certs_made_s;
    struct tls_ctx *odd_tls[NODE_ODD_TLS]; /* made when a fault first asks for it */
    struct faults faults;
    struct env dull_env; /* for a fault: knows one byte only */
    struct dirserv_source dir;
    struct nlink *links, *dead_links;
    struct rcirc *circs, *dead_circs;
    struct target *dead_targets;
    struct timer bury;
    bool stopped;
    struct node_counts counts;
    uint8_t scratch[SCRATCH_CELLS * RELAY_V0_DATA_MAX]; /* what targets read into */
};

/* ---- node.c ---- */

void node_bury_soon(struct node *n);

/* ---- node_link.c ---- */

struct nlink *nlink_accept(struct node *n, const struct ipport *peer);
/* A link to TARGET, open or on its way; NULL out of memory or too many. */
struct nlink *nlink_to(struct node *n, const struct link_target *target);
void nlink_close_all(struct node *n, const char *why);
void nlink_bury(struct nlink *nl);

/* ---- rcirc.c ---- */

/* One that nobody knows of yet; NULL out of memory, or too many. */
struct rcirc *rcirc_new(struct nlink *nl);
void rcirc_keep(struct rcirc *c); /* it has a link: the node's from now on */
void rcirc_put_back(struct rcirc *c, uint8_t cmd, const uint8_t *body);
/* The link it waits for is there, or never will be. */
void rcirc_next_is_open(struct rcirc *c, struct nlink *nl);
void rcirc_next_failed(struct rcirc *c);
/* The same for a client that broke the protocol: says so at warn, with WHAT it did. */
void rcirc_broken(struct rcirc *c, const char *what);
/* Takes it down: DESTROY with REASON to whoever is still there. */
void rcirc_close(struct rcirc *c, uint8_t reason);
void rcirc_bury(struct rcirc *c);
/* A message from here to the client. False if the circuit is over then. */
bool rcirc_send(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len);
/* A SENDME about the circuit, for the last cell that came. */
void rcirc_send_sendme(struct rcirc *c);
/* DATA messages that may be sent now. */
unsigned rcirc_room(const struct rcirc *c);
/* Something changed that streams may have waited for. */
void rcirc_wake_streams(struct rcirc *c);
size_t rcirc_queued(const struct rcirc *c);

/* ---- rcirc_judge.c ---- */

enum judged { JUDGED_FINE, JUDGED_DROP, JUDGED_BREACH };
enum judged rcirc_judge(struct rcirc *c, const struct relay_msg *m);

/* ---- rcirc_create.c ---- */

struct create_reply {
    uint8_t cmd;
    uint8_t data[CREATED2_DATA_MAX];
    size_t len;
    uint8_t keys[TOR1_KEYS_LEN];
    bool opened; /* the handshake's message was read */
};

/* CREATE_FAST or CREATE2 came on NL. */
void rcirc_create(struct nlink *nl, uint32_t id, uint8_t cmd, uint8_t *body);

/* ---- rcirc_extend.c ---- */

void rcirc_extend(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m);
void rcirc_truncate(struct rcirc *c);
/* CREATED2 came from the next node. */
void rcirc_created(struct rcirc *c, const uint8_t *body);
/* What the next node did is over; the client is told, and may extend anew. */
void rcirc_truncated(struct rcirc *c, uint8_t reason);
void rcirc_leave_next(struct rcirc *c, uint8_t reason);

/* ---- rwindow.c ---- */

void rwindow_init(struct rwindow *w, bool congestion_control);
/* DATA was sent in a cell with TAG. */
void rwindow_sent(struct rwindow *w, const uint8_t *tag);
/* DATA came; *SENDME_DUE. ERR_CIRC_WINDOW. */
MUST_USE err_t rwindow_got(struct rwindow *w, bool *sendme_due);
/* ERR_CIRC_SENDME: none was due, or the tag is wrong. */
MUST_USE err_t rwindow_sendme(struct rwindow *w, const uint8_t *body, size_t len);

/* ---- target.c ---- */

void target_begin(struct rcirc *c, const struct relay_msg *m);
void target_begin_dir(struct rcirc *c, uint16_t id);
void target_data(struct target *t, const uint8_t *data, size_t len);
/* The client ended it, or the circuit did: nothing is sent for it any more. */
void target_close(struct target *t);
/* Sends END and closes. */
void target_end(struct target *t, uint8_t reason);
void target_sendme(struct target *t);
/* There may be room to send again. */
void target_wake(struct target *t);
void target_bury(struct target *t);
struct target *target_find(const struct rcirc *c, uint16_t id);

/* ---- resolve.c ---- */

/* Where HOST is, in a world that is loopback only. ERR_NOT_FOUND: no such name; ERR_ARG: an address
 * that is not loopback, which is in *OUT. */
MUST_USE err_t node_resolve(const struct node *n, struct text host, uint16_t port,
                            struct ipport *out);
/* Answers RESOLVE. */
void node_answer_resolve(struct rcirc *c, const struct relay_msg *m);

/* ---- node_faults_hello.c, node_faults_link.c: how a node breaks rules, on links that came in; see
 * link_cheat ---- */

void fault_in_hello(void *nlink, size_t circ_id_len, struct wr *answer);
enum link_rule fault_in_judging(void *nlink, enum link_stage stage, struct chan_frame *cell,
                                enum link_rule rule);
/* The TLS of a link that comes in: another one than the node's if a fault says so. */
struct tls_ctx *fault_in_tls(struct node *n);
bool fault_in_reading(void *nlink, enum link_slip where, size_t n);

/* ---- node_faults_robust.c: how a node fails to bear odd peers ---- */

void fault_after_link(struct nlink *nl, const struct link_end *end);
enum link_rule fault_in_bearing(struct nlink *nl, enum link_stage stage,
                                const struct chan_frame *cell, enum link_rule rule);
bool fault_in_pieces(struct nlink *nl, enum link_slip where);

/* ---- node_faults_create.c: how a node breaks rules, when circuits are made ---- */

/* What is done about a CREATE cell, which may be changed. */
enum link_rule fault_in_create_cell(struct nlink *nl, struct chan_frame *cell);
/* Before a CREATE is looked at, which may be changed: true if it is to be refused. */
bool fault_in_asking(struct nlink *nl, uint32_t id, uint8_t cmd, uint8_t *body);
/* A CREATE is refused: the reason. */
uint8_t fault_in_refusal(struct nlink *nl, uint32_t id, uint8_t reason);
/* It should be refused: true if R answers it all the same. */
bool fault_in_refusing(struct rcirc *c, const uint8_t *body, struct create_reply *r);
struct env *fault_env(struct rcirc *c); /* where the handshake's randomness comes from */
void fault_in_keys(struct rcirc *c, struct create_reply *r);
/* THEIRS was decoded, with E, from LEN bytes. */
err_t fault_in_exts(struct rcirc *c, size_t len, err_t e, struct exts *theirs);
/* Whether congestion control is answered, with *SENDME_INC. */
bool fault_in_exts_said(struct rcirc *c, uint8_t *sendme_inc);

/* ---- node_faults_extend.c ---- */

/* Whether EXTEND2 that is right is refused. */
bool fault_in_extend(struct rcirc *c, const struct relay_extend2 *m);
void fault_in_target(struct rcirc *c, const struct linkspecs *specs, struct link_target *to);
/* Whether EXTEND2 that should be refused was answered all the same. */
bool fault_in_refusing_extend(struct rcirc *c, const struct relay_msg *m);
/* A cell for the next node: true if it is lost. */
bool fault_in_passing_on(struct rcirc *c, uint8_t *cmd);
/* Whether there were too many RELAY_EARLY cells. */
bool fault_in_counting_early(struct rcirc *c, bool too_many);
/* What is done about DESTROY and cells of circuits. */
enum link_rule fault_in_circuit_cell(struct nlink *nl, const struct chan_frame *cell);

/* ---- node_faults.c: how a node breaks rules ---- */

/* Before the reply to CREATE: true if there will be none (any more). */
bool fault_in_create(struct rcirc *c, uint8_t *reply, size_t *len);
/* A cell from here, before its layer and after: may spoil it. */
void fault_in_message(struct rcirc *c, uint8_t *body);
void fault_in_cell(struct rcirc *c, uint8_t *body);
/* Instead of CONNECTED: true if that is all. */
bool fault_in_connected(struct target *t);
/* Instead of dialling. */
bool fault_in_begin(struct rcirc *c, uint16_t id);
/* Instead of END. */
bool fault_in_end(struct target *t);
void fault_before_resolved(struct rcirc *c, uint16_t id);
bool fault_in_sendme(struct rcirc *c, uint8_t *body, size_t *len);
void fault_before_data(struct rcirc *c);

/* ---- node_faults_relay.c ---- */

/* Whether a cell, whose layer is off, is taken for one that ends here, as it is if HERE. */
bool fault_in_recognizing(struct rcirc *c, const uint8_t *body, bool here);
/* FINE: the honest judgement stands. */
enum judged fault_in_message_got(struct rcirc *c, const struct relay_msg *m);
bool fault_in_padding_got(struct rcirc *c, const struct relay_msg *m, const uint8_t *body);
void fault_in_padding_sent(struct rcirc *c, uint8_t *body, size_t random_at);
bool fault_in_begin_dir(struct rcirc *c, const struct relay_msg *m);
/* A directory stream's CONNECTED, END: true if it went out otherwise. */
bool fault_in_dir_connected(struct target *t);
bool fault_in_dir_end(struct target *t);
/* Instead of END to a malformed BEGIN. */
bool fault_in_malformed_begin(struct rcirc *c, uint16_t id);
/* The stream that DATA is for, T or NULL being the right one. */
struct target *fault_in_finding(struct rcirc *c, struct target *t);
/* DATA has come: true if the stream shall not have it. */
bool fault_in_data(struct target *t, bool first, size_t len);
void fault_in_resolve(struct rcirc *c, uint16_t id, struct relay_resolved *said);
/* Whether DATA of a stream, known or not, is counted, and a SENDME is due after it. */
bool fault_in_counting(struct rcirc *c, bool known);
bool fault_in_due(struct rcirc *c, bool due);
/* What a circuit's SENDME was found to be: OK or E. */
err_t fault_in_sendme_got(struct rcirc *c, const struct relay_msg *m, err_t e);
/* A stream's SENDME that is about to be sent: its length, the body being zeros. */
size_t fault_in_stream_sendme(struct rcirc *c);
/* Before PADDING_NEGOTIATED goes out. */
void fault_in_negotiated(struct rcirc *c, struct relay_padding_negotiated *m);

#endif
