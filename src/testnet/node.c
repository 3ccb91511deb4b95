#include "testnet/node.h"

#include <stdlib.h>

#include "cell/reason.h"
#include "testnet/node_int.h"

enum { HANDSHAKE_TIMEOUT_MS = 60 * 1000 };

/* ---- the dead ---- */

/* Streams before circuits before links: each may still look at its owner. */
static void reap(void *arg)
{
    struct node *n = arg;
    while (n->dead_targets) {
        struct target *t = n->dead_targets;
        DL_DELETE(n->dead_targets, t);
        target_bury(t);
    }
    while (n->dead_circs) {
        struct rcirc *c = n->dead_circs;
        DL_DELETE(n->dead_circs, c);
        rcirc_bury(c);
    }
    while (n->dead_sets) {
        struct rset *s = n->dead_sets;
        DL_DELETE(n->dead_sets, s);
        rset_bury(s);
    }
    while (n->dead_links) {
        struct nlink *nl = n->dead_links;
        DL_DELETE(n->dead_links, nl);
        nlink_bury(nl);
    }
}

/* ---- life ---- */

err_t node_new(struct env *env, const struct node_config *config, const struct node_world *ops,
               void *world, struct node **out)
{
    if (!ip_is_loopback(&config->plan->or_port.ip))
        return ERR_ARG;
    struct node *n = calloc(1, sizeof *n);
    if (!n)
        return ERR_NOMEM;
    n->env = env;
    n->config = *config;
    n->ops = ops;
    n->world = world;
    n->flow = target_flow_params(config->docs);
    later_init(&n->reap, reap, n);
    rmeas_init(&n->meas, n);
    if (!n->config.handshake_timeout_ms)
        n->config.handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS;
    tls_ctx_cert_sha256(config->accept_tls, &n->tls_cert);
    n->dir = (struct dirserv_source){.env = env,
                                     .docs = config->docs,
                                     .self = config->id->rsa_id,
                                     .name = config->plan->nickname};
    *out = n;
    return OK;
}

void node_free(struct node *n)
{
    if (!n)
        return;
    rmeas_end(&n->meas);
    while (n->circs)
        rcirc_close(n->circs, DESTROY_FINISHED);
    while (n->links) {
        struct nlink *nl = n->links;
        DL_DELETE(n->links, nl);
        nl->over = true;
        nlink_bury(nl);
    }
    reap(n);
    later_cancel(n->env, &n->reap);
    if (n->misdeeds)
        n->misdeeds->free(n->misdeeds_arg);
    free(n);
}

struct link *node_accept(struct node *n, const struct ipport *peer)
{
    if (n->stopped || !ip_is_loopback(&peer->ip))
        return NULL;
    struct nlink *nl = nlink_accept(n, peer, rcirc_create);
    return nl ? nl->link : NULL;
}

void node_stop(struct node *n)
{
    n->stopped = true;
    rmeas_end(&n->meas);
    nlink_close_all(n, "the node stops");
}

void node_start(struct node *n)
{
    n->stopped = false;
}

void node_destroy_circuits(struct node *n, uint8_t reason)
{
    while (n->circs)
        rcirc_close(n->circs, reason);
}

/* ---- what it is ---- */

struct dirserv_source *node_dir_source(struct node *n)
{
    return &n->dir;
}

void node_set_misdeeds(struct node *n, const struct misdeeds *misdeeds, void *gift_arg)
{
    n->misdeeds = misdeeds;
    n->misdeeds_arg = gift_arg;
    n->dir.misdeeds = misdeeds->dir;
    n->dir.misdeeds_arg = gift_arg;
}

void *node_misdeeds(const struct node *n)
{
    return n->misdeeds_arg;
}

const struct plan_node *node_plan(const struct node *n)
{
    return n->config.plan;
}

void node_each_stream(const struct node *n, void (*fn)(void *arg, const struct node_stream *s),
                      void *arg)
{
    const struct rcirc *c;
    const struct target *t;
    DL_FOREACH (n->circs, c) {
        DL_FOREACH (c->streams, t) {
            struct node_stream s = {.circuit = c->back.lc.id, .to = t->to};
            if (t->kind == TARGET_EXIT && t->open)
                fn(arg, &s);
        }
    }
}

struct node_counts node_counts(const struct node *n)
{
    struct node_counts counts = n->counts;
    const struct rcirc *c;
    DL_FOREACH (n->circs, c) {
        counts.queued += rcirc_queued(c);
    }
    return counts;
}
