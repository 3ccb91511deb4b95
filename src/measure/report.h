/* Report: what results say, for people: why a relay has the figure that it has, and FlashFlow's own
 * lines. Text here; files are elsewhere. */
#ifndef TUNIC_MEASURE_REPORT_H
#define TUNIC_MEASURE_REPORT_H

#include "base/addr.h"
#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "dirdoc/docw.h"
#include "measure/results.h"

enum { REPORT_BEGUN_MOST = 1024 };

/* Runs that have begun and not ended; all zero at first. The oldest of too many is forgotten. */
struct report_begun {
    uint32_t id[REPORT_BEGUN_MOST]; /* a ring; 0: none */
    size_t next;
};

/* Appends what FlashFlow would have written of a line of results: "ID TS BEGIN FP" of a beginning;
 * of an end "ID TS MEASR BYTES" and "ID TS BG GIVEN TRUSTED" of each second, and "ID TS END";
 * of a run whose beginning was not among the lines nothing. ERR_MALFORMED: it is no line of ours.
 * ERR_NOMEM. */
MUST_USE err_t report_classic(struct report_begun *begun, struct text line, struct docw *out);

/* ---- one relay ---- */

struct report;

enum { REPORT_RUNS_MOST = 64 };

/* Of the relay with fingerprint FP (upper-case hex), or if that is "" at the address AT; results
 * tell its fingerprint then, so they come first. NULL out of memory. */
struct report *report_new(const char *fp, const struct ipport *at);
void report_free(struct report *r); /* NULL is fine */

/* Results, the oldest first; those of other relays are passed over. ERR_MALFORMED, ERR_NOMEM. */
MUST_USE err_t report_line(struct report *r, struct text line);
/* What else is known of it; others are passed over. */
void report_consensus(struct report *r, const struct consensus *c);
void report_descriptor(struct report *r, const struct descriptor *d);
/* Votes, one behind the other. */
void report_votes(struct report *r, struct text votes);

/* Some paragraphs, which the caller frees. ERR_NOT_FOUND: nothing at all is known of it; ERR_NOMEM.
 */
MUST_USE err_t report_text(const struct report *r, int64_t now_s, char **out);

#endif
