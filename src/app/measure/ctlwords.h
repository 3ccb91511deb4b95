/* Ctlwords: what a coordinator answers and tells, in words. */
#ifndef TUNIC_APP_MEASURE_CTLWORDS_H
#define TUNIC_APP_MEASURE_CTLWORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes what OBJECT says, in lines. LIVE: TO is a terminal, where the line of a second is written
 * over by the next. */
void ctlwords_write(FILE *to, const json_t *object, bool live);

#endif
