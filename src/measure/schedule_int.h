/* Inside of the schedule: who belongs together. */
#ifndef TUNIC_MEASURE_SCHEDULE_INT_H
#define TUNIC_MEASURE_SCHEDULE_INT_H

#include "measure/schedule.h"

/* Relays that are put into one slot. */
struct schedule_unit {
    uint64_t given;
    unsigned sockets, relays;
    uint32_t leader; /* the item with the least fingerprint */
    uint32_t slot;
};

struct schedule_units {
    struct schedule_unit *units;
    size_t n;
    uint32_t *of; /* an item's unit */
};

/* What a slot holds. */
struct schedule_room {
    uint64_t bw;
    unsigned sockets;
};

/* Makes units of ITEMS, each no more than ROOM, and sets what is given to each. ERR_NOMEM: OUT is
 * empty. */
MUST_USE err_t schedule_group(struct schedule_item *items, size_t n,
                              const struct schedule_room *room, struct schedule_units *out);
void schedule_units_free(struct schedule_units *u);
/* Whether UNIT fits in a slot beside what takes USED, for RELAYS. */
bool schedule_fits(const struct schedule_room *room, const struct schedule_unit *used,
                   const struct schedule_unit *unit);

#endif
