/* What the user says of relays: EntryNodes, ExcludeNodes with StrictNodes, ReachableAddresses, and
 * a FallbackDir. Drawn from the plan, so that something is left to build circuits with. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "sim/sim.h"

static uint32_t bit(size_t node)
{
    return UINT32_C(1) << node;
}

static uint32_t all_of(const struct plan *p, enum plan_role role)
{
    uint32_t set = 0;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].role == role)
            set |= bit(i);
    return set;
}

/* Some of SET, but not all. */
static uint32_t some_of(struct rng *r, uint32_t set)
{
    uint32_t out = 0, left = 0;
    size_t last = 0;
    for (size_t i = 0; i < 32; i++) {
        if (!(set & bit(i)))
            continue;
        last = i;
        if (rng_one_in(r, 2))
            out |= bit(i);
        else
            left |= bit(i);
    }
    return left ? out : out & ~bit(last);
}

void lists_make(struct sim *s)
{
    struct rng rng = {s->sc->lists_seed}, *r = &rng;
    struct sim_lists *l = &s->lists;
    const struct plan *p = &s->plan;
    uint32_t guards = all_of(p, PLAN_GUARD), authorities = all_of(p, PLAN_AUTHORITY);
    *l = (struct sim_lists){.fallback = p->n_nodes};
    if (s->sc->fallback)
        for (size_t i = 0; i < p->n_nodes; i++)
            if (p->node[i].role == PLAN_MIDDLE || p->node[i].role == PLAN_EXIT)
                l->fallback = i;
    switch (s->sc->lists) {
    case LISTS_ENTRY:
        l->entry = guards & ~some_of(r, guards);
        break;
    case LISTS_EXCLUDE:
    case LISTS_STRICT:
        l->exclude = some_of(r, guards) | some_of(r, authorities);
        l->strict = s->sc->lists == LISTS_STRICT;
        if (rng_one_in(r, 2))
            l->exclude |= some_of(r, all_of(p, PLAN_EXIT));
        break;
    case LISTS_FIREWALL:
        l->unreachable = some_of(r, guards) | some_of(r, authorities);
        if (s->sc->fallback && rng_one_in(r, 2))
            l->unreachable |= bit(l->fallback);
        break;
    default:
        break;
    }
}

static const char *names_of(struct sim *s, uint32_t set, char out[SIM_LIST_MAX])
{
    const struct identity *ids = keys_identities(s->plan.n_nodes);
    char hex[HEX_SIZE(sizeof ids->rsa_id.b)];
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < s->plan.n_nodes; i++)
        if (set & bit(i))
            at += (size_t)snprintf(out + at, SIM_LIST_MAX - at, "%s%s", at ? "," : "",
                                   hex_upper(ids[i].rsa_id.b, sizeof ids[i].rsa_id.b, hex));
    return out;
}

static void add_fallback(struct sim *s, struct client_config *config, struct sim_lists_text *t)
{
    const struct plan_node *n = &s->plan.node[s->lists.fallback];
    const struct rsa_id *id = &keys_identities(s->plan.n_nodes)[s->lists.fallback].rsa_id;
    char ip[IP_TEXT_MAX], hex[HEX_SIZE(sizeof id->b)];
    snprintf(t->fallback, sizeof t->fallback, "%s orport=%u id=%s", ip_text(&n->or_port.ip, ip),
             n->or_port.port, hex_upper(id->b, sizeof id->b, hex));
    t->fallbacks[0] = t->fallback;
    t->fallbacks[1] = NULL;
    config->fallback_dirs = t->fallbacks;
}

static void add_firewall(struct sim *s, struct client_config *config, struct sim_lists_text *t)
{
    size_t n = 0;
    for (size_t i = 0; i < s->plan.n_nodes; i++)
        if (!(s->lists.unreachable & bit(i)))
            t->rules[n++] = (struct addr_rule){.accept = true,
                                               .net = {s->plan.node[i].or_port.ip, 32},
                                               .port_min = 1,
                                               .port_max = UINT16_MAX};
    t->rules[n++] = (struct addr_rule){.accept = false, .port_max = UINT16_MAX};
    config->reachable = t->rules;
    config->n_reachable = n;
}

void lists_apply(struct sim *s, bool on, struct client_config *config, struct sim_lists_text *t)
{
    const struct sim_lists *l = &s->lists;
    if (l->fallback < s->plan.n_nodes)
        add_fallback(s, config, t);
    if (!on)
        return;
    config->strict_nodes = l->strict;
    if (l->entry)
        config->entry_nodes = names_of(s, l->entry, t->entry);
    if (l->exclude)
        config->exclude_nodes = names_of(s, l->exclude, t->exclude);
    if (l->unreachable)
        add_firewall(s, config, t);
}
