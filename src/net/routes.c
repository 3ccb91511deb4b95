#include "net/routes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_int.h"

enum { TOGETHER_MS = 200, MESSAGES_ROOM = 8192 };

struct routes {
    struct net *net;
    int fd;
    struct event *event;
    struct timer tell;
    void (*fn)(void *arg);
    void *arg;
};

static void tell(void *arg)
{
    struct routes *r = arg;
    r->fn(r->arg);
}

/* That there was something is all that counts: what holds now is asked for anew. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct routes *r = arg;
    char messages[MESSAGES_ROOM];
    (void)what;
    while (recv(fd, messages, sizeof messages, 0) > 0 || errno == ENOBUFS)
        errno = 0;
    net_touch(r->net);
    if (!r->tell.armed && !net_is_forked(r->net))
        env_arm_ms(&r->net->env, &r->tell, TOGETHER_MS);
}

static int open_socket(void)
{
    const struct sockaddr_nl to = {.nl_family = AF_NETLINK,
                                   .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                                RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
                                                RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct routes *routes_new(struct net *n, void (*fn)(void *arg), void *arg)
{
    struct routes *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct routes){.net = n, .fd = open_socket(), .fn = fn, .arg = arg};
    timer_init(&r->tell, tell, r);
    if (r->fd >= 0)
        r->event = event_new(n->base, r->fd, EV_READ | EV_PERSIST, on_readable, r);
    if (r->event && event_add(r->event, NULL) == 0)
        return r;
    routes_free(r);
    return NULL;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    env_disarm(&r->net->env, &r->tell);
    if (r->event)
        event_free(r->event);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}
