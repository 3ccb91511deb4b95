/* Rate limit for log lines that somebody else can cause. */
#ifndef TUNIC_BASE_RATELIM_H
#define TUNIC_BASE_RATELIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

struct ratelim {
    uint64_t next_us; /* zero: the first one passes */
    unsigned suppressed;
};

/* True at most once in EVERY_S seconds; then *SUPPRESSED is how many were held back since. */
static inline bool ratelim_pass(struct ratelim *r, const struct env *env, unsigned every_s,
                                unsigned *suppressed)
{
    if (env->mono_us < r->next_us) {
        r->suppressed++;
        return false;
    }
    *suppressed = r->suppressed;
    *r = (struct ratelim){.next_us = env->mono_us + every_s * (uint64_t)US_PER_SEC};
    return true;
}

#endif
