/* Address policies: rules over addresses and ports, the first of which that matches decides
 * (SocksPolicy, ReachableAddresses). */
#ifndef TUNIC_BASE_ADDRPOLICY_H
#define TUNIC_BASE_ADDRPOLICY_H

#include "base/addr.h"

struct addr_rule {
    bool accept;
    struct ip_net net;
    uint16_t port_min, port_max;
};

struct addr_policy {
    struct addr_rule *rules;
    size_t n;
};

/* What no rule matches is accepted: a policy with no rule accepts everything. */
bool addr_policy_accepts(const struct addr_policy *p, const struct ip *ip, uint16_t port);

#endif
