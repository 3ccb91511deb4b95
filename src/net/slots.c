/* libevent keeps a little for each descriptor that was ever polled, made when it first is and never
 * freed. Made one by one between what thousands of connections hold, these little pieces would keep
 * the pages of memory around them when all of the connections have gone. So they are made for some
 * descriptors at once, before these are there: by copies of the one that is. */
#include "net/slots.h"

#include <fcntl.h>
#include <unistd.h>

#include "net/net_int.h"

enum { LEAST = 64, MOST = 2048 }; /* at once: as many as there are, within these */

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static void make(struct net *n, int fd)
{
    struct event *e = event_new(n->base, fd, EV_READ, nothing, NULL);
    if (!e)
        return;
    (void)event_add(e, NULL);
    event_free(e);
}

void slots_for(struct net *n, int fd)
{
    int copies[MOST], made = 0;
    if (fd < n->slots)
        return;
    int wanted = fd < LEAST ? LEAST : fd < MOST ? fd : MOST;
    while (made < wanted && (copies[made] = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1)) >= 0)
        make(n, copies[made++]);
    n->slots = made ? copies[made - 1] + 1 : fd + 1;
    while (made > 0)
        close(copies[--made]);
}
