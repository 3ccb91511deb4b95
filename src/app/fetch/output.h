/* What a fetch writes: the documents that came, as they are, as JSON, or as they came. */
#ifndef TUNIC_APP_FETCH_OUTPUT_H
#define TUNIC_APP_FETCH_OUTPUT_H

#include <jansson.h>

#include "app/fetch/job.h"
#include "app/out.h"

struct output {
    const struct fetch_args *args;
    struct out to;
    json_t *json; /* the list for standard output or a file */
    size_t written;
    bool interrupted;
};

/* Where something half-written would have to be removed, signals wait: they are looked for between
 * two documents. Elsewhere a pipe that nobody reads from must not keep us. */
void output_hold_signals(const struct output *o);
/* All that J got. ERR_STATE: a signal came, and o->interrupted; else o->to.why, or "". */
MUST_USE err_t output_write(struct output *o, const struct job *j);
void output_close(struct output *o);

#endif
