/* Told: what a coordinator tells a measurer is not taken on trust: consent.h has the rules. */
#ifndef TUNIC_MEASURE_TOLD_H
#define TUNIC_MEASURE_TOLD_H

#include "measure/consent.h"
#include "measure/measurement.h"

/* Whether TOLD may be begun for the coordinator whose key has the hash PIN. ERR_ARG and the like,
 * and WHY. A relay that knows measuring says itself whether it agrees, to each link of ours; of any
 * other that is not of this machine the proof has come along, and so has that of an exit. A web
 * server agrees to nothing: it is SERVER, of which this measurer's operator has said that it may
 * be downloaded from (family IP_NONE or port 0: none), or one of the exit's own machine. */
MUST_USE err_t consent_of_told(const struct connect_to_relay *told, const struct sha256 *pin,
                               const struct ipport *server, int64_t now_s,
                               char why[CONSENT_WHY_MAX]);

#endif
