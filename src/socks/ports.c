#include "socks/ports.h"

#include <string.h>

bool port_at_equal(const struct port_at *a, const struct port_at *b)
{
    if (!a->unix_path != !b->unix_path)
        return false;
    return a->unix_path ? strcmp(a->unix_path, b->unix_path) == 0 : ipport_equal(&a->tcp, &b->tcp);
}

static bool is_kept(const struct port_fate *fate, size_t n, size_t listener)
{
    for (size_t i = 0; i < n; i++)
        if (fate[i].stays == (int)listener)
            return true;
    return false;
}

/* The first listener at AT that no earlier line keeps: "auto" may be there several times. */
static int find(const struct port_now *now, size_t n_now, const struct port_at *at,
                const struct port_fate *fate, size_t n)
{
    for (size_t i = 0; i < n_now; i++)
        if (port_at_equal(&now[i].at, at) && !is_kept(fate, n, i))
            return (int)i;
    return PORT_OPENS;
}

void ports_plan(const struct port_now *now, size_t n_now, const struct port_wish *wish, size_t n,
                int32_t (*new_session)(void *arg), void *arg, struct port_fate *fate)
{
    for (size_t i = 0; i < n; i++) {
        int stays = find(now, n_now, &wish[i].at, fate, i);
        bool has_own = stays != PORT_OPENS && now[stays].session < SESSION_OWN;
        int32_t session = wish[i].group;
        if (session == SESSION_OWN)
            session = has_own ? now[stays].session : new_session(arg);
        fate[i] = (struct port_fate){stays, session};
    }
}
