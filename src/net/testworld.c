#include "net/testworld.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/testworld_int.h"

bool testworld_may_use(const struct ip *ip)
{
    return ip_is_loopback(ip);
}

/* ---- connections that come in ---- */

static void no_delay(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void on_or_accept(void *arg, int fd, const struct ipport *peer)
{
    struct place *p = arg;
    struct link *l = NULL;
    if (p->world->testnet && testworld_may_use(&peer->ip))
        l = node_accept(testnet_node(p->world->testnet, p->index), peer);
    if (!l) {
        close(fd);
        return;
    }
    no_delay(fd);
    wire_accept(p, l, fd, peer);
}

static void on_dir_accept(void *arg, int fd, const struct ipport *peer)
{
    struct place *p = arg;
    if (!p->world->testnet || !testworld_may_use(&peer->ip)) {
        close(fd);
        return;
    }
    no_delay(fd);
    request_accept(p, fd, &peer->ip);
}

/* ---- listeners ---- */

static err_t open_at(struct place *p, const char *what, const struct ip *ip, uint16_t *port,
                     accept_fn *fn, struct listener **out)
{
    struct listen_at at = {.tcp = {*ip, *port}};
    if (!testworld_may_use(ip))
        return ERR_ARG;
    TRY(listener_open(p->world->net, what, &at, fn, p, out));
    *port = listener_port(*out);
    return OK;
}

static err_t open_place(struct testworld *w, struct plan *plan, size_t i)
{
    struct place *p = &w->places[i];
    struct plan_node *n = &plan->node[i];
    *p = (struct place){.world = w, .index = i, .ip = n->or_port.ip};
    shape_bucket_init(&p->bucket, net_env(w->net), w->rules.rate);
    TRY(open_at(p, "OR", &n->or_port.ip, &n->or_port.port, on_or_accept, &p->or_listener));
    if (i >= plan->n_authorities && !n->dir_port)
        return OK;
    return open_at(p, "Directory", &n->or_port.ip, &n->dir_port, on_dir_accept, &p->dir_listener);
}

err_t testworld_new(struct net *n, struct plan *plan, const struct shape_rules *rules,
                    struct testworld **out)
{
    struct testworld *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    *w = (struct testworld){.net = n, .rules = *rules};
    w->places = calloc(plan->n_nodes, sizeof *w->places);
    err_t e = w->places ? OK : ERR_NOMEM;
    for (size_t i = 0; i < plan->n_nodes && e == OK; i++) {
        w->n_places = i + 1;
        e = open_place(w, plan, i);
    }
    if (e != OK) {
        testworld_free(w);
        return e;
    }
    *out = w;
    return OK;
}

void testworld_attach(struct testworld *w, struct testnet *t)
{
    w->testnet = t;
}

void testworld_free(struct testworld *w)
{
    if (!w)
        return;
    w->testnet = NULL;
    while (w->wires)
        wire_free(w->wires);
    while (w->flows)
        flow_free(w->flows);
    for (size_t i = 0; i < w->n_places; i++) {
        listener_close(w->places[i].or_listener);
        listener_close(w->places[i].dir_listener);
        shape_bucket_end(&w->places[i].bucket);
    }
    free(w->places);
    free(w);
}

struct place *testworld_place(struct testworld *w, const struct ip *ip)
{
    for (size_t i = 0; i < w->n_places; i++)
        if (ip_equal(&w->places[i].ip, ip))
            return &w->places[i];
    return NULL;
}

struct testworld_counts testworld_counts(const struct testworld *w)
{
    return w->counts;
}

const struct node_world testworld_ops = {
    .dial = wire_dial,
    .output = wire_output,
    .hangup = wire_hangup,
    .target_dial = target_flow_dial,
    .target_output = target_flow_output,
    .target_resume = target_flow_resume,
    .target_hangup = target_flow_hangup,
};
