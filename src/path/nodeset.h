/* Node lists of torrc: ExcludeNodes, ExitNodes, EntryNodes, MiddleNodes, ExcludeExitNodes,
 * NodeFamily. A set names relays by fingerprint, nickname, address pattern or country.
 *
 * Countries are looked up in a table of GeoIP (dir/geoip.h) that the set is given; without it they
 * match no relay, and nodeset_country() names them so that the caller can refuse the option. Apart
 * from that a set is immutable. */
#ifndef TUNIC_PATH_NODESET_H
#define TUNIC_PATH_NODESET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/consensus.h"
#include "dir/geoip.h"

struct nodeset;

enum { NODESET_ENTRIES_MAX = 65536, NODESET_WHY_MAX = 160 };

/* Comma-separated list of: [$]40 hex digits, also followed by ~nickname or =nickname (which says
 * nothing more); a nickname; a pattern (base/addrpat.h) over the addresses and ORPorts; {cc}.
 * Spaces around entries and empty entries are skipped. One malformed entry spoils the list, as in
 * tor: ERR_MALFORMED, and WHY (NODESET_WHY_MAX bytes, or NULL) names it. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t nodeset_parse(struct text list, struct nodeset **out, char *why);
void nodeset_free(struct nodeset **s); /* NULL in *S is fine */

/* S may be NULL: an unset option, which is empty. */
bool nodeset_is_empty(const struct nodeset *s);
/* Whether both say the same, be it in another order. */
bool nodeset_equal(const struct nodeset *a, const struct nodeset *b);
bool nodeset_has(const struct nodeset *s, const struct router *r);

/* GEOIP (of IPv4; held by S from now on; or NULL) says where relays are. */
void nodeset_locate(struct nodeset *s, struct geoip *geoip);

/* The I-th country of the list in lower case ("de", "??"), or NULL behind the last one. */
const char *nodeset_country(const struct nodeset *s, size_t i);

#endif
