/* Bwmake: a bandwidth file made of results, of a consensus and of descriptors, and put where
 * authorities read it: by `tunic measure bwfile` and by a coordinator the same way.
 *
 * The file is whole or not there, and the link leads to a whole one at any moment. */
#ifndef TUNIC_APP_MEASURE_BWMAKE_H
#define TUNIC_APP_MEASURE_BWMAKE_H

#include "app/measure/offline.h"
#include "app/out.h"
#include "base/log.h"
#include "measure/bwfile.h"

struct bwmake {
    struct offline_options from;   /* results and what is known besides, how old, how round */
    const struct listing *listing; /* what is known besides, if it is not to be read */
    const char *link;              /* the file is LINK.2026-11-30-12-00-00; NULL: standard output */
    int64_t now_s, started_s;
    struct log *log;
};

struct bwmade {
    struct bwfile_sum sum;
    char path[OUT_PATH_MAX]; /* of the file; "": it was standard output */
    char why[OUT_WHY];       /* after an error */
};

/* ERR_NOT_FOUND: no relay has a recent result, or what is to be read is not there. In any case WHY
 * says what is wrong, unless it is "": then it was logged. */
MUST_USE err_t bwmake(const struct bwmake *b, struct bwmade *out);

/* Files that were made for LINK, and are older than KEEP_DAYS, go; so does what a crash has left.
 * The one that LINK leads to stays. */
void bwmake_tidy(const char *link, int64_t now_s, unsigned keep_days, const struct log *log);

/* When the file was made that LINK leads to; 0: it leads to none. */
int64_t bwmake_newest_s(const char *link);

#endif
