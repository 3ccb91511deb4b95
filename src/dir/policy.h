/* Exit-policy summaries ("p" and "p6" lines of microdescriptors, dir-spec 3.3): which ports a relay
 * lets out to most addresses. Immutable and shared between relays; see netdir.h for who owns. */
#ifndef TUNIC_DIR_POLICY_H
#define TUNIC_DIR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum { EXIT_SUMMARY_RANGES_MAX = 1000 };

struct port_range {
    uint16_t first, last;
};

struct exit_summary {
    bool accept; /* the ranges are what is accepted, else what is rejected */
    uint16_t n;
    struct port_range ranges[]; /* ascending, disjoint */
};

/* ARGS is what follows "p ": "accept 80,443,6660-6669" or "reject 1-65535". One allocation, freed
 * with free(). Port 0, an empty list and descending ranges are malformed. */
MUST_USE err_t exit_summary_parse(struct text args, struct exit_summary **out);

/* NULL (no such line) allows nothing. */
bool exit_summary_allows(const struct exit_summary *p, uint16_t port);
bool exit_summary_allows_none(const struct exit_summary *p);

#endif
