/* Votes: what each authority says of relays, from files that `tunic fetch` wrote. */
#ifndef TUNIC_APP_MEASURE_VOTES_H
#define TUNIC_APP_MEASURE_VOTES_H

#include "app/measure/offline.h"
#include "base/log.h"
#include "base/text.h"

/* FN gets votes, one or several behind each other: of the file or folder that --votes names, or of
 * an authority's data directory. Without any OK. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (logged),
 * ERR_NOMEM. */
typedef void votes_fn(void *arg, struct text votes);
MUST_USE err_t votes_read(const struct offline_options *o, struct log *log, votes_fn *fn,
                          void *arg);

#endif
