/* Ports: what a change of port lines does to what listens. Decides, for lines and listeners given
 * as plain values, which listener stays and which session number each has from now on; net does it,
 * and the simulator draws it.
 *
 * A session number keeps the streams of one listener off the circuits of another. It is given once
 * and goes with the listener, not with the place of its line in a file: connections outlive
 * changes, and so do circuits. Only lines that both say SessionGroup=N share one. */
#ifndef TUNIC_SOCKS_PORTS_H
#define TUNIC_SOCKS_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Where a line asks to listen. */
struct port_at {
    const char *unix_path; /* or NULL: TCP at... */
    struct ipport tcp;     /* port 0: any free one */
};

/* A line without SessionGroup. Groups are 0 and up, numbers of our own below. */
enum { SESSION_OWN = -1 };

struct port_now {
    struct port_at at; /* as its line asked */
    int32_t session;
};

struct port_wish {
    struct port_at at;
    int32_t group; /* SESSION_OWN, or SessionGroup */
};

enum { PORT_OPENS = -1 };
struct port_fate {
    int stays; /* index of the listener that this line keeps, or PORT_OPENS */
    int32_t session;
};

/* The same address and port as asked, or the same path. */
bool port_at_equal(const struct port_at *a, const struct port_at *b);

/* FATE has a row for each of WISH, in its order. A listener that no row keeps closes; each is kept
 * once. NEW_SESSION gives a number below SESSION_OWN that it never gave before. */
void ports_plan(const struct port_now *now, size_t n_now, const struct port_wish *wish, size_t n,
                int32_t (*new_session)(void *arg), void *arg, struct port_fate *fate);

#endif
