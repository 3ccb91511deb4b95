/* Progress of a fetch, in a terminal's last line. */
#ifndef TUNIC_APP_FETCH_PROGRESS_H
#define TUNIC_APP_FETCH_PROGRESS_H

#include "app/fetch/job.h"

struct progress {
    bool is_tty;     /* standard error is a terminal */
    bool line_shown; /* there is such a line */
};

void progress_show(struct progress *p, const struct job *j);
void progress_wipe(struct progress *p);
/* All is over, and WRITTEN documents are written. */
void progress_end(struct progress *p, const struct job *j, size_t written);

#endif
