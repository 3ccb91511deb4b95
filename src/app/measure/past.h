/* Past: what `tunic measure run` remembers from one run to the next of relays that are not of this
 * computer, so that they are left in peace as a coordinator leaves them (measure/polite.h): results
 * in $XDG_STATE_HOME/tunic-measure, or ~/.local/state/tunic-measure, for their owner alone. The
 * line of a beginning is on disk before the first measuring byte, so a crash forgets nothing. Of
 * loopback nothing is kept. */
#ifndef TUNIC_APP_MEASURE_PAST_H
#define TUNIC_APP_MEASURE_PAST_H

#include "app/measure/pastfolder.h"
#include "app/measure/resultsdir.h"
#include "measure/polite.h"
#include "measure/results.h"

enum { PAST_WHY = PASTFOLDER_WHY };

struct past {
    int lock; /* the folder, while one relay is measured; -1: none is */
    struct resultsdir *dir;
    struct polite *polite;
    struct polite_run *run;
    struct meas_relay relay;
    int64_t began_s; /* 0: not yet */
};

/* RELAY may be measured now, and until past_leave() no other process of this user
 * measures any that is not of this computer. ERR_LIMIT, ERR_STATE, ERR_IO, ERR_NOMEM, and WHY. P
 * is one that was left, or zero. */
MUST_USE err_t past_take(struct past *p, struct log *log, const struct meas_relay *relay,
                         int64_t now_s, char why[PAST_WHY]);
/* It begins, and OF says whom its link has proved. ERR_LIMIT, ERR_IO, ERR_NOMEM and WHY: then it
 * must not. */
MUST_USE err_t past_begin(struct past *p, const struct results_of *of, int64_t now_s,
                          char why[PAST_WHY]);
/* What it came to, if it began. */
void past_end(struct past *p, const struct results_of *of, const struct run_result *result,
              int64_t now_s);
/* How many bytes it may still move today; 0: as many as it likes. */
uint64_t past_bytes_left(const struct past *p, int64_t now_s);
void past_leave(struct past *p);

#endif
