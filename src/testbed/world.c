#include "testbed/world.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testbed/world_int.h"

/* ---- connections that come in ---- */

static void no_delay(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* As by a machine where nobody listens: a reset, whatever has come by now. */
static void turn_away(int fd)
{
    const struct linger none = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

static void on_or_accept(void *arg, int fd, const struct ipport *peer)
{
    struct place *p = arg;
    struct link *l = NULL;
    if (p->world->testnet && testbed_may_use(&peer->ip))
        l = node_accept(testnet_node(p->world->testnet, p->index), peer);
    if (!l) {
        turn_away(fd);
        return;
    }
    no_delay(fd);
    wire_accept(p, l, fd, peer);
}

static void on_dir_accept(void *arg, int fd, const struct ipport *peer)
{
    struct place *p = arg;
    if (!p->world->testnet || !testbed_may_use(&peer->ip)) {
        close(fd);
        return;
    }
    no_delay(fd);
    dirconn_accept(p, fd, &peer->ip);
}

/* ---- listeners ---- */

static err_t open_at(struct place *p, const char *what, const struct ip *ip, uint16_t *port,
                     accept_fn *fn, struct listener **out)
{
    struct port_at at = {.tcp = {*ip, *port}};
    if (!testbed_may_use(ip))
        return ERR_ARG;
    TRY(listener_open(p->world->net, what, &at, fn, p, out));
    *port = listener_port(*out);
    return OK;
}

static err_t open_place(struct testbed_world *w, struct plan *plan, size_t i)
{
    struct place *p = &w->places[i];
    struct plan_node *n = &plan->node[i];
    *p = (struct place){.world = w, .index = i, .ip = n->or_port.ip};
    throttle_init(&p->reads, net_env(w->net), w->rules.rate, w->rules.burst);
    throttle_init(&p->writes, net_env(w->net), w->rules.rate, w->rules.burst);
    TRY(open_at(p, "OR", &n->or_port.ip, &n->or_port.port, on_or_accept, &p->or_listener));
    if (i >= plan->n_authorities && !n->dir_port)
        return OK;
    return open_at(p, "Directory", &n->or_port.ip, &n->dir_port, on_dir_accept, &p->dir_listener);
}

err_t testbed_world_new(struct net *n, struct plan *plan, const struct shape_rules *rules,
                        struct testbed_world **out)
{
    struct testbed_world *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    *w = (struct testbed_world){.net = n, .rules = *rules};
    w->places = calloc(plan->n_nodes, sizeof *w->places);
    err_t e = w->places ? OK : ERR_NOMEM;
    for (size_t i = 0; i < plan->n_nodes && e == OK; i++) {
        w->n_places = i + 1;
        e = open_place(w, plan, i);
    }
    if (e != OK) {
        testbed_world_free(w);
        return e;
    }
    *out = w;
    return OK;
}

void testbed_world_attach(struct testbed_world *w, struct testnet *t)
{
    w->testnet = t;
}

void testbed_world_freeze(struct testbed_world *w, const struct node *n)
{
    struct place *p = testbed_place(w, &node_plan(n)->or_port.ip);
    if (p)
        p->frozen = true;
}

void testbed_world_thaw(struct testbed_world *w, const struct node *n)
{
    struct place *p = testbed_place(w, &node_plan(n)->or_port.ip);
    if (!p || !p->frozen)
        return;
    p->frozen = false;
    wire_thaw_all(p);
    targetconn_thaw_all(p);
    dirconn_thaw_all(p);
}

void testbed_world_free(struct testbed_world *w)
{
    if (!w)
        return;
    w->testnet = NULL;
    while (w->wires)
        wire_free(w->wires);
    while (w->targetconns)
        targetconn_free(w->targetconns);
    while (w->dirconns)
        dirconn_free(w->dirconns);
    for (size_t i = 0; i < w->n_places; i++) {
        listener_close(w->places[i].or_listener);
        listener_close(w->places[i].dir_listener);
        throttle_end(&w->places[i].reads);
        throttle_end(&w->places[i].writes);
    }
    free(w->places);
    free(w);
}

const struct node_world testbed_world_ops = {
    .dial = wire_dial,
    .output = wire_output,
    .hangup = wire_hangup,
    .resume = wire_resume,
    .measures = wire_measures,
    .target_dial = targetconn_dial,
    .target_output = targetconn_output,
    .target_resume = targetconn_resume,
    .target_hangup = targetconn_hangup,
};
