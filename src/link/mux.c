#include "link/mux.h"

#include "link/limits.h"

bool mux_may_write(struct mux *m, struct link_circ *lc, size_t held, size_t soft)
{
    if (held < soft && (lc->turn_left || !m->ring))
        return true;
    lc->turn_left = 0;
    if (!lc->waiting) {
        lc->waiting = true;
        DL_APPEND(m->ring, lc);
    }
    return false;
}

void mux_wrote(struct link_circ *lc)
{
    if (lc->turn_left)
        lc->turn_left--;
}

void mux_forget(struct mux *m, struct link_circ *lc)
{
    if (lc->waiting)
        DL_DELETE(m->ring, lc);
    lc->waiting = false;
    lc->turn_left = 0;
    lc->prev = lc->next = NULL;
}

struct link_circ *mux_next(struct mux *m)
{
    struct link_circ *lc = m->ring;
    if (lc) {
        mux_forget(m, lc);
        lc->turn_left = LINK_TURN_CELLS;
    }
    return lc;
}
