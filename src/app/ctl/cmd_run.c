/* Control lines as they are written: of the command line, of a file, of a pipe. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "app/ctl/commands.h"
#include "app/ctl/show.h"

/* What tor itself takes of a line with its body. */
enum { COMMAND_MOST = 1 << 20 };

/* What is being read: a line after the other, and events in between. */
struct source {
    struct ctl_tool *t;
    FILE *f;
    char *line; /* getline()'s */
    size_t cap;
    bool failed; /* a command was refused */
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

/* Reads a line, without its end; false at the end of the file. */
static bool next_line(struct source *s)
{
    ssize_t n = getline(&s->line, &s->cap, s->f);
    if (n < 0)
        return false;
    while (n && (s->line[n - 1] == '\n' || s->line[n - 1] == '\r'))
        s->line[--n] = 0;
    return true;
}

/* A "+COMMAND" with its body, down to the line with a dot: as one text. NULL: too long, or it does
 * not end. */
static char *with_body(struct source *s)
{
    char *all = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&all, &len);
    bool ended = false;
    if (!f)
        return NULL;
    fputs(s->line, f);
    while (!ended && ftell(f) < COMMAND_MOST && next_line(s)) {
        fprintf(f, "\r\n%s", s->line);
        ended = strcmp(s->line, ".") == 0;
    }
    if (fclose(f) == 0 && ended)
        return all;
    free(all);
    return NULL;
}

static void run_line(struct source *s)
{
    char *body = NULL, *command = s->line + strspn(s->line, " \t");
    if (!*command || *command == '#')
        return;
    if (*command == '+' && !(body = with_body(s))) {
        s->done = true;
        s->failed = true;
        (void)ctl_complain(CTL_FAILED, "the body of a command that begins with + ends with a line "
                                       "that is a dot");
        return;
    }
    s->failed |= run(s->t, body ? body : command, &s->done) != CTL_DONE;
    free(body);
}

int ctl_cmd_file(struct ctl_tool *t, const char *path)
{
    bool in = strcmp(path, "-") == 0;
    struct source s = {.t = t, .f = in ? stdin : fopen(path, "re")};
    if (!s.f)
        return ctl_complain(CTL_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    t->conn->on_event = on_event;
    t->conn->arg = t;
    while (!s.done && next_line(&s))
        run_line(&s);
    if (ferror(s.f)) {
        s.failed = true;
        (void)ctl_complain(CTL_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    }
    if (!in)
        fclose(s.f);
    free(s.line);
    return s.failed ? CTL_FAILED : CTL_DONE;
}
