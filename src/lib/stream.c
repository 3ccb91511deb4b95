#include "tunic/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "cell/reason.h"
#include "lib/circuit.h"

/* A stream's window and what it may still ask for; more never comes. */
enum { UNREAD_MOST = 512 * 1024 };

struct tunic_stream {
    struct handle h;
    struct tunic_circuit *circuit;
    struct stream *stream; /* NULL once it has ended */
    uint16_t id;
    enum tunic_stream_kind kind;
    enum tunic_stream_status status;
    struct tunic_error error;
    struct buf in; /* unread */
    bool writable; /* since the last write that came up short */
    char address[IP_TEXT_MAX];
    struct tunic_answer answers[TUNIC_ANSWERS_MOST];
    size_t n_answers;
    void (*callback)(void *arg, struct tunic_stream *stream, enum tunic_event event);
    void *callback_arg;
    struct tunic_stream *prev, *next; /* among the circuit's that have not ended */
};

/* ---- the end ---- */

/* S is off its circuit; S->error says why. */
static void over(struct tunic_stream *s)
{
    bool was_open = s->status == TUNIC_STREAM_STATUS_SUCCEEDED;
    s->status = was_open ? TUNIC_STREAM_STATUS_CLOSED : TUNIC_STREAM_STATUS_FAILED;
    s->stream = NULL;
    DL_DELETE(s->circuit->open, s);
    if (s->kind != TUNIC_RESOLVE)
        handle_tell(&s->h, TUNIC_EVENT_READABLE);
    handle_tell(&s->h, TUNIC_EVENT_CLOSED);
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct tunic_stream *s = arg;
    if (!s->error.cls)
        lib_error_of_stream(&s->error, end);
    over(s);
}

void lib_streams_lose(struct tunic_circuit *c, const struct tunic_error *error)
{
    while (c->open) {
        c->open->error = *error;
        over(c->open);
    }
}

/* ---- the stream's callbacks ---- */

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct tunic_stream *s = arg;
    (void)ttl_s;
    s->status = TUNIC_STREAM_STATUS_SUCCEEDED;
    if (addr->family != IP_NONE)
        ip_text(addr, s->address);
    handle_tell(&s->h, TUNIC_EVENT_OPEN);
}

static void keep_answer(struct tunic_stream *s, const struct stream_answer *a)
{
    struct tunic_answer *to = &s->answers[s->n_answers++];
    to->ttl_s = a->ttl_s;
    if (a->kind == ANSWER_IP) {
        to->family = a->ip.family;
        ip_text(&a->ip, to->text);
    } else {
        memcpy(to->text, a->name, sizeof a->name);
    }
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct tunic_stream *s = arg;
    _Static_assert((int)STREAM_NAME_MAX == (int)TUNIC_ANSWER_TEXT_MAX, "names fit");
    for (size_t i = 0; i < n && s->n_answers < TUNIC_ANSWERS_MOST; i++)
        if (answers[i].kind == ANSWER_IP || answers[i].kind == ANSWER_NAME)
            keep_answer(s, &answers[i]);
    if (s->n_answers) {
        s->status = TUNIC_STREAM_STATUS_SUCCEEDED;
        handle_tell(&s->h, TUNIC_EVENT_OPEN);
        return;
    }
    bool transient = n && answers[0].kind == ANSWER_ERROR_TRANSIENT;
    lib_error(&s->error, TUNIC_REFUSED, TUNIC_STAGE_DNS, "%s",
              transient ? "the exit could not resolve it for now" : "the name does not exist");
    s->error.reason = TUNIC_STREAM_CLOSURE_REASON_RESOLVEFAILED;
    s->error.from_peer = 1;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct tunic_stream *s = arg;
    err_t e = s->stream ? buf_add(&s->in, bytes, len) : OK;
    handle_tell(&s->h, TUNIC_EVENT_READABLE);
    if (e == OK)
        return;
    lib_error_of(&s->error, e, TUNIC_STAGE_STREAM, "received bytes");
    stream_close(s->stream, END_RESOURCELIMIT);
    over(s);
}

static void on_writable(void *arg)
{
    struct tunic_stream *s = arg;
    s->writable = true;
    handle_tell(&s->h, TUNIC_EVENT_WRITABLE);
}

static const struct stream_ops stream_callbacks = {
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_stream *s = (struct tunic_stream *)h;
    if (s->stream) {
        stream_close(s->stream, END_DONE);
        lib_error(&s->error, TUNIC_CLOSED, TUNIC_STAGE_STREAM, "the program closed the stream");
        over(s);
    }
    buf_free(&s->in);
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_stream *s = (struct tunic_stream *)h;
    if (s->callback)
        s->callback(s->callback_arg, s, event);
}

static const struct handle_kind stream_kind = {.end = end, .call = call};

void tunic_allow_internal_addresses(struct tunic *t, int allow)
{
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
        c->streams = streams_new(net_env(c->h.t->net), c->circ, c->hops);
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
    struct tunic_stream *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    err_t e = stream_open(c->streams, &req, &stream_callbacks, s, &s->stream);
    if (e != OK) {
        free(s);
        return e;
    }
    handle_init(&s->h, &stream_kind, c->h.t, &c->h);
    buf_init(&s->in, UNREAD_MOST);
    s->circuit = c;
    s->id = stream_id(s->stream);
    s->kind = o->kind;
    s->status = o->kind == TUNIC_RESOLVE ? TUNIC_STREAM_STATUS_SENTRESOLVE
                                         : TUNIC_STREAM_STATUS_SENTCONNECT;
    s->callback = o->callback;
    s->callback_arg = o->callback_arg;
    DL_APPEND(c->open, s);
    *out = s;
    return OK;
}

struct tunic_stream *tunic_stream_start(struct tunic_circuit *circuit,
                                        const struct tunic_stream_options *options,
                                        struct tunic_error *error)
{
    struct tunic_stream_options o;
    struct tunic_stream *s = NULL;
    if (!circuit || !lib_enter(circuit->h.t, error))
        return NULL;
    lib_options(&o, sizeof o, options);
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

void tunic_stream_free(struct tunic_stream *stream)
{
    if (stream)
        handle_free(&stream->h);
}

/* ---- waiting ---- */

static bool is_settled(const void *arg)
{
    const struct tunic_stream *s = arg;
    return s->status >= TUNIC_STREAM_STATUS_SUCCEEDED;
}

static int late(const char *what, int timeout_ms, struct tunic_error *error)
{
    lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_STREAM, "%s within %d ms", what, timeout_ms);
    if (error)
        error->reason = TUNIC_STREAM_CLOSURE_REASON_TIMEOUT;
    return -1;
}

int tunic_stream_wait(struct tunic_stream *stream, int timeout_ms, struct tunic_error *error)
{
    int is_late = lib_wait(stream->h.t, timeout_ms, is_settled, stream, error);
    if (is_late < 0)
        return -1;
    if (is_late)
        return late("no answer", timeout_ms, error);
    /* It may have been open and ended since: then there may be something to read. */
    return stream->status == TUNIC_STREAM_STATUS_FAILED ? lib_error_copy(error, &stream->error) : 0;
}

static struct tunic_stream *open_now(struct tunic_circuit *circuit,
                                     const struct tunic_stream_options *o, int timeout_ms,
                                     struct tunic_error *error)
{
    struct tunic_stream *s = tunic_stream_start(circuit, o, error);
    if (!s || tunic_stream_wait(s, timeout_ms, error) == 0)
        return s;
    tunic_stream_free(s);
    return NULL;
}

struct tunic_stream *tunic_stream_begin(struct tunic_circuit *circuit, const char *target,
                                        int timeout_ms, struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.target = target;
    return open_now(circuit, &o, timeout_ms, error);
}

struct tunic_stream *tunic_stream_begin_dir(struct tunic_circuit *circuit, int timeout_ms,
                                            struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.kind = TUNIC_BEGIN_DIR;
    return open_now(circuit, &o, timeout_ms, error);
}

int tunic_resolve(struct tunic_circuit *circuit, const char *name, struct tunic_answer *out,
                  int most, int timeout_ms, struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.kind = TUNIC_RESOLVE;
    o.target = name;
    struct tunic_stream *s = open_now(circuit, &o, timeout_ms, error);
    if (!s)
        return -1;
    int n = (int)s->n_answers < most ? (int)s->n_answers : most;
    for (int i = 0; i < n; i++)
        out[i] = s->answers[i];
    tunic_stream_free(s);
    return n;
}

/* ---- data ---- */

static bool has_bytes_or_end(const void *arg)
{
    const struct tunic_stream *s = arg;
    return s->in.len || !s->stream;
}

ssize_t tunic_stream_read(struct tunic_stream *stream, void *out, size_t len, int timeout_ms,
                          struct tunic_error *error)
{
    int is_late = lib_wait(stream->h.t, timeout_ms, has_bytes_or_end, stream, error);
    if (is_late < 0)
        return -1;
    size_t n = len < stream->in.len ? len : stream->in.len;
    if (n || (stream->in.len && !len)) {
        memcpy(out, buf_at(&stream->in), n);
        buf_drain(&stream->in, n);
        if (lib_enter(stream->h.t, NULL) && stream->stream)
            stream_consumed(stream->stream, n);
        return (ssize_t)n;
    }
    if (is_late)
        return late("nothing to read", timeout_ms, error);
    return stream->error.cls == TUNIC_CLOSED && stream->error.from_peer
               ? 0
               : lib_error_copy(error, &stream->error);
}

static bool may_write_or_end(const void *arg)
{
    const struct tunic_stream *s = arg;
    return s->writable || !s->stream;
}

/* Writes what goes now; false: the stream has ended, or nothing can be written any more. */
static bool write_some(struct tunic_stream *s, const uint8_t *bytes, size_t len, size_t *done,
                       struct tunic_error *error)
{
    if (!lib_enter(s->h.t, error))
        return false;
    if (!s->stream) {
        lib_error_copy(error, &s->error);
        return false;
    }
    s->writable = false;
    *done += stream_write(s->stream, bytes + *done, len - *done);
    return true;
}

ssize_t tunic_stream_write(struct tunic_stream *stream, const void *bytes, size_t len,
                           int timeout_ms, struct tunic_error *error)
{
    size_t done = 0;
    if (!write_some(stream, bytes, len, &done, error))
        return -1;
    uint64_t until = lib_until(stream->h.t, timeout_ms);
    while (done < len) {
        int left = lib_left(stream->h.t, until);
        int is_late = lib_wait(stream->h.t, left, may_write_or_end, stream, error);
        if (is_late < 0)
            return -1;
        if (is_late)
            break;
        if (!write_some(stream, bytes, len, &done, error))
            return -1;
    }
    return (ssize_t)done;
}

/* ---- what it is ---- */

enum tunic_stream_status tunic_stream_status(const struct tunic_stream *stream)
{
    return stream->status;
}

const struct tunic_error *tunic_stream_error(const struct tunic_stream *stream)
{
    return stream->error.cls ? &stream->error : NULL;
}

int tunic_stream_id(const struct tunic_stream *stream)
{
    return stream->id;
}

const char *tunic_stream_address(const struct tunic_stream *stream)
{
    return stream->address;
}

const struct tunic_answer *tunic_stream_answer(const struct tunic_stream *stream, int i)
{
    return i >= 0 && (size_t)i < stream->n_answers ? &stream->answers[i] : NULL;
}
