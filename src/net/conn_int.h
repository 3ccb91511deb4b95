/* What the loop and the files of a connection share: conn.c makes and closes it, conn_read.c and
 * conn_write.c are its two ways, conn_state.c what both stand on. */
#ifndef TUNIC_NET_CONN_INT_H
#define TUNIC_NET_CONN_INT_H

#include <event2/event.h>

#include "base/buf.h"
#include "base/later.h"
#include "net/conn.h"
#include "net/limit.h"
#include "net/net_int.h"
#include "net/stall.h"

enum { CONN_LOOK_MS = 1000 }; /* between two looks at a peer that sends no more */

struct conn {
    struct net *net;
    int fd;
    const struct conn_machine *ops;
    void *machine;
    struct event *read, *write;
    bool connecting, ended, is_dirty;
    bool has_output;  /* dirty for that, and not only to see whether to rest */
    bool rests;       /* not read until there is output */
    bool eof;         /* nothing more is read, but what there is may be written */
    unsigned turns;   /* since the last pause */
    uint64_t read_us; /* when the last one was */
    int dial_errno;
    struct buf left; /* received by the machine before this one, which had no use for it */
    void (*drained)(void *machine); /* set: draining */
    uint64_t linger_ms;             /* draining goes on while something was sent in this time */
    struct timer linger;
    struct later tell; /* tells that dialling failed at once */
    struct timer look; /* looks for the peer after its last byte */
    struct stall stall;
    struct limit *limit; /* NULL: none */
    struct limit_wait wait;
    struct conn *dirty_prev, *dirty_next;
};

/* ---- conn_write.c ---- */

/* Has its turn at the end of the wake-up: writes until the machine has no more or the socket takes
 * no more, or rests. May close C. */
void conn_flush(struct conn *c);

/* ---- conn_state.c ---- */

void conn_mark_dirty(struct conn *c); /* so that it has its turn */
void conn_undirty(struct conn *c);

/* Nothing is received or sent any more; the machine is told, once. */
void conn_ended(struct conn *c, int errno_);
bool conn_would_block(int errno_);
/* Cuts *LEN to what may go now; false: nothing, and C waits. */
bool conn_may_go(struct conn *c, enum limit_way way, size_t *len);
void conn_spend(struct conn *c, enum limit_way way, size_t n);
/* After fork() the bytes are the other process's, both ways. */
bool conn_is_of_another_process(struct conn *c);

/* ---- conn_read.c ---- */

void conn_on_readable(evutil_socket_t fd, short what, void *conn); /* the event's */
/* C is not read until it has output, if its machine holds some. */
void conn_rest(struct conn *c);
/* Reads what has come meanwhile, and goes on reading. */
void conn_end_rest(struct conn *c);

#endif
