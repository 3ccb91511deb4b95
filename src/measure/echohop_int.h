/* The inside of a hop, for echohop*.c only. */
#ifndef TUNIC_MEASURE_ECHOHOP_INT_H
#define TUNIC_MEASURE_ECHOHOP_INT_H

#include <utlist.h>

#include "base/later.h"
#include "crypto/aes.h"
#include "measure/echohop.h"

struct echohop_circ;

struct echohop_link {
    struct echohop *hop;
    struct link *link;
    bool over;
    struct echohop_link *prev, *next;
};

struct echohop_circ {
    struct echohop *hop;
    struct link_circ lc;
    struct aes_ctr *forward; /* Kf: all that it has of its layer */
    unsigned since_return;   /* cells */
    struct echohop_circ *prev, *next;
};

struct echohop {
    struct env *env;
    struct echohop_config config;
    const struct echohop_ops *ops;
    void *world;
    struct echohop_counts counts; /* bytes: of links that are over */
    struct echohop_link *links, *dead_links;
    struct echohop_circ *circs, *dead_circs;
    bool closed;
    struct later reap;
    struct timer end;
};

/* CREATE2 or whatever came under ID: a circuit, or DESTROY. */
void echohop_circ_create(struct echohop_link *hl, uint32_t id, uint8_t cmd, const uint8_t *body);
/* Off its link, with DESTROY if REASON is not 0; freed later. */
void echohop_circ_end(struct echohop_circ *c, uint8_t reason);
void echohop_circ_free(struct echohop_circ *c);

#endif
