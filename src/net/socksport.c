#include "net/socksport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "net/conn.h"
#include "net/net_int.h"

enum { LINGER_MS = 30000 };

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
    /* While the set changes: */
    bool keep, fresh;           /* is listed; was opened just now */
    struct port_config *coming; /* takes config's place if all goes well */
    const struct listen_at *at; /* as listed */
    struct port *prev, *next;
};

/* One application's connection. */
struct local {
    struct socksports *set;
    struct port_config *config;
    struct socks *socks;
    struct conn *conn;
    bool done;
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
    size_t n_locals;
};

static void config_release(struct port_config *c)
{
    if (!c || --c->holders > 0)
        return;
    free(c->ports);
    free(c);
}

static struct port_config *config_new(const struct socks_port_config *socks)
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
    return c;
}

/* ---- one connection ---- */

static void local_free(struct local *l)
{
    DL_DELETE(l->set->locals, l);
    l->set->n_locals--;
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
    socks_in_eof(l->socks);
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

static const struct conn_machine local_machine = {
    .in_room = in_room, .in_done = in_done, .in_end = in_end, .out = out, .sent = sent};

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

static void on_done(void *arg)
{
    struct local *l = arg;
    if (l->done)
        return;
    l->done = true;
    conn_drain(l->conn, LINGER_MS, drained);
}

static const struct socks_ops socks_ops = {
    .on_output = on_output, .on_input_wanted = on_input_wanted, .on_done = on_done};

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
    while (p->locals)
        local_free(p->locals);
    free(p);
}

static struct port *find(struct socksports *p, const struct listen_at *at)
{
    struct port *port;
    DL_FOREACH (p->ports, port)
        if (!port->keep && listener_is_at(port->listener, at))
            return port;
    return NULL;
}

static err_t open_port(struct socksports *p, const struct socksport_spec *spec)
{
    struct port *port = calloc(1, sizeof *port);
    if (!port)
        return ERR_NOMEM;
    *port =
        (struct port){.set = p, .keep = true, .fresh = true, .config = config_new(&spec->config)};
    err_t e = ERR_NOMEM;
    if (port->config)
        e = listener_open(p->net, "Socks", &spec->at, on_accept, port, &port->listener);
    DL_APPEND(p->ports, port);
    if (e != OK)
        port_free(port);
    return e;
}

static err_t keep_or_open(struct socksports *p, const struct socksport_spec *spec)
{
    struct port *port = find(p, &spec->at);
    if (!port)
        return open_port(p, spec);
    port->coming = config_new(&spec->config);
    if (!port->coming)
        return ERR_NOMEM;
    port->keep = true;
    port->at = &spec->at;
    return OK;
}

/* PORT was there before the change and stays; NEW: with its new settings. */
static void settle(struct port *port, bool new)
{
    struct port_config *other = port->coming;
    if (new &&other) {
        other = port->config;
        port->config = port->coming;
        listener_set_mode(port->listener, port->at);
    }
    config_release(other);
    port->coming = NULL;
    port->at = NULL;
    port->keep = port->fresh = false;
}

err_t socksports_set(struct socksports *p, const struct socksport_spec *specs, size_t n)
{
    struct port *port, *tmp;
    err_t e = OK;
    for (size_t i = 0; i < n && e == OK; i++)
        e = keep_or_open(p, &specs[i]);
    DL_FOREACH_SAFE (p->ports, port, tmp) {
        bool stays = e == OK ? port->keep : !port->fresh;
        if (stays)
            settle(port, e == OK);
        else
            port_free(port);
    }
    return e;
}

uint16_t socksports_first(const struct socksports *p)
{
    return p->ports ? listener_port(p->ports->listener) : 0;
}

size_t socksports_connections(const struct socksports *p)
{
    return p->n_locals;
}
