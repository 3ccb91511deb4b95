/* The system's clocks. */
#ifndef TUNIC_NET_CLOCK_H
#define TUNIC_NET_CLOCK_H

#include "base/env.h"

/* Sets ENV's clocks to now. */
void clock_read(struct env *env);

#endif
