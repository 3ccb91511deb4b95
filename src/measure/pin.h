/* Pins: whom we speak with is told by SHA-256 of the SubjectPublicKeyInfo of the certificate shown,
 * written as curl's --pinnedpubkey has it: "sha256//BASE64". No certificate is looked at beyond
 * that: there are no roots of trust, so nobody's signature makes a peer. */
#ifndef TUNIC_MEASURE_PIN_H
#define TUNIC_MEASURE_PIN_H

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"

enum { PIN_TEXT_MAX = 8 + 44 + 1 };

/* ERR_MALFORMED. */
MUST_USE err_t pin_parse(struct text t, struct sha256 *out);
const char *pin_text(const struct sha256 *pin, char out[PIN_TEXT_MAX]);

#endif
