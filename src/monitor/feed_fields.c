#include "monitor/feed_fields.h"

#include <stdio.h>

#include "client/look.h"
#include "control/words.h"
#include "crypto/encode.h"
#include "dir/doc.h"

enum field_type { INTEGER, NUMBER, BOOLEAN, STRING, TIME, RELAY, RELAYS, WORD, WORDS };

/* SOMETIMES: it is left out where it does not apply. UNSAFE: the same, and always unless
 * SafeLogging is off. */
enum field_when { ALWAYS, SOMETIMES, UNSAFE };

struct field {
    const char *name;
    enum field_type type;
    const char *words; /* the vocabulary (control/words.h) of WORD and WORDS; NULL: any of ours */
    enum field_when when;
    json_t *(*make)(const struct feed_scope *s, const void *of); /* NULL: left out */
    const char *text;
};

/* ---- values ---- */

#define MAKE(name, record, value)                                   \
    static json_t *name(const struct feed_scope *s, const void *of) \
    {                                                               \
        const struct record *e = of;                                \
        (void)s, (void)e;                                           \
        return value;                                               \
    }
#define INT(value)      json_integer((json_int_t)(value))
#define OPTIONAL(value) ((value)[0] ? json_string(value) : NULL)

json_t *feed_time(int64_t wall_us)
{
    char text[DOC_TIME_TEXT_MAX]; /* "2026-11-30 00:29:24" */
    doc_time_text(wall_us / US_PER_SEC, text);
    return json_sprintf("%.10sT%s.%06dZ", text, text + 11, (int)(wall_us % US_PER_SEC));
}

static json_t *relay(const struct feed_scope *s, const struct rsa_id *id, const char *nickname)
{
    char hex[HEX_SIZE(sizeof *id)];
    const char *name = nickname[0] ? nickname : look_nickname(s->client, id);
    hex_upper(id->b, sizeof id->b, hex);
    return name[0] ? json_pack("{s:s,s:s}", "fingerprint", hex, "nickname", name)
                   : json_pack("{s:s}", "fingerprint", hex);
}

static json_t *words_of(const char *const *words, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(words[i]));
    return array;
}

#define NAME(name, status_type, event, member)                           \
    static const char *name(enum status_type status)                     \
    {                                                                    \
        const struct event_record e = {.kind = event, .member = status}; \
        return event_name(&e);                                           \
    }
NAME(stream_word, stream_status, EVENT_STREAM, stream.status)
NAME(orconn_word, orconn_status, EVENT_ORCONN, orconn.status)
NAME(guard_word, guard_status, EVENT_GUARD, guard.status)
NAME(status_word, status_what, EVENT_STATUS, status.what)
NAME(signal_word, signal_what, EVENT_SIGNAL, signal.what)

/* ---- circuits ---- */

static json_t *circ_flags(const struct feed_scope *s, const void *of)
{
    const struct event_circuit *e = of;
    const char *words[WORDS_BUILD_FLAGS];
    (void)s;
    return words_of(words, words_build_flags(e->flags, words));
}

static json_t *circ_path(const struct feed_scope *s, const void *of)
{
    const struct event_circuit *e = of;
    json_t *array = json_array();
    for (size_t i = 0; i < e->n_hops; i++)
        json_array_append_new(array, relay(s, &e->hop[i].rsa, e->hop[i].nickname));
    return array;
}

static bool circ_is_over(const struct event_circuit *e)
{
    return e->status == CIRCUIT_FAILED || e->status == CIRCUIT_CLOSED;
}

static json_t *circ_reason(const struct feed_scope *s, const void *of)
{
    (void)s;
    return circ_is_over(of) ? json_string(words_circ_reason(of).reason) : NULL;
}

static json_t *circ_remote(const struct feed_scope *s, const void *of)
{
    struct reason_words w = words_circ_reason(of);
    (void)s;
    return circ_is_over(of) ? OPTIONAL(w.remote) : NULL;
}

MAKE(circuit_id, event_circuit, INT(e->id))
MAKE(circ_status, event_circuit, json_string(words_circ_status(e->status)))
MAKE(circ_purpose, event_circuit, json_string(circuit_purpose_name(e->purpose)))
MAKE(circ_old_purpose, event_circuit, json_string(circuit_purpose_name(e->old_purpose)))
MAKE(circ_created, event_circuit, feed_time(e->created_us))
MAKE(circ_change, event_circuit, json_string("PURPOSE_CHANGED"))

static const struct field circuit_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, circuit_id, "its number; none is given twice"},
    {"status", WORD, "CircStatus", ALWAYS, circ_status, "where it is in its life"},
    {"purpose", WORD, "CircPurpose", ALWAYS, circ_purpose, "what it is for"},
    {"flags", WORDS, "CircBuildFlag", ALWAYS, circ_flags, "what it was built for"},
    {"path", RELAYS, NULL, ALWAYS, circ_path, "the relays that it goes through so far, in order"},
    {"created", TIME, NULL, ALWAYS, circ_created, "when it was begun"},
    {"reason", WORD, "CircClosureReason", SOMETIMES, circ_reason, "why it ended"},
    {"remote_reason", WORD, "CircClosureReason", SOMETIMES, circ_remote,
     "what a relay said of that"},
    {0},
};

static const struct field circ_minor_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, circuit_id, "the circuit's number"},
    {"change", WORD, "CircEvent", ALWAYS, circ_change, "what changed"},
    {"purpose", WORD, "CircPurpose", ALWAYS, circ_purpose, "what it is for now"},
    {"old_purpose", WORD, "CircPurpose", ALWAYS, circ_old_purpose, "what it was for"},
    {0},
};

/* ---- streams ---- */

static bool stream_has_ended(const struct event_stream *e)
{
    return e->status == STREAM_DETACHED || e->status == STREAM_FAILED || e->status == STREAM_CLOSED;
}

static json_t *stream_reason(const struct feed_scope *s, const void *of)
{
    (void)s;
    return stream_has_ended(of) ? json_string(words_stream_reason(of).reason) : NULL;
}

static json_t *stream_remote(const struct feed_scope *s, const void *of)
{
    struct reason_words w = words_stream_reason(of);
    (void)s;
    return stream_has_ended(of) ? OPTIONAL(w.remote) : NULL;
}

static json_t *stream_isolation(const struct feed_scope *s, const void *of)
{
    const char *words[WORDS_ISO_FIELDS];
    (void)s;
    return words_of(words, words_iso_fields(of, words));
}

static json_t *stream_target(const struct feed_scope *s, const void *of)
{
    const struct event_stream *e = of;
    (void)s;
    return e->purpose == STREAM_DIR_FETCH ? NULL : json_sprintf("%s:%u", e->host, e->port);
}

static json_t *stream_address(const struct feed_scope *s, const void *of)
{
    const struct event_stream *e = of;
    char text[IP_TEXT_MAX];
    (void)s;
    return e->addr.family == IP_NONE ? NULL : json_string(ip_text(&e->addr, text));
}

static json_t *stream_source_address(const struct feed_scope *s, const void *of)
{
    const struct event_stream *e = of;
    char text[IPPORT_TEXT_MAX];
    (void)s;
    return e->asker.source.port ? json_string(ipport_text(&e->asker.source, text)) : NULL;
}

MAKE(stream_id, event_stream, INT(e->id))
MAKE(stream_status, event_stream, json_string(stream_word(e->status)))
MAKE(stream_circuit, event_stream, e->circuit ? INT(e->circuit) : NULL)
MAKE(stream_purpose, event_stream, json_string(stream_purpose_name(e->purpose)))
MAKE(stream_protocol, event_stream, json_string(words_client_protocol(e)))
MAKE(stream_session, event_stream, INT(e->session))
MAKE(stream_epoch, event_stream, INT(e->nym_epoch))
MAKE(stream_directory, event_stream, e->has_relay ? relay(s, &e->relay, "") : NULL)

static const struct field stream_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, stream_id, "its number; none is given twice"},
    {"status", WORD, "StreamStatus", ALWAYS, stream_status, "where it is in its life"},
    {"circuit", INTEGER, NULL, SOMETIMES, stream_circuit, "the circuit that it is on"},
    {"purpose", WORD, "StreamPurpose", ALWAYS, stream_purpose, "whose it is"},
    {"protocol", WORD, NULL, ALWAYS, stream_protocol, "what the application speaks, or UNKNOWN"},
    {"session_group", INTEGER, NULL, ALWAYS, stream_session, "SessionGroup; negative: of one port"},
    {"nym_epoch", INTEGER, NULL, ALWAYS, stream_epoch, "new identities before it"},
    {"isolation", WORDS, NULL, ALWAYS, stream_isolation, "what keeps it apart: ISO_FIELDS"},
    {"directory", RELAY, NULL, SOMETIMES, stream_directory, "the relay whose directory it goes to"},
    {"reason", WORD, "StreamClosureReason", SOMETIMES, stream_reason, "why it, or this try, ended"},
    {"remote_reason", WORD, "RelayEndReason", SOMETIMES, stream_remote,
     "what the exit said of that"},
    {"target", STRING, NULL, UNSAFE, stream_target, "HOST:PORT as it was asked for"},
    {"address", STRING, NULL, UNSAFE, stream_address, "what the exit says that HOST is"},
    {"source", STRING, NULL, UNSAFE, stream_source_address, "the application's ADDRESS:PORT"},
    {0},
};

/* ---- links, guards ---- */

static json_t *conn_relay(const struct feed_scope *s, const void *of)
{
    const struct event_orconn *e = of;
    static const struct rsa_id none;
    bool known = e->peer.has_rsa && !rsa_id_equal(&e->peer.rsa, &none);
    return known ? relay(s, &e->peer.rsa, "") : NULL;
}

static json_t *conn_address(const struct feed_scope *s, const void *of)
{
    const struct event_orconn *e = of;
    char text[REACH_TEXT_MAX];
    (void)s;
    return json_string(reach_text(&e->peer.reach, text));
}

static bool conn_is_over(const struct event_orconn *e)
{
    return e->status == ORCONN_FAILED || e->status == ORCONN_CLOSED;
}

MAKE(conn_id, event_orconn, INT(e->id))
MAKE(conn_status, event_orconn, json_string(orconn_word(e->status)))
MAKE(conn_circuits, event_orconn, INT(e->circuits))
MAKE(conn_reason, event_orconn, conn_is_over(e) ? json_string(or_reason_name(e->end.reason)) : NULL)

static const struct field orconn_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, conn_id, "its number; none is given twice"},
    {"status", WORD, "ORStatus", ALWAYS, conn_status, "where it is in its life"},
    {"relay", RELAY, NULL, SOMETIMES, conn_relay, "the relay at its other end, if it is known"},
    {"address", STRING, NULL, ALWAYS, conn_address, "ADDRESS:PORT that is dialled"},
    {"circuits", INTEGER, NULL, ALWAYS, conn_circuits, "how many circuits go over it"},
    {"reason", WORD, "ORClosureReason", SOMETIMES, conn_reason, "why it ended"},
    {0},
};

MAKE(guard_relay, event_guard, relay(s, &e->relay.rsa, e->relay.nickname))
MAKE(guard_status, event_guard, json_string(guard_word(e->status)))

static const struct field guard_fields[] = {
    {"relay", RELAY, NULL, ALWAYS, guard_relay, "which"},
    {"status", WORD, "GuardStatus", ALWAYS, guard_status, "what became of it"},
    {0},
};

MAKE(info_relay, guard_info, relay(s, &e->rsa, e->nickname))
MAKE(info_primary, guard_info, json_boolean(e->primary))
MAKE(info_confirmed, guard_info, json_boolean(e->confirmed))
MAKE(info_usable, guard_info, json_boolean(e->listed && e->filtered))
MAKE(info_down, guard_info, json_boolean(e->down))

/* In order of preference. */
static const struct field guard_state_fields[] = {
    {"relay", RELAY, NULL, ALWAYS, info_relay, "which"},
    {"primary", BOOLEAN, NULL, ALWAYS, info_primary, "one of the few that are tried first"},
    {"confirmed", BOOLEAN, NULL, ALWAYS, info_confirmed, "a circuit went through it once"},
    {"usable", BOOLEAN, NULL, ALWAYS, info_usable, "the network and the options allow it"},
    {"down", BOOLEAN, NULL, ALWAYS, info_down, "it could not be reached when it was tried last"},
    {0},
};

/* ---- the start, the directory, status ---- */

MAKE(boot_percent, event_bootstrap, INT(e->step.percent < 0 ? 0 : e->step.percent))
MAKE(boot_tag, event_bootstrap, json_string(e->step.tag))
MAKE(boot_summary, event_bootstrap, json_string(e->step.summary))
MAKE(boot_problem, event_bootstrap, e->problem ? json_string(e->end.text) : NULL)
MAKE(boot_reason, event_bootstrap, e->problem ? json_string(or_reason_name(e->end.reason)) : NULL)
MAKE(boot_count, event_bootstrap, e->problem ? INT(e->count) : NULL)
MAKE(boot_warn, event_bootstrap, e->problem ? json_boolean(e->warn) : NULL)

static const struct field bootstrap_fields[] = {
    {"percent", INTEGER, NULL, ALWAYS, boot_percent, "how far it is; 100: done"},
    {"tag", STRING, NULL, ALWAYS, boot_tag, "the step, for programs"},
    {"summary", STRING, NULL, ALWAYS, boot_summary, "the step, for people"},
    {"problem", STRING, NULL, SOMETIMES, boot_problem, "a link that could not be had, for people"},
    {"reason", WORD, "ORClosureReason", SOMETIMES, boot_reason, "why not"},
    {"count", INTEGER, NULL, SOMETIMES, boot_count, "how many such there were"},
    {"warn", BOOLEAN, NULL, SOMETIMES, boot_warn, "people should hear of it"},
    {0},
};

MAKE(cons_relays, event_directory, INT(netdir_n(e->nd)))
MAKE(cons_valid, event_directory, feed_time(netdir_consensus(e->nd)->valid_after_s *US_PER_SEC))
MAKE(cons_kept, event_directory, json_boolean(e->from_file))

static const struct field consensus_fields[] = {
    {"relays", INTEGER, NULL, ALWAYS, cons_relays, "how many it lists"},
    {"valid_after", TIME, NULL, ALWAYS, cons_valid, "from when on it is the network's"},
    {"kept", BOOLEAN, NULL, ALWAYS, cons_kept, "it was kept by the last run, not fetched"},
    {0},
};

/* Of one that says where an application wants to go. */
static bool status_has_target(const struct event_status *e)
{
    return e->what == STATUS_DANGEROUS_SOCKS || e->what == STATUS_SOCKS_BAD_HOSTNAME;
}

static json_t *status_target(const struct feed_scope *s, const void *of)
{
    const struct event_status *e = of;
    (void)s;
    return status_has_target(e) ? json_string(e->text) : NULL;
}

static json_t *status_number(const struct feed_scope *s, const void *of)
{
    const struct event_status *e = of;
    (void)s;
    if (e->what == STATUS_CLOCK_JUMPED || e->what == STATUS_CLOCK_SKEW)
        return INT(e->seconds);
    return NULL;
}

MAKE(status_type, event_status, json_string(words_status(e).type))
MAKE(status_severity, event_status, json_string(words_status(e).severity))
MAKE(status_action, event_status, json_string(status_word(e->what)))
MAKE(status_source, event_status, e->what == STATUS_CLOCK_SKEW ? json_string(e->text) : NULL)
MAKE(status_port, event_status, e->what == STATUS_DANGEROUS_PORT ? INT(e->number) : NULL)
MAKE(status_refused, event_status,
     e->what == STATUS_DANGEROUS_PORT ? json_boolean(e->refused) : NULL)

static const struct field status_fields[] = {
    {"type", WORD, "StatusType", ALWAYS, status_type, "whom it is about"},
    {"severity", WORD, "Runlevel", ALWAYS, status_severity, "how bad it is"},
    {"action", STRING, NULL, ALWAYS, status_action, "what happened: control-spec 4.1.10"},
    {"seconds", INTEGER, NULL, SOMETIMES, status_number, "CLOCK_JUMPED, CLOCK_SKEW: by how much"},
    {"source", STRING, NULL, SOMETIMES, status_source, "CLOCK_SKEW: who says so"},
    {"port", INTEGER, NULL, UNSAFE, status_port, "DANGEROUS_PORT: which"},
    {"refused", BOOLEAN, NULL, SOMETIMES, status_refused, "DANGEROUS_PORT: not let through"},
    {"target", STRING, NULL, UNSAFE, status_target, "what an application asked for"},
    {0},
};

MAKE(cbt_set, event_status, json_string(e->reset ? "RESET" : "COMPUTED"))
MAKE(cbt_times, event_status, INT(e->cbt.n_times))
MAKE(cbt_timeout, event_status, INT(e->cbt.timeout_ms))
MAKE(cbt_close, event_status, INT(e->cbt.close_ms))
MAKE(cbt_timeouts, event_status, json_real(e->cbt.timeout_rate))
MAKE(cbt_closes, event_status, json_real(e->cbt.close_rate))

static const struct field timeout_fields[] = {
    {"set", WORD, "TimeoutSetType", ALWAYS, cbt_set, "how it came about"},
    {"times", INTEGER, NULL, ALWAYS, cbt_times, "how many build times it is made of"},
    {"timeout_ms", INTEGER, NULL, ALWAYS, cbt_timeout, "a circuit that takes longer is given up"},
    {"close_ms", INTEGER, NULL, ALWAYS, cbt_close, "one that takes so long is closed"},
    {"timeout_rate", NUMBER, NULL, ALWAYS, cbt_timeouts, "the share that was given up"},
    {"close_rate", NUMBER, NULL, ALWAYS, cbt_closes, "the share that was closed"},
    {0},
};

MAKE(net_status, event_status, json_string(e->what == STATUS_NETWORK_UP ? "UP" : "DOWN"))

static const struct field liveness_fields[] = {
    {"status", WORD, NULL, ALWAYS, net_status, "UP or DOWN"},
    {0},
};

/* ---- bytes ---- */

MAKE(bw_read, event_bw, INT(e->read))
MAKE(bw_written, event_bw, INT(e->written))

static const struct field bw_fields[] = {
    {"read", INTEGER, NULL, ALWAYS, bw_read, "bytes from relays"},
    {"written", INTEGER, NULL, ALWAYS, bw_written, "bytes to relays"},
    {0},
};

MAKE(circ_bw_id, event_circ_bw, INT(e->id))
MAKE(circ_bw_read, event_circ_bw, INT(e->read))
MAKE(circ_bw_written, event_circ_bw, INT(e->written))
MAKE(circ_bw_got, event_circ_bw, INT(e->delivered_read))
MAKE(circ_bw_gave, event_circ_bw, INT(e->delivered_written))

static const struct field circ_bw_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, circ_bw_id, "the circuit's number"},
    {"read", INTEGER, NULL, ALWAYS, circ_bw_read, "bytes of its cells that came"},
    {"written", INTEGER, NULL, ALWAYS, circ_bw_written, "bytes of its cells that went"},
    {"delivered_read", INTEGER, NULL, ALWAYS, circ_bw_got, "bytes for applications in them"},
    {"delivered_written", INTEGER, NULL, ALWAYS, circ_bw_gave, "bytes of applications in them"},
    {0},
};

MAKE(stream_bw_id, event_stream_bw, INT(e->id))
MAKE(stream_bw_read, event_stream_bw, INT(e->read))
MAKE(stream_bw_written, event_stream_bw, INT(e->written))

static const struct field stream_bw_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, stream_bw_id, "the stream's number"},
    {"read", INTEGER, NULL, ALWAYS, stream_bw_read, "bytes that its application read"},
    {"written", INTEGER, NULL, ALWAYS, stream_bw_written, "bytes that its application wrote"},
    {0},
};

/* ---- what stands for what, signals ---- */

MAKE(addrmap_cached, event_addrmap, json_boolean(e->cached))
MAKE(addrmap_failed, event_addrmap, json_boolean(e->error != NULL))
MAKE(addrmap_from, event_addrmap, json_string(e->from))
MAKE(addrmap_to, event_addrmap, e->error ? NULL : json_string(e->to))

static json_t *addrmap_expires(const struct feed_scope *s, const void *of)
{
    const struct event_addrmap *e = of;
    (void)s;
    return e->expires_s ? feed_time(e->expires_s * (int64_t)US_PER_SEC) : NULL;
}

static json_t *addrmap_stream(const struct feed_scope *s, const void *of)
{
    const struct event_addrmap *e = of;
    (void)s;
    return e->stream ? INT(e->stream) : NULL;
}

static const struct field addrmap_fields[] = {
    {"cached", BOOLEAN, NULL, ALWAYS, addrmap_cached, "whether it holds for whoever asks next"},
    {"failed", BOOLEAN, NULL, ALWAYS, addrmap_failed, "whether a look-up failed"},
    {"expires", TIME, NULL, SOMETIMES, addrmap_expires, "until when it holds"},
    {"stream", INTEGER, NULL, SOMETIMES, addrmap_stream, "the look-up's number as a stream"},
    {"from", STRING, NULL, UNSAFE, addrmap_from, "what was asked for"},
    {"to", STRING, NULL, UNSAFE, addrmap_to, "what it stands for"},
    {0},
};

MAKE(signal_name, event_signal, json_string(signal_word(e->what)))

static const struct field signal_fields[] = {
    {"signal", WORD, "Signal", ALWAYS, signal_name, "which it was"},
    {0},
};

/* ---- the events ---- */

struct event_row {
    struct feed_event_row row;
    bool (*is_it)(const struct event_record *e); /* NULL: all of its kind are */
    const struct field *fields;
    const char *text;
};

static bool is_circ(const struct event_record *e)
{
    return words_circ_status(e->circuit.status) != NULL;
}

static bool is_circ_minor(const struct event_record *e)
{
    return e->circuit.status == CIRCUIT_PURPOSE_CHANGED;
}

static bool is_consensus(const struct event_record *e)
{
    return e->directory.status == DIRECTORY_NEWCONSENSUS;
}

static bool is_status(const struct event_record *e)
{
    return words_status(&e->status).type != NULL;
}

static bool is_timeout(const struct event_record *e)
{
    return e->status.what == STATUS_BUILDTIMEOUT_SET;
}

static bool is_liveness(const struct event_record *e)
{
    return e->status.what == STATUS_NETWORK_UP || e->status.what == STATUS_NETWORK_DOWN;
}

static const struct event_row events[] = {
    {{"CIRC", EVENT_CIRCUIT, false}, is_circ, circuit_fields, "A circuit is in another status."},
    {{"CIRC_MINOR", EVENT_CIRCUIT, false},
     is_circ_minor,
     circ_minor_fields,
     "A circuit has another purpose."},
    {{"STREAM", EVENT_STREAM, false}, NULL, stream_fields, "A stream is in another status."},
    {{"ORCONN", EVENT_ORCONN, false},
     NULL,
     orconn_fields,
     "A connection to a relay is in another status."},
    {{"GUARD", EVENT_GUARD, false},
     NULL,
     guard_fields,
     "A guard was chosen, found to work or not, or given up."},
    {{"BOOTSTRAP", EVENT_BOOTSTRAP, false},
     NULL,
     bootstrap_fields,
     "The start has come further, or does not."},
    {{"NEWCONSENSUS", EVENT_DIRECTORY, false},
     is_consensus,
     consensus_fields,
     "There is a new list of relays."},
    {{"STATUS", EVENT_STATUS, false},
     is_status,
     status_fields,
     "What STATUS_CLIENT and STATUS_GENERAL say."},
    {{"BUILDTIMEOUT_SET", EVENT_STATUS, false},
     is_timeout,
     timeout_fields,
     "Circuits are waited for so long from now on."},
    {{"NETWORK_LIVENESS", EVENT_STATUS, false},
     is_liveness,
     liveness_fields,
     "The network has fallen silent, or is back."},
    {{"BW", EVENT_BW, true}, NULL, bw_fields, "What went over all connections in a second."},
    {{"CIRC_BW", EVENT_CIRC_BW, true},
     NULL,
     circ_bw_fields,
     "What went over a circuit in a second."},
    {{"STREAM_BW", EVENT_STREAM_BW, true},
     NULL,
     stream_bw_fields,
     "What went over a stream in a second."},
    {{"ADDRMAP", EVENT_ADDRMAP, false},
     NULL,
     addrmap_fields,
     "A name or an address stands for another, or was looked up for a controller."},
    {{"SIGNAL", EVENT_SIGNAL, false}, NULL, signal_fields, "A signal has been acted on."},
};

const struct feed_event_row *feed_event_row(size_t i)
{
    return i < sizeof events / sizeof events[0] ? &events[i].row : NULL;
}

/* ---- objects ---- */

/* Puts FIELDS of OF into OBJECT, which is NULL if there was no memory. */
static json_t *fill(const struct feed_scope *s, json_t *object, const struct field *fields,
                    const void *of)
{
    for (const struct field *f = fields; object && f->name; f++) {
        json_t *value = f->when == UNSAFE && !s->destinations ? NULL : f->make(s, of);
        if (value && json_object_set_new(object, f->name, value) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

json_t *feed_event(const struct feed_scope *scope, size_t i, const struct event_record *e)
{
    const struct event_row *row = &events[i];
    if (e->kind != row->row.kind || (row->is_it && !row->is_it(e)))
        return NULL;
    json_t *line = json_pack("{s:s,s:o}", "event", row->row.name, "time", feed_time(e->wall_us));
    return fill(scope, line, row->fields, &e->circuit); /* a union: whichever it is */
}

/* ---- what there is now ---- */

struct list {
    const struct feed_scope *scope;
    json_t *array;
};

#define ADD(name, record, fields)                                                  \
    static void name(void *arg, const struct record *e)                            \
    {                                                                              \
        struct list *l = arg;                                                      \
        json_array_append_new(l->array, fill(l->scope, json_object(), fields, e)); \
    }
ADD(add_circuit, event_circuit, circuit_fields)
ADD(add_stream, event_stream, stream_fields)
ADD(add_orconn, event_orconn, orconn_fields)
ADD(add_guard, guard_info, guard_state_fields)

static json_t *state(const struct feed_scope *s)
{
    struct list circuits = {s, json_array()}, streams = {s, json_array()},
                orconns = {s, json_array()}, guards = {s, json_array()};
    struct event_bw bytes = look_at_bytes(s->client);
    look_at_circuits(s->client, add_circuit, &circuits);
    look_at_streams(s->client, add_stream, &streams);
    look_at_orconns(s->client, add_orconn, &orconns);
    look_at_guards(s->client, add_guard, &guards);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b,s:o}", "bootstrap",
                     fill(s, json_object(), bootstrap_fields, look_at_bootstrap(s->client)),
                     "circuits", circuits.array, "streams", streams.array, "orconns", orconns.array,
                     "guards", guards.array, "directory", look_has_directory(s->client), "circuit",
                     look_has_circuit(s->client), "live", look_network_is_live(s->client), "bytes",
                     fill(s, json_object(), bw_fields, &bytes));
}

json_t *feed_hello(const struct feed_scope *scope, int64_t wall_us)
{
    json_t *line =
        json_pack("{s:s,s:i,s:s,s:o,s:b}", "event", "HELLO", "schema", FEED_SCHEMA, "version",
                  TUNIC_VERSION, "time", feed_time(wall_us), "destinations", scope->destinations);
    json_t *now = line ? state(scope) : NULL;
    if (!now || json_object_update(line, now) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(now);
    return line;
}
