/* The inside of a probe, for probe*.c only. */
#ifndef TUNIC_CHECK_PROBE_INT_H
#define TUNIC_CHECK_PROBE_INT_H

#include "check/probe.h"

/* Sends what TLS has sealed. */
void probe_flush(struct probe *p);
/* Waits for more bytes, for TLS or the plain queue: OK, ERR_MORE (none in time), ERR_LINK_CLOSED,
 * ERR_NOMEM. */
MUST_USE err_t probe_get(struct probe *p, uint32_t timeout_ms);

#endif
