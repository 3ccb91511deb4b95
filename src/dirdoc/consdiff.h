/* Consensus diffs (dir-spec 4.5, appendix E): how to make the new consensus of the old one, as a
 * script of an old line editor. Made in one pass over both, relay by relay. */
#ifndef TUNIC_DIRDOC_CONSDIFF_H
#define TUNIC_DIRDOC_CONSDIFF_H

#include <stdint.h>

#include "base/text.h"
#include "dirdoc/docw.h"

/* Appends the diff to OUT. OLD_SIGNED is the SHA3-256 of OLD's signed part, NEW_WHOLE that of all
 * of NEW. Both are consensuses of one flavor whose relays are sorted; if they are not, the diff
 * is longer, but right. ERR_NOMEM. */
MUST_USE err_t consdiff_make(struct text old, struct text new, const uint8_t old_signed[32],
                             const uint8_t new_whole[32], struct docw *out);

#endif
