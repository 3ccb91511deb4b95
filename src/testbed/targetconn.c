/* Connections of a test network's exits to their targets. */
#include "testbed/world_int.h"

#include <errno.h>
#include <stdlib.h>

#include "base/later.h"

enum { LINGER_MS = 10000, TAIL_CAP = 8 << 20 };

struct targetconn {
    struct testbed_world *world;
    struct place *place; /* of the exit */
    struct conn *conn;
    struct target *target; /* NULL: it is over; the tail is still sent */
    struct buf tail;
    struct later tell; /* the target that it could not be dialled */
    struct later reap;
    struct targetconn *prev, *next;
};

static void reap(void *arg)
{
    targetconn_free(arg);
}

static void tell(void *arg)
{
    struct targetconn *c = arg;
    if (c->target)
        target_failed(c->target, ENETUNREACH);
}

static struct targetconn *targetconn_new(struct testbed_world *w, struct place *p)
{
    struct targetconn *c = p ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    *c = (struct targetconn){.world = w, .place = p};
    buf_init(&c->tail, TAIL_CAP);
    later_init(&c->tell, tell, c);
    later_init(&c->reap, reap, c);
    DL_APPEND(w->targetconns, c);
    return c;
}

void targetconn_free(struct targetconn *c)
{
    later_cancel(net_env(c->world->net), &c->tell);
    later_cancel(net_env(c->world->net), &c->reap);
    if (c->conn)
        conn_close(c->conn);
    if (c->target)
        target_set_io(c->target, NULL);
    buf_free(&c->tail);
    DL_DELETE(c->world->targetconns, c);
    free(c);
}

static void free_soon(struct targetconn *c)
{
    later_ask(net_env(c->world->net), &c->reap);
}

static void drained(void *arg)
{
    free_soon(arg);
}

/* ---- the socket's side ---- */

static uint8_t *in_room(void *arg, size_t *room)
{
    struct targetconn *c = arg;
    return c->target && !c->place->frozen ? target_in_room(c->target, room) : NULL;
}

static void in_done(void *arg, size_t len)
{
    struct targetconn *c = arg;
    if (c->target)
        target_in_done(c->target, len);
}

static void in_end(void *arg, int errno_)
{
    struct targetconn *c = arg;
    if (!c->target)
        free_soon(c);
    else if (errno_)
        target_failed(c->target, errno_);
    else
        target_in_end(c->target);
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct targetconn *c = arg;
    if (c->place->frozen)
        return NULL;
    if (c->target)
        return target_out(c->target, len);
    *len = c->tail.len;
    return *len ? buf_at(&c->tail) : NULL;
}

static void sent(void *arg, size_t len)
{
    struct targetconn *c = arg;
    if (c->target)
        target_sent(c->target, len);
    else
        buf_drain(&c->tail, len);
}

static void connected(void *arg)
{
    struct targetconn *c = arg;
    if (c->target)
        target_connected(c->target);
}

static const struct conn_machine machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
    .connected = connected,
};

/* ---- what the exits ask for ---- */

void targetconn_dial(void *world, struct target *t, const struct ip *from, const struct ipport *to)
{
    struct testbed_world *w = world;
    struct targetconn *c = targetconn_new(w, testbed_place(w, from));
    target_set_io(t, c);
    if (!c)
        return; /* the stream gets no answer, and its client's patience ends it */
    c->target = t;
    if (testbed_may_use(&to->ip))
        c->conn = conn_dial(w->net, to, from, &machine, c);
    if (!c->conn)
        later_ask(net_env(w->net), &c->tell);
}

void targetconn_output(void *world, struct target *t)
{
    struct targetconn *c = target_io(t);
    (void)world;
    if (c && c->conn)
        conn_output(c->conn);
}

void targetconn_resume(void *world, struct target *t)
{
    struct targetconn *c = target_io(t);
    (void)world;
    if (c && c->conn)
        conn_resume(c->conn);
}

void targetconn_hangup(void *world, struct target *t)
{
    struct targetconn *c = target_io(t);
    const uint8_t *bytes;
    size_t len;
    (void)world;
    if (!c)
        return;
    while ((bytes = target_out(t, &len)) && buf_add(&c->tail, bytes, len) == OK)
        target_sent(t, len);
    target_set_io(t, NULL);
    c->target = NULL;
    if (c->conn && c->tail.len)
        conn_drain(c->conn, LINGER_MS, drained);
    else
        free_soon(c);
}

void targetconn_thaw_all(struct place *p)
{
    struct targetconn *c;
    DL_FOREACH (p->world->targetconns, c) {
        if (c->place != p || !c->conn)
            continue;
        conn_resume(c->conn);
        conn_output(c->conn);
    }
}
