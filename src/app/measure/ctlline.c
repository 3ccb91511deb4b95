#include "app/measure/ctlline.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CTLLINE_MOST = 32 << 20, CTLLINE_READ = 16 * 1024 };

/* That a signal has come shows in what it interrupts. */
static void nothing(int signum)
{
    (void)signum;
}

/* Blocked but for the waits: so none is missed between two of them. */
static void take_signals(struct ctlline *l)
{
    struct sigaction act = {.sa_handler = nothing};
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigemptyset(&act.sa_mask);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigprocmask(SIG_BLOCK, &interrupts, &l->mask);
}

bool ctlline_open(struct ctlline *l, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    *l = (struct ctlline){.fd = -1};
    buf_init(&l->in, CTLLINE_MOST);
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof to.sun_path)
        return false;
    memcpy(to.sun_path, path, strlen(path) + 1);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return false;
    take_signals(l);
    return true;
}

void ctlline_close(struct ctlline *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    buf_free(&l->in);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool ctlline_say(const struct ctlline *l, const char *text)
{
    return write_all(l->fd, text, strlen(text)) && write_all(l->fd, "\n", 1);
}

/* LINE, if there is a whole one. */
static bool take_line(struct ctlline *l, struct text *line)
{
    const uint8_t *end = l->in.len ? memchr(buf_at(&l->in), '\n', l->in.len) : NULL;
    if (!end)
        return false;
    line->s = (const char *)buf_at(&l->in);
    line->len = (size_t)(end - buf_at(&l->in));
    l->told = line->len + 1;
    return true;
}

enum ctlline_next ctlline_next(struct ctlline *l, struct text *line)
{
    buf_drain(&l->in, l->told);
    l->told = 0;
    while (!take_line(l, line)) {
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (ppoll(&p, 1, NULL, &l->mask) < 0)
            return errno == EINTR ? CTLLINE_INTERRUPTED : CTLLINE_GONE;
        uint8_t *room = buf_room(&l->in, CTLLINE_READ);
        ssize_t n = room ? read(l->fd, room, CTLLINE_READ) : -1;
        if (n <= 0)
            return CTLLINE_GONE;
        buf_commit(&l->in, (size_t)n);
    }
    return CTLLINE_LINE;
}
