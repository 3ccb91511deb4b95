/* Figures of a coordinator, for those who watch it: counts since its start, and how it is now. */
#ifndef TUNIC_MEASURE_COORDINATOR_FIGURES_H
#define TUNIC_MEASURE_COORDINATOR_FIGURES_H

#include "measure/coordinator.h"

/* Reasons of results without a figure (measurement-protocol.md); the last is any other. */
enum { COORDINATOR_REASONS = 17 };
extern const char *const coordinator_reasons[COORDINATOR_REASONS];

/* States that a relay of the schedule may be in, and the word for each; NULL: there is no I-th. */
enum { COORDINATOR_SCHEDULED = 8 };
const char *coordinator_scheduled_word(size_t i);

/* Since the start. */
struct coordinator_counts {
    uint64_t measured, failed[COORDINATOR_REASONS];
    uint64_t checked, bad; /* cells */
    uint64_t bytes;        /* on the wires of measurers, both ways */
    uint64_t unwritten;    /* lines of results */
};

struct coordinator_figures {
    struct coordinator_counts counts;
    size_t running, waiting;               /* measurements */
    size_t measurers_listed, measurers_up; /* that may come; that are there */
    uint64_t bw, reserved_bw;              /* of those that are there, bytes/s */
    size_t relays, relays_measured;        /* known of; with a figure, ever */
    /* The schedule, if one is followed. */
    uint32_t slots, slot;           /* of the period; the one that runs */
    uint64_t slot_given, slot_most; /* allotted in that one, bytes/s; what the team has */
    size_t scheduled[COORDINATOR_SCHEDULED];
    int64_t newest_s; /* of the newest figure; 0: there is none */
};

void coordinator_figures(const struct coordinator *c, struct coordinator_figures *out);

#endif
