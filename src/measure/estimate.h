/* Estimate: what a relay carries, of what came back in each second and of what it says of its
 * clients (FlashFlow; torspec proposal 316). Pure arithmetic over bytes and seconds.
 *
 * In second j the measurers got x_j bytes back and checked them; the relay claims y_j bytes of
 * other traffic. t_j = x_j + min(y_j, floor(x_j * r / (1 - r))), so that a liar gains no more than
 * 1 / (1 - r); the estimate is the median of the t_j of the seconds that count. */
#ifndef TUNIC_MEASURE_ESTIMATE_H
#define TUNIC_MEASURE_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    ESTIMATE_SECONDS_MOST = 600, /* 316: dur 1..600 */
    ESTIMATE_PERCENT_MOST = 99,  /* FFBackgroundTrafficPercent 0..99 */
    ESTIMATE_BLOCKED_LEAST = 80, /* percent of the counted time: below that it was not the relay */
    ESTIMATE_CPU_MOST = 85,      /* percent of a core: from here on it was the measurer */
    ESTIMATE_LAG_MOST_MS = 200,  /* and here, too */
};

/* One second, of all measurers together. */
struct estimate_second {
    uint64_t x;                /* bytes that came back, as they count on the wire */
    uint64_t bg_sent, bg_recv; /* what the relay says that its clients had */
    /* Share of the second in which senders were held back by the relay, in percent: over the
     * measurers, each weighing what it was to send. */
    unsigned blocked;
    unsigned cpu;    /* the busiest measurer's, in percent of a core */
    unsigned lag_ms; /* the latest measurer's loop */
    bool reported;   /* every measurer has reported, at about the same time */
};

/* With fewer seconds than this nothing is said of how they are spread. */
enum { ESTIMATE_SPREAD_LEAST = 4 };

enum estimate_limit { LIMITED_BY_RELAY, LIMITED_BY_US };

/* Rates in bytes a second. All but the verdict is filled in as far as it goes, whatever it is. */
struct estimate {
    uint64_t bw;       /* the estimate: the median of t */
    uint64_t x, bg;    /* the medians of what came back, and of what is believed of background */
    uint64_t p10, p90; /* of t */
    uint64_t p25, p75;
    unsigned counted;     /* seconds */
    unsigned clamped;     /* of them: the relay claimed more than is believed */
    unsigned blocked;     /* percent of the counted time */
    unsigned cpu, lag_ms; /* medians over the counted seconds */
    enum estimate_limit limited_by;
};

/* What is believed of Y bytes of background beside X bytes that came back, at PERCENT (r) of the
 * total. */
uint64_t estimate_believed(uint64_t x, uint64_t y, unsigned percent);
/* What the relay says of a second: the less of both directions. */
uint64_t estimate_claim(const struct estimate_second *s);
/* Sorts V. For an even count the mean of the two in the middle, rounded down; 0 of none. */
uint64_t estimate_median(uint64_t *v, size_t n);

/* Of the N seconds of a run the first SKIPPED do not count, nor do those that were not reported.
 * ERR_LIMIT: fewer than two thirds of N count, so there is no estimate. ERR_ARG: more than
 * ESTIMATE_SECONDS_MOST. OUT->limited_by says whether the estimate is one of the relay: by us, it
 * is only a least. */
MUST_USE err_t estimate_make(const struct estimate_second *seconds, size_t n, size_t skipped,
                             unsigned percent, struct estimate *out);

/* The middle half of the seconds is wider than half of the median: to be measured again. */
bool estimate_is_unsteady(const struct estimate *e);
/* "the relay", "the measurers" */
const char *estimate_limit_text(enum estimate_limit limit);

#endif
