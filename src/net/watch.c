#include "net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "net/net_int.h"

struct watch {
    struct net *net;
    int epoll, timer, kick;
    /* What is wanted of each descriptor: EPOLLIN, EPOLLOUT. */
    uint32_t *want, *have;
    size_t room;
    err_t failed; /* while wants are gathered */
};

static err_t add(struct watch *w, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? OK : ERR_IO;
}

static err_t begin(struct watch *w)
{
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    w->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->epoll < 0)
        return ERR_IO;
    TRY(add(w, w->timer));
    TRY(add(w, w->kick));
    return watch_update(w);
}

err_t watch_new(struct net *n, struct watch **out)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->net = n;
    err_t e = begin(w);
    if (e != OK) {
        watch_free(w);
        return e;
    }
    *out = w;
    return OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    close_fd(w->epoll);
    close_fd(w->timer);
    close_fd(w->kick);
    free(w->want);
    free(w->have);
    free(w);
}

int watch_fd(const struct watch *w)
{
    return w->epoll;
}

/* ---- what libevent waits for ---- */

static err_t make_room(struct watch *w, size_t fd)
{
    if (fd < w->room)
        return OK;
    size_t room = 2 * (fd + 32);
    uint32_t *want = realloc(w->want, room * sizeof *want);
    w->want = want ? want : w->want;
    uint32_t *have = want ? realloc(w->have, room * sizeof *have) : NULL;
    w->have = have ? have : w->have;
    if (!have)
        return ERR_NOMEM;
    memset(want + w->room, 0, (room - w->room) * sizeof *want);
    memset(have + w->room, 0, (room - w->room) * sizeof *have);
    w->room = room;
    return OK;
}

static int gather(const struct event_base *base, const struct event *ev, void *arg)
{
    struct watch *w = arg;
    int fd = event_get_fd(ev);
    (void)base;
    if (fd < 0 || event_get_events(ev) & EV_SIGNAL)
        return 0;
    w->failed = make_room(w, (size_t)fd);
    if (w->failed != OK)
        return -1;
    if (event_pending(ev, EV_READ, NULL))
        w->want[fd] |= EPOLLIN;
    if (event_pending(ev, EV_WRITE, NULL))
        w->want[fd] |= EPOLLOUT;
    return 0;
}

/* A descriptor may have been closed and come back as another since: so what is had is not trusted,
 * and each is set anew. */
static err_t apply(struct watch *w, int fd)
{
    struct epoll_event ev = {.events = w->want[fd], .data.fd = fd};
    if (!ev.events) {
        if (w->have[fd])
            (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, &ev);
        w->have[fd] = 0;
        return OK;
    }
    if (epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &ev) != 0 &&
        (errno != ENOENT || epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) != 0))
        return ERR_IO;
    w->have[fd] = ev.events;
    return OK;
}

static err_t set_timer(struct watch *w)
{
    struct itimerspec at = {.it_value.tv_sec = 0};
    uint64_t due = env_next_us(&w->net->env);
    if (due != TIMER_NEVER) {
        at.it_value.tv_sec = (time_t)(due / US_PER_SEC);
        at.it_value.tv_nsec = (long)(due % US_PER_SEC) * 1000 + 1; /* 0 would disarm */
    }
    return timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0 ? OK : ERR_IO;
}

void watch_kick(struct watch *w)
{
    uint64_t n = 1;
    (void)!write(w->kick, &n, sizeof n);
}

static void set_kick(struct watch *w)
{
    uint64_t n;
    if (w->net->touched)
        watch_kick(w);
    else
        (void)!read(w->kick, &n, sizeof n);
}

err_t watch_update(struct watch *w)
{
    w->failed = OK;
    for (size_t fd = 0; fd < w->room; fd++)
        w->want[fd] = 0;
    (void)event_base_foreach_event(w->net->base, gather, w);
    err_t e = w->failed;
    for (size_t fd = 0; fd < w->room && e == OK; fd++)
        if (w->want[fd] || w->have[fd])
            e = apply(w, (int)fd);
    set_kick(w);
    err_t timer = set_timer(w);
    return e == OK ? timer : e;
}
