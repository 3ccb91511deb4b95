/* What the consensus says of flow control, of streams under congestion control. */
#ifndef TUNIC_CLIENT_FLOW_PARAMS_H
#define TUNIC_CLIENT_FLOW_PARAMS_H

#include "dir/netdir.h"
#include "stream/xonxoff.h"

/* Of streams to an exit. ND NULL: the defaults. half_ms is none of its affair. */
struct xonxoff_params flow_params_xonxoff(const struct netdir *nd);

#endif
