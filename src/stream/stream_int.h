/* Inside of a set of streams and of a stream, shared by the files of this folder. */
#ifndef TUNIC_STREAM_STREAM_INT_H
#define TUNIC_STREAM_STREAM_INT_H

#include "base/hash.h"
#include "base/later.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "stream/flow.h"
#include "stream/half.h"
#include "stream/stream.h"

enum {
    STREAMS_MAX_OPEN = 8192, /* on one carrier */
    STREAM_TURN_CELLS = 4,   /* cells of one stream before the next one's turn */
    STREAM_PACE_MS = 10,     /* how often those are looked at that an XON has slowed down */
};

enum stream_state {
    STREAM_CONNECTING,
    STREAM_RESOLVING,
    STREAM_ASKED, /* the other side began it: our CONNECTED is due */
    STREAM_OPEN,
    STREAM_DEAD,
};

/* What a stream with data to send is waiting for; for nothing, or for its window. */
enum stream_place { STREAM_NOWHERE, STREAM_IN_RING, STREAM_SLOWED };

struct streams {
    struct env *env;
    struct carrier *carrier;
    const struct xonxoff_params *params;
    struct xonxoff_params own_params; /* until streams_set_params() */
    struct stream_acceptor acceptor;  /* .on_begin NULL: none */
    struct stream *by_id;
    struct stream *dead; /* to be freed at the end of the wake-up */
    struct halves halves;
    uint16_t next_id;
    bool allow_internal;

    struct stream *ring;   /* those that wait for their turn to write */
    struct stream *slowed; /* those that XON lets send again in a moment */
    struct timer pace;     /* that moment */
    bool blocked;          /* the carrier refused: it will tell */
    bool in_turns;
    unsigned calling; /* callbacks of streams on the stack */
    bool doomed;      /* to be freed with the dead */
    struct later reap;
};

struct stream {
    struct streams *set;
    const struct stream_ops *ops;
    void *arg;
    uint16_t id;
    enum stream_kind kind;
    enum stream_state state;
    bool v4_ok, v6_ok; /* families we asked for */
    bool answered;     /* RESOLVED came: the other side is done with it */

    struct stream_flow flow;
    bool wants_turn; /* stream_write() came up short */
    enum stream_place place;
    unsigned turn_left; /* cells in its turn; 0: not its turn */

    struct stream *prev, *next; /* in the ring, among the slowed or the dead */
    UT_hash_handle hh;
};

/* ---- streams_turns.c ---- */

void streams_init_turns(struct streams *set);
/* Lets S write when its turn comes; runs the turns if nothing else will. */
void streams_want_turn(struct stream *s);
/* It waits for no turn any more. */
void streams_leave_place(struct stream *s);
/* Whether S may write at once: nobody waits before it. */
bool streams_may_write(const struct stream *s);
void streams_run_turns(struct streams *set);
void streams_on_room(void *set); /* the carrier's: it takes more */

/* ---- streams_list.c ---- */

/* A stream under ID, which nobody uses, and with room kept for it among the half-closed. Its
 * families are for the caller to set. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t streams_add(struct streams *set, uint16_t id, enum stream_kind kind,
                           enum stream_state state, struct stream **out);
/* Takes S out of the set; it is freed at the end of the wake-up. */
void streams_drop(struct stream *s);
bool streams_is_open(const struct streams *set);
err_t streams_send(struct streams *set, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                   size_t len);

/* ---- stream.c ---- */

/* MSG is for S. An error of class CIRCUIT closes the circuit. */
MUST_USE err_t stream_on_msg(struct stream *s, const struct relay_msg *msg);
/* Ends S without a word to the other side, and tells its owner. */
void stream_finish(struct stream *s, const struct stream_end *end);

/* ---- incoming.c ---- */

/* MSG is a BEGIN under a stream id that is none of ours. ERR_CIRC_PROTO without an acceptor. */
MUST_USE err_t streams_on_begin(struct streams *set, const struct relay_msg *msg);

#endif
