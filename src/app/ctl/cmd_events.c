/* tunic ctl events TYPE...: events as they come. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/ctl/commands.h"
#include "app/ctl/show.h"

/* Signals that end it are read, so that what is being written is whole. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for an event. False: a signal came, or nobody reads what is written. */
static bool await(const struct ctl_tool *t, int signals)
{
    struct pollfd p[] = {{t->conn->fd, POLLIN, 0}, {signals, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    while (poll(p, sizeof p / sizeof *p, -1) < 0)
        if (errno != EINTR)
            return false;
    return !p[1].revents && !(p[2].revents & (POLLERR | POLLHUP));
}

int ctl_follow(struct ctl_tool *t, uint32_t count)
{
    int signals = open_signals(), status = CTL_DONE;
    struct ctl_message m;
    (void)signal(SIGPIPE, SIG_IGN);
    for (uint32_t n = 0; !count || n < count;) {
        err_t e = ctl_take(t->conn, &m);
        if (e == ERR_MORE) {
            if (!await(t, signals))
                break;
            continue;
        }
        if (e != OK) {
            status = ctl_lost(t);
            break;
        }
        if (!ctl_is_event(&m))
            continue;
        n++;
        if (!ctl_show_event(&m, t->args->json))
            break;
    }
    if (signals >= 0)
        close(signals);
    return status;
}

/* The words of the command line, "ALL" for what GETINFO events/names has. */
static char *types_line(const struct ctl_args *a, const char *all)
{
    char *line = NULL;
    size_t len;
    FILE *f = open_memstream(&line, &len);
    if (!f)
        return NULL;
    fputs("SETEVENTS", f);
    for (size_t i = 1; i < a->n; i++)
        fprintf(f, " %s", strcasecmp(a->words[i], "ALL") ? a->words[i] : all);
    if (fclose(f) == 0)
        return line;
    free(line);
    return NULL;
}

static bool is_type(const char *word)
{
    return *word &&
           strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") == strlen(word);
}

int ctl_cmd_events(struct ctl_tool *t)
{
    static const char *const key = "events/names";
    char *names = NULL;
    for (size_t i = 1; i < t->args->n; i++)
        if (!is_type(t->args->words[i]))
            return ctl_complain(CTL_USAGE,
                                "\"%.60s\" is no type of event; see \"tunic ctl get "
                                "events/names\"",
                                t->args->words[i]);
    if (ctl_get(t, 1, &key, &names) != OK)
        return ctl_lost(t);
    char *line = types_line(t->args, names ? names : "");
    int status = line ? ctl_do(t, line) : ctl_complain(CTL_FAILED, "out of memory");
    free(line);
    free(names);
    return status ? status : ctl_follow(t, t->args->count);
}
