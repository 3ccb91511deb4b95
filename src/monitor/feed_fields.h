/* Feed fields: every field of every object that EventSocket's lines have: its name, type, words,
 * and what makes it of a record. docs/events.md and docs/events.schema.json are written from these
 * tables (tools/gen-events). */
#ifndef TUNIC_MONITOR_FEED_FIELDS_H
#define TUNIC_MONITOR_FEED_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/events.h"

struct client;

struct feed_scope {
    const struct client *client;
    bool destinations; /* may be said: SafeLogging is off */
};

enum field_type { INTEGER, NUMBER, BOOLEAN, STRING, TIME, RELAY, RELAYS, WORD, WORDS };

/* SOMETIMES: it is left out where it does not apply. UNSAFE: the same, and always unless
 * SafeLogging is off. */
enum field_when { ALWAYS, SOMETIMES, UNSAFE };

struct feed_field {
    const char *name;
    enum field_type type;
    const char *words; /* the vocabulary (control/words.h) of WORD and WORDS; NULL: any of ours */
    enum field_when when;
    json_t *(*make)(const struct feed_scope *s, const void *of); /* NULL: left out */
    const char *text;
};

/* Each ends with a row without a name. OF, which `make` is given, is the record behind the name:
 * an event's member of struct event_record, or what client/look.h tells. */

/* What there is, and is told when it changes (feed_fields.c). */
extern const struct feed_field feed_circuit_fields[];
extern const struct feed_field feed_circ_minor_fields[];
extern const struct feed_field feed_stream_fields[];
extern const struct feed_field feed_orconn_fields[];
extern const struct feed_field feed_guard_fields[];
extern const struct feed_field feed_guard_state_fields[];
extern const struct feed_field feed_bw_fields[];
extern const struct feed_field feed_circ_bw_fields[];
extern const struct feed_field feed_stream_bw_fields[];
/* What happens (feed_fields_told.c). */
extern const struct feed_field feed_bootstrap_fields[];
extern const struct feed_field feed_consensus_fields[];
extern const struct feed_field feed_status_fields[];
extern const struct feed_field feed_timeout_fields[];
extern const struct feed_field feed_liveness_fields[];
extern const struct feed_field feed_addrmap_fields[];
extern const struct feed_field feed_signal_fields[];

/* ---- for the rows ---- */

/* "2026-11-30T00:29:24.578508Z" */
json_t *feed_time(int64_t wall_us);

/* NAME makes VALUE of e, a record. */
#define FEED_MAKE(name, record, value)                              \
    static json_t *name(const struct feed_scope *s, const void *of) \
    {                                                               \
        const struct record *e = of;                                \
        (void)s, (void)e;                                           \
        return value;                                               \
    }
#define FEED_INT(value)      json_integer((json_int_t)(value))
#define FEED_OPTIONAL(value) ((value)[0] ? json_string(value) : NULL)

/* NAME is the word for a status, as event_name() has it. */
#define FEED_NAME(name, status_type, event, member)                      \
    static const char *name(enum status_type status)                     \
    {                                                                    \
        const struct event_record e = {.kind = event, .member = status}; \
        return event_name(&e);                                           \
    }

#endif
