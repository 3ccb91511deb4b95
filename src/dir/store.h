/* The cached files of the directory, in tor's formats: bytes in, bytes out. Reading and writing
 * files is net's business.
 *
 *   cached-certs                 key certificates, one after the other
 *   cached-microdesc-consensus   the consensus as it was received
 *   unverified-microdesc-consensus   the same, while certificates for it are missing
 *   cached-microdescs            microdescriptors, each behind an "@last-listed" line
 *   cached-microdescs.new        the same, appended to as they arrive (journal)
 *
 * A damaged entry costs only itself; the report says how many there were, so that the caller can
 * set the file aside and have it written anew. */
#ifndef TUNIC_DIR_STORE_H
#define TUNIC_DIR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/authcert.h"
#include "dir/microdesc.h"
#include "dir/netdir.h"

enum dir_file {
    DIR_FILE_CERTS,
    DIR_FILE_CONSENSUS,
    DIR_FILE_MICRODESCS,
    DIR_FILE_MICRODESCS_NEW,
    DIR_FILE_UNVERIFIED,
    DIR_FILE_N,
};
const char *dir_file_name(enum dir_file f);

enum { STORE_DATE_MAX = 48 }; /* "@last-listed YYYY-MM-DD HH:MM:SS\n" */

struct store_report {
    size_t good, bad;
    bool torn;         /* the last entry is bad: perhaps not all of it was written */
    err_t first_error; /* of the bad ones */
};

/* Adds the good certificates of BYTES to SET. ERR_NOMEM only. */
MUST_USE err_t store_load_certs(struct text bytes, struct authcert_set *set,
                                struct store_report *report);
MUST_USE err_t store_write_certs(const struct authcert_set *set, struct buf *out);

/* Adds microdescriptors of BYTES to ND. ERR_NOMEM only. */
MUST_USE err_t store_load_microdescs(struct text bytes, struct netdir *nd,
                                     struct store_report *report);
/* One entry of either file, to be appended. */
MUST_USE err_t store_write_microdesc(const struct microdesc *md, int64_t last_listed_s,
                                     struct buf *out);
/* The files OLD and JOURNAL as one, in parts: views into them, and LINE in places. Each digest
 * comes once; entries that ND lists have a date of today, others are kept for a week after theirs.
 */
struct store_merged {
    struct text *parts;
    size_t n, room, len; /* LEN: of all parts */
    char line[STORE_DATE_MAX];
};
MUST_USE err_t store_merge_microdescs(struct text old, struct text journal, const struct netdir *nd,
                                      int64_t now_s, struct store_merged *out);
void store_merged_free(struct store_merged *m); /* also after an error */

#endif
