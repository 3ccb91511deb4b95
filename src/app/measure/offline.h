/* Offline: the command line of what `tunic measure` makes of results alone (bwfile, report). */
#ifndef TUNIC_APP_MEASURE_OFFLINE_H
#define TUNIC_APP_MEASURE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/args.h"

enum { OFFLINE_REPORT_AGE_S = 30 * 24 * 3600 };
enum offline_part { OFFLINE_BWFILE = 1, OFFLINE_REPORT = 2 };

struct offline_options {
    const char *results; /* a folder, or a file */
    const char *folder, *consensus, *descriptors, *votes, *truth, *schedule; /* NULL: not given */
    const char *certificates, *torrc; /* by which the consensus is verified; NULL: not given */
    const char *out;                  /* a folder; NULL: standard output */
    const char *country, *relay;
    unsigned digits; /* 0: not rounded */
    uint32_t max_age_s;
    bool classic, help;
};

/* ERR_ARG and WHY. */
MUST_USE err_t offline_parse(enum offline_part part, int argc, char *const *argv,
                             struct offline_options *out, char why[ARG_WHY]);

extern const char offline_bwfile_help[], offline_report_help[];

#endif
