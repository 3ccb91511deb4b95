#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "net/clock.h"
#include "net/conn_int.h"
#include "net/net_int.h"

enum {
    SETTLE_ROUNDS = 64, /* bounds one batch: others want their turn */
    TRIM_LEAST = 1024 * 1024,
    TRIM_MS = 5000,
};

static void arm_timer(struct net *n)
{
    uint64_t due = env_next_us(&n->env), now = n->env.mono_us;
    if (due == TIMER_NEVER) {
        event_del(n->timer);
        return;
    }
    uint64_t wait = due > now ? due - now : 0;
    struct timeval tv = {.tv_sec = (time_t)(wait / US_PER_SEC),
                         .tv_usec = (suseconds_t)(wait % US_PER_SEC)};
    event_add(n->timer, &tv);
}

static void flush_dirty(struct net *n)
{
    while (n->dirty) {
        struct conn *c = n->dirty;
        conn_undirty(c);
        conn_flush(c);
    }
}

static void trim(void *arg)
{
    struct net *n = arg;
    n->trimmed_at = n->env.queues.tally.given_back;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void net_return_memory(struct net *n)
{
    n->returns_memory = true;
}

static void look_at_memory(struct net *n)
{
    size_t given = n->env.queues.tally.given_back - n->trimmed_at;
    if (given >= TRIM_LEAST && n->returns_memory && !n->trim.armed)
        env_arm_ms(&n->env, &n->trim, TRIM_MS);
}

static void settle(evutil_socket_t fd, short what, void *arg)
{
    struct net *n = arg;
    (void)fd, (void)what;
    if (net_is_forked(n))
        return;
    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        clock_read(&n->env); /* what has been done, reading a directory perhaps, took its time */
        env_run_timers(&n->env);
        flush_dirty(n);
        if (env_next_us(&n->env) > n->env.mono_us && !n->dirty)
            break;
    }
    n->touched = false;
    look_at_memory(n);
    if (n->dirty)
        net_touch(n);
    arm_timer(n);
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    net_touch(arg);
}

/* event_base_new() ends the program if it gets no descriptors for itself: an epoll, two of a socket
 * pair, and perhaps a timer. */
static bool descriptors_are_left(void)
{
    int fd[4];
    bool first = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0;
    bool both = first && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd + 2) == 0;
    for (int i = 0; i < (both ? 4 : first ? 2 : 0); i++)
        close(fd[i]);
    return both;
}

static err_t make_base(struct net *n, struct event_base *base)
{
    if (!base && !descriptors_are_left())
        return ERR_IO;
    n->base = base ? base : event_base_new();
    return n->base ? OK : ERR_NOMEM;
}

static err_t make_events(struct net *n)
{
    n->settle = event_new(n->base, -1, 0, settle, n);
    n->timer = event_new(n->base, -1, 0, timer_due, n);
    return n->settle && n->timer ? OK : ERR_NOMEM;
}

err_t net_new(struct log *log, struct event_base *base, struct net **out)
{
    struct net *n = calloc(1, sizeof *n);
    if (!n)
        return ERR_NOMEM;
    n->env.log = log;
    n->env.random = crypto_random;
    n->env.padding = filler_take;
    n->env.padding_arg = &n->filler;
    timer_init(&n->trim, trim, n);
    n->own_base = !base;
    err_t e = make_base(n, base);
    if (e == OK)
        e = make_events(n);
    if (e != OK) {
        net_free(n);
        return e;
    }
    net_touch(n);
    *out = n;
    return OK;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_signals; i++)
        event_free(n->signals[i].event);
    if (n->settle)
        event_free(n->settle);
    if (n->timer)
        event_free(n->timer);
    if (n->own_base && n->base)
        event_base_free(n->base);
    secret_wipe(n, sizeof *n); /* the filler's key, and bytes that were handed on */
    free(n);
}

struct env *net_env(struct net *n)
{
    return &n->env;
}

void net_set_owner(struct net *n, uid_t uid, gid_t gid)
{
    n->has_owner = true;
    n->owner_uid = uid;
    n->owner_gid = gid;
}

void net_set_socket_buffers(struct net *n, size_t bytes)
{
    n->sock_bytes = bytes > INT_MAX ? INT_MAX : (int)bytes;
}

const struct net_counts *net_counts(const struct net *n)
{
    return &n->counts;
}

struct event_base *net_base(struct net *n)
{
    return n->base;
}

err_t net_turn(struct net *n, bool wait)
{
    int how = wait ? EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK;
    return event_base_loop(n->base, how) < 0 ? ERR_IO : OK;
}

void net_run(struct net *n)
{
    n->stopped = false;
    net_touch(n);
    while (!n->stopped && event_base_loop(n->base, EVLOOP_NO_EXIT_ON_EMPTY) == 0)
        ;
}

void net_stop(struct net *n)
{
    n->stopped = true;
    event_base_loopbreak(n->base);
}

static void signal_came(evutil_socket_t signum, short what, void *arg)
{
    struct net_signal *s = arg;
    (void)what;
    net_touch(s->net);
    s->fn(s->arg, (int)signum);
}

err_t net_on_signal(struct net *n, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    if (n->n_signals == NET_SIGNALS_MAX)
        return ERR_LIMIT;
    struct net_signal *s = &n->signals[n->n_signals];
    *s = (struct net_signal){.net = n, .fn = fn, .arg = arg};
    s->event = evsignal_new(n->base, signum, signal_came, s);
    if (!s->event || event_add(s->event, NULL) != 0)
        return ERR_NOMEM;
    n->n_signals++;
    return OK;
}
