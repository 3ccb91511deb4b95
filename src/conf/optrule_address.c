/* Rules of what stands for what. */
#include "conf/optrule.h"

enum { V4_BITS_MOST = 16, V6_BITS_MOST = 104 };

/* C tor, parse_virtual_addr_network(). */
static err_t virtual_network(const struct checking *c, const char *name, const char *value,
                             enum ip_family family, struct ip_net *out)
{
    bool v6 = family == IP_V6;
    const char *ending = v6 ? "IPv6" : "";
    unsigned most = v6 ? V6_BITS_MOST : V4_BITS_MOST;
    if (!value || !*value)
        return rule_reject_opt(c, name, "Value not present (%s) after VirtualAddressNetwork%s",
                               value ? "Empty" : "NULL", ending);
    if (ip_net_parse(value, out) != OK)
        return rule_reject_opt(c, name, "Error parsing VirtualAddressNetwork%s %s", ending, value);
    if (out->ip.family != family)
        return rule_reject_opt(c, name, "Incorrect address type for VirtualAddressNetwork%s",
                               ending);
    if (out->bits > most)
        return rule_reject_opt(c, name, "VirtualAddressNetwork%s expects a /%u network or larger",
                               ending, most);
    return OK;
}

err_t rule_addresses(const struct checking *c)
{
    struct options *o = c->o;
    TRY(virtual_network(c, "VirtualAddrNetworkIPv4", o->virtual_network4, IP_V4, &o->is.virtual4));
    return virtual_network(c, "VirtualAddrNetworkIPv6", o->virtual_network6, IP_V6,
                           &o->is.virtual6);
}
