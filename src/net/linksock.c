#include "net/linksock.h"

#include "net/conn.h"

uint8_t *linksock_in_room(void *link, size_t *room)
{
    return link_in_room(link, room);
}

void linksock_in_done(void *link, size_t len)
{
    link_in_done(link, len);
}

void linksock_in_end(void *link, int errno_)
{
    link_tcp_failed(link, errno_);
}

const uint8_t *linksock_out(void *link, size_t *len)
{
    return link_seal(link, len);
}

void linksock_sent(void *link, size_t len)
{
    link_sent(link, len);
}

void linksock_connected(void *link)
{
    link_tcp_open(link);
}

void linksock_output(void *world, struct link *l)
{
    (void)world;
    if (link_io(l))
        conn_output(link_io(l));
}

void linksock_hangup(void *world, struct link *l)
{
    (void)world;
    if (link_io(l))
        conn_close(link_io(l));
    link_set_io(l, NULL);
}
