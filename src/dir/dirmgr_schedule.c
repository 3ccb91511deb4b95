/* When documents are asked for. */
#include "dir/dirmgr_int.h"
#include "habits/habits.h"

struct dir_schedule dir_schedule_defaults(bool testing)
{
    return (struct dir_schedule){.authority_first_s = testing ? 0 : 6,
                                 .max_tries = 3,
                                 .few_wait_s = testing ? 5 : 600,
                                 .max_stall_s = testing ? 30 : 300};
}

/* Two rows of tries while there is no network, as in C tor: fallbacks, and authorities, which have
 * to serve everybody, later. Guards of a network that is over count as fallbacks. */
bool dirmgr_boot_row_used(const struct dirmgr *d, int row)
{
    bool others = dirmgr_has_fallbacks(d) || dirmgr_known(d);
    return row == BOOT_AUTHORITY || (others && !d->schedule.early);
}

uint32_t dirmgr_boot_first_s(const struct dirmgr *d, int row)
{
    if (row == BOOT_FALLBACK)
        return d->schedule.fallback_first_s;
    return dirmgr_boot_row_used(d, BOOT_FALLBACK) ? d->schedule.authority_first_s
                                                  : d->schedule.authority_only_first_s;
}

void dirmgr_begin_bootstrap(struct dirmgr *d)
{
    for (int row = 0; row < BOOT_N; row++)
        backoff_begin(&d->boot_wait[row], d->env, dirmgr_boot_first_s(d, row));
}

void dirmgr_begin_schedule(struct dirmgr *d)
{
    dirmgr_begin_bootstrap(d);
    backoff_begin(&d->consensus_wait, d->env, d->schedule.consensus_first_s);
    backoff_ok(&d->md_wait);
}

/* dir-spec 5.1: "... at a random time after the consensus stops being fresh" */
void dirmgr_schedule_refresh(struct dirmgr *d)
{
    const struct consensus *c = netdir_consensus(d->newest);
    int64_t now = env_wall_s(d->env);
    d->refresh_s = now;
    if (now < c->valid_after_s || now > c->valid_until_s)
        return;
    d->refresh_s = (d->schedule.extra_early ? habits_refresh_extra_early_s
                    : d->schedule.early     ? habits_refresh_early_s
                                            : habits_refresh_s)(d->env, c->valid_after_s,
                                                            c->fresh_until_s, c->valid_until_s);
    log_info(d->env->log, "The next consensus is fetched in %lld s",
             (long long)(d->refresh_s - now));
}

/* ---- for those who show it ---- */

static const struct backoff *tries(const struct dirmgr *d, enum dir_tries which)
{
    switch (which) {
    case DIR_TRIES_ANYBODY:
        return &d->boot_wait[BOOT_FALLBACK];
    case DIR_TRIES_AUTHORITIES:
        return &d->boot_wait[BOOT_AUTHORITY];
    case DIR_TRIES_REFRESH:
        return &d->consensus_wait;
    case DIR_TRIES_CERTS:
        break;
    }
    return &d->cert_wait;
}

struct dir_tries_state dirmgr_tries(const struct dirmgr *d, enum dir_tries which)
{
    const struct backoff *b = tries(d, which);
    int64_t now = env_wall_s(d->env), next = now;
    if (!backoff_due(b, d->env))
        next += (int64_t)((b->not_before_us - d->env->mono_us) / US_PER_SEC);
    if (which == DIR_TRIES_REFRESH && d->newest && next < d->refresh_s)
        next = d->refresh_s;
    return (struct dir_tries_state){b->fails, (uint32_t)(b->last_ms / MS_PER_SEC), next};
}

const struct rsa_id *dirmgr_authorities(const struct dirmgr *d, size_t *n)
{
    *n = d->n_auths;
    return d->auths;
}
