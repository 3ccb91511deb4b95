/* Bandwidth file (bandwidth-file-spec, version 1.6.0): what directory authorities read of results,
 * to vote on what relays carry. Text here; files are elsewhere.
 *
 * It is told of the relays of a consensus, of their server descriptors and of results, in this
 * order; then it is written as often as one likes. */
#ifndef TUNIC_MEASURE_BWFILE_H
#define TUNIC_MEASURE_BWFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "measure/listing.h"
#include "measure/results.h"

struct bwfile;

enum {
    BWFILE_NAME_MAX = 32,         /* "v3bw.2026-11-30-12-00-00" */
    BWFILE_AGE_S = 7 * 24 * 3600, /* FlashFlow's max_results_age */
    BWFILE_PERCENT = 60,          /* of the consensus' relays, or nobody votes by it */
    BWFILE_RELAYS_MOST = 65536,
    BWFILE_DIGITS_LEAST = 2, /* significant ones, if rounded */
    BWFILE_DIGITS_MOST = 9,
};

/* Results older than MAX_AGE_S count no more at NOW_S. NULL out of memory. */
struct bwfile *bwfile_new(int64_t now_s, int64_t max_age_s);
void bwfile_free(struct bwfile *b); /* NULL is fine */

/* ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t bwfile_consensus(struct bwfile *b, const struct consensus *c);
/* Both of what a coordinator knows: consensus, and descriptors that say something yet. */
MUST_USE err_t bwfile_listing(struct bwfile *b, const struct listing *l);
/* Of a relay that the consensus does not have nothing is kept; of several the newest. */
void bwfile_descriptor(struct bwfile *b, const struct descriptor *d);
/* ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t bwfile_result(struct bwfile *b, const struct result *r);

struct bwfile_config {
    const char *version; /* the generator's */
    int64_t started_s;   /* when the generator was started */
    unsigned digits;     /* significant ones of bw; 0: it is not rounded */
    const char *country; /* where the measurers are, two letters; NULL: it is not said */
};

/* What it came to, for people. */
struct bwfile_sum {
    size_t listed;   /* relays of the consensus */
    size_t measured; /* of them: with a figure */
    size_t unknown;  /* results of relays that it does not have, or that have no fingerprint */
    size_t capped;   /* that said of themselves that they give less */
    bool votes;      /* enough were measured */
};

/* The file, which the caller frees. ERR_NOT_FOUND: no relay has a recent result, and so there is
 * none; ERR_NOMEM. */
MUST_USE err_t bwfile_write(const struct bwfile *b, const struct bwfile_config *config, char **out,
                            struct bwfile_sum *sum);

/* The name of a file that was made at WALL_S. Returns OUT. */
const char *bwfile_name(int64_t wall_s, char out[BWFILE_NAME_MAX]);

#endif
