/* Words: the vocabulary of control-spec 4.1, and what is said with it of a record
 * (client/events.h). The lines of the control port and the JSON lines of EventSocket are both made
 * of these.
 *
 * A vocabulary has the name that stem gives it, and all words of the specification, of stem and of
 * tor 0.4.9. Some wait for what a client of today cannot do; docs/control.md lists them. */
#ifndef TUNIC_CONTROL_WORDS_H
#define TUNIC_CONTROL_WORDS_H

#include <stddef.h>

#include "client/events.h"

enum word_when {
    WORD_NOW,   /* a client may be in this */
    WORD_LATER, /* once there is what `of` says */
    WORD_NEVER, /* no client says it, because of what `of` says */
};

struct word {
    const char *text; /* "LAUNCHED" */
    enum word_when when;
    const char *of; /* NULL: now */
};

struct vocabulary {
    const char *name; /* "CircStatus" */
    const struct word *words;
    size_t n;
};

/* All of them, ended by one without a name. */
extern const struct vocabulary words_all[];
const struct vocabulary *words_vocabulary(const char *name); /* NULL: there is none */
const struct word *words_find(const struct vocabulary *v, const char *text);

/* ---- of circuits ---- */

/* CircStatus; NULL: the specification has no event for it (CIRCUIT_BEGUN, and what is
 * CIRC_MINOR's).
 */
const char *words_circ_status(enum circuit_status status);
/* CircBuildFlag, in tor's order; how many there are in OUT. */
enum { WORDS_BUILD_FLAGS = 4 };
size_t words_build_flags(unsigned flags, const char *out[WORDS_BUILD_FLAGS]);

/* ---- why something ended ---- */

/* REASON, and REMOTE_REASON or "". An unknown number is UNKNOWN_77. */
struct reason_words {
    char reason[24], remote[24];
};
struct reason_words words_circ_reason(const struct event_circuit *e);
struct reason_words words_stream_reason(const struct event_stream *e);

/* ---- of streams ---- */

const char *words_client_protocol(const struct event_stream *e); /* "SOCKS5" */
/* ISO_FIELDS, in tor's order; how many there are in OUT. */
enum { WORDS_ISO_FIELDS = 8 };
size_t words_iso_fields(const struct event_stream *e, const char *out[WORDS_ISO_FIELDS]);

/* ---- of the rest ---- */

/* StatusType and Runlevel of a status event; both NULL: it is another event's. */
struct status_words {
    const char *type, *severity;
};
struct status_words words_status(const struct event_status *e);

#endif
