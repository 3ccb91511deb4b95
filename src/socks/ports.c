#include "socks/ports.h"

/* The first listener for WISH that no earlier line keeps: "auto" may be there several times. */
static int keep(struct port_now *now, size_t n_now, const struct port_spec *wish)
{
    for (size_t i = 0; i < n_now; i++)
        if (!now[i].is_kept && now[i].kind == wish->kind && port_at_equal(&now[i].at, &wish->at)) {
            now[i].is_kept = true;
            return (int)i;
        }
    return PORT_OPENS;
}

void ports_plan(struct port_now *now, size_t n_now, const struct port_spec *wish, size_t n,
                int32_t (*new_session)(void *arg), void *arg, struct port_fate *fate)
{
    for (size_t i = 0; i < n; i++) {
        int stays = keep(now, n_now, &wish[i]);
        bool has_own = stays != PORT_OPENS && now[stays].session < SESSION_OWN;
        int32_t session = wish[i].session;
        if (session == SESSION_OWN)
            session = has_own ? now[stays].session : new_session(arg);
        fate[i] = (struct port_fate){stays, session};
    }
}
