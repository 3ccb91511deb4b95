/* Address patterns of torrc: "192.0.2.0/24:80-90", "[2001:db8::]/32", "*:443", "*6". Policies and
 * node lists have the same ones. */
#ifndef TUNIC_BASE_ADDRPAT_H
#define TUNIC_BASE_ADDRPAT_H

#include "base/addr.h"
#include "base/text.h"

struct addr_pattern {
    struct ip_net net;           /* "*": all; "*4" and "*6": all of that family */
    uint16_t port_min, port_max; /* 1 and 65535 where none is named */
};

/* The ADDRESS[/BITS or /MASK][:PORT[-PORT]] of tor_addr_parse_mask_ports(). ERR_MALFORMED. */
MUST_USE err_t addr_pattern_parse(struct text t, struct addr_pattern *out);
/* ":" and what is behind it: "80", "80-443", "*" or nothing. ERR_MALFORMED. */
MUST_USE err_t addr_pattern_ports(struct text t, struct addr_pattern *out);
bool addr_pattern_has(const struct addr_pattern *p, const struct ip *ip, uint16_t port);

#endif
