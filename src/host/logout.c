#include "host/logout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* O_NONBLOCK belongs to the open file, which a shell and its other programs share with us: it is
 * never set there, but on an open file of our own. -1: there is none to be had. */
static int open_again(int fd)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static enum logout_how how_to_write(struct logout *o)
{
    struct stat st;
    if (fstat(o->fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return LOGOUT_DISK;
    if (S_ISSOCK(st.st_mode))
        return LOGOUT_SOCKET;
    if (o->owned)
        return LOGOUT_NONBLOCK; /* it was opened so */
    o->own_fd = open_again(o->fd);
    return o->own_fd >= 0 ? LOGOUT_NONBLOCK : LOGOUT_POLL;
}

void logout_init(struct logout *o, int fd, bool owned)
{
    *o = (struct logout){.fd = fd, .owned = owned, .own_fd = -1};
    buf_init(&o->queue, LOGOUT_QUEUE_MAX);
    o->how = how_to_write(o);
}

void logout_close(struct logout *o)
{
    if (o->own_fd >= 0)
        close(o->own_fd);
    if (o->owned)
        close(o->fd);
    buf_free(&o->queue);
    o->fd = o->own_fd = -1;
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes. */
static ssize_t write_polled(int fd, const uint8_t *bytes, size_t len)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLOUT | POLLERR | POLLHUP)))
        return write(fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
    errno = EAGAIN;
    return -1;
}

static ssize_t write_some(const struct logout *o, const uint8_t *bytes, size_t len)
{
    switch (o->how) {
    case LOGOUT_SOCKET:
        return send(o->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case LOGOUT_POLL:
        return write_polled(o->fd, bytes, len);
    case LOGOUT_NONBLOCK:
    case LOGOUT_DISK:
        break;
    }
    return write(o->own_fd >= 0 ? o->own_fd : o->fd, bytes, len);
}

bool logout_flush(struct logout *o)
{
    while (o->queue.len) {
        ssize_t n = write_some(o, buf_at(&o->queue), o->queue.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        /* A disk that is full, a reader that has gone: there is nobody to tell. */
        buf_drain(&o->queue, n < 0 ? o->queue.len : (size_t)n);
    }
    buf_trim(&o->queue);
    return true;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool logout_flush_ms(struct logout *o, int ms)
{
    struct pollfd p = {.fd = o->own_fd >= 0 ? o->own_fd : o->fd, .events = POLLOUT};
    int64_t end = now_ms() + ms, left;
    while (!logout_flush(o)) {
        left = end - now_ms();
        if (left <= 0)
            return false;
        (void)poll(&p, 1, left < 50 ? (int)left : 50);
    }
    return true;
}

bool logout_add(struct logout *o, const char *line, size_t len)
{
    if (!o->lost && buf_add(&o->queue, line, len) == OK)
        return true;
    o->lost++;
    return false;
}
