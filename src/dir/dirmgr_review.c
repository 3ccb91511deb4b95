/* The choice of the consensus to build from, of those that are held. */
#include "dir/dirmgr_int.h"

static void progress(struct dirmgr *d, const struct netdir_coverage *v)
{
    /* C tor counts the way to "enough" in 25 steps. */
    uint32_t share = v->needed ? v->path * 25 / v->needed : 25;
    if (v->n_have)
        dirmgr_step(d, 50 + (int)(share > 24 ? 24 : share));
}

/* C tor, update_router_have_minimum_dir_info(), says no more than that. */
static void say_it_is_over(struct dirmgr *d)
{
    char text[CONSENSUS_CLOCK_TEXT_MAX];
    log_notice(d->env->log,
               "Our directory information is no longer up-to-date enough to build circuits: the "
               "%s. Asking for a newer one.",
               consensus_clock_text(netdir_consensus(d->newest), env_wall_s(d->env), text));
}

void dirmgr_review(struct dirmgr *d)
{
    struct netdir_coverage v = {0};
    if (d->newest && !dirmgr_live(d, d->newest)) {
        say_it_is_over(d);
        dirmgr_keep_stale(d, d->newest);
        d->newest = NULL;
        dirmgr_begin_bootstrap(d);
    }
    if (!d->newest && d->stale && dirmgr_live(d, d->stale)) /* the clock was set */
        dirmgr_take_back(d);
    if (d->newest)
        netdir_coverage(d->newest, d->paths_needed_permyriad, &v);
    if (d->current && !dirmgr_live(d, d->current)) {
        netdir_unref(&d->current);
        dirmgr_netdir_changed(d);
    }
    if (d->newest && v.enough && d->current != d->newest) {
        netdir_unref(&d->current);
        d->current = netdir_ref(d->newest);
        dirmgr_netdir_changed(d);
    }
    if (!d->newest)
        return;
    if (v.enough)
        dirmgr_step(d, 75);
    else
        progress(d, &v);
}
