/* What a host does for its control side: the ops of struct control_world, whose world is the host.
 */
#ifndef TUNIC_HOST_CONTROLLED_H
#define TUNIC_HOST_CONTROLLED_H

#include "control/world.h"

extern const struct control_world controlled_ops;

#endif
