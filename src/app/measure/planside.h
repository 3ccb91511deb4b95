/* Planside: what a coordinator's schedule needs of files: the secret, the relays that have opted
 * in, what was kept of the plan of the day; and the relays that the network's documents name, anew
 * when those say something new. */
#ifndef TUNIC_APP_MEASURE_PLANSIDE_H
#define TUNIC_APP_MEASURE_PLANSIDE_H

#include "measure/conf.h"
#include "measure/coordinator.h"
#include "net/net.h"

struct planside;

/* All borrowed but CONF, of which what is needed is copied; they outlive it. */
struct planside_config {
    struct net *net;
    struct log *log;
    struct coordinator *coordinator;
    struct listing *listing;
    const struct mconf_coord *conf;
};

/* Reads the secret, and what was kept: before coordinator_recalled(). ERR_IO, ERR_MALFORMED (both
 * logged), ERR_NOMEM. */
MUST_USE err_t planside_open(const struct planside_config *config, struct planside **out);
/* Whether the secret and the file of those that have opted in can be read: ERR_IO, ERR_MALFORMED
 * (both logged); ERR_NOMEM. */
MUST_USE err_t planside_check(struct log *log, const struct mconf_coord *conf);
void planside_close(struct planside *p); /* NULL is fine */
/* Gives the coordinator its relays, now and when there is something new. ERR_IO, ERR_MALFORMED
 * (both logged): the file of those that have opted in; ERR_NOMEM. */
MUST_USE err_t planside_begin(struct planside *p);
/* That file, and the secret's, may be others by now; if one is wrong, both stay as they were. */
void planside_reload(struct planside *p, const struct mconf_coord *conf);
/* Documents are to come from where CONF says: they are waited for, as at a start, and meanwhile the
 * relays stay as they are. */
void planside_expect(struct planside *p, const struct mconf_coord *conf);

/* Keeps LINES of the plan, behind the others or in place of them. ERR_IO (logged). */
MUST_USE err_t planside_keep(struct planside *p, const char *lines, bool fresh);

#endif
