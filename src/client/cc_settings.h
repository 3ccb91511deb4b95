/* What the consensus says of congestion control (proposal 324, 6.5). */
#ifndef TUNIC_CLIENT_CC_SETTINGS_H
#define TUNIC_CLIENT_CC_SETTINGS_H

#include <stdbool.h>

#include "circuit/cc_params.h"
#include "dir/netdir.h"

struct cc_params cc_settings(const struct netdir *nd);
/* Whether it is to be used at all. */
bool cc_settings_are_on(const struct netdir *nd);

#endif
