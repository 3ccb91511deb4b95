/* What is spoken to a control port by mistake, and what tor answers to that: HTTP, as to a proxy,
 * and the control protocol of before 2007. */
#ifndef TUNIC_CONTROL_REFUSE_H
#define TUNIC_CONTROL_REFUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* Whether BYTES begin such a thing; then it was answered, and the session ends. */
bool refuse_protocol(struct session *s, const uint8_t *bytes, size_t len);

#endif
