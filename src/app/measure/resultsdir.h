/* Resultsdir: the folder of results: a file a day, appended to. */
#ifndef TUNIC_APP_MEASURE_RESULTSDIR_H
#define TUNIC_APP_MEASURE_RESULTSDIR_H

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

struct resultsdir;

/* PATH is made if need be. ERR_IO (logged), ERR_NOMEM. */
MUST_USE err_t resultsdir_open(const char *path, struct log *log, struct resultsdir **out);
void resultsdir_close(struct resultsdir *r); /* NULL is fine */
/* Until it is closed no other coordinator keeps its results there, of whose runs this one would not
 * know. ERR_STATE (logged): one does. */
MUST_USE err_t resultsdir_lock(struct resultsdir *r);

/* Appends LINE, which has its end, to the file of the day of NOW_S; SYNCED: it is on disk then.
 * ERR_FULL, ERR_IO (logged): it is not written; one that was not to be synced is kept, within
 * bounds, and comes before the next. */
MUST_USE err_t resultsdir_append(struct resultsdir *r, const char *line, bool synced,
                                 int64_t now_s);

/* FN gets each line of the files of the last DAYS days, the oldest first. ERR_IO (logged). */
typedef void resultsdir_line_fn(void *arg, struct text line);
MUST_USE err_t resultsdir_each(struct resultsdir *r, int64_t now_s, unsigned days,
                               resultsdir_line_fn *fn, void *arg);

#endif
