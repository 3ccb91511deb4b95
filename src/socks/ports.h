/* Ports: what a change of port lines does to what listens. Decides, for lines and listeners given
 * as plain values, which listener stays and which session number each has from now on; net does it,
 * and the simulator draws it.
 *
 * A session number keeps the streams of one listener off the circuits of another. It is given once
 * and goes with the listener, not with the place of its line in a file: connections outlive
 * changes, and so do circuits. Only lines that both say SessionGroup=N share one. */
#ifndef TUNIC_SOCKS_PORTS_H
#define TUNIC_SOCKS_PORTS_H

#include "base/port.h"

struct port_now {
    enum port_kind kind;
    struct port_at at; /* as its line asked */
    int32_t session;
    bool is_kept; /* ports_plan()'s own, false at first */
};

enum { PORT_OPENS = -1 };
struct port_fate {
    int stays; /* index of the listener that this line keeps, or PORT_OPENS */
    int32_t session;
};

/* FATE has a row for each of WISH, in its order. A listener that no row keeps closes; each is kept
 * once. NEW_SESSION gives a number below SESSION_OWN that it never gave before. */
void ports_plan(struct port_now *now, size_t n_now, const struct port_spec *wish, size_t n,
                int32_t (*new_session)(void *arg), void *arg, struct port_fate *fate);

#endif
