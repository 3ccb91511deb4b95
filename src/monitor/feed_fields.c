#include "monitor/feed_fields.h"

#include <stdio.h>

#include "client/look.h"
#include "control/words.h"
#include "crypto/encode.h"
#include "dir/doc.h"

/* ---- values ---- */

json_t *feed_time(int64_t wall_us)
{
    char text[DOC_TIME_TEXT_MAX]; /* "2026-11-30 00:29:24" */
    doc_time_text(wall_us / US_PER_SEC, text);
    return json_sprintf("%.10sT%s.%06dZ", text, text + 11, (int)(wall_us % US_PER_SEC));
}

/* Without a NICKNAME ("") the one that the network has for it, if any. */
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

FEED_NAME(stream_word, stream_status, EVENT_STREAM, stream.status)
FEED_NAME(orconn_word, orconn_status, EVENT_ORCONN, orconn.status)
FEED_NAME(guard_word, guard_status, EVENT_GUARD, guard.status)

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
    return circ_is_over(of) ? FEED_OPTIONAL(w.remote) : NULL;
}

FEED_MAKE(circuit_id, event_circuit, FEED_INT(e->id))
FEED_MAKE(circ_status, event_circuit, json_string(words_circ_status(e->status)))
FEED_MAKE(circ_purpose, event_circuit, json_string(circuit_purpose_name(e->purpose)))
FEED_MAKE(circ_old_purpose, event_circuit, json_string(circuit_purpose_name(e->old_purpose)))
FEED_MAKE(circ_created, event_circuit, feed_time(e->created_us))
FEED_MAKE(circ_change, event_circuit,
          json_string(e->status == CIRCUIT_CANNIBALIZED ? "CANNIBALIZED" : "PURPOSE_CHANGED"))

const struct feed_field feed_circuit_fields[] = {
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

const struct feed_field feed_circ_minor_fields[] = {
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
    return stream_has_ended(of) ? FEED_OPTIONAL(w.remote) : NULL;
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

FEED_MAKE(stream_id, event_stream, FEED_INT(e->id))
FEED_MAKE(stream_status, event_stream, json_string(stream_word(e->status)))
FEED_MAKE(stream_circuit, event_stream, e->circuit ? FEED_INT(e->circuit) : NULL)
FEED_MAKE(stream_purpose, event_stream, json_string(stream_purpose_name(e->purpose)))
FEED_MAKE(stream_protocol, event_stream, json_string(words_client_protocol(e)))
FEED_MAKE(stream_session, event_stream, FEED_INT(e->session))
FEED_MAKE(stream_epoch, event_stream, FEED_INT(e->nym_epoch))
FEED_MAKE(stream_directory, event_stream, e->has_relay ? relay(s, &e->relay, "") : NULL)

const struct feed_field feed_stream_fields[] = {
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

FEED_MAKE(conn_id, event_orconn, FEED_INT(e->id))
FEED_MAKE(conn_status, event_orconn, json_string(orconn_word(e->status)))
FEED_MAKE(conn_circuits, event_orconn, FEED_INT(e->circuits))
FEED_MAKE(conn_reason, event_orconn,
          conn_is_over(e) ? json_string(or_reason_name(e->end.reason)) : NULL)

const struct feed_field feed_orconn_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, conn_id, "its number; none is given twice"},
    {"status", WORD, "ORStatus", ALWAYS, conn_status, "where it is in its life"},
    {"relay", RELAY, NULL, SOMETIMES, conn_relay, "the relay at its other end, if it is known"},
    {"address", STRING, NULL, ALWAYS, conn_address, "ADDRESS:PORT that is dialled"},
    {"circuits", INTEGER, NULL, ALWAYS, conn_circuits, "how many circuits go over it"},
    {"reason", WORD, "ORClosureReason", SOMETIMES, conn_reason, "why it ended"},
    {0},
};

FEED_MAKE(guard_relay, event_guard, relay(s, &e->relay.rsa, e->relay.nickname))
FEED_MAKE(guard_status, event_guard, json_string(guard_word(e->status)))

const struct feed_field feed_guard_fields[] = {
    {"relay", RELAY, NULL, ALWAYS, guard_relay, "which"},
    {"status", WORD, "GuardStatus", ALWAYS, guard_status, "what became of it"},
    {0},
};

FEED_MAKE(info_relay, guard_info, relay(s, &e->rsa, e->nickname))
FEED_MAKE(info_primary, guard_info, json_boolean(e->primary))
FEED_MAKE(info_confirmed, guard_info, json_boolean(e->confirmed))
FEED_MAKE(info_usable, guard_info, json_boolean(e->listed && e->filtered))
FEED_MAKE(info_down, guard_info, json_boolean(e->down))

/* In order of preference. */
const struct feed_field feed_guard_state_fields[] = {
    {"relay", RELAY, NULL, ALWAYS, info_relay, "which"},
    {"primary", BOOLEAN, NULL, ALWAYS, info_primary, "one of the few that are tried first"},
    {"confirmed", BOOLEAN, NULL, ALWAYS, info_confirmed, "a circuit went through it once"},
    {"usable", BOOLEAN, NULL, ALWAYS, info_usable, "the network and the options allow it"},
    {"down", BOOLEAN, NULL, ALWAYS, info_down, "it could not be reached when it was tried last"},
    {0},
};

/* ---- bytes ---- */

FEED_MAKE(bw_read, event_bw, FEED_INT(e->read))
FEED_MAKE(bw_written, event_bw, FEED_INT(e->written))

const struct feed_field feed_bw_fields[] = {
    {"read", INTEGER, NULL, ALWAYS, bw_read, "bytes from relays"},
    {"written", INTEGER, NULL, ALWAYS, bw_written, "bytes to relays"},
    {0},
};

FEED_MAKE(circ_bw_id, event_circ_bw, FEED_INT(e->id))
FEED_MAKE(circ_bw_read, event_circ_bw, FEED_INT(e->read))
FEED_MAKE(circ_bw_written, event_circ_bw, FEED_INT(e->written))
FEED_MAKE(circ_bw_got, event_circ_bw, FEED_INT(e->delivered_read))
FEED_MAKE(circ_bw_gave, event_circ_bw, FEED_INT(e->delivered_written))

const struct feed_field feed_circ_bw_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, circ_bw_id, "the circuit's number"},
    {"read", INTEGER, NULL, ALWAYS, circ_bw_read, "bytes of its cells that came"},
    {"written", INTEGER, NULL, ALWAYS, circ_bw_written, "bytes of its cells that went"},
    {"delivered_read", INTEGER, NULL, ALWAYS, circ_bw_got, "bytes for applications in them"},
    {"delivered_written", INTEGER, NULL, ALWAYS, circ_bw_gave, "bytes of applications in them"},
    {0},
};

FEED_MAKE(stream_bw_id, event_stream_bw, FEED_INT(e->id))
FEED_MAKE(stream_bw_read, event_stream_bw, FEED_INT(e->read))
FEED_MAKE(stream_bw_written, event_stream_bw, FEED_INT(e->written))

const struct feed_field feed_stream_bw_fields[] = {
    {"id", INTEGER, NULL, ALWAYS, stream_bw_id, "the stream's number"},
    {"read", INTEGER, NULL, ALWAYS, stream_bw_read, "bytes that its application read"},
    {"written", INTEGER, NULL, ALWAYS, stream_bw_written, "bytes that its application wrote"},
    {0},
};
