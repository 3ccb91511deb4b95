/* Whom: which relay is meant by a word of the command line: an address, a fingerprint, a nickname.
 * The latter two are looked up in a test network's nodes.json, or in the consensus that a client
 * keeps in its DataDirectory. */
#ifndef TUNIC_APP_MEASURE_WHOM_H
#define TUNIC_APP_MEASURE_WHOM_H

#include "measure/measurement.h"

enum { WHOM_WHY = 400, WHOM_NAME_MAX = 56 };

struct whom {
    struct meas_relay relay;
    char name[WHOM_NAME_MAX + 1]; /* for people */
};

/* FOLDER: a test network's, or a DataDirectory; NULL: none, only addresses are understood.
 * ERR_NOT_FOUND and WHY. */
MUST_USE err_t whom_find(const char *word, const char *folder, struct whom *out,
                         char why[WHOM_WHY]);

#endif
