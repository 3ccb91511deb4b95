/* Verdict: what is said of a run, each second and at its end. */
#ifndef TUNIC_APP_MEASURE_VERDICT_H
#define TUNIC_APP_MEASURE_VERDICT_H

#include <stdio.h>

#include "measure/run.h"

enum { VERDICT_LINE_MAX = 240, VERDICT_NUMBER_MAX = 28 };

/* "84,012". Returns OUT. */
const char *verdict_grouped(uint64_t n, char out[VERDICT_NUMBER_MAX]);

/* "[17/30 s] 43.1 Mbit/s, background 2.0, 84,012 cells checked, 158/160 sockets" */
const char *verdict_second(const struct run_second *s, const struct run *run,
                           char out[VERDICT_LINE_MAX]);
/* Of a run that was cancelled: what it had measured until then, if anything. */
void verdict_so_far(FILE *to, const struct run_result *result, const struct run *run);
/* "the median of 29 seconds, half of them from 40.1 to 44.0." and what follows of it, of the
 * sentence that has the figure. */
void verdict_spread(FILE *to, const struct estimate *e);
/* A further run with this prior (bytes a second) may give more; 0: nothing is said. */
void verdict_again(FILE *to, uint64_t next_prior);
/* Some sentences about the relay NAME, each on a line. */
void verdict_write(FILE *to, const char *name, const struct run_result *result,
                   const struct run *run);

#endif
