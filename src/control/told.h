/* Told: the events of the control port (control-spec 4.1), by name. A writer makes an event's text
 * once, if any session wants it, and it goes to all who do. */
#ifndef TUNIC_CONTROL_TOLD_H
#define TUNIC_CONTROL_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/out.h"
#include "client/events.h"

struct control;

/* X(NAME), in the order of GETINFO events/names, which is tor's */
#define TOLD_LIST(X)      \
    X(CIRC)               \
    X(CIRC_MINOR)         \
    X(STREAM)             \
    X(ORCONN)             \
    X(BW)                 \
    X(DEBUG)              \
    X(INFO)               \
    X(NOTICE)             \
    X(WARN)               \
    X(ERR)                \
    X(NEWDESC)            \
    X(ADDRMAP)            \
    X(DESCCHANGED)        \
    X(NS)                 \
    X(STATUS_GENERAL)     \
    X(STATUS_CLIENT)      \
    X(STATUS_SERVER)      \
    X(GUARD)              \
    X(STREAM_BW)          \
    X(CLIENTS_SEEN)       \
    X(NEWCONSENSUS)       \
    X(BUILDTIMEOUT_SET)   \
    X(SIGNAL)             \
    X(CONF_CHANGED)       \
    X(CONN_BW)            \
    X(CELL_STATS)         \
    X(CIRC_BW)            \
    X(TRANSPORT_LAUNCHED) \
    X(HS_DESC)            \
    X(HS_DESC_CONTENT)    \
    X(NETWORK_LIVENESS)

enum told {
#define X(name) TOLD_##name,
    TOLD_LIST(X)
#undef X
        TOLD_KINDS
};

#define TOLD_BIT(told) (UINT64_C(1) << (told))

const char *told_name(enum told told); /* "CIRC" */
/* By its name, in any case; TOLD_KINDS: there is none of that name. */
enum told told_find(const char *name);

/* Whether any session wants it: else its text need not be made. */
bool control_wants(const struct control *c, enum told told);
/* TEXT is the whole event, "650 BW 12 30\r\n" or its several lines. It reaches each session that
 * wants it behind what that session was told before; one whose command is being run, behind that
 * command's reply. A text that failed goes to nobody. */
void control_tell(struct control *c, enum told told, const struct text_out *text);

/* ---- for control.c ---- */

/* An event that is made of a client's records: of which kinds, and by whom. The writer is given a
 * record of one of these kinds, and writes the whole event, or nothing if the record is another
 * event's. */
typedef void told_writer(struct control *c, const struct event_record *e, struct text_out *out);
struct told_row {
    enum told told;
    unsigned kinds;
    told_writer *write;
};

/* Makes events of what the client tells and of log lines. A member of the struct control. */
struct teller {
    struct control *control;
    const struct told_row *rows;
    struct event_listener listener;
    bool lines;           /* somebody wants lines of the log: */
    enum log_level least; /* of this level, and above */
    bool in_line;         /* one is being told */
};
/* ROWS end with one without a writer, and are borrowed. */
void teller_init(struct teller *t, struct control *c, const struct told_row *rows);
/* WANTED, a set of TOLD_BIT(), is what any session wants from now on. */
void teller_want(struct teller *t, uint64_t wanted);
void teller_line(struct teller *t, enum log_level level, const char *line);

#endif
