/* What a bandwidth file is made of. */
#ifndef TUNIC_MEASURE_BWFILE_INT_H
#define TUNIC_MEASURE_BWFILE_INT_H

#include "measure/bwfile.h"

enum { BWFILE_RUNS = 32 };

struct bwfile_relay {
    struct rsa_id rsa;
    char nickname[NICKNAME_MAX + 1];
    char ed[RESULTS_ED_MAX];
    bool is_listed, is_authority, is_unmeasured; /* by the consensus */
    uint32_t weight_kb;
    bool is_described;
    int64_t published_s;
    uint64_t average, burst, observed; /* by its descriptor, bytes/s */

    unsigned attempts, good, old, circ_errors, misc_errors;
    uint64_t bw[BWFILE_RUNS]; /* of the good ones: a ring */
    /* The one whose figure stands, if there is one, and why the newest other one failed. */
    int64_t measured_s, failed_s;
    uint64_t figure, counted, x, bg, clamped;
    char mode[RESULTS_WORD_MAX], limited_by[RESULTS_WORD_MAX], why[RESULTS_WORD_MAX];
};

struct bwfile {
    int64_t now_s, oldest_s;
    struct bwfile_relay **relays; /* ascending by rsa */
    size_t n, n_listed;
    size_t unknown;
    int64_t first_s; /* the oldest result that counts; 0: there is none */
};

#endif
