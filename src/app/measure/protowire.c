#include "app/measure/protowire.h"

#include <stdio.h>
#include <string.h>

#include "net/conn.h"

static uint8_t *in_room(void *proto, size_t *room)
{
    return coord_proto_in_room(proto, room);
}

static void in_done(void *proto, size_t len)
{
    coord_proto_in_done(proto, len);
}

static void in_end(void *proto, int errno_)
{
    coord_proto_gone(proto, errno_ ? strerror(errno_) : "the other side closed the connection");
}

static const uint8_t *out(void *proto, size_t *len)
{
    return coord_proto_out(proto, len);
}

static void sent(void *proto, size_t len)
{
    coord_proto_sent(proto, len);
}

static void connected(void *proto)
{
    coord_proto_begin(proto);
}

static const struct conn_machine machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
    .connected = connected,
};

void protowire_dial(struct net *n, struct coord_proto *p, const struct ipport *to)
{
    struct conn *c = conn_dial(n, to, NULL, &machine, p);
    coord_proto_set_io(p, c);
    if (!c)
        coord_proto_gone(p, "out of memory");
}

err_t protowire_accept(struct net *n, struct coord_proto *p, int fd)
{
    struct conn *c = conn_new(n, fd, &machine, p);
    coord_proto_set_io(p, c);
    if (!c) {
        coord_proto_gone(p, "out of memory");
        return ERR_NOMEM;
    }
    coord_proto_begin(p);
    return OK;
}

void protowire_output(struct coord_proto *p)
{
    if (coord_proto_io(p))
        conn_output(coord_proto_io(p));
}

void protowire_hangup(struct coord_proto *p)
{
    if (coord_proto_io(p))
        conn_hang_up(coord_proto_io(p)); /* its last words are to arrive */
    coord_proto_set_io(p, NULL);
}
