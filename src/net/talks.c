#include "net/talks.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/later.h"
#include "net/conn.h"

enum { LINGER_MS = 10000 };

/* One connection. */
struct talk {
    struct talks *set;
    void *machine;
    struct conn *conn;
    bool done;
    struct later reap;
    struct talk *prev, *next;
};

struct talks {
    struct net *net;
    const struct talk_kind *kind;
    void *arg;
    struct talk *all;
};

static void talk_free(struct talk *t)
{
    DL_DELETE(t->set->all, t);
    later_cancel(net_env(t->set->net), &t->reap);
    if (t->conn)
        conn_close(t->conn);
    if (t->machine)
        t->set->kind->free(t->machine);
    free(t);
}

static void reap(void *arg)
{
    talk_free(arg);
}

static void drained(void *arg)
{
    struct talk *t = arg;
    later_ask(net_env(t->set->net), &t->reap);
}

static void on_output(void *arg)
{
    struct talk *t = arg;
    conn_output(t->conn);
}

static void on_input_wanted(void *arg)
{
    struct talk *t = arg;
    conn_resume(t->conn);
}

static void on_end(void *arg)
{
    struct talk *t = arg;
    if (t->done)
        return;
    t->done = true;
    conn_drain(t->conn, LINGER_MS, drained);
}

static const struct talk_ops talk_ops = {
    .on_output = on_output, .on_input_wanted = on_input_wanted, .on_end = on_end};

static uint8_t *in_room(void *arg, size_t *room)
{
    struct talk *t = arg;
    return t->set->kind->in_room(t->machine, room);
}

static void in_done(void *arg, size_t len)
{
    struct talk *t = arg;
    t->set->kind->in_done(t->machine, len);
}

static void say_gone(struct talk *t)
{
    if (!t->done && t->set->kind->gone)
        t->set->kind->gone(t->machine);
}

static void in_end(void *arg, int errno_)
{
    (void)errno_;
    say_gone(arg);
    drained(arg);
}

/* Who asks and closes his side (a pipe into a program that sends it) may still read the answer. */
static void in_eof(void *arg, bool sure)
{
    (void)sure;
    say_gone(arg);
    on_end(arg);
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct talk *t = arg;
    return t->machine ? t->set->kind->out(t->machine, len) : NULL; /* none: it is turned away */
}

static void sent(void *arg, size_t len)
{
    struct talk *t = arg;
    t->set->kind->sent(t->machine, len);
}

static const struct conn_machine talk_machine = {.in_room = in_room,
                                                 .in_done = in_done,
                                                 .in_end = in_end,
                                                 .in_eof = in_eof,
                                                 .out = out,
                                                 .sent = sent};

void talks_accept(void *talks, int fd, const struct ipport *peer, struct port_config *config)
{
    struct talks *set = talks;
    int one = 1;
    struct talk *t = calloc(1, sizeof *t);
    port_config_release(config);
    if (!t) {
        close(fd);
        return;
    }
    *t = (struct talk){.set = set};
    later_init(&t->reap, reap, t);
    DL_APPEND(set->all, t);
    if (peer->ip.family != IP_NONE)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    t->conn = conn_new(set->net, fd, &talk_machine, t);
    t->machine = t->conn ? set->kind->make(set->arg, peer, &talk_ops, t) : NULL;
    if (!t->machine)
        talk_free(t);
}

struct talks *talks_new(struct net *n, const struct talk_kind *kind, void *arg)
{
    struct talks *t = calloc(1, sizeof *t);
    if (t)
        *t = (struct talks){.net = n, .kind = kind, .arg = arg};
    return t;
}

void talks_free(struct talks *t)
{
    if (!t)
        return;
    while (t->all)
        talk_free(t->all);
    free(t);
}
