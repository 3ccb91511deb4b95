/* Restrictions: relays that may not be in one path, and what a relay is good for at its end. */
#ifndef TUNIC_PATH_RESTRICT_H
#define TUNIC_PATH_RESTRICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dir/netdir.h"
#include "path/path.h"

/* The same /16 of IPv4 or the same /32 of IPv6 (path-spec 2.2). */
bool router_same_subnet(const struct router *a, const struct router *b);

/* Whether A and B are one relay, one family (declared by both, by a family id in common, or by a
 * NodeFamily line) or, unless EnforceDistinctSubnets is 0, neighbours. */
bool router_related(const struct netdir *nd, const struct path_config *cfg, const struct router *a,
                    const struct router *b);

/* Whether R lets connections out to PORT of addresses of FAMILY. IP_NONE stands for a host name:
 * the IPv4 policy decides, as in tor. PORT 0: any port at all (RESOLVE). False for a BadExit. */
bool exit_allows(const struct router *r, enum ip_family family, uint16_t port);

/* Whether connections to PORT tend to last (LongLivedPorts) and so want Stable relays. */
bool port_is_long_lived(const struct path_config *cfg, uint16_t port);

#endif
