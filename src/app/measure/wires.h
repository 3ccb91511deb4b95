/* Wires: sockets of the links of measurements. */
#ifndef TUNIC_APP_MEASURE_WIRES_H
#define TUNIC_APP_MEASURE_WIRES_H

#include "measure/measurement.h"
#include "net/net.h"

/* The world is the struct net. */
extern const struct meas_world wires_world;

#endif
