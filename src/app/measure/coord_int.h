/* Inside of `tunic measure coord`: all that one has. */
#ifndef TUNIC_APP_MEASURE_COORD_INT_H
#define TUNIC_APP_MEASURE_COORD_INT_H

#include "app/measure/relayproofs.h"
#include "app/measure/service.h"

struct coord_service {
    struct service s;
    struct mconf_coord conf;
    struct keys keys;
    struct tls_ctx *relay_tls;
    struct coordinator *c;
    struct relaytalks *talks;
    struct relayproofs proofs;
    struct resultsdir *results;
    struct listing *listing;
    struct relaysource *source;
    struct listener *listener;
    struct orders *orders;
    struct upkeep *upkeep;
    struct planside *plan;
    struct figures *figures;
};

/* ---- coord_ops.c ---- */

extern const struct coordinator_ops coord_ops; /* their ARG is a struct coord_service */

/* ---- coord_open.c ---- */

/* All but the service itself, of which CONF and KEYS are read. What is wrong is logged; ERR_NOMEM.
 * coord_end() is due in any case. */
MUST_USE err_t coord_begin(struct coord_service *cs);
void coord_end(struct coord_service *cs);

/* ---- coord_source.c ---- */

MUST_USE err_t coord_open_source(struct coord_service *cs);
/* Its relays come from where FRESH says, if that is elsewhere: of another network all that was
 * known is forgotten. If that cannot be, from where they came (logged), and FRESH says so, too. */
void coord_move_source(struct coord_service *cs, struct mconf_coord *fresh);

#endif
