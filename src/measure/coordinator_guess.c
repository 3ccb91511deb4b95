/* What a relay is thought to carry, before it is measured: by what is remembered, by the network's
 * documents, by the others. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

#include "measure/alloc.h"

enum { UNKNOWN_PERCENTILE = 75 };

/* What is known of a host: the most that one of its relays is thought to carry. */
struct cplan_host {
    struct ip ip;
    uint64_t prior;
};

void cplan_size(const struct cplan *p, struct cplan_item *item, bool is_known)
{
    const struct mconf_coord *conf = &p->c->conf;
    unsigned m = conf->multiplier ? conf->multiplier : ALLOC_MULTIPLIER;
    item->at.wanted = is_known && conf->adaptive && !conf->paper ? alloc_wanted_known(item->prior)
                                                                 : alloc_wanted(item->prior, m);
    item->at.sockets = alloc_sockets(item->at.wanted, conf->sockets);
}

/* What it was measured at; else what the network thinks of it. 0: nothing is known. */
static uint64_t prior_of(const struct cplan *p, const struct roster_relay *r)
{
    const struct history_relay *h = clisted_measured(p->c, &r->who.fp);
    uint64_t measured = h ? history_prior(h) : 0;
    return measured ? measured : r->unmeasured ? 0 : r->weight;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_ip(const void *a, const void *b)
{
    const struct cplan_host *x = a, *y = b;
    int order = (x->ip.family > y->ip.family) - (x->ip.family < y->ip.family);
    return order ? order : memcmp(x->ip.b, y->ip.b, ip_len(&x->ip));
}

static int largest_of_ip(const void *a, const void *b)
{
    const struct cplan_host *x = a, *y = b;
    int order = by_ip(a, b);
    return order ? order : (x->prior < y->prior) - (x->prior > y->prior);
}

/* 316: "Relays without existing capacity estimates are assumed to have the 75th percentile". */
static uint64_t unknown_prior(const struct cplan *p)
{
    size_t n = 0;
    uint64_t *priors = calloc(p->roster.n + 1, sizeof *priors);
    uint64_t prior = p->c->conf.prior;
    for (size_t i = 0; priors && i < p->roster.n; i++) {
        priors[n] = prior_of(p, &p->roster.relays[i]);
        n += priors[n] ? 1 : 0;
    }
    if (n) {
        qsort(priors, n, sizeof *priors, ascending);
        prior = priors[n * UNKNOWN_PERCENTILE / 100];
    }
    free(priors);
    return prior;
}

struct cplan_guess cplan_guess_begin(const struct cplan *p)
{
    struct cplan_guess g = {.unknown = unknown_prior(p),
                            .hosts = calloc(p->roster.n + 1, sizeof *g.hosts)};
    for (size_t i = 0; g.hosts && i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        uint64_t prior = cplan_may_ask(r) && r->running ? prior_of(p, r) : 0;
        if (prior)
            g.hosts[g.n++] = (struct cplan_host){r->who.addrs[0].ip, prior};
    }
    if (g.n)
        qsort(g.hosts, g.n, sizeof *g.hosts, largest_of_ip);
    size_t kept = 0;
    for (size_t i = 0; i < g.n; i++)
        if (!kept || by_ip(&g.hosts[kept - 1], &g.hosts[i]) != 0)
            g.hosts[kept++] = g.hosts[i];
    g.n = kept;
    return g;
}

/* A host is shared by what is wanted, so a guess is no more than what is known of another relay
 * there: it would take the measurers from that one. */
uint64_t cplan_guess_prior(const struct cplan *p, const struct cplan_guess *g,
                           const struct roster_relay *r)
{
    const struct cplan_host key = {.ip = r->who.addrs[0].ip};
    uint64_t prior = prior_of(p, r);
    if (prior)
        return prior;
    const struct cplan_host *h = g->n ? bsearch(&key, g->hosts, g->n, sizeof key, by_ip) : NULL;
    return h && h->prior < g->unknown ? h->prior : g->unknown;
}

bool cplan_was_the_limit(const struct cplan *p, const struct rsa_id *fp)
{
    const struct history_relay *h = clisted_measured(p->c, fp);
    return h && h->last.ok && strcmp(h->last.limited_by, "relay") == 0;
}
