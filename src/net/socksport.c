#include "net/socksport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "net/conn.h"
#include "net/net_int.h"
#include "socks/ports.h"

enum {
    LINGER_MS = 30000,
    MOST_HALF_CLOSED = 1000, /* that perhaps still read; more are taken for closed */
};

/* One SocksPort's settings, counted: connections outlive a reload. */
struct port_config {
    struct socks_port_config socks;
    uint16_t *ports; /* the lists in socks, one behind the other */
    size_t holders;
};

struct port {
    struct socksports *set;
    struct listener *listener;
    struct port_config *config;
    /* Between socksports_prepare() and what follows it: */
    enum { STAYS, OPENS, LEAVES } fate;
    struct port_config *coming; /* of one that stays: takes config's place, or goes again */
    struct listen_at was;       /* the permissions to go back to */
    struct port *prev, *next;
};

/* One application's connection. */
struct local {
    struct socksports *set;
    struct port_config *config;
    struct socks *socks;
    struct conn *conn;
    bool done;
    bool half_closed; /* counted as such */
    struct timer reap;
    struct local *prev, *next;
};

struct socksports {
    struct net *net;
    struct client *client;
    socks_policy_fn *policy;
    void *arg;
    struct port *ports;
    struct local *locals;
    size_t n_locals, n_half_closed;
};

static void config_release(struct port_config *c)
{
    if (!c || --c->holders > 0)
        return;
    free(c->ports);
    free(c);
}

static struct port_config *config_new(const struct socks_port_config *socks, int32_t session)
{
    size_t n_warn = socks->n_warn_ports, n = n_warn + socks->n_reject_ports;
    struct port_config *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct port_config){.socks = *socks, .holders = 1};
    c->ports = calloc(n ? n : 1, sizeof *c->ports);
    if (!c->ports) {
        config_release(c);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        c->ports[i] = i < n_warn ? socks->warn_ports[i] : socks->reject_ports[i - n_warn];
    c->socks.warn_ports = c->ports;
    c->socks.reject_ports = c->ports + n_warn;
    c->socks.session = session;
    return c;
}

/* ---- one connection ---- */

static void local_free(struct local *l)
{
    DL_DELETE(l->set->locals, l);
    l->set->n_locals--;
    l->set->n_half_closed -= l->half_closed;
    env_disarm(&l->set->net->env, &l->reap);
    if (l->conn)
        conn_close(l->conn);
    socks_free(l->socks);
    config_release(l->config);
    free(l);
}

static void reap(void *arg)
{
    local_free(arg);
}

static void drained(void *arg)
{
    struct local *l = arg;
    env_arm_ms(&l->set->net->env, &l->reap, 0);
}

static uint8_t *in_room(void *arg, size_t *room)
{
    struct local *l = arg;
    return socks_in_room(l->socks, room);
}

static void in_done(void *arg, size_t len)
{
    struct local *l = arg;
    socks_in_done(l->socks, len);
}

static void in_end(void *arg, int errno_)
{
    struct local *l = arg;
    (void)errno_;
    socks_in_end(l->socks);
}

static void in_eof(void *arg, bool sure)
{
    struct local *l = arg;
    if (!sure && l->set->n_half_closed >= MOST_HALF_CLOSED) {
        socks_in_end(l->socks);
        return;
    }
    l->half_closed = !sure;
    l->set->n_half_closed += !sure;
    socks_in_eof(l->socks, sure);
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct local *l = arg;
    return socks_out(l->socks, len);
}

static void sent(void *arg, size_t len)
{
    struct local *l = arg;
    socks_sent(l->socks, len);
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

static const struct socks_ops socks_ops = {
    .on_output = on_output, .on_input_wanted = on_input_wanted, .on_end = on_end};

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    struct port *port = arg;
    struct socksports *set = port->set;
    int one = 1;
    if (peer->ip.family != IP_NONE && !set->policy(set->arg, peer)) {
        log_notice(set->net->env.log,
                   "Denying socks connection from untrusted address (SocksPolicy)");
        close(fd);
        return;
    }
    struct local *l = calloc(1, sizeof *l);
    if (!l) {
        close(fd);
        return;
    }
    *l = (struct local){.set = set, .config = port->config};
    l->config->holders++;
    timer_init(&l->reap, reap, l);
    DL_APPEND(set->locals, l);
    set->n_locals++;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    l->conn = conn_new(set->net, fd, &local_machine, l);
    l->socks = l->conn ? socks_new(&set->net->env, set->client, &l->config->socks, &peer->ip,
                                   &socks_ops, l)
                       : NULL;
    if (!l->socks)
        local_free(l);
}

/* ---- the set ---- */

struct socksports *socksports_new(struct net *n, struct client *c, socks_policy_fn *policy,
                                  void *arg)
{
    struct socksports *p = calloc(1, sizeof *p);
    if (p)
        *p = (struct socksports){.net = n, .client = c, .policy = policy, .arg = arg};
    return p;
}

static void port_free(struct port *port)
{
    listener_close(port->listener);
    config_release(port->config);
    config_release(port->coming);
    DL_DELETE(port->set->ports, port);
    free(port);
}

void socksports_close(struct socksports *p)
{
    while (p->ports)
        port_free(p->ports);
}

void socksports_free(struct socksports *p)
{
    if (!p)
        return;
    socksports_close(p);
    socksports_hang_up(p);
    free(p);
}

void socksports_hang_up(struct socksports *p)
{
    while (p->locals)
        local_free(p->locals);
}

/* ---- a change ---- */

static struct port_at at_of(const struct listen_at *at)
{
    return (struct port_at){at->unix_path, at->tcp};
}

static int32_t new_session(void *arg)
{
    const struct socksports *p = arg;
    return client_new_session(p->client);
}

/* Ports of the set as ports_plan() takes them; NULL out of memory. */
static struct port_now *now_of(const struct socksports *p, size_t *n)
{
    const struct port *port;
    DL_COUNT(p->ports, port, *n);
    struct port_now *now = calloc(*n + 1, sizeof *now), *row = now;
    if (!now)
        return NULL;
    DL_FOREACH (p->ports, port)
        *row++ = (struct port_now){at_of(listener_at(port->listener)), port->config->socks.session};
    return now;
}

static struct port_fate *plan(struct socksports *p, const struct socksport_spec *specs, size_t n)
{
    size_t n_now;
    struct port_now *now = now_of(p, &n_now);
    struct port_wish *wish = calloc(n + 1, sizeof *wish);
    struct port_fate *fate = calloc(n + 1, sizeof *fate);
    if (now && wish && fate) {
        for (size_t i = 0; i < n; i++)
            wish[i] = (struct port_wish){at_of(&specs[i].at), specs[i].config.session};
        ports_plan(now, n_now, wish, n, new_session, p, fate);
    } else {
        free(fate);
        fate = NULL;
    }
    free(now);
    free(wish);
    return fate;
}

static struct port *nth(const struct socksports *p, int n)
{
    struct port *port = p->ports;
    for (; port && n > 0; n--)
        port = port->next;
    return port;
}

static err_t keep(struct port *port, const struct socksport_spec *spec, int32_t session)
{
    port->fate = STAYS;
    port->was = *listener_at(port->listener);
    port->coming = config_new(&spec->config, session);
    return port->coming ? listener_set_mode(port->listener, &spec->at) : ERR_NOMEM;
}

/* Whether PORT leaves, and AT is another address of its port. */
static bool precedes(const struct port *port, const struct listen_at *at)
{
    const struct listen_at *old = listener_at(port->listener);
    return port->fate == LEAVES && !old->unix_path && !at->unix_path &&
           old->tcp.ip.family == at->tcp.ip.family && listener_port(port->listener) == at->tcp.port;
}

static bool has_predecessor(const struct socksports *p, const struct listen_at *at)
{
    const struct port *port;
    DL_FOREACH (p->ports, port)
        if (precedes(port, at))
            return true;
    return false;
}

/* Listens for PORT. An address that would be had but for a listener of ours that leaves is had in
 * its place; one that could not be had in any case (no right to it) costs nothing. */
static err_t listen_for(struct port *port, struct listen_at at)
{
    struct socksports *p = port->set;
    struct port *old;
    at.may_be_taken = has_predecessor(p, &at);
    err_t e = listener_open(p->net, "Socks", &at, on_accept, port, &port->listener);
    if (e != ERR_IO || errno != EADDRINUSE || !at.may_be_taken)
        return e;
    DL_FOREACH (p->ports, old)
        if (precedes(old, &at))
            listener_stand_down(old->listener);
    at.may_be_taken = false;
    return listener_open(p->net, "Socks", &at, on_accept, port, &port->listener);
}

static err_t open_port(struct socksports *p, const struct socksport_spec *spec, int32_t session)
{
    struct port *port = calloc(1, sizeof *port);
    if (!port)
        return ERR_NOMEM;
    *port = (struct port){.set = p, .fate = OPENS, .config = config_new(&spec->config, session)};
    err_t e = port->config ? listen_for(port, spec->at) : ERR_NOMEM;
    DL_APPEND(p->ports, port);
    if (e != OK)
        port_free(port);
    return e;
}

static err_t prepare(struct socksports *p, const struct socksport_spec *specs, size_t n,
                     const struct port_fate *fate)
{
    struct port *port;
    err_t e = OK;
    DL_FOREACH (p->ports, port)
        port->fate = LEAVES;
    for (size_t i = 0; i < n && e == OK; i++)
        if (fate[i].stays != PORT_OPENS)
            e = keep(nth(p, fate[i].stays), &specs[i], fate[i].session);
    for (size_t i = 0; i < n && e == OK; i++)
        if (fate[i].stays == PORT_OPENS)
            e = open_port(p, &specs[i], fate[i].session);
    return e;
}

err_t socksports_prepare(struct socksports *p, const struct socksport_spec *specs, size_t n)
{
    struct port_fate *fate = plan(p, specs, n);
    if (!fate)
        return ERR_NOMEM;
    err_t e = prepare(p, specs, n, fate);
    free(fate);
    if (e != OK)
        socksports_roll_back(p);
    return e;
}

/* The first of those that opened on another address of OLD's port; or NULL. */
static const struct port *successor(const struct socksports *p, const struct port *old)
{
    const struct port *port;
    DL_FOREACH (p->ports, port)
        if (port->fate == OPENS && precedes(old, listener_at(port->listener)))
            return port;
    return NULL;
}

static void say_closed(const struct socksports *p, const struct port *port)
{
    const struct port *new = successor(p, port);
    if (new)
        log_notice(p->net->env.log,
                   "Closed no-longer-configured Socks listener connection (ready) on %s (replaced "
                   "by Socks listener connection (ready) on %s)",
                   listener_name(port->listener), listener_name(new->listener));
    else
        log_notice(p->net->env.log, "Closing no-longer-configured Socks listener on %s",
                   listener_name(port->listener));
}

void socksports_commit(struct socksports *p)
{
    struct port *port, *tmp;
    DL_FOREACH_SAFE (p->ports, port, tmp) {
        if (port->fate == LEAVES) {
            say_closed(p, port);
            port_free(port);
        } else if (port->coming) {
            config_release(port->config);
            port->config = port->coming;
            port->coming = NULL;
        }
    }
    DL_FOREACH (p->ports, port)
        port->fate = STAYS;
}

/* PORT was there before: as it was then. */
static void take_back(struct port *port)
{
    const struct log *log = port->set->net->env.log;
    if (port->coming && listener_set_mode(port->listener, &port->was) != OK)
        log_warn(log, "The permissions of %s are not those of its line",
                 listener_name(port->listener));
    if (listener_stand_up(port->listener) != OK)
        log_warn(log, "%s is closed: send HUP to try again", listener_name(port->listener));
    config_release(port->coming);
    port->coming = NULL;
    port->fate = STAYS;
}

void socksports_roll_back(struct socksports *p)
{
    struct port *port, *tmp;
    int error = errno; /* of what failed */
    DL_FOREACH_SAFE (p->ports, port, tmp) {
        if (port->fate != OPENS)
            continue;
        log_notice(p->net->env.log, "Closing partially-constructed Socks listener on %s",
                   listener_name(port->listener));
        port_free(port);
    }
    DL_FOREACH (p->ports, port)
        take_back(port);
    errno = error;
}

uint16_t socksports_first(const struct socksports *p)
{
    return p->ports ? listener_port(p->ports->listener) : 0;
}

size_t socksports_connections(const struct socksports *p)
{
    return p->n_locals;
}
