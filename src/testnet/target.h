/* Target: a stream that ends at a node: a connection to a target, or a request to the directory
 * server. Its circuit owns it; one that is over is taken out at once and freed by the node's timer.
 * The world's side of it is in node.h. */
#ifndef TUNIC_TESTNET_TARGET_H
#define TUNIC_TESTNET_TARGET_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/text.h"
#include "cell/relay.h"
#include "cell/relay_stream.h"

struct dirserv;
struct node;
struct rcirc;

enum { TARGET_WINDOW = 500, TARGET_INCREMENT = 50 };

enum target_kind { TARGET_EXIT, TARGET_DIR };

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
    unsigned increment; /* DATA that one of our SENDMEs stands for */
    void *io;
    struct target *prev, *next;
};

struct target *target_find(const struct rcirc *c, uint16_t id);

/* BEGIN, BEGIN_DIR came. */
void target_begin(struct rcirc *c, const struct relay_msg *m);
void target_begin_dir(struct rcirc *c, uint16_t id);
void target_data(struct target *t, const uint8_t *data, size_t len);
void target_sendme(struct target *t);
/* There may be room to send again. */
void target_wake(struct target *t);
/* Sends END and closes. */
void target_end(struct target *t, uint8_t reason);
/* The client ended it, or the circuit did: nothing is sent for it any more. */
void target_close(struct target *t);
void target_bury(struct target *t);

/* ---- resolve.c ---- */

/* Where HOST is, in a world that is loopback only. ERR_NOT_FOUND: no such name; ERR_ARG: an address
 * that is not loopback, which is in *OUT. */
MUST_USE err_t resolve_name(const struct node *n, struct text host, uint16_t port,
                            struct ipport *out);
/* What RESOLVE of HOST, which may be an address backwards, is answered. */
struct relay_answer resolve_answer(const struct node *n, struct text host);

#endif
