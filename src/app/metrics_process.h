/* What Prometheus's own clients tell of their process: "process_resident_memory_bytes". */
#ifndef TUNIC_APP_METRICS_PROCESS_H
#define TUNIC_APP_METRICS_PROCESS_H

#include "base/out.h"

/* What cannot be read is left out. */
void metrics_process_write(struct text_out *out);

#endif
