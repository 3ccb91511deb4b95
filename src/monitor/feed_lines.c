#include "monitor/feed_lines.h"

#include "client/look.h"
#include "control/words.h"
#include "monitor/feed_fields.h"

/* ---- the events ---- */

struct event_row {
    struct feed_event_row row;
    bool (*is_it)(const struct event_record *e); /* NULL: all of its kind are */
    const struct feed_field *fields;
    const char *text;
};

static bool is_circ(const struct event_record *e)
{
    return words_circ_status(e->circuit.status) != NULL;
}

static bool is_circ_minor(const struct event_record *e)
{
    return e->circuit.status == CIRCUIT_PURPOSE_CHANGED ||
           e->circuit.status == CIRCUIT_CANNIBALIZED;
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
    {{"CIRC", EVENT_CIRCUIT, false},
     is_circ,
     feed_circuit_fields,
     "A circuit is in another status."},
    {{"CIRC_MINOR", EVENT_CIRCUIT, false},
     is_circ_minor,
     feed_circ_minor_fields,
     "A circuit has another purpose."},
    {{"STREAM", EVENT_STREAM, false}, NULL, feed_stream_fields, "A stream is in another status."},
    {{"ORCONN", EVENT_ORCONN, false},
     NULL,
     feed_orconn_fields,
     "A connection to a relay is in another status."},
    {{"GUARD", EVENT_GUARD, false},
     NULL,
     feed_guard_fields,
     "A guard was chosen, found to work or not, or given up."},
    {{"BOOTSTRAP", EVENT_BOOTSTRAP, false},
     NULL,
     feed_bootstrap_fields,
     "The start has come further, or does not."},
    {{"NEWCONSENSUS", EVENT_DIRECTORY, false},
     is_consensus,
     feed_consensus_fields,
     "There is a new list of relays."},
    {{"STATUS", EVENT_STATUS, false},
     is_status,
     feed_status_fields,
     "What STATUS_CLIENT and STATUS_GENERAL say."},
    {{"BUILDTIMEOUT_SET", EVENT_STATUS, false},
     is_timeout,
     feed_timeout_fields,
     "Circuits are waited for so long from now on."},
    {{"NETWORK_LIVENESS", EVENT_STATUS, false},
     is_liveness,
     feed_liveness_fields,
     "The network has fallen silent, or is back."},
    {{"BW", EVENT_BW, true}, NULL, feed_bw_fields, "What went over all connections in a second."},
    {{"CIRC_BW", EVENT_CIRC_BW, true},
     NULL,
     feed_circ_bw_fields,
     "What went over a circuit in a second."},
    {{"STREAM_BW", EVENT_STREAM_BW, true},
     NULL,
     feed_stream_bw_fields,
     "What went over a stream in a second."},
    {{"ADDRMAP", EVENT_ADDRMAP, false},
     NULL,
     feed_addrmap_fields,
     "A name or an address stands for another, or was looked up for a controller."},
    {{"SIGNAL", EVENT_SIGNAL, false}, NULL, feed_signal_fields, "A signal has been acted on."},
};

const struct feed_event_row *feed_event_row(size_t i)
{
    return i < sizeof events / sizeof events[0] ? &events[i].row : NULL;
}

/* ---- objects ---- */

/* Puts FIELDS of OF into OBJECT, which is NULL if there was no memory. */
static json_t *fill(const struct feed_scope *s, json_t *object, const struct feed_field *fields,
                    const void *of)
{
    for (const struct feed_field *f = fields; object && f->name; f++) {
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
ADD(add_circuit, event_circuit, feed_circuit_fields)
ADD(add_stream, event_stream, feed_stream_fields)
ADD(add_orconn, event_orconn, feed_orconn_fields)
ADD(add_guard, guard_info, feed_guard_state_fields)

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
                     fill(s, json_object(), feed_bootstrap_fields, look_at_bootstrap(s->client)),
                     "circuits", circuits.array, "streams", streams.array, "orconns", orconns.array,
                     "guards", guards.array, "directory", look_has_directory(s->client), "circuit",
                     look_has_circuit(s->client), "live", look_network_is_live(s->client), "bytes",
                     fill(s, json_object(), feed_bw_fields, &bytes));
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
