#include "base/addrpolicy.h"

bool addr_policy_accepts(const struct addr_policy *p, const struct ip *ip, uint16_t port)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct addr_rule *r = &p->rules[i];
        if (ip_net_has(&r->net, ip) && port >= r->port_min && port <= r->port_max)
            return r->accept;
    }
    return true;
}
