#include "path/restrict.h"

#include <string.h>

/* LongLivedPorts, unless the configuration says otherwise (tor(1)) */
static const uint16_t long_lived[] = {21,   22,   706,  1863, 5050, 5190,
                                      5222, 5223, 6523, 6667, 6697, 8300};

bool router_same_subnet(const struct router *a, const struct router *b)
{
    if (memcmp(a->v4, b->v4, 2) == 0)
        return true;
    return a->orport6 && b->orport6 && memcmp(a->v6, b->v6, 4) == 0;
}

static bool may_reach(const struct path_config *cfg, const struct ipport *to)
{
    bool family = to->ip.family == IP_V6 ? cfg->ipv6 : to->ip.family == IP_V4 && cfg->ipv4;
    return family && to->port && (cfg->private_addrs || !ip_is_private(&to->ip)) &&
           addr_policy_accepts(&cfg->reachable, &to->ip, to->port);
}

struct ipport path_first_hop_addr(const struct path_config *cfg, const struct router *r)
{
    struct ipport v4 = router_orport(r), v6 = router_orport6(r);
    bool use4 = may_reach(cfg, &v4), use6 = may_reach(cfg, &v6);
    if (use6 && (cfg->prefer_ipv6 || !use4))
        return v6;
    return use4 ? v4 : (struct ipport){0};
}

bool router_related(const struct netdir *nd, const struct path_config *cfg, const struct router *a,
                    const struct router *b)
{
    if (rsa_id_equal(&a->rsa, &b->rsa))
        return true;
    /* One key, two fingerprints: still one relay. */
    if (a->has_md && b->has_md && ed_id_equal(&a->ed, &b->ed))
        return true;
    if (cfg->enforce_distinct_subnets && router_same_subnet(a, b))
        return true;
    if (netdir_same_family(nd, a, b))
        return true;
    for (size_t i = 0; i < cfg->n_families; i++)
        if (nodeset_has(cfg->families[i], a) && nodeset_has(cfg->families[i], b))
            return true;
    return false;
}

bool exit_allows(const struct router *r, enum ip_family family, uint16_t port)
{
    /* path-spec 2.2.1: "we never choose an exit node flagged as 'BadExit'" */
    if (router_is(r, ROUTER_BADEXIT))
        return false;
    if (!port) {
        if (family == IP_NONE)
            return !exit_summary_allows_none(r->p) || !exit_summary_allows_none(r->p6);
        return !exit_summary_allows_none(family == IP_V6 ? r->p6 : r->p);
    }
    return exit_summary_allows(family == IP_V6 ? r->p6 : r->p, port);
}

bool port_is_long_lived(const struct path_config *cfg, uint16_t port)
{
    const uint16_t *list = cfg->long_lived ? cfg->long_lived : long_lived;
    size_t n = cfg->long_lived ? cfg->n_long_lived : sizeof long_lived / sizeof long_lived[0];
    for (size_t i = 0; i < n; i++)
        if (list[i] == port)
            return true;
    return false;
}
