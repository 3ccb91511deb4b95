/* Figures: a coordinator's for Prometheus, over HTTP at "/metrics", to whom metrics_policy lets in:
 * this computer, if it says nothing. */
#ifndef TUNIC_APP_MEASURE_FIGURES_H
#define TUNIC_APP_MEASURE_FIGURES_H

#include "app/measure/upkeep.h"
#include "measure/coordinator.h"
#include "net/net.h"

struct figures;

/* Borrowed, and outlive it. */
struct figures_of {
    const struct coordinator *coordinator;
    const struct upkeep *upkeep;
    const struct mconf_coord *conf;
};

/* What figures_open() would not take: ERR_MALFORMED and WHY. ERR_NOMEM. */
MUST_USE err_t figures_check(const struct mconf_coord *conf, char why[MCONF_WHY]);

/* *OUT is NULL if nobody is to be served. ERR_IO (logged), ERR_MALFORMED, ERR_NOMEM. */
MUST_USE err_t figures_open(struct net *n, const struct figures_of *of, struct figures **out);
void figures_close(struct figures *f); /* NULL is fine */

#endif
