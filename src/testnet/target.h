/* Target: a stream that ends at a node: a connection to a target, or a request to the directory
 * server. Its circuit owns it; one that is over is taken out at once and freed by the node's timer.
 * The world's side of it is in node.h.
 *
 *     target.c        its life, bytes both ways
 *     target_flow.c   how much may go, and what is said about it */
#ifndef TUNIC_TESTNET_TARGET_H
#define TUNIC_TESTNET_TARGET_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/text.h"
#include "cell/relay.h"
#include "cell/relay_stream.h"
#include "stream/xonxoff.h"

struct dirserv;
struct netdocs;
struct node;
struct rcirc;

enum { TARGET_WINDOW = 500, TARGET_INCREMENT = 50 };

enum target_kind { TARGET_EXIT, TARGET_DIR };

struct target {
    struct rcirc *circ;
    uint16_t id;
    enum target_kind kind;
    bool open;    /* CONNECTED was sent */
    bool over;    /* END was sent or received */
    bool paused;  /* target_in_room() said no */
    bool dialled; /* the world knows it */
    struct ipport to;
    struct dirserv *dir;
    struct buf out; /* to the target */
    unsigned package, deliver;
    unsigned increment;         /* DATA that one of our SENDMEs stands for */
    struct xonxoff_heard heard; /* under congestion control, instead of windows */
    struct xonxoff_says says;
    struct timer pace; /* the client's XON said how fast */
    void *io;
    struct target *prev, *next;
};

struct target *target_find(const struct rcirc *c, uint16_t id);

/* BEGIN, BEGIN_DIR came. */
void target_begin(struct rcirc *c, const struct relay_msg *m);
void target_begin_dir(struct rcirc *c, uint16_t id);
void target_data(struct target *t, const uint8_t *data, size_t len);
/* There may be room to send again. */
void target_wake(struct target *t);
/* Sends END and closes. */
void target_end(struct target *t, uint8_t reason);
/* The client ended it, or the circuit did: nothing is sent for it any more. */
void target_close(struct target *t);
void target_bury(struct target *t);

/* ---- target_flow.c ---- */

void target_flow_init(struct target *t);
/* What a network's consensus says to its exits; DOCS may be NULL. */
struct xonxoff_params target_flow_params(const struct netdocs *docs);
/* DATA that T may send, of what its circuit has ROOM for; T is woken when there is more. */
unsigned target_flow_room(struct target *t, unsigned room);
void target_flow_sent(struct target *t, size_t len); /* one DATA message of LEN bytes */
/* DATA came; false: it may not have, and the circuit is over. */
bool target_flow_came(struct target *t);
/* LEN bytes were handed on, and t->out still waits: the client may be told. */
void target_flow_went(struct target *t, size_t len);
/* SENDME, XON or XOFF about T. */
void target_flow_heard(struct target *t, const struct relay_msg *m);

/* ---- resolve.c ---- */

/* Where HOST is, in a world that is loopback only. ERR_NOT_FOUND: no such name; ERR_ARG: an address
 * that is not loopback, which is in *OUT. */
MUST_USE err_t resolve_name(const struct node *n, struct text host, uint16_t port,
                            struct ipport *out);
/* What RESOLVE of HOST, which may be an address backwards, is answered. */
struct relay_answer resolve_answer(const struct node *n, struct text host);

#endif
