/* Parts: one measurer's measurement in several parts, each a measurement of its own (measurement.h)
 * with its share of circuits and of bytes, so that each may be a thread's. What they say is one
 * word here: sums, the quickest answer, the busiest of their processors; who has too few circuits
 * is judged over all. Pure bookkeeping. */
#ifndef TUNIC_MEASURE_PARTS_H
#define TUNIC_MEASURE_PARTS_H

#include "measure/measurement.h"

enum { PARTS_MOST = 32 };

struct parts;

/* The I-th of N parts of what is TOLD, for i < n and n <= told->n_circs: circuits and bytes. */
struct connect_to_relay parts_told(const struct connect_to_relay *told, unsigned i, unsigned n);
/* The number of its first circuit: they are counted over all parts. */
unsigned parts_first(const struct connect_to_relay *told, unsigned i, unsigned n);
/* What it is to give of ALLOC_BW. */
uint64_t parts_share(const struct connect_to_relay *told, unsigned i, unsigned n,
                     uint64_t alloc_bw);

/* OPS hear of the whole: on_end once, and nothing behind it; it may free. ERR_ARG: no, or too many
 * parts; ERR_NOMEM. TOLD is copied. */
MUST_USE err_t parts_new(const struct connect_to_relay *told, unsigned n,
                         const struct measurement_ops *ops, void *arg, struct parts **out);
void parts_free(struct parts *p); /* NULL is fine */

/* What part I says: on_connected comes again with each circuit that has become bad. WHY: what the
 * relay said to the last of those, or "". */
void parts_connected(struct parts *p, unsigned i, const struct connected_to_relay *c,
                     const char *why);
/* Part 0, for which the others wait, has got no circuit: whoever is there has not agreed. */
void parts_alone_failed(struct parts *p, const char *why);
void parts_report(struct parts *p, unsigned i, const struct bw_report *r);
void parts_ended(struct parts *p, unsigned i, const struct meas_failure *failure);

#endif
