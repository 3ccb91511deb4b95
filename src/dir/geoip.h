/* GeoIP: the country of an address, by tor's files (GeoIPFile, GeoIPv6File; Debian's tor-geoipdb).
 *
 * A table is of one family. A row is where a range begins and the two letters of its country, in 6
 * bytes for IPv4 and 18 for IPv6; where nothing is known a row begins too. So tor-geoipdb's 386,000
 * ranges of IPv4 take 2.3 MB, its 277,000 of IPv6 5.4 MB. A table is counted, and immutable once
 * its file has been read. */
#ifndef TUNIC_DIR_GEOIP_H
#define TUNIC_DIR_GEOIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/text.h"

struct geoip;

enum { GEOIP_CC = 3, GEOIP_LINE_MAX = 512, GEOIP_ROWS_MAX = 16 << 20 };

struct geoip *geoip_ref(struct geoip *g); /* NULL is fine, and given back */
void geoip_unref(struct geoip **g);       /* sets *G to NULL; NULL in *G is fine */

/* The country of IP in lower case, "??" if nobody knows, or it is of the other family. Static
 * storage or OUT. G may be NULL. */
const char *geoip_country(const struct geoip *g, const struct ip *ip, char out[GEOIP_CC]);
/* Whether any address is of CC (lower case). */
bool geoip_knows(const struct geoip *g, const char *cc);
size_t geoip_rows(const struct geoip *g);
size_t geoip_bytes(const struct geoip *g); /* of memory */

/* ---- reading ---- */

/* The file comes in pieces, cut anywhere. Lines of IPv4 are "LOW,HIGH,CC" with numbers, or the same
 * in quotes with more behind it, those of IPv6 "LOW,HIGH,CC" with addresses; "#" begins a comment.
 * A line that is neither is counted and skipped. Lines may come in any order; where ranges overlap
 * the one that begins later counts. */
struct geoip_reader {
    struct geoip *g;
    size_t n_bad;              /* lines */
    char line[GEOIP_LINE_MAX]; /* what came of one whose end did not */
    size_t len;
    bool too_long; /* it is skipped to its end */
    bool unsorted;
};

/* ERR_NOMEM. */
MUST_USE err_t geoip_begin(struct geoip_reader *r, enum ip_family family);
/* ERR_NOMEM; ERR_LIMIT: more than GEOIP_ROWS_MAX rows. */
MUST_USE err_t geoip_piece(struct geoip_reader *r, struct text bytes);
/* All has come: the table, which the caller holds. ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t geoip_end(struct geoip_reader *r, struct geoip **out);
/* In place of geoip_end(), or behind an error. */
void geoip_abandon(struct geoip_reader *r);

#endif
