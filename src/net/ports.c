#include "net/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "socks/ports.h"

struct port {
    struct ports *set;
    enum port_kind kind;
    struct listener *listener;
    struct port_config *config;
    /* Between ports_prepare() and what follows it: */
    enum { STAYS, OPENS, LEAVES } fate;
    struct port_config *coming; /* of one that stays: takes config's place, or goes again */
    struct port_at was;         /* the permissions to go back to */
    struct port *prev, *next;
};

struct ports {
    struct net *net;
    struct port_front fronts[PORT_KINDS];
    int32_t (*new_session)(void *arg);
    void *arg;
    struct port *all;
};

static const struct log *log_of(const struct ports *p)
{
    return net_env(p->net)->log;
}

static const char *what(const struct port *port)
{
    return port->set->fronts[port->kind].what;
}

/* ---- settings ---- */

void port_config_release(struct port_config *c)
{
    if (!c || --c->holders > 0)
        return;
    free(c->ports);
    free(c);
}

static struct port_config *config_new(const struct port_spec *spec, const struct front_rules *rules,
                                      int32_t session)
{
    size_t n_warn = rules->n_warn_ports, n = n_warn + rules->n_reject_ports;
    struct port_config *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct port_config){.front = {session, spec->flags, *rules}, .holders = 1};
    c->ports = calloc(n ? n : 1, sizeof *c->ports);
    if (!c->ports) {
        port_config_release(c);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        c->ports[i] = i < n_warn ? rules->warn_ports[i] : rules->reject_ports[i - n_warn];
    c->front.rules.warn_ports = c->ports;
    c->front.rules.reject_ports = c->ports + n_warn;
    return c;
}

/* ---- the set ---- */

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    const struct port *port = arg;
    const struct port_front *front = &port->set->fronts[port->kind];
    port->config->holders++;
    front->accept(front->arg, fd, peer, port->config);
}

struct ports *ports_new(struct net *n, const struct port_front fronts[PORT_KINDS],
                        int32_t (*new_session)(void *arg), void *arg)
{
    struct ports *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct ports){.net = n, .new_session = new_session, .arg = arg};
    for (size_t i = 0; i < PORT_KINDS; i++)
        p->fronts[i] = fronts[i];
    return p;
}

static void port_free(struct port *port)
{
    listener_close(port->listener);
    port_config_release(port->config);
    port_config_release(port->coming);
    DL_DELETE(port->set->all, port);
    free(port);
}

void ports_close(struct ports *p)
{
    while (p->all)
        port_free(p->all);
}

void ports_free(struct ports *p)
{
    if (!p)
        return;
    ports_close(p);
    free(p);
}

/* ---- a change ---- */

/* The set as ports_plan() takes it; NULL out of memory. */
static struct port_now *now_of(const struct ports *p, size_t *n)
{
    const struct port *port;
    DL_COUNT(p->all, port, *n);
    struct port_now *now = calloc(*n + 1, sizeof *now), *row = now;
    if (!now)
        return NULL;
    DL_FOREACH (p->all, port)
        *row++ = (struct port_now){.kind = port->kind,
                                   .at = *listener_at(port->listener),
                                   .session = port->config->front.session};
    return now;
}

static struct port_fate *plan(const struct ports *p, const struct port_spec *specs, size_t n)
{
    size_t n_now;
    struct port_now *now = now_of(p, &n_now);
    struct port_fate *fate = now ? calloc(n + 1, sizeof *fate) : NULL;
    if (fate)
        ports_plan(now, n_now, specs, n, p->new_session, p->arg, fate);
    free(now);
    return fate;
}

static struct port *nth(const struct ports *p, int n)
{
    struct port *port = p->all;
    for (; port && n > 0; n--)
        port = port->next;
    return port;
}

static err_t keep(struct port *port, const struct port_spec *spec, const struct front_rules *rules,
                  int32_t session)
{
    port->fate = STAYS;
    port->was = *listener_at(port->listener);
    port->coming = config_new(spec, rules, session);
    return port->coming ? listener_set_mode(port->listener, &spec->at) : ERR_NOMEM;
}

/* Whether PORT leaves, and AT is another address of its port. */
static bool precedes(const struct port *port, const struct port_at *at)
{
    const struct port_at *old = listener_at(port->listener);
    return port->fate == LEAVES && !old->unix_path && !at->unix_path &&
           old->tcp.ip.family == at->tcp.ip.family && listener_port(port->listener) == at->tcp.port;
}

static bool has_predecessor(const struct ports *p, const struct port_at *at)
{
    const struct port *port;
    DL_FOREACH (p->all, port)
        if (precedes(port, at))
            return true;
    return false;
}

/* Listens for PORT. An address that would be had but for a listener of ours that leaves is had in
 * its place; one that could not be had in any case (no right to it) costs nothing. */
static err_t listen_for(struct port *port, const struct port_at *at)
{
    struct ports *p = port->set;
    struct port *old;
    if (!has_predecessor(p, at))
        return listener_open(p->net, what(port), at, on_accept, port, &port->listener);
    err_t e = listener_try(p->net, what(port), at, on_accept, port, &port->listener);
    if (e != ERR_IO || errno != EADDRINUSE)
        return e;
    DL_FOREACH (p->all, old)
        if (precedes(old, at))
            listener_stand_down(old->listener);
    return listener_open(p->net, what(port), at, on_accept, port, &port->listener);
}

static err_t open_port(struct ports *p, const struct port_spec *spec,
                       const struct front_rules *rules, int32_t session)
{
    struct port *port = calloc(1, sizeof *port);
    if (!port)
        return ERR_NOMEM;
    *port = (struct port){
        .set = p, .kind = spec->kind, .fate = OPENS, .config = config_new(spec, rules, session)};
    err_t e = port->config ? listen_for(port, &spec->at) : ERR_NOMEM;
    DL_APPEND(p->all, port);
    if (e != OK)
        port_free(port);
    return e;
}

static err_t prepare(struct ports *p, const struct port_spec *specs, size_t n,
                     const struct front_rules *rules, const struct port_fate *fate)
{
    struct port *port;
    err_t e = OK;
    DL_FOREACH (p->all, port)
        port->fate = LEAVES;
    for (size_t i = 0; i < n && e == OK; i++)
        if (fate[i].stays != PORT_OPENS)
            e = keep(nth(p, fate[i].stays), &specs[i], rules, fate[i].session);
    for (size_t i = 0; i < n && e == OK; i++)
        if (fate[i].stays == PORT_OPENS)
            e = open_port(p, &specs[i], rules, fate[i].session);
    return e;
}

err_t ports_prepare(struct ports *p, const struct port_spec *specs, size_t n,
                    const struct front_rules *rules)
{
    struct port_fate *fate = plan(p, specs, n);
    if (!fate)
        return ERR_NOMEM;
    err_t e = prepare(p, specs, n, rules, fate);
    free(fate);
    if (e != OK)
        ports_roll_back(p);
    return e;
}

/* The first of those that opened on another address of OLD's port; or NULL. */
static const struct port *successor(const struct ports *p, const struct port *old)
{
    const struct port *port;
    DL_FOREACH (p->all, port)
        if (port->fate == OPENS && precedes(old, listener_at(port->listener)))
            return port;
    return NULL;
}

static void say_closed(const struct port *port)
{
    const struct port *after = successor(port->set, port);
    if (after)
        log_notice(log_of(port->set),
                   "Closed no-longer-configured %s listener connection (ready) on %s (replaced by "
                   "%s listener connection (ready) on %s)",
                   what(port), listener_name(port->listener), what(after),
                   listener_name(after->listener));
    else
        log_notice(log_of(port->set), "Closing no-longer-configured %s listener on %s", what(port),
                   listener_name(port->listener));
}

void ports_commit(struct ports *p)
{
    struct port *port, *tmp;
    DL_FOREACH_SAFE (p->all, port, tmp) {
        if (port->fate == LEAVES) {
            say_closed(port);
            port_free(port);
        } else if (port->coming) {
            port_config_release(port->config);
            port->config = port->coming;
            port->coming = NULL;
        }
    }
    DL_FOREACH (p->all, port)
        port->fate = STAYS;
}

/* PORT was there before: as it was then. */
static void take_back(struct port *port)
{
    const struct log *log = log_of(port->set);
    if (port->coming && listener_set_mode(port->listener, &port->was) != OK)
        log_warn(log, "The permissions of %s are not those of its line",
                 listener_name(port->listener));
    if (listener_stand_up(port->listener) != OK)
        log_warn(log, "%s is closed: send HUP to try again", listener_name(port->listener));
    port_config_release(port->coming);
    port->coming = NULL;
    port->fate = STAYS;
}

void ports_roll_back(struct ports *p)
{
    struct port *port, *tmp;
    int error = errno; /* of what failed */
    DL_FOREACH_SAFE (p->all, port, tmp) {
        if (port->fate != OPENS)
            continue;
        log_notice(log_of(p), "Closing partially-constructed %s listener on %s", what(port),
                   listener_name(port->listener));
        port_free(port);
    }
    DL_FOREACH (p->all, port)
        take_back(port);
    errno = error;
}

uint16_t ports_first(const struct ports *p, enum port_kind kind)
{
    const struct port *port;
    DL_FOREACH (p->all, port)
        if (port->kind == kind)
            return listener_port(port->listener);
    return 0;
}

void ports_each(const struct ports *p, enum port_kind kind,
                void (*fn)(void *arg, const char *name, bool is_unix), void *arg)
{
    const struct port *port;
    DL_FOREACH (p->all, port)
        if (port->kind == kind)
            fn(arg, listener_name(port->listener), listener_at(port->listener)->unix_path != NULL);
}
