/* Microdescriptors (dir-spec 3.3): what a client needs to know of a relay beyond the consensus. */
#ifndef TUNIC_DIR_MICRODESC_H
#define TUNIC_DIR_MICRODESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"

/* One parsed microdescriptor: views into the text it was parsed from. */
struct microdesc {
    struct text body;     /* exact bytes, "onion-key" line first; annotations not included */
    struct sha256 digest; /* of body: how the consensus names it */
    struct x25519_pub ntor;
    bool has_ntor;
    struct ed_id ed;
    bool has_ed;
    struct text family;     /* arguments of "family", or empty */
    struct text family_ids; /* arguments of "family-ids", or empty */
    struct text p, p6;      /* arguments, or empty */
    int64_t last_listed_s;  /* from an "@last-listed" annotation before it (caches), or 0 */
};

enum { MICRODESC_TEXT_MAX = 65536 };

/* Takes the next microdescriptor off *REST, also when it is bad (ERR_MALFORMED, ERR_LIMIT; .body
 * and .digest are set), so that one bad entry costs no other; ERR_NOT_FOUND at the end. Bytes
 * before the first "onion-key" or "@" line are taken off as one bad entry. */
MUST_USE err_t microdesc_next(struct text *rest, struct microdesc *out);

#endif
