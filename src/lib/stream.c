#include "lib/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "cell/reason.h"

/* A stream's window and what it may still ask for; more never comes. */
enum { UNREAD_MOST = STREAM_HELD_MOST, PIECE = 16 * 1024 };

/* ---- the end ---- */

void lib_stream_over(struct tunic_stream *s, const struct tunic_error *error)
{
    bool was_open = s->status == TUNIC_STREAM_STATUS_SUCCEEDED;
    if (!s->error.cls)
        s->error = *error;
    s->status = was_open ? TUNIC_STREAM_STATUS_CLOSED : TUNIC_STREAM_STATUS_FAILED;
    s->flow = NULL;
    DL_DELETE(*s->among, s);
    if (s->kind != TUNIC_RESOLVE)
        handle_tell(&s->h, TUNIC_EVENT_READABLE);
    handle_tell(&s->h, TUNIC_EVENT_CLOSED);
}

void lib_streams_lose(struct tunic_stream **among, const struct tunic_error *error)
{
    while (*among)
        lib_stream_over(*among, error);
}

/* ---- what the flow tells ---- */

void lib_stream_begun(struct tunic_stream *s)
{
    if (!s->optimistic || s->begun || s->kind != TUNIC_BEGIN)
        return;
    s->begun = true;
    handle_tell(&s->h, TUNIC_EVENT_OPEN);
}

void lib_stream_connected(struct tunic_stream *s, const struct ip *addr)
{
    s->status = TUNIC_STREAM_STATUS_SUCCEEDED;
    if (addr->family != IP_NONE)
        ip_text(addr, s->address);
    if (!s->begun)
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

void lib_stream_resolved(void *stream, const struct stream_answer *answers, size_t n)
{
    struct tunic_stream *s = stream;
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

void lib_stream_data(void *stream, const uint8_t *bytes, size_t len)
{
    struct tunic_stream *s = stream;
    struct tunic_error error;
    err_t e = s->flow ? queue_add(&s->in, bytes, len) : OK;
    handle_tell(&s->h, TUNIC_EVENT_READABLE);
    if (e == OK)
        return;
    lib_error_of(&error, e, TUNIC_STAGE_STREAM, "received bytes");
    s->ops->close(s->flow, END_RESOURCELIMIT);
    lib_stream_over(s, &error);
}

/* All queues hold too much, and of all bytes these have waited longest. They are not to be missing
 * without a word. */
static void shed(void *arg)
{
    struct tunic_stream *s = arg;
    struct tunic_error error;
    lib_error_of(&error, ERR_LIMIT, TUNIC_STAGE_STREAM, "unread bytes: MaxMemInQueues");
    s->error = error;
    if (s->flow) {
        s->ops->close(s->flow, END_RESOURCELIMIT);
        lib_stream_over(s, &error);
    }
    queue_free(&s->in);
}

void lib_stream_writable(void *stream)
{
    struct tunic_stream *s = stream;
    s->writable = true;
    handle_tell(&s->h, TUNIC_EVENT_WRITABLE);
}

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_stream *s = (struct tunic_stream *)h;
    struct tunic_error error;
    if (s->flow) {
        lib_error(&error, TUNIC_CLOSED, TUNIC_STAGE_STREAM, "the program closed the stream");
        s->ops->close(s->flow, END_DONE);
        lib_stream_over(s, &error);
    }
    lib_socket_free(s->socket);
    s->socket = NULL;
    queue_free(&s->in);
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_stream *s = (struct tunic_stream *)h;
    if (s->callback)
        s->callback(s->callback_arg, s, event);
}

static const struct handle_kind stream_kind = {.end = end, .call = call};

struct tunic_stream *lib_stream_new(const struct tunic_stream_options *o)
{
    struct tunic_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->kind = o->kind;
    s->status = o->kind == TUNIC_RESOLVE ? TUNIC_STREAM_STATUS_SENTRESOLVE
                                         : TUNIC_STREAM_STATUS_SENTCONNECT;
    s->optimistic = o->optimistic;
    s->callback = o->callback;
    s->callback_arg = o->callback_arg;
    return s;
}

void lib_stream_begin(struct tunic_stream *s, struct tunic *t, struct handle *parent,
                      struct tunic_stream **among)
{
    handle_init(&s->h, &stream_kind, t, parent);
    queue_init(&s->in, UNREAD_MOST, net_env(t->net), shed, s);
    s->among = among;
    DL_APPEND(*among, s);
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
    return s->begun || s->status >= TUNIC_STREAM_STATUS_SUCCEEDED;
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
    if (!stream)
        return -1;
    int is_late = lib_wait_for(&stream->h, timeout_ms, is_settled, error);
    if (is_late < 0)
        return -1;
    if (is_late)
        return late("no answer", timeout_ms, error);
    /* It may have been open and ended since: then there may be something to read. */
    return stream->status == TUNIC_STREAM_STATUS_FAILED ? lib_error_copy(error, &stream->error) : 0;
}

struct tunic_stream *lib_stream_settled(struct tunic_stream *s, int timeout_ms,
                                        struct tunic_error *error)
{
    if (!s || tunic_stream_wait(s, timeout_ms, error) == 0)
        return s;
    tunic_stream_free(s);
    return NULL;
}

int lib_stream_answers(struct tunic_stream *s, struct tunic_answer *out, int most)
{
    if (!s)
        return -1;
    int n = (int)s->n_answers < most ? (int)s->n_answers : most;
    n = n < 0 || !out ? 0 : n;
    for (int i = 0; i < n; i++)
        out[i] = s->answers[i];
    tunic_stream_free(s);
    return n;
}

/* ---- data ---- */

static bool has_bytes_or_end(const void *arg)
{
    const struct tunic_stream *s = arg;
    return s->in.bytes.len || !s->flow;
}

ssize_t tunic_stream_read(struct tunic_stream *stream, void *out, size_t len, int timeout_ms,
                          struct tunic_error *error)
{
    if (!stream)
        return -1;
    if (!out && len)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM, "there is no room for bytes");
    int is_late = lib_wait_for(&stream->h, timeout_ms, has_bytes_or_end, error);
    if (is_late < 0)
        return -1;
    size_t n = len < stream->in.bytes.len ? len : stream->in.bytes.len;
    if (n || (stream->in.bytes.len && !len)) {
        if (n)
            memcpy(out, buf_at(&stream->in.bytes), n);
        queue_drain(&stream->in, n);
        if (lib_enter(stream->h.t, NULL) && stream->flow)
            stream->ops->consumed(stream->flow, n);
        return (ssize_t)n;
    }
    if (is_late)
        return late("nothing to read", timeout_ms, error);
    return stream->error.cls == TUNIC_CLOSED && stream->error.from_peer
               ? 0
               : lib_error_copy(error, &stream->error);
}

static int write_to(int fd, const uint8_t *bytes, size_t len, struct tunic_error *error)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int why = errno;
            lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_NONE, "descriptor %d: %s", fd,
                      strerror(why));
            if (error)
                error->sys_errno = why;
            return -1;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int64_t tunic_stream_copy(struct tunic_stream *stream, int fd, int timeout_ms,
                          struct tunic_error *error)
{
    uint8_t piece[PIECE];
    int64_t total = 0;
    ssize_t n = 0;
    if (!stream || !lib_enter(stream->h.t, error))
        return -1;
    uint64_t until = lib_until(stream->h.t, timeout_ms);
    while ((n = tunic_stream_read(stream, piece, sizeof piece, lib_left(stream->h.t, until),
                                  error)) > 0) {
        if (write_to(fd, piece, (size_t)n, error) != 0)
            return -1;
        total += n;
    }
    return n < 0 ? -1 : total;
}

static bool may_write_or_end(const void *arg)
{
    const struct tunic_stream *s = arg;
    return s->writable || !s->flow;
}

/* Writes what goes now; false: the stream has ended, or nothing can be written any more. */
static bool write_some(struct tunic_stream *s, const uint8_t *bytes, size_t len, size_t *done,
                       struct tunic_error *error)
{
    if (!lib_enter(s->h.t, error))
        return false;
    if (!s->flow) {
        lib_error_copy(error, &s->error);
        return false;
    }
    s->writable = false;
    *done += s->ops->write(s->flow, bytes + *done, len - *done);
    return true;
}

ssize_t tunic_stream_write(struct tunic_stream *stream, const void *bytes, size_t len,
                           int timeout_ms, struct tunic_error *error)
{
    size_t done = 0;
    if (!stream || (timeout_ms != 0 && !lib_may_wait(stream->h.t, error)))
        return -1;
    if (!bytes && len)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM, "there are no bytes to write");
    if (!write_some(stream, bytes, len, &done, error))
        return -1;
    uint64_t until = lib_until(stream->h.t, timeout_ms);
    while (done < len) {
        int left = lib_left(stream->h.t, until);
        int is_late = lib_wait_for(&stream->h, left, may_write_or_end, error);
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
    return stream ? stream->status : TUNIC_STREAM_STATUS_FAILED;
}

const struct tunic_error *tunic_stream_error(const struct tunic_stream *stream)
{
    return stream && stream->error.cls ? &stream->error : NULL;
}

int tunic_stream_id(const struct tunic_stream *stream)
{
    return stream ? stream->id : 0;
}

const char *tunic_stream_address(const struct tunic_stream *stream)
{
    return stream ? stream->address : "";
}

const struct tunic_answer *tunic_stream_answer(const struct tunic_stream *stream, int i)
{
    return stream && i >= 0 && (size_t)i < stream->n_answers ? &stream->answers[i] : NULL;
}
