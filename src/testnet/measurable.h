/* Measurable: under which terms a relay lets its capacity be measured: the parameters of proposal
 * 316. What its operator says beats the consensus, and that what holds where nobody says anything.
 */
#ifndef TUNIC_TESTNET_MEASURABLE_H
#define TUNIC_TESTNET_MEASURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"

struct netdocs;

enum { MEASURABLE_COORDINATORS_MOST = 16, MEASURABLE_RUNS = 2 /* a period and coordinator */ };

/* What an operator says. */
struct measurable {
    struct measurable_option {
        bool said;
        uint32_t n;
    } allowed,                        /* FFMeasurementsAllowed */
        period_s,                     /* FFMeasurementPeriod; 0: as often as one likes */
        background_percent,           /* FFBackgroundTrafficPercent */
        seconds_most;                 /* FFMaxMeasurementDuration */
    const struct ed_id *coordinators; /* FFAllowedCoordinators; borrowed */
    size_t n_coordinators;            /* at most MEASURABLE_COORDINATORS_MOST */
};

struct measurable_terms {
    bool speaks; /* it knows MEASUREMENT; one to whom nobody ever said a word does not */
    bool allowed;
    uint32_t period_s;
    uint8_t background_percent;
    uint16_t seconds_most;
};

/* DOCS may be NULL: no consensus. */
struct measurable_terms measurable_terms(const struct measurable *said, const struct netdocs *docs);

/* What X bytes of measuring leave to clients: X times r / (1 - r). */
uint64_t measurable_share(const struct measurable_terms *t, uint64_t x);
/* Bytes a second that clients have in any case: their share if 10 Mbit/s are measured. */
uint32_t measurable_floor(const struct measurable_terms *t);

#endif
