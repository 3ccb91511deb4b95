/* Onehop: a link of our own to one relay, with one circuit of one hop on it, made by CREATE_FAST:
 * what a coordinator talks to a relay on, and what a measurer sends its cells on.
 *
 * Cells come and go as they are: nothing is queued here, and a RELAY cell is handed out where it
 * lies. on_end comes once, from inside whatever it was that ended it; the owner frees later. */
#ifndef TUNIC_MEASURE_ONEHOP_H
#define TUNIC_MEASURE_ONEHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "cell/measurement.h"
#include "circuit/fast.h"
#include "circuit/layer.h"
#include "link/link.h"
#include "measure/measurement.h"

enum onehop_state { ONEHOP_IDLE, ONEHOP_DIALLING, ONEHOP_CREATING, ONEHOP_READY, ONEHOP_OVER };

struct onehop_ops {
    void (*on_ready)(void *arg);                              /* the circuit stands */
    void (*on_meas)(void *arg, const struct meas_cell *cell); /* a MEASUREMENT cell */
    void (*on_relay)(void *arg, uint8_t body[CELL_BODY_LEN]); /* a RELAY cell, in its layers */
    void (*on_writable)(void *arg);                           /* a cell was refused before */
    /* DURING: how far it had come. WHY: OK if the relay ended it in an orderly way. */
    void (*on_end)(void *arg, enum onehop_state during, err_t why, const char *text);
};

struct onehop {
    struct env *env;
    const struct meas_world *ops_world;
    void *world;
    const struct onehop_ops *ops;
    void *arg;
    enum onehop_state state;
    struct link *link;
    struct link_circ circ;
    struct fast_client fast;
    struct layer *layer; /* from ONEHOP_READY on */
    enum meas_code lost; /* what the link's end says of the relay, in on_end */
};

/* All zero before; nothing is dialled yet. */
void onehop_init(struct onehop *h, struct env *env, const struct meas_world *ops_world, void *world,
                 const struct onehop_ops *ops, void *arg);
/* Dials. ERR_NOMEM; ERR_ARG: the relay has no address. */
MUST_USE err_t onehop_open(struct onehop *h, const struct link_config *config,
                           const struct meas_relay *relay);
/* A MEASUREMENT cell goes out. ERR_FULL: the link takes no more; ERR_STATE: the circuit does not
 * stand. */
MUST_USE err_t onehop_say(struct onehop *h, const struct meas_cell *cell);
/* Closes circuit and link; on_end is not called any more. */
void onehop_close(struct onehop *h);
/* Closes, if need be, and frees what it has; H itself is the owner's. Not from inside a callback
 * of it. */
void onehop_free(struct onehop *h);

/* What a link or circuit ended for was our own want: nothing of the relay's. */
static inline bool onehop_is_ours(err_t why)
{
    return why == ERR_NOMEM || why == ERR_FULL;
}

#endif
