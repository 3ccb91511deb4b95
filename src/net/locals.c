#include "net/locals.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/later.h"
#include "net/conn.h"

enum {
    LINGER_MS = 30000,
    MOST_HALF_CLOSED = 1000, /* applications that may still read; more are taken for gone */
};

struct local {
    struct locals *set;
    struct port_config *config;
    struct pump *pump;
    struct conn *conn;
    bool done;
    bool half_closed; /* counted as such */
    struct later reap;
    struct local *prev, *next;
};

struct locals {
    struct net *net;
    struct client *client;
    front_new_fn *front;
    locals_policy_fn *policy;
    void *arg;
    struct local *all;
    size_t n, n_half_closed;
};

/* ---- one connection ---- */

static void free_local(struct local *l)
{
    DL_DELETE(l->set->all, l);
    l->set->n--;
    l->set->n_half_closed -= l->half_closed;
    later_cancel(net_env(l->set->net), &l->reap);
    if (l->conn)
        conn_close(l->conn);
    pump_free(l->pump);
    port_config_release(l->config);
    free(l);
}

static void reap(void *arg)
{
    free_local(arg);
}

static void drained(void *arg)
{
    struct local *l = arg;
    later_ask(net_env(l->set->net), &l->reap);
}

static uint8_t *in_room(void *arg, size_t *room)
{
    struct local *l = arg;
    return pump_in_room(l->pump, room);
}

static void in_done(void *arg, size_t len)
{
    struct local *l = arg;
    pump_in_done(l->pump, len);
}

static void in_end(void *arg, int errno_)
{
    struct local *l = arg;
    (void)errno_;
    pump_in_end(l->pump);
}

static void in_eof(void *arg, bool sure)
{
    struct local *l = arg;
    if (!sure && l->set->n_half_closed >= MOST_HALF_CLOSED) {
        pump_in_end(l->pump);
        return;
    }
    l->half_closed = !sure;
    l->set->n_half_closed += !sure;
    pump_in_eof(l->pump, sure);
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct local *l = arg;
    return pump_out(l->pump, len);
}

static void sent(void *arg, size_t len)
{
    struct local *l = arg;
    pump_sent(l->pump, len);
}

static const struct conn_machine local_machine = {.in_room = in_room,
                                                  .in_done = in_done,
                                                  .in_end = in_end,
                                                  .in_eof = in_eof,
                                                  .out = out,
                                                  .sent = sent};

static void on_output(void *arg)
{
    struct local *l = arg;
    conn_output(l->conn);
}

static void on_input_wanted(void *arg)
{
    struct local *l = arg;
    conn_resume(l->conn);
}

static void on_end(void *arg)
{
    struct local *l = arg;
    if (l->done)
        return;
    l->done = true;
    conn_drain(l->conn, LINGER_MS, drained);
}

static const struct pump_ops pump_ops = {
    .on_output = on_output, .on_input_wanted = on_input_wanted, .on_end = on_end};

static bool may_come_in(const struct locals *set, const struct ipport *peer)
{
    if (peer->ip.family == IP_NONE || set->policy(set->arg, peer))
        return true;
    log_notice(net_env(set->net)->log,
               "Denying socks connection from untrusted address (SocksPolicy)");
    return false;
}

static struct local *local_new(struct locals *set, struct port_config *config)
{
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct local){.set = set, .config = config};
    later_init(&l->reap, reap, l);
    DL_APPEND(set->all, l);
    set->n++;
    return l;
}

void locals_accept(void *locals, int fd, const struct ipport *peer, struct port_config *config)
{
    struct locals *set = locals;
    int one = 1;
    struct local *l = may_come_in(set, peer) ? local_new(set, config) : NULL;
    if (!l) {
        port_config_release(config);
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    l->conn = conn_new(set->net, fd, &local_machine, l);
    l->pump = l->conn
                  ? set->front(net_env(set->net), set->client, &config->front, peer, &pump_ops, l)
                  : NULL;
    if (!l->pump)
        free_local(l);
}

/* ---- the set ---- */

struct locals *locals_new(struct net *n, struct client *c, front_new_fn *front,
                          locals_policy_fn *policy, void *arg)
{
    struct locals *l = calloc(1, sizeof *l);
    if (l)
        *l = (struct locals){.net = n, .client = c, .front = front, .policy = policy, .arg = arg};
    return l;
}

void locals_hang_up(struct locals *l)
{
    while (l->all)
        free_local(l->all);
}

void locals_free(struct locals *l)
{
    if (!l)
        return;
    locals_hang_up(l);
    free(l);
}

size_t locals_count(const struct locals *l)
{
    return l->n;
}
