/* Requests to the DirPorts of a test network. */
#include "testbed/world_int.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/later.h"

enum { ROOM = 2048 };

struct dirconn {
    struct testbed_world *world;
    struct place *place;
    struct conn *conn;
    struct dirserv *server;
    bool over;
    struct later reap;
    struct dirconn *prev, *next;
    uint8_t room[ROOM];
};

void dirconn_free(struct dirconn *c)
{
    later_cancel(net_env(c->world->net), &c->reap);
    if (c->conn)
        conn_close(c->conn);
    dirserv_free(c->server);
    DL_DELETE(c->world->dirconns, c);
    free(c);
}

static void reap(void *arg)
{
    dirconn_free(arg);
}

static void free_soon(struct dirconn *c)
{
    c->over = true;
    later_ask(net_env(c->world->net), &c->reap);
}

static uint8_t *in_room(void *arg, size_t *room)
{
    struct dirconn *c = arg;
    *room = ROOM;
    return c->over || c->place->frozen ? NULL : c->room;
}

static void in_done(void *arg, size_t len)
{
    struct dirconn *c = arg;
    dirserv_feed(c->server, c->room, len);
    conn_output(c->conn);
}

static void in_end(void *arg, int errno_)
{
    (void)errno_;
    free_soon(arg);
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct dirconn *c = arg;
    return c->server && !c->place->frozen ? dirserv_out(c->server, len) : NULL;
}

static void sent(void *arg, size_t len)
{
    struct dirconn *c = arg;
    dirserv_sent(c->server, len);
    if (dirserv_done(c->server) && !c->over)
        free_soon(c);
}

static const struct conn_machine machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
};

static void on_more(void *arg)
{
    struct dirconn *c = arg;
    if (c->conn)
        conn_output(c->conn);
}

void dirconn_accept(struct place *p, int fd, const struct ip *peer)
{
    struct testbed_world *w = p->world;
    struct dirserv_source *source = node_dir_source(testnet_node(w->testnet, p->index));
    struct dirconn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->world = w;
    c->place = p;
    later_init(&c->reap, reap, c);
    DL_APPEND(w->dirconns, c);
    c->conn = conn_new(w->net, fd, &machine, c);
    c->server = c->conn ? dirserv_new(source, peer, on_more, c) : NULL;
    if (!c->server)
        dirconn_free(c);
}

void dirconn_thaw_all(struct place *p)
{
    struct dirconn *c;
    DL_FOREACH (p->world->dirconns, c) {
        if (c->place != p || !c->conn)
            continue;
        conn_resume(c->conn);
        conn_output(c->conn);
    }
}
