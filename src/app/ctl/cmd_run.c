/* Control lines as they are written: of the command line, of a file, of a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "app/ctl/commands.h"
#include "app/ctl/show.h"

/* What tor itself takes of a line with its body. */
enum { COMMAND_MOST = 1 << 20, READ_ROOM = 1 << 14 };

/* What commands are read from, a line after the other, while events are shown. */
struct source {
    struct ctl_tool *t;
    int fd;
    char *bytes; /* what was read; up to AT it is done with */
    size_t at, len, cap;
    bool ended;
    bool failed; /* a command was refused, or could not be read or sent */
    bool done;   /* nothing more can be done */
};

static void on_event(void *arg, const struct ctl_message *m)
{
    const struct ctl_tool *t = arg;
    (void)ctl_show_event(m, t->args->json);
}

/* Sends COMMAND, shows what comes back. 0, CTL_FAILED if it was refused; *DONE: the connection is
 * gone. */
static int run(struct ctl_tool *t, const char *command, bool *done)
{
    struct ctl_message m;
    if (ctl_ask(t->conn, command, &m) != OK) {
        *done = true;
        return ctl_lost(t);
    }
    *done = strcasecmp(command, "QUIT") == 0 || !ctl_show_reply(command, &m, t->args->json);
    if (strcasecmp(command, "QUIT") == 0)
        (void)ctl_show_reply(command, &m, t->args->json);
    return ctl_is_ok(&m) ? CTL_DONE : CTL_FAILED;
}

int ctl_cmd_lines(struct ctl_tool *t)
{
    const struct ctl_args *a = t->args;
    int status = CTL_DONE;
    bool done = false;
    t->conn->on_event = on_event;
    t->conn->arg = t;
    for (size_t i = 0; i < a->n && !done; i++) {
        if (strpbrk(a->words[i], "\r\n"))
            return ctl_complain(CTL_USAGE, "a command is one line; --run takes a file of them");
        status |= run(t, a->words[i], &done);
    }
    bool follows = !status && !done && strncasecmp(a->words[a->n - 1], "SETEVENTS ", 10) == 0;
    return follows ? ctl_follow(t, a->count) : status;
}

/* ---- files ---- */

static void fail(struct source *s, const char *why)
{
    s->failed = s->done = true;
    (void)ctl_complain(CTL_FAILED, "%s", why);
}

/* Reads on; at the end of all a last line without a newline has one. */
static void read_on(struct source *s)
{
    if (s->at) {
        memmove(s->bytes, s->bytes + s->at, s->len - s->at);
        s->len -= s->at;
        s->at = 0;
    }
    if (s->cap - s->len < READ_ROOM) {
        char *bytes = s->cap > COMMAND_MOST ? NULL : realloc(s->bytes, 2 * s->cap + READ_ROOM);
        if (!bytes) {
            fail(s, "a line is too long");
            return;
        }
        s->bytes = bytes;
        s->cap = 2 * s->cap + READ_ROOM;
    }
    ssize_t n = read(s->fd, s->bytes + s->len, READ_ROOM - 1);
    if (n < 0 && errno != EINTR)
        fail(s, strerror(errno));
    s->ended = n == 0;
    if (n > 0)
        s->len += (size_t)n;
    else if (s->ended && s->len)
        s->bytes[s->len++] = '\n';
}

/* Shows what came without being asked for. */
static void hear(struct source *s)
{
    struct ctl_message m;
    err_t e;
    while ((e = ctl_take(s->t->conn, &m)) == OK)
        if (!ctl_show_event(&m, s->t->args->json))
            s->done = true;
    if (e != ERR_MORE) {
        s->failed = s->done = true;
        (void)ctl_lost(s->t);
    }
}

/* The next line, without its end, which lives until the next call; NULL at the end. */
static char *next_line(struct source *s)
{
    while (!s->done) {
        char *from = s->len > s->at ? s->bytes + s->at : NULL;
        char *newline = from ? memchr(from, '\n', s->len - s->at) : NULL;
        if (newline) {
            s->at = (size_t)(newline + 1 - s->bytes);
            *newline = 0;
            from[strcspn(from, "\r")] = 0;
            return from;
        }
        if (s->ended)
            return NULL;
        struct pollfd p[] = {{s->fd, POLLIN, 0}, {s->t->conn->fd, POLLIN, 0}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            hear(s);
        if (p[0].revents && !s->done)
            read_on(s);
    }
    return NULL;
}

/* A "+COMMAND" with its body, down to the line with a dot: as one text. NULL: too long, or it does
 * not end. */
static char *with_body(struct source *s, const char *command)
{
    char *all = NULL;
    size_t len = 0;
    const char *line;
    FILE *f = open_memstream(&all, &len);
    bool ended = false;
    if (!f)
        return NULL;
    fputs(command, f);
    while (!ended && ftell(f) < COMMAND_MOST && (line = next_line(s))) {
        fprintf(f, "\r\n%s", line);
        ended = strcmp(line, ".") == 0;
    }
    if (fclose(f) == 0 && ended)
        return all;
    free(all);
    return NULL;
}

static void run_line(struct source *s, const char *line)
{
    const char *command = line + strspn(line, " \t");
    char *body = NULL;
    if (!*command || *command == '#')
        return;
    if (*command == '+' && !(body = with_body(s, command))) {
        if (!s->done)
            fail(s, "the body of a command that begins with + ends with a line that is a dot");
        return;
    }
    s->failed |= run(s->t, body ? body : command, &s->done) != CTL_DONE;
    free(body);
}

int ctl_cmd_file(struct ctl_tool *t, const char *path)
{
    bool in = strcmp(path, "-") == 0;
    struct source s = {.t = t, .fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    const char *line;
    if (s.fd < 0)
        return ctl_complain(CTL_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    t->conn->on_event = on_event;
    t->conn->arg = t;
    while (!s.done && (line = next_line(&s)))
        run_line(&s, line);
    if (!in)
        close(s.fd);
    free(s.bytes);
    return s.failed ? CTL_FAILED : CTL_DONE;
}
