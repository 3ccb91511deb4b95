/* A stream given up for a socket: a pair of which the program has one end. Bytes are copied from
 * the loop, and what either side is slow to take stays where it is: in the socket, or in the
 * stream's queue, which holds back the sender. The handle lives on, held by nobody but itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/stream.h"
#include "net/conn.h"

enum { UP_MOST = 16 * 1024, LINGER_MS = 60 * 1000 };

struct lib_socket {
    struct tunic_stream *s;
    struct conn *conn;
    uint8_t up[UP_MOST]; /* read from the program, not taken by the stream yet */
    size_t up_from, up_to;
    bool refused_input; /* the conn waits for conn_resume() */
    bool program_done;  /* its end is closed, or broken */
    bool draining, drained;
};

/* ---- towards the network ---- */

static void push(struct lib_socket *k)
{
    struct tunic_stream *s = k->s;
    if (s->flow && k->up_from < k->up_to)
        k->up_from += s->ops->write(s->flow, k->up + k->up_from, k->up_to - k->up_from);
    if (k->up_from < k->up_to)
        return;
    k->up_from = k->up_to = 0;
    if (k->refused_input && !k->program_done) {
        k->refused_input = false;
        conn_resume(k->conn);
    }
}

static uint8_t *in_room(void *machine, size_t *room)
{
    struct lib_socket *k = machine;
    k->refused_input = k->up_to || !k->s->flow;
    *room = sizeof k->up;
    return k->refused_input ? NULL : k->up;
}

static void in_done(void *machine, size_t len)
{
    struct lib_socket *k = machine;
    k->up_to = len;
    push(k);
}

/* The rest comes with the event, when no machine is on the stack. */
static void in_end(void *machine, int errno_)
{
    struct lib_socket *k = machine;
    (void)errno_;
    k->program_done = true;
    handle_tell(&k->s->h, TUNIC_EVENT_WRITABLE);
}

/* The program has said all that it will; conn tells when it has closed the other side, too. */
static void in_eof(void *machine, bool sure)
{
    (void)machine, (void)sure;
}

/* ---- towards the program ---- */

static const uint8_t *out(void *machine, size_t *len)
{
    const struct buf *in = &((struct lib_socket *)machine)->s->in.bytes;
    *len = in->len;
    return in->len ? buf_at(in) : NULL;
}

static void sent(void *machine, size_t len)
{
    struct tunic_stream *s = ((struct lib_socket *)machine)->s;
    queue_drain(&s->in, len);
    if (s->flow)
        s->ops->consumed(s->flow, len);
}

static void drained(void *machine)
{
    struct lib_socket *k = machine;
    k->drained = true;
    handle_tell(&k->s->h, TUNIC_EVENT_WRITABLE);
}

static const struct conn_machine socket_machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .in_eof = in_eof,
    .out = out,
    .sent = sent,
};

/* ---- both ---- */

/* Over when the program has gone and all it wrote is on its way, or when the stream has ended and
 * all it brought is with the program. */
static bool is_over(const struct lib_socket *k)
{
    if (k->program_done)
        return !k->s->flow || k->up_from == k->up_to;
    return k->drained;
}

static void on_event(void *arg, struct tunic_stream *s, enum tunic_event event)
{
    struct lib_socket *k = arg;
    (void)event;
    push(k);
    if (is_over(k)) {
        handle_free(&s->h);
        return;
    }
    if (s->in.bytes.len)
        conn_output(k->conn);
    if (!s->flow && !k->program_done && !k->draining) {
        k->draining = true;
        conn_drain(k->conn, LINGER_MS, drained);
    }
}

void lib_socket_free(struct lib_socket *k)
{
    if (!k)
        return;
    conn_close(k->conn);
    free(k);
}

static bool make_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

/* Both ends, ours non-blocking. */
static struct lib_socket *make(struct tunic_stream *s, int *theirs, struct tunic_error *error)
{
    int ends[2];
    struct lib_socket *k = calloc(1, sizeof *k);
    if (!k || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_STREAM, "no socket pair: %s",
                  k ? strerror(errno) : "out of memory");
        free(k);
        return NULL;
    }
    k->s = s;
    k->conn = conn_new(s->h.t->net, ends[0], &socket_machine, k);
    if (!k->conn || !make_blocking(ends[1])) {
        lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_STREAM, "a socket");
        if (k->conn)
            conn_close(k->conn);
        close(ends[1]);
        free(k);
        return NULL;
    }
    *theirs = ends[1];
    return k;
}

int tunic_stream_to_socket(struct tunic_stream *stream, struct tunic_error *error)
{
    int theirs = -1;
    if (!stream || !lib_enter(stream->h.t, error))
        return -1;
    if (stream->kind == TUNIC_RESOLVE)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM, "a look-up has no bytes");
    if (!stream->flow && !stream->in.bytes.len)
        return lib_error_copy(error, &stream->error);
    stream->socket = make(stream, &theirs, error);
    if (!stream->socket)
        return -1;
    stream->h.orphan = true;
    stream->callback = on_event;
    stream->callback_arg = stream->socket;
    handle_tell(&stream->h, TUNIC_EVENT_READABLE);
    return theirs;
}
