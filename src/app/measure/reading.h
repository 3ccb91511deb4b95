/* Reading: results, and what is known of relays besides, from the files of this computer. */
#ifndef TUNIC_APP_MEASURE_READING_H
#define TUNIC_APP_MEASURE_READING_H

#include "app/measure/verified.h"
#include "base/blob.h"
#include "base/log.h"
#include "dir/consensus.h"
#include "dir/descriptor.h"

/* What is wrong goes to standard error. */
struct log reading_log(void);

/* Lines of results, the oldest first, none of files that end before OLDEST_S. An error of FN ends
 * it. ERR_NOT_FOUND, ERR_IO (both logged), ERR_NOMEM, FN's. */
typedef err_t reading_line_fn(void *arg, struct text line);
MUST_USE err_t reading_results(const char *path, int64_t oldest_s, struct log *log,
                               reading_line_fn *fn, void *arg);

/* The consensus that the options name; NULL without one. The caller frees it. UNVERIFIED (logged):
 * why nobody knows that it is its authorities'; "": they have signed it. ERR_NOT_FOUND, ERR_IO,
 * ERR_UNDERSIGNED (all logged), or why it cannot be read (logged). */
MUST_USE err_t reading_consensus(const struct offline_options *o, struct log *log,
                                 struct consensus **out, char unverified[VERIFIED_WHY]);
/* Server descriptors that verify, or do but for their age. The same errors, or ERR_NOMEM. */
typedef void reading_descriptor_fn(void *arg, const struct descriptor *d);
MUST_USE err_t reading_descriptors(const struct offline_options *o, int64_t now_s, struct log *log,
                                   reading_descriptor_fn *fn, void *arg);
/* One file as it is; the caller drops it. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (all logged), ERR_NOMEM.
 */
MUST_USE err_t reading_file(const char *path, struct log *log, struct blob *out);

#endif
