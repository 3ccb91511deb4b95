#include "app/check/plainwire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/sockaddr.h"

struct plainwire {
    struct env *env;
    int fd;
};

/* ---- waiting ---- */

/* Whether EVENTS came on the socket before END_US; the clocks are read. */
static bool wait_for(struct plainwire *w, short events, uint64_t end_us)
{
    for (;;) {
        clock_read(w->env);
        uint64_t now = w->env->mono_us;
        struct pollfd p = {.fd = w->fd, .events = events};
        int ms = now < end_us ? (int)((end_us - now + US_PER_MS - 1) / US_PER_MS) : 0;
        int n = poll(&p, 1, ms);
        if (n > 0) {
            clock_read(w->env);
            return true;
        }
        if (n == 0 && ms == 0)
            return false;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static uint64_t end_of(const struct plainwire *w, uint32_t timeout_ms)
{
    clock_read(w->env);
    return w->env->mono_us + (uint64_t)timeout_ms * US_PER_MS;
}

/* ---- the connection ---- */

static err_t connect_it(struct plainwire *w, const struct ipport *to, uint32_t timeout_ms)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(to, &ss), error_len = sizeof(int);
    int error = 0, on = 1;
    w->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->fd < 0)
        return ERR_LINK_CONNECT;
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(w->fd, (const struct sockaddr *)&ss, len) == 0)
        return OK;
    if (errno != EINPROGRESS)
        return ERR_LINK_CONNECT;
    if (!wait_for(w, POLLOUT, end_of(w, timeout_ms)))
        error = ETIMEDOUT;
    else if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0)
        error = errno;
    errno = error;
    return error ? ERR_LINK_CONNECT : OK;
}

err_t plainwire_open(struct env *env, const struct ipport *to, uint32_t timeout_ms,
                     struct plainwire **out)
{
    struct plainwire *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    *w = (struct plainwire){.env = env, .fd = -1};
    err_t e = connect_it(w, to, timeout_ms);
    if (e == OK) {
        *out = w;
        return OK;
    }
    int error = errno;
    plainwire_close(w);
    errno = error;
    return e;
}

err_t plainwire_send(struct plainwire *w, const void *bytes, size_t len, uint32_t timeout_ms)
{
    const uint8_t *at = bytes;
    uint64_t end = end_of(w, timeout_ms);
    while (len) {
        ssize_t n = send(w->fd, at, len, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(w, POLLOUT, end))
                return ERR_LINK_TIMEOUT;
        } else if (errno != EINTR) {
            return ERR_LINK_CLOSED;
        }
    }
    return OK;
}

err_t plainwire_recv(struct plainwire *w, void *out, size_t cap, size_t *n, uint32_t timeout_ms)
{
    uint64_t end = end_of(w, timeout_ms);
    for (;;) {
        ssize_t got = recv(w->fd, out, cap, 0);
        if (got > 0) {
            *n = (size_t)got;
            return OK;
        }
        if (got == 0)
            return ERR_LINK_CLOSED;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return ERR_LINK_CLOSED;
        if (errno != EINTR && !wait_for(w, POLLIN, end))
            return ERR_MORE;
    }
}

void plainwire_close(struct plainwire *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}
