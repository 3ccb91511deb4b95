/* Orderwish: what an order to measure asks for besides the relays. */
#ifndef TUNIC_APP_MEASURE_ORDERWISH_H
#define TUNIC_APP_MEASURE_ORDERWISH_H

#include "measure/coordinator.h"

struct json_t;

/* ERR_ARG, and WHY. */
MUST_USE err_t orderwish_read(const struct json_t *order, struct coordinator_wish *out,
                              char why[COORDINATOR_WHY]);

#endif
