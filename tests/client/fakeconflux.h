/* No conflux: the calls of carrier_conflux.h, for tests whose circuits are fakes and whose pool is
 * never told to build sets. */
#ifndef TUNIC_TESTS_FAKECONFLUX_H
#define TUNIC_TESTS_FAKECONFLUX_H

#include "stream/carrier_conflux.h"

struct carrier *carrier_of_conflux(struct env *env, const struct conflux_config *config,
                                   void (*on_joined)(void *arg), void *arg)
{
    (void)env, (void)config, (void)on_joined, (void)arg;
    return NULL;
}

err_t conflux_member_new(struct carrier *c, struct conflux_member **out)
{
    (void)c, (void)out;
    return ERR_NOMEM;
}

err_t conflux_member_link(struct conflux_member *m, struct circ *circ, uint64_t timeout_us)
{
    (void)m, (void)circ, (void)timeout_us;
    return ERR_NOMEM;
}

void conflux_member_drop(struct conflux_member *m)
{
    (void)m;
}

void conflux_carrier_settle(struct carrier *c)
{
    (void)c;
}

bool conflux_carrier_is_over(const struct carrier *c)
{
    (void)c;
    return true;
}

bool conflux_member_is_joined(const struct conflux_member *m)
{
    (void)m;
    return false;
}

uint64_t conflux_member_rtt_us(const struct conflux_member *m)
{
    (void)m;
    return 7000;
}

#endif
