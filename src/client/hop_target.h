/* What one of our circuits says to a relay that it is extended to: by which names, at which address
 * and by which handshake. The relay before it and the relay itself see that, so it is as C tor has
 * it (extend_info_from_node(), circuit_pick_create_handshake()). */
#ifndef TUNIC_CLIENT_HOP_TARGET_H
#define TUNIC_CLIENT_HOP_TARGET_H

#include "circuit/circ.h"
#include "client/config.h"
#include "dir/netdir.h"

/* What the hop is in its circuit. */
enum hop_place {
    HOP_ON_THE_WAY, /* it passes on what comes, or is the end of an internal circuit */
    HOP_AT_THE_END, /* streams end there; a relay that somebody asked for by name */
};

struct circ_hop_target hop_target(const struct netdir *nd, const struct router *r,
                                  enum hop_place place, enum config_choice extend_by_ed);

#endif
