/* Where a test network may be, and where its nodes are. */
#include "testbed/world_int.h"

bool testbed_may_use(const struct ip *ip)
{
    return ip_is_loopback(ip);
}

struct place *testbed_place(struct testbed_world *w, const struct ip *ip)
{
    for (size_t i = 0; i < w->n_places; i++)
        if (ip_equal(&w->places[i].ip, ip))
            return &w->places[i];
    return NULL;
}
