/* Upkeep: what a coordinator does with its files: old results are compressed, and go; each hour,
 * and when somebody asks for it, there is a new bandwidth file. In a process of its own
 * (net/chore.h): the results of a week take seconds, and measurements need the coordinator each
 * second. */
#ifndef TUNIC_APP_MEASURE_UPKEEP_H
#define TUNIC_APP_MEASURE_UPKEEP_H

#include "measure/conf.h"
#include "measure/listing.h"
#include "net/net.h"

struct upkeep;

struct upkeep_ops {
    /* The work with that number is done. JSON: what to tell who asked for a bandwidth file. */
    void (*done)(void *arg, unsigned number, const char *json);
    void *arg;
};

/* CONF is copied; L, the network's relays, outlives it. NULL out of memory. */
struct upkeep *upkeep_new(struct net *n, const struct mconf_coord *conf, const struct listing *l,
                          const struct upkeep_ops *ops);
void upkeep_free(struct upkeep *u); /* what is being done is not; NULL is fine */
/* All but where files are. */
void upkeep_reconfigure(struct upkeep *u, const struct mconf_coord *conf);

/* A bandwidth file now: returns the number of the work that sees all that is there now. 0: no
 * process could be made. */
unsigned upkeep_ask(struct upkeep *u);

/* How many bandwidth files could not be made. */
unsigned upkeep_failures(const struct upkeep *u);

#endif
