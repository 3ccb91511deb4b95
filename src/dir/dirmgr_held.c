/* The consensuses that the directory manager holds. */
#include "dir/dirmgr_int.h"

bool dirmgr_live(const struct dirmgr *d, const struct netdir *nd)
{
    enum liveness live = consensus_liveness(netdir_consensus(nd), env_wall_s(d->env));
    return live != LIVE_TOO_EARLY && live != LIVE_EXPIRED;
}

bool dirmgr_is_late(const struct dirmgr *d)
{
    const struct netdir *known = dirmgr_known(d);
    return known && env_wall_s(d->env) > netdir_consensus(known)->valid_until_s;
}

void dirmgr_keep_stale(struct dirmgr *d, struct netdir *gift_nd)
{
    const struct consensus *c = netdir_consensus(gift_nd);
    netdir_unref(&d->stale);
    if (c->valid_until_s + STALE_MAX_S >= env_wall_s(d->env))
        d->stale = gift_nd;
    else
        netdir_unref(&gift_nd);
}

struct netdir *dirmgr_netdir(const struct dirmgr *d)
{
    return d->current;
}

const char *dirmgr_lacks(const struct dirmgr *d)
{
    return d->obsolete ? d->required_lacking : NULL;
}

struct netdir *dirmgr_newest(const struct dirmgr *d)
{
    return d->newest;
}

struct netdir *dirmgr_known(const struct dirmgr *d)
{
    return d->newest ? d->newest : d->stale;
}
