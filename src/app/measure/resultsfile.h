/* Results files: those of a folder by their days, as they were written or compressed since.
 *
 * "2026-11-30.jsonl" becomes "2026-11-30.jsonl.gz" some days after: first the compressed one is
 * there, whole, then the other goes. What a crash leaves of that counts once. */
#ifndef TUNIC_APP_MEASURE_RESULTSFILE_H
#define TUNIC_APP_MEASURE_RESULTSFILE_H

#include "base/text.h"
#include "net/files.h"

enum { RESULTSFILE_MOST = 128 << 20 }; /* bytes of a day; what is more is not read */

/* The folder at PATH. ERR_NOT_FOUND, ERR_IO: errno tells. ERR_NOMEM. */
MUST_USE err_t resultsfile_folder(const char *path, struct log *log, struct files **out);

/* FN gets each line of the days that end after OLDEST_S, the oldest first. An error of FN ends it,
 * and is returned. A file that cannot be read, or that no compressor of ours made, is logged and
 * passed over. ERR_IO (logged), ERR_NOMEM. */
typedef err_t resultsfile_line_fn(void *arg, struct text line);
MUST_USE err_t resultsfile_each(struct files *folder, int64_t oldest_s, resultsfile_line_fn *fn,
                                void *arg);
/* The same for one file that was named. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, ERR_BOMB, ERR_MALFORMED,
 * ERR_TRUNCATED (logged), ERR_NOMEM, FN's. */
MUST_USE err_t resultsfile_one(struct files *folder, const char *name, resultsfile_line_fn *fn,
                               void *arg);

/* How long files are kept, and as what. */
struct resultsfile_keep {
    unsigned compress_days; /* after the end of their day; 0: they stay as they are */
    unsigned keep_days;     /* after it; then they go */
};
/* Compresses and removes what is old enough at NOW_S, never the day's own. What cannot be done
 * (logged) is tried the next time. */
void resultsfile_tidy(struct files *folder, int64_t now_s, const struct resultsfile_keep *keep);

#endif
