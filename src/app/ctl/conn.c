#include "app/ctl/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "app/ctl/words.h"
#include "base/addr.h"
#include "net/sockaddr.h"

uint64_t ctl_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

err_t ctl_fail(char why[CTL_WHY], err_t e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, CTL_WHY, fmt, args);
    va_end(args);
    return e;
}

/* ---- places ---- */

err_t ctl_place_unix(const char *path, struct ctl_place *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->addr;
    memset(out, 0, sizeof *out);
    if (!*path || strlen(path) >= sizeof un->sun_path)
        return ERR_ARG;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    out->addr_len = sizeof *un;
    memcpy(out->text, "unix:", 5);
    ctl_printable(text_of(path), out->text + 5, sizeof out->text - 5);
    return OK;
}

err_t ctl_place_parse(const char *text, struct ctl_place *out)
{
    static const char localhost[] = "localhost:";
    struct ipport at = {.ip = {.family = IP_V4, .b = {127, 0, 0, 1}}};
    uint64_t port;
    if (strncmp(text, "unix:", 5) == 0)
        return ctl_place_unix(text + 5, out);
    if (strchr(text, '/'))
        return ctl_place_unix(text, out);
    if (strncmp(text, localhost, sizeof localhost - 1) == 0)
        text += sizeof localhost - 1;
    if (text_u64(text, UINT16_MAX, &port) == OK)
        at.port = (uint16_t)port;
    else
        TRY(ipport_parse(text, &at));
    if (!at.port)
        return ERR_ARG;
    memset(out, 0, sizeof *out);
    out->addr_len = sockaddr_of(&at, &out->addr);
    (void)ipport_text(&at, out->text);
    return OK;
}

/* ---- connecting ---- */

/* Waits for EVENTS until UNTIL; ERR_LINK_TIMEOUT. */
static err_t await(int fd, short events, uint64_t until)
{
    for (;;) {
        uint64_t now = ctl_now_ms();
        struct pollfd p = {fd, events, 0};
        if (now >= until)
            return ERR_LINK_TIMEOUT;
        int n = poll(&p, 1, (int)(until - now));
        if (n > 0)
            return OK;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
    }
}

static err_t connect_to(int fd, const struct ctl_place *place, uint64_t until)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (connect(fd, (const struct sockaddr *)&place->addr, place->addr_len) == 0)
        return OK;
    if (errno != EINPROGRESS)
        return ERR_IO;
    err_t e = await(fd, POLLOUT, until);
    if (e == ERR_LINK_TIMEOUT)
        errno = ETIMEDOUT;
    TRY(e);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return ERR_IO;
    errno = error;
    return error ? ERR_IO : OK;
}

err_t ctl_conn_open(const struct ctl_place *place, uint32_t patience_ms, size_t most,
                    struct ctl_conn **out, char why[CTL_WHY])
{
    struct ctl_conn *c = calloc(1, sizeof *c);
    if (!c || !(c->reader = ctl_reader_new(most))) {
        free(c);
        return ctl_fail(why, ERR_NOMEM, "out of memory");
    }
    c->patience_ms = patience_ms;
    c->fd = socket(place->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err_t e = c->fd < 0 ? ERR_IO : connect_to(c->fd, place, ctl_now_ms() + patience_ms);
    if (e != OK) {
        (void)ctl_fail(why, e, "%s", strerror(errno));
        ctl_conn_close(c);
        return e;
    }
    *out = c;
    return OK;
}

void ctl_conn_close(struct ctl_conn *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    ctl_reader_free(c->reader);
    free(c);
}

/* ---- talking ---- */

static err_t send_all(struct ctl_conn *c, const char *bytes, size_t len)
{
    uint64_t until = ctl_now_ms() + c->patience_ms;
    while (len) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN && await(c->fd, POLLOUT, until) == OK) {
            continue;
        } else if (errno != EINTR) {
            return ctl_fail(c->why, ERR_IO, "it takes no command: %s", strerror(errno));
        }
    }
    return OK;
}

err_t ctl_send(struct ctl_conn *c, const char *line)
{
    size_t len = strlen(line);
    char *bytes = malloc(len + 3);
    if (!bytes)
        return ctl_fail(c->why, ERR_NOMEM, "out of memory");
    memcpy(bytes, line, len);
    memcpy(bytes + len, "\r\n", 3);
    err_t e = send_all(c, bytes, len + 2);
    free(bytes);
    return e;
}

/* Reads what is there; ERR_MORE if nothing is. */
static err_t fill(struct ctl_conn *c)
{
    size_t room;
    char *to = ctl_reader_room(c->reader, &room);
    if (!to)
        return ctl_fail(c->why, ERR_NOMEM, "out of memory");
    ssize_t n = recv(c->fd, to, room, 0);
    if (n > 0) {
        ctl_reader_done(c->reader, (size_t)n);
        return OK;
    }
    if (n == 0)
        return ctl_fail(c->why, ERR_LINK_CLOSED, "the other side closed the connection");
    if (errno == EAGAIN || errno == EINTR)
        return ERR_MORE;
    return ctl_fail(c->why, ERR_LINK_CLOSED, "%s", strerror(errno));
}

err_t ctl_take(struct ctl_conn *c, struct ctl_message *out)
{
    for (;;) {
        err_t e = ctl_reader_next(c->reader, out);
        if (e == ERR_MALFORMED)
            return ctl_fail(c->why, e, "what it says is not the control protocol");
        if (e == ERR_LIMIT)
            return ctl_fail(c->why, e, "it says more in one answer than can be right");
        if (e != ERR_MORE)
            return e;
        TRY(fill(c));
    }
}

err_t ctl_reply(struct ctl_conn *c, struct ctl_message *out)
{
    uint64_t until = ctl_now_ms() + c->patience_ms;
    for (;;) {
        err_t e = ctl_take(c, out);
        if (e == ERR_MORE)
            e = await(c->fd, POLLIN, until);
        else if (e == OK && !ctl_is_event(out))
            return OK;
        else if (e == OK && c->on_event)
            c->on_event(c->arg, out);
        /* Events alone are no answer, however many come. */
        if (e == OK && ctl_now_ms() >= until)
            e = ERR_LINK_TIMEOUT;
        if (e == ERR_LINK_TIMEOUT)
            return ctl_fail(c->why, e, "no answer within %u s", (c->patience_ms + 999) / 1000);
        TRY(e);
    }
}

err_t ctl_ask(struct ctl_conn *c, const char *line, struct ctl_message *out)
{
    TRY(ctl_send(c, line));
    return ctl_reply(c, out);
}

const char *ctl_end_text(const struct ctl_message *m, char *out)
{
    const struct ctl_line *end = &m->lines[m->n - 1];
    int n = snprintf(out, CTL_WHY, "%03u ", end->code);
    ctl_printable(end->text, out + n, CTL_WHY - (size_t)n);
    return out;
}
