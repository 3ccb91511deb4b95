/* Agree: measurers compared over many relays. In each run of several, what came back to a measurer
 * is set against what it was to give; one whose part is always less, or more, than the others' has
 * a slow line, or does not tell the truth. It is named; nothing is done to it. */
#ifndef TUNIC_MEASURE_AGREE_H
#define TUNIC_MEASURE_AGREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/msg.h"

enum {
    AGREE_RUNS = 20,          /* the newest so many of each count */
    AGREE_LEAST = 5,          /* with fewer nothing is said */
    AGREE_LOW_PERCENT = 60,   /* of its part: less in most runs is odd */
    AGREE_HIGH_PERCENT = 160, /* and more */
    AGREE_MEASURERS_MOST = 64,
};

struct agree_measurer {
    char name[MSG_NAME_MAX + 1];
    unsigned percent[AGREE_RUNS]; /* what came back, of what its part would be */
    size_t n, next;
};

struct agree {
    struct agree_measurer measurers[AGREE_MEASURERS_MOST];
    size_t n;
};

/* In one run NAME was to give ALLOC of ALL_ALLOC, and RECV of ALL_RECV came back to it. Runs that
 * say nothing (nothing given, nothing came) are skipped. */
void agree_add(struct agree *a, const char *name, uint64_t alloc, uint64_t all_alloc, uint64_t recv,
               uint64_t all_recv);
/* The median of its percents; 0: too few runs. */
unsigned agree_percent(const struct agree *a, const char *name);
/* Whether it always disagrees. */
bool agree_is_odd(const struct agree *a, const char *name);

#endif
