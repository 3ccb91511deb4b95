/* Session: one controller's connection (control-spec 2.2, 2.3). Commands come in, one after
 * another; replies and events go out. A controller that does not read is read no more once much
 * waits for it, and events that it does not take are dropped and counted: nothing it does costs the
 * others, or traffic, more. */
#ifndef TUNIC_CONTROL_SESSION_H
#define TUNIC_CONTROL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/talk.h"
#include "control/told.h"

struct control;
struct session;

enum {
    SESSION_COMMAND_MOST = 1 << 20,   /* bytes of one command, its body included, as in tor */
    SESSION_GREETING_MOST = 64 << 10, /* the same of one who has not authenticated */
    SESSION_REPLY_MOST = 64 << 20,    /* bytes of one answer */
    SESSION_EVENTS_MOST = 4 << 20, /* bytes that may wait when an event comes; else it is dropped */
    SESSION_PAUSE = 1 << 20,       /* bytes that wait, with which no further command is read */
};

/* The machine behind a control port; what make() is given is the struct control. */
extern const struct talk_kind session_talk;
/* The same for one that is let in and owns the process from the start. */
extern const struct talk_kind session_owner_talk;

struct control *session_control(const struct session *s);
/* Whether it has authenticated. */
bool session_is_open(const struct session *s);
/* What has been said is sent, then the connection closes; further commands are not looked at. */
void session_end(struct session *s);

/* The events that it wants from now on, a set of TOLD_BIT(). */
void session_set_told(struct session *s, uint64_t told);

#endif
