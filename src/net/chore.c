#include "net/chore.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

enum { READ_SIZE = 16 << 10, NICER_BY = 5, FAILED = 1 };

struct chore {
    struct net *net;
    struct chore_work of;
    pid_t pid;
    int from;
    struct event *readable;
    struct buf said;
    bool lost; /* there was no memory for something of it */
};

/* ---- the other process ---- */

/* Sockets that it held would not close when ours do, and handlers of signals tell our loop. */
static void leave_behind(int *to)
{
    enum { FIRST = STDERR_FILENO + 1 };
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    if (*to != FIRST && dup2(*to, FIRST) == FIRST)
        *to = FIRST;
    if (*to == FIRST)
        (void)close_range(FIRST + 1, ~0u, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)!nice(NICER_BY); /* what is measured goes first */
}

static void be_the_other(const struct chore_work *of, int to, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(FAILED); /* it died before the line above */
    leave_behind(&to);
    _exit(of->work(of->arg, to) ? 0 : FAILED);
}

/* ---- this one ---- */

static void chore_free(struct chore *c)
{
    if (c->readable)
        event_free(c->readable);
    if (c->from >= 0)
        close(c->from);
    buf_free(&c->said);
    free(c);
}

/* It has closed its end of the pipe, so it is about to end, or has ended. */
static bool wait_for(pid_t pid)
{
    int status;
    pid_t ended;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void take(struct chore *c, struct text piece)
{
    size_t room = buf_space(&c->said);
    if (c->of.heard)
        c->of.heard(c->of.arg, piece);
    else if (buf_add(&c->said, piece.s, piece.len < room ? piece.len : room) !=
             OK) /* or it is cut */
        c->lost = true;
}

static void on_readable(evutil_socket_t fd, short what, void *chore)
{
    struct chore *c = chore;
    uint8_t bytes[READ_SIZE];
    ssize_t n = read((int)fd, bytes, sizeof bytes);
    (void)what;
    net_touch(c->net);
    if (n > 0) {
        take(c, (struct text){(const char *)bytes, (size_t)n});
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool good = wait_for(c->pid) && !c->lost;
    c->of.done(c->of.arg, good, (struct text){(const char *)buf_at(&c->said), c->said.len});
    chore_free(c);
}

/* The process, with the end of a pipe in it. */
static err_t fork_it(struct chore *c)
{
    int ends[2];
    sigset_t all, old;
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return ERR_IO;
    (void)fcntl(ends[1], F_SETFL, 0); /* it may wait for us */
    c->from = ends[0];
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old); /* our handlers must not run there */
    c->pid = fork();
    if (c->pid == 0)
        be_the_other(&c->of, ends[1], parent);
    int error = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(ends[1]);
    errno = error;
    return c->pid > 0 ? OK : ERR_IO;
}

err_t chore_start(struct net *n, const struct chore_work *of, struct chore **out)
{
    struct chore *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct chore){.net = n, .of = *of, .from = -1};
    buf_init(&c->said, CHORE_SAYS_MOST);
    err_t e = fork_it(c);
    if (e == OK) {
        c->readable = event_new(net_base(n), c->from, EV_READ | EV_PERSIST, on_readable, c);
        if (c->readable && event_add(c->readable, NULL) == 0) {
            *out = c;
            return OK;
        }
        (void)kill(c->pid, SIGKILL);
        (void)wait_for(c->pid);
        e = ERR_NOMEM;
    }
    int error = errno;
    chore_free(c);
    errno = error;
    return e;
}

/* An event that cannot be added again would leave it waiting for ever: so it ends. */
void chore_hold(struct chore *c, bool held)
{
    if (held)
        (void)event_del(c->readable);
    else if (event_add(c->readable, NULL) != 0)
        (void)kill(c->pid, SIGKILL);
}

void chore_stop(struct chore *c)
{
    if (!c)
        return;
    (void)kill(c->pid, SIGKILL);
    (void)wait_for(c->pid);
    chore_free(c);
}
