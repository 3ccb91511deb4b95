/* Turns: which circuit may write next when the link's output is full.
 *
 * While there is room and nobody waits, everybody writes. A circuit that is refused waits in a
 * ring; when the output has drained, the ring is gone round, LINK_TURN_CELLS cells a turn. */
#ifndef TUNIC_LINK_MUX_H
#define TUNIC_LINK_MUX_H

#include <stdbool.h>
#include <stddef.h>

#include "link/link.h"

struct mux {
    struct link_circ *ring; /* circuits that wait, first come first */
};

/* Whether LC may write one data cell with HELD bytes in the output, of which there may be SOFT; if
 * not, it waits from now on. */
bool mux_may_write(struct mux *m, struct link_circ *lc, size_t held, size_t soft);
/* LC wrote one. */
void mux_wrote(struct link_circ *lc);
/* LC is gone. */
void mux_forget(struct mux *m, struct link_circ *lc);
/* Takes the next off the ring and gives it its turn; NULL if nobody waits. */
struct link_circ *mux_next(struct mux *m);

#endif
