/* What a run gives its measurers: at first, and once more is needed. */
#include "measure/run_int.h"

static uint64_t all_free(const struct run *r)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < r->config.n_members; k++)
        if (r->config.members[k].sockets_free)
            sum += r->config.members[k].free_bw;
    return sum;
}

unsigned run_allot_multiplier(const struct run *r)
{
    return r->config.multiplier ? r->config.multiplier : ALLOC_MULTIPLIER;
}

uint64_t run_allot_wanted(const struct run *r)
{
    return r->config.wanted ? r->config.wanted
                            : alloc_wanted(r->config.prior, run_allot_multiplier(r));
}

err_t run_allot_split(struct run *r)
{
    struct run_team *t = &r->team;
    uint64_t wanted = run_allot_wanted(r), all = all_free(r);
    for (size_t k = 0; k < r->config.n_members; k++)
        t->parts[k] = (struct alloc_part){.free_bw = r->config.members[k].free_bw,
                                          .sockets_free = r->config.members[k].sockets_free};
    uint64_t allotted = alloc_split(t->parts, r->config.n_members, wanted, r->config.sockets);
    alloc_raise_init(&r->raise, allotted, r->config.paper ? allotted : all);
    r->most = all;
    return allotted ? OK : ERR_LIMIT;
}

void run_allot_raise(struct run *r)
{
    struct alloc_part parts[RUN_MEMBERS_MOST];
    unsigned sockets = 0;
    for (size_t k = 0; k < r->config.n_members; k++) {
        parts[k] = r->team.parts[k];
        parts[k].sockets_free = parts[k].sockets;
        sockets += parts[k].sockets;
    }
    r->raise.allotted = alloc_split(parts, r->config.n_members, r->raise.allotted, sockets);
    for (size_t k = 0; k < r->config.n_members && r->state == RUN_RUNNING; k++) {
        if (!r->team.told[k] || parts[k].bw <= r->team.parts[k].bw)
            continue;
        r->team.parts[k].bw = parts[k].bw;
        r->ops->alloc(r->arg, k, r->config.meas_id, parts[k].bw);
    }
}
