/* What the control side asks of its surroundings: of the host that runs the client, and through it
 * of the process. Nothing here may free the control side. */
#ifndef TUNIC_CONTROL_WORLD_H
#define TUNIC_CONTROL_WORLD_H

#include "base/err.h"
#include "conf/options.h"

struct control_world {
    const struct options *(*options)(void *world); /* those that hold now */
};

#endif
