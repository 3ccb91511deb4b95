/* The other sockets of a test network: connections of exits to their targets, and to DirPorts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/testworld_int.h"

enum { LINGER_MS = 10000, REQUEST_ROOM = 2048, TAIL_CAP = 8 << 20 };

static void flow_gone(void *flow)
{
    flow_free(flow);
}

static struct flow *flow_new(struct testworld *w, void (*later)(void *arg))
{
    struct flow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct flow){.world = w};
    buf_init(&f->tail, TAIL_CAP);
    timer_init(&f->later, later, f);
    DL_APPEND(w->flows, f);
    return f;
}

void flow_free(struct flow *f)
{
    env_disarm(net_env(f->world->net), &f->later);
    if (f->conn)
        conn_close(f->conn);
    if (f->target)
        target_set_io(f->target, NULL);
    if (f->room) /* what a request has */
        f->world->counts.requests--;
    else
        f->world->counts.targets--;
    dirserv_free(f->server);
    free(f->room);
    buf_free(&f->tail);
    DL_DELETE(f->world->flows, f);
    free(f);
}

static void flow_end_soon(struct flow *f)
{
    f->over = true;
    f->later.fire = flow_gone;
    env_arm_ms(net_env(f->world->net), &f->later, 0);
}

static void drained(void *flow)
{
    flow_end_soon(flow);
}

/* ---- a target ---- */

static uint8_t *t_in_room(void *flow, size_t *room)
{
    struct flow *f = flow;
    return f->target ? target_in_room(f->target, room) : NULL;
}

static void t_in_done(void *flow, size_t len)
{
    struct flow *f = flow;
    if (f->target)
        target_in_done(f->target, len);
}

static void t_in_end(void *flow, int errno_)
{
    struct flow *f = flow;
    if (!f->target)
        flow_end_soon(f);
    else if (errno_)
        target_failed(f->target, errno_);
    else
        target_in_end(f->target);
}

static const uint8_t *t_out(void *flow, size_t *len)
{
    struct flow *f = flow;
    if (f->target)
        return target_out(f->target, len);
    *len = f->tail.len;
    return *len ? buf_at(&f->tail) : NULL;
}

static void t_sent(void *flow, size_t len)
{
    struct flow *f = flow;
    if (f->target)
        target_sent(f->target, len);
    else
        buf_drain(&f->tail, len);
}

static void t_connected(void *flow)
{
    struct flow *f = flow;
    if (f->target)
        target_connected(f->target);
}

static const struct conn_machine target_machine = {
    .in_room = t_in_room,
    .in_done = t_in_done,
    .in_end = t_in_end,
    .out = t_out,
    .sent = t_sent,
    .connected = t_connected,
};

static void could_not_dial(void *flow)
{
    struct flow *f = flow;
    if (f->target)
        target_failed(f->target, ENETUNREACH);
}

void target_flow_dial(void *world, struct target *t, const struct ip *from, const struct ipport *to)
{
    struct testworld *w = world;
    struct flow *f = flow_new(w, could_not_dial);
    target_set_io(t, f);
    if (!f)
        return; /* the stream gets no answer, and its client's patience ends it */
    f->target = t;
    w->counts.targets++;
    if (testworld_may_use(&to->ip))
        f->conn = conn_dial(w->net, to, from, &target_machine, f);
    if (!f->conn)
        env_arm_ms(net_env(w->net), &f->later, 0);
}

void target_flow_output(void *world, struct target *t)
{
    struct flow *f = target_io(t);
    (void)world;
    if (f && f->conn)
        conn_output(f->conn);
}

void target_flow_resume(void *world, struct target *t)
{
    struct flow *f = target_io(t);
    (void)world;
    if (f && f->conn)
        conn_resume(f->conn);
}

void target_flow_hangup(void *world, struct target *t)
{
    struct flow *f = target_io(t);
    const uint8_t *bytes;
    size_t len;
    (void)world;
    if (!f)
        return;
    while ((bytes = target_out(t, &len)) && buf_add(&f->tail, bytes, len) == OK)
        target_sent(t, len);
    target_set_io(t, NULL);
    f->target = NULL;
    if (f->conn && f->tail.len)
        conn_drain(f->conn, LINGER_MS, drained);
    else
        flow_end_soon(f);
}

/* ---- a request to a DirPort ---- */

static uint8_t *r_in_room(void *flow, size_t *room)
{
    struct flow *f = flow;
    *room = REQUEST_ROOM;
    return f->over ? NULL : f->room;
}

static void r_in_done(void *flow, size_t len)
{
    struct flow *f = flow;
    dirserv_feed(f->server, f->room, len);
    conn_output(f->conn);
}

static void r_in_end(void *flow, int errno_)
{
    (void)errno_;
    flow_end_soon(flow);
}

static const uint8_t *r_out(void *flow, size_t *len)
{
    struct flow *f = flow;
    return f->server ? dirserv_out(f->server, len) : NULL;
}

static void r_sent(void *flow, size_t len)
{
    struct flow *f = flow;
    dirserv_sent(f->server, len);
    if (dirserv_done(f->server) && !f->over)
        flow_end_soon(f);
}

static const struct conn_machine request_machine = {
    .in_room = r_in_room,
    .in_done = r_in_done,
    .in_end = r_in_end,
    .out = r_out,
    .sent = r_sent,
};

static void on_more(void *flow)
{
    struct flow *f = flow;
    if (f->conn)
        conn_output(f->conn);
}

void request_accept(struct place *p, int fd, const struct ip *peer)
{
    struct testworld *w = p->world;
    struct dirserv_source *source = node_dir_source(testnet_node(w->testnet, p->index));
    uint8_t *room = malloc(REQUEST_ROOM);
    struct flow *f = room ? flow_new(w, flow_gone) : NULL;
    if (!f) {
        free(room);
        close(fd);
        return;
    }
    f->room = room;
    w->counts.requests++;
    f->conn = conn_new(w->net, fd, &request_machine, f);
    f->server = f->conn ? dirserv_new(source, peer, on_more, f) : NULL;
    if (!f->server)
        flow_free(f);
}
