/* How the bytes below TLS come to be, and to fail. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link/link_int.h"

void link_await(struct link *l, const char *whom)
{
    snprintf(l->awaited, sizeof l->awaited, "answer of %s", whom);
}

static enum or_reason reason_of_errno(int errno_)
{
    switch (errno_) {
    case ECONNREFUSED:
        return OR_CONNECTREFUSED;
    case ECONNRESET:
    case EPIPE:
        return OR_CONNECTRESET;
    case ETIMEDOUT:
        return OR_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return OR_NOROUTE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
        return OR_RESOURCELIMIT;
    default:
        return OR_IOERROR;
    }
}

void link_tcp_failed(struct link *l, int errno_)
{
    static const char *const when[] = {"connecting", "the TLS handshake", "the link handshake",
                                       "use", "closing"};
    bool connecting = l->state == LINK_CONNECTING, open = l->state == LINK_OPEN;
    err_t why = connecting ? ERR_LINK_CONNECT : ERR_LINK_CLOSED;
    if (errno_)
        link_closef(l, why, reason_of_errno(errno_), "TCP failed during %s: %s", when[l->state],
                    strerror(errno_));
    else
        link_closef(l, why, open ? OR_DONE : OR_IOERROR, "the peer closed TCP during %s",
                    when[l->state]);
}

void link_stall(struct link *l, bool stalled)
{
    if (l->state == LINK_CLOSED || l->stalled == stalled)
        return;
    l->stalled = stalled;
    if (l->ops->on_stall)
        l->ops->on_stall(l->arg, stalled);
}

void link_hold_input(struct link *l, bool hold)
{
    bool was_held = l->held;
    l->held = hold;
    if (was_held && !hold && l->state != LINK_CLOSED && l->ops->on_room)
        l->ops->on_room(l->arg);
}

bool link_holds_input(const struct link *l)
{
    return l->held;
}

void link_hear(struct link *l)
{
    l->heard_us = l->env->mono_us;
    link_stall(l, false);
}

uint64_t link_heard_us(const struct link *l)
{
    return l->heard_us;
}

bool link_is_stalled(const struct link *l)
{
    return l->stalled;
}

void link_not_through(struct link *l, err_t why, int errno_, const char *text)
{
    link_close(l, why, reason_of_errno(errno_), text);
}
