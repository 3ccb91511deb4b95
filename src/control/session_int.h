/* Session's own: session.c reads commands, session_say.c has what is said; for these, reply.c and
 * the commands that are about the session itself. */
#ifndef TUNIC_CONTROL_SESSION_INT_H
#define TUNIC_CONTROL_SESSION_INT_H

#include "base/buf.h"
#include "base/later.h"
#include "base/out.h"
#include "control/session.h"
#include "crypto/hash.h"

enum session_state {
    SESSION_NEEDS_AUTH,
    SESSION_OPEN,
    SESSION_ENDED, /* what is left is sent */
};

struct session {
    struct control *control;
    const struct talk_ops *ops;
    void *holder;
    enum session_state state;
    bool had_protocolinfo; /* which may be asked for once before authentication */
    bool challenged;       /* AUTHCHALLENGE was answered: only this is accepted, once: */
    uint8_t expected[SHA256_LEN];
    bool is_owner; /* the process ends with it */
    struct buf in, out;
    size_t line_at; /* of in: where the line begins that is not complete yet */
    size_t scanned; /* of in: that far there is no end of it */
    bool in_command;
    struct text_out held; /* events that came while a command was run */
    uint64_t told;        /* events that it wants */
    uint64_t dropped;     /* events since the last one that it was sent */
    struct later resume;
    struct session *prev, *next;
};

/* O behind what has been said; the session ends if it cannot be had. */
void session_say(struct session *s, const struct text_out *o);
/* An event that it wants; it may wait for its like, or for a reply, which takes it along. */
void session_tell(struct session *s, const struct text_out *event);
void session_send_waiting(struct session *s);
/* While a command is run events wait, so that they come behind its reply. */
void session_hold(struct session *s);
void session_release(struct session *s);

#endif
