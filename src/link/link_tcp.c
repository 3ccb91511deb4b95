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

void link_not_through(struct link *l, err_t why, int errno_, const char *text)
{
    link_close(l, why, reason_of_errno(errno_), text);
}
