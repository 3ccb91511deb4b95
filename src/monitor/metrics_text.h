/* Metrics text: lines of Prometheus's text (exposition format 0.0.4), for whoever has figures. */
#ifndef TUNIC_MONITOR_METRICS_TEXT_H
#define TUNIC_MONITOR_METRICS_TEXT_H

#include <stdint.h>

#include "base/out.h"

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* A family's first lines. */
void metrics_family(struct text_out *out, enum metrics_type type, const char *name,
                    const char *help);
/* One value of a family whose first lines are written; WORD needs no quoting. */
void metrics_labelled(struct text_out *out, const char *name, const char *label, const char *word,
                      uint64_t value);
/* A family of one value without labels. */
void metrics_value(struct text_out *out, enum metrics_type type, const char *name, const char *help,
                   uint64_t value);

#endif
