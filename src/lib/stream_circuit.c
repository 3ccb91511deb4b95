/* Streams of a circuit that the program made. */
#include <stdlib.h>

#include "lib/circuit.h"
#include "lib/stream.h"

/* ---- the flow ---- */

static size_t write_bytes(void *flow, const uint8_t *bytes, size_t len)
{
    return stream_write(flow, bytes, len);
}

static void consumed(void *flow, size_t len)
{
    stream_consumed(flow, len);
}

static void close_flow(void *flow, uint8_t reason)
{
    stream_close(flow, reason);
}

static const struct lib_flow circuit_flow = {
    .write = write_bytes,
    .consumed = consumed,
    .close = close_flow,
};

/* ---- the stream's callbacks ---- */

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    (void)ttl_s;
    lib_stream_connected(arg, addr);
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct tunic_error error;
    lib_error_of_stream(&error, end);
    lib_stream_over(arg, &error);
}

static const struct stream_ops stream_callbacks = {
    .on_connected = on_connected,
    .on_resolved = lib_stream_resolved,
    .on_data = lib_stream_data,
    .on_writable = lib_stream_writable,
    .on_end = on_end,
};

/* ---- opening ---- */

void tunic_allow_internal_addresses(struct tunic *t, int allow)
{
    if (t)
        t->allow_internal = allow;
}

/* The circuit's set of streams, made if need be. */
static int need_streams(struct tunic_circuit *c, struct tunic_error *error)
{
    if (lib_circuit_usable(c, error) != 0)
        return -1;
    if (c->own_ids)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM,
                         "the circuit's streams are the program's own messages");
    if (!c->streams) {
        c->streams = streams_new(net_env(c->h.t->net), carrier_of_hop(c->circ, c->hops));
        c->streams_hop = c->hops;
    }
    if (!c->streams)
        return lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_STREAM, "a new stream");
    if (c->streams_hop != c->hops)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM,
                         "the circuit's streams leave at hop %u", c->streams_hop);
    streams_allow_internal_addrs(c->streams, c->h.t->allow_internal);
    return 0;
}

static err_t launch(struct tunic_circuit *c, const struct tunic_stream_options *o,
                    struct tunic_stream **out)
{
    const struct stream_request req = {
        .kind = (enum stream_kind)o->kind, .target = o->target, .flags = o->flags};
    struct stream *flow = NULL;
    struct tunic_stream *s = lib_stream_new(o);
    if (!s)
        return ERR_NOMEM;
    err_t e = stream_open(c->streams, &req, &stream_callbacks, s, &flow);
    if (e != OK) {
        free(s);
        return e;
    }
    s->flow = flow;
    s->ops = &circuit_flow;
    s->id = stream_id(flow);
    lib_stream_begin(s, c->h.t, &c->h, &c->open);
    lib_stream_begun(s);
    *out = s;
    return OK;
}

struct tunic_stream *tunic_stream_start(struct tunic_circuit *circuit,
                                        const struct tunic_stream_options *options,
                                        struct tunic_error *error)
{
    static const struct tunic_stream_options none = TUNIC_STREAM_OPTIONS_INIT;
    struct tunic_stream_options o;
    struct tunic_stream *s = NULL;
    if (!circuit || !lib_enter(circuit->h.t, error))
        return NULL;
    lib_options(&o, sizeof o, options ? options : &none);
    if (need_streams(circuit, error) != 0)
        return NULL;
    err_t e = launch(circuit, &o, &s);
    if (e == ERR_ARG)
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM, "\"%.100s\" is no target for this",
                  o.target ? o.target : "");
    else if (e != OK)
        lib_error_of(error, e, TUNIC_STAGE_STREAM, "a new stream");
    return s;
}

struct tunic_stream *tunic_stream_begin(struct tunic_circuit *circuit, const char *target,
                                        int timeout_ms, struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.target = target;
    return lib_stream_settled(tunic_stream_start(circuit, &o, error), timeout_ms, error);
}

struct tunic_stream *tunic_stream_begin_dir(struct tunic_circuit *circuit, int timeout_ms,
                                            struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.kind = TUNIC_BEGIN_DIR;
    return lib_stream_settled(tunic_stream_start(circuit, &o, error), timeout_ms, error);
}

int tunic_resolve(struct tunic_circuit *circuit, const char *name, struct tunic_answer *out,
                  int most, int timeout_ms, struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.kind = TUNIC_RESOLVE;
    o.target = name;
    struct tunic_stream *s =
        lib_stream_settled(tunic_stream_start(circuit, &o, error), timeout_ms, error);
    return lib_stream_answers(s, out, most);
}
