/* Places where a control port may be, in the order in which they are tried. */
#ifndef TUNIC_APP_CTL_CANDIDATES_H
#define TUNIC_APP_CTL_CANDIDATES_H

#include "app/ctl/conn.h"

enum { CTL_CANDIDATES_MAX = 64, CTL_FROM = 256 };

struct ctl_candidate {
    struct ctl_place place;
    char from[CTL_FROM]; /* who says so: "ControlPort of /etc/tor/torrc" */
    char why[CTL_WHY];   /* what came of it; for whoever tries */
};

/* No place is in it twice: the first who named it counts. */
struct ctl_candidates {
    size_t n;
    struct ctl_candidate list[CTL_CANDIDATES_MAX];
};

/* Adds PLACE, if there is room; who says so is told in words. */
void ctl_candidate_add(struct ctl_candidates *out, const struct ctl_place *place, const char *fmt,
                       ...) PRINTF_LIKE(3, 4);

#endif
