/* Consent: who may be measured, and on what grounds. Pure rules over addresses and documents:
 * whoever asks for a measurement holds them, and so does each measurer by itself, so that neither
 * can be made a flood by the other. There is no switch that overrides them.
 *
 * Loopback is free. Any other relay has to agree: either by an answer of its own (MEAS_PARAMS_OK to
 * a coordinator, MEAS_ECHO_ON to a measurer), which the link shows to be its, or in the contact
 * line of its descriptor: signed by it, current, about the very address that is measured, with the
 * pin of the coordinator that asks. */
#ifndef TUNIC_MEASURE_CONSENT_H
#define TUNIC_MEASURE_CONSENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/descriptor.h"

enum {
    CONSENT_WHY_MAX = 400,
    /* Of a descriptor. tor makes a new one every 18 hours, and at once when its operator takes the
     * word out of the contact line. */
    CONSENT_AGE_MOST_S = 24 * 3600,
    CONSENT_AHEAD_MOST_S = 3600,
    CONSENT_DESCRIPTOR_MOST = 20 * 1000, /* what authorities take */
    CONSENT_PIN_TEXT_MAX = 72,           /* "tunic-measure:" and the pin, with its NUL */
};

/* One relay at one address. What is not known about it cannot agree to anything. */
struct consent_relay {
    struct ipport at;
    struct rsa_id rsa;
    struct ed_id ed;
    bool has_rsa, has_ed;
};

/* TEXT is "192.0.2.1:9001" or "[2001:db8::1]:9001". A name is refused, since what it stands for
 * changes between the check and the connection; so are IPv4-mapped addresses, which are another
 * way to write one, and addresses that are no single host's. WHY on ERR_ARG. */
MUST_USE err_t consent_address(const char *text, struct ipport *out, char why[CONSENT_WHY_MAX]);
/* TEXT is an address in numbers with ":" and what is no port of 1 to 65535. */
bool consent_port_is_wrong(const char *text);
/* The same of an address that came in a message. */
MUST_USE err_t consent_check_address(const struct ipport *at, char why[CONSENT_WHY_MAX]);

/* It is this very machine, so nobody else has to agree. */
bool consent_is_free(const struct ipport *at);

/* The relay's DESCRIPTOR says that whoever holds the key of PIN may measure it. ERR_NOT_FOUND: it
 * is a good one and does not say so. Any other error: it is none of that relay's, or not a current
 * one. WHY says what is wrong, and what the operator would have to write. */
MUST_USE err_t consent_by_contact(const struct consent_relay *relay, struct text descriptor,
                                  const struct sha256 *pin, int64_t now_s,
                                  char why[CONSENT_WHY_MAX]);

/* Its one contact line has the word, whatever else may be wrong with it: for who asks whom to ask.
 * It is no consent. */
bool consent_is_named(const struct descriptor *d, const struct sha256 *pin);

/* What may be the address of a second hop that RELAY is to be extended to: one of this machine for
 * a relay of this machine; else none that means the relay's own. It is bound before it is told, so
 * it is nobody else's. WHY on ERR_ARG. */
MUST_USE err_t consent_hop(const struct ipport *relay, const struct ipport *hop,
                           char why[CONSENT_WHY_MAX]);

/* "tunic-measure:sha256//...", as it stands in the contact line. Returns OUT. */
const char *consent_pin_text(const struct sha256 *pin, char out[CONSENT_PIN_TEXT_MAX]);

#endif
