#include "dir/dirmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/dirmgr_int.h"
#include "habits/habits.h"

/* The longest sleep: the wall clock may be set while we wait. */
enum { WAKE_MAX_S = 60 };

static const struct {
    int percent;
    const char *tag, *summary;
} phases[] = {
    /* The words are C tor's: controllers know them. */
    {25, "requesting_status", "Asking for networkstatus consensus"},
    {30, "loading_status", "Loading networkstatus consensus"},
    {40, "loading_keys", "Loading authority key certs"},
    {45, "requesting_descriptors", "Asking for relay descriptors"},
    {50, "loading_descriptors", "Loading relay descriptors"},
    {75, "enough_dirinfo", "Loaded enough directory info to build circuits"},
};

bool dm_live(const struct dirmgr *d, const struct netdir *nd)
{
    enum liveness live = consensus_liveness(netdir_consensus(nd), env_wall_s(d->env));
    return live != LIVE_TOO_EARLY && live != LIVE_EXPIRED;
}

void dm_keep_stale(struct dirmgr *d, struct netdir *gift_nd)
{
    const struct consensus *c = netdir_consensus(gift_nd);
    netdir_unref(&d->stale);
    if (c->valid_until_s + STALE_MAX_S >= env_wall_s(d->env))
        d->stale = gift_nd;
    else
        netdir_unref(&gift_nd);
}

void dm_kick(struct dirmgr *d)
{
    d->want_due = true;
    env_arm_ms(d->env, &d->events, 0);
}

void dm_netdir_changed(struct dirmgr *d)
{
    d->netdir_due = true;
    env_arm_ms(d->env, &d->events, 0);
}

void dm_step(struct dirmgr *d, int percent)
{
    if (percent <= d->percent || d->n_steps == STEPS_MAX)
        return;
    d->percent = percent;
    d->steps[d->n_steps++] = percent;
    env_arm_ms(d->env, &d->events, 0);
}

void dm_note_wake(struct dirmgr *d, uint64_t at_us)
{
    if (at_us < d->wake_us)
        d->wake_us = at_us;
}

void dm_note_wall(struct dirmgr *d, int64_t at_s)
{
    int64_t wait_s = at_s - env_wall_s(d->env);
    if (wait_s > WAKE_MAX_S)
        wait_s = WAKE_MAX_S;
    dm_note_wake(d, d->env->mono_us + (uint64_t)(wait_s > 0 ? wait_s : 0) * US_PER_SEC);
}

void dm_arm(struct dirmgr *d)
{
    uint64_t last = d->env->mono_us + (uint64_t)WAKE_MAX_S * US_PER_SEC;
    timerq_arm(&d->env->timers, &d->wake, d->wake_us < last ? d->wake_us : last);
}

static void on_wake(void *arg)
{
    struct dirmgr *d = arg;
    review(d);
    /* Even if nobody asks: documents grow old by themselves. */
    d->wake_us = TIMER_NEVER;
    dm_arm(d);
    dm_kick(d);
}

static void emit_step(struct dirmgr *d, int percent)
{
    size_t i = 0;
    while (i + 1 < sizeof phases / sizeof phases[0] && phases[i + 1].percent <= percent)
        i++;
    if (d->ops.progress)
        d->ops.progress(d->arg, percent, phases[i].tag, phases[i].summary);
}

static void on_events(void *arg)
{
    struct dirmgr *d = arg;
    size_t n = d->n_steps;
    int steps[STEPS_MAX];
    memcpy(steps, d->steps, n * sizeof steps[0]);
    d->n_steps = 0;
    for (size_t i = 0; i < n; i++)
        emit_step(d, steps[i]);
    if (d->netdir_due) {
        d->netdir_due = false;
        if (d->ops.netdir)
            d->ops.netdir(d->arg, d->current);
    }
    if (d->obsolete && !d->obsolete_told) {
        d->obsolete_told = true;
        if (d->ops.obsolete)
            d->ops.obsolete(d->arg, d->required_lacking);
    }
    dm_cancel_outrun(d);
    if (d->want_due && d->started) {
        d->want_due = false;
        if (d->ops.want)
            d->ops.want(d->arg);
    }
}

err_t dirmgr_set_options(struct dirmgr *d, const struct dirmgr_options *o)
{
    struct dir_servers servers;
    struct rsa_id *auths = calloc(o->servers->n + 1, sizeof *auths);
    size_t n = 0;
    err_t e = auths ? OK : ERR_NOMEM;
    dir_servers_init(&servers);
    for (size_t i = 0; i < o->servers->n && e == OK; i++) {
        const struct dir_server *s = &o->servers->list[i];
        e = dir_servers_add(&servers, s);
        if (s->is_authority && n < CONSENSUS_AUTHS_MAX)
            auths[n++] = s->v3ident;
    }
    if (e != OK) {
        dir_servers_free(&servers);
        free(auths);
        return e;
    }
    dir_servers_free(&d->servers);
    free(d->auths);
    d->servers = servers;
    d->auths = auths;
    d->n_auths = n;
    d->testing = o->testing;
    d->paths_needed_permyriad = o->paths_needed_permyriad;
    d->schedule = o->schedule;
    review(d);
    dm_kick(d);
    return OK;
}

err_t dirmgr_new(struct env *env, const struct dirmgr_options *o, const struct dirmgr_ops *ops,
                 void *arg, struct dirmgr **out)
{
    struct dirmgr *d = calloc(1, sizeof *d);
    *out = NULL;
    if (!d)
        return ERR_NOMEM;
    d->env = env;
    d->ops = *ops;
    d->arg = arg;
    d->wake_us = TIMER_NEVER;
    timer_init(&d->events, on_events, d);
    timer_init(&d->wake, on_wake, d);
    authcert_set_init(&d->certs);
    dir_servers_init(&d->servers);
    err_t err = dirmgr_set_options(d, o);
    if (err != OK)
        dirmgr_free(&d);
    *out = d;
    return err;
}

void dirmgr_free(struct dirmgr **dirmgr)
{
    struct dirmgr *d = *dirmgr;
    *dirmgr = NULL;
    if (!d)
        return;
    env_disarm(d->env, &d->events);
    env_disarm(d->env, &d->wake);
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        free(d->requests[i].digests);
    drop_candidate(d);
    authcert_set_clear(&d->certs);
    netdir_unref(&d->current);
    netdir_unref(&d->newest);
    netdir_unref(&d->stale);
    free(d->rows);
    dir_servers_free(&d->servers);
    free(d->auths);
    free(d);
}

/* dir-spec 5.1: "... at a random time after the consensus stops being fresh" */
void dm_schedule_refresh(struct dirmgr *d)
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

void dirmgr_start(struct dirmgr *d)
{
    d->started = true;
    d->bootstrap_began_us = d->env->mono_us;
    dm_begin_schedule(d);
    if (d->newest)
        dm_step(d, 45);
    review(d);
    d->wake_us = TIMER_NEVER;
    dm_arm(d);
    dm_kick(d);
}

void dirmgr_retry_now(struct dirmgr *d)
{
    if (d->ops.forgive)
        d->ops.forgive(d->arg);
    dm_begin_schedule(d);
    d->cert_wait.not_before_us = 0;
    for (size_t i = 0; d->newest && i < netdir_n(d->newest); i++)
        d->rows[i].fails = 0;
    d->md_launched_us = 0;
    dm_kick(d);
}

void dirmgr_sent(struct dirmgr *d, uint32_t id)
{
    struct dm_request *rq = dm_find(d, id);
    if (rq && rq->kind == DIR_WANT_CONSENSUS)
        dm_step(d, 25);
}

void dirmgr_received(struct dirmgr *d, uint32_t id, size_t n)
{
    struct dm_request *rq = dm_find(d, id);
    if (rq)
        rq->received += n;
}

void dirmgr_body_began(struct dirmgr *d, uint32_t id)
{
    struct dm_request *rq = dm_find(d, id);
    if (!rq)
        return;
    rq->began = true;
    if (rq->kind == DIR_WANT_CONSENSUS)
        dm_step(d, 30);
}

/* Rows of RQ that are still empty failed once more; false if there are none. */
static bool count_md_failures(struct dirmgr *d, const struct dm_request *rq)
{
    bool any = false;
    for (size_t i = 0; d->newest && i < rq->n_digests; i++) {
        const struct relay *r = netdir_by_md(d->newest, &rq->digests[i]);
        struct dm_row *row = dm_row(d, &rq->digests[i]);
        if (!row || r->has_md)
            continue;
        if (row->fails < MD_FAILS_MAX)
            row->fails++;
        any = true;
    }
    return any;
}

static void certs_failed(struct dirmgr *d)
{
    backoff_fail(&d->cert_wait, d->env, d->testing, d->schedule.others_first_s);
    retry_candidate(d);
}

/* What a failed request means for its kind. SERVER_BAD: the server is left alone for a while. */
static void fail(struct dirmgr *d, const struct dm_request *rq, bool server_bad)
{
    if (server_bad)
        server_failed(d, &rq->rsa);
    if (rq->kind == DIR_WANT_CONSENSUS)
        backoff_fail(&d->consensus_wait, d->env, d->testing, d->schedule.consensus_first_s);
    if (rq->kind == DIR_WANT_CERTS)
        certs_failed(d);
    if (rq->kind == DIR_WANT_MICRODESCS && count_md_failures(d, rq))
        backoff_fail(&d->md_wait, d->env, d->testing, d->schedule.others_first_s);
}

bool dm_may_repeat(struct dirmgr *d, struct ratelim *words)
{
    unsigned held_back;
    return ratelim_pass(words, d->env, WORDS_EVERY_S, &held_back);
}

static void look_at_clock(struct dirmgr *d, const struct dm_request *rq, int64_t date_s)
{
    int64_t skew = env_wall_s(d->env) - date_s;
    char text[128], name[64];
    if (!date_s || !rq->is_authority || (skew < SKEW_WORTH_SAYING_S && skew > -SKEW_WORTH_SAYING_S))
        return;
    (void)snprintf(text, sizeof text, "our clock is %lld minutes %s that of authority %s",
                   (long long)((skew < 0 ? -skew : skew) / 60), skew < 0 ? "behind" : "ahead of",
                   server_name(d, &rq->rsa, name));
    if (dm_may_repeat(d, &d->words_of_clock))
        log_warn(d->env->log, "Check the clock of this computer: %s", text);
    if (d->ops.clock_skew)
        d->ops.clock_skew(d->arg, skew, text);
}

static void on_certs(struct dirmgr *d, const struct dm_request *rq, struct text body)
{
    size_t n = take_certs(d, body);
    if (n)
        server_worked(d, &rq->rsa);
    else
        server_failed(d, &rq->rsa);
    /* Also when some came: what is still missing is asked for elsewhere, a few times. */
    if (d->candidate)
        backoff_fail(&d->cert_wait, d->env, d->testing, d->schedule.others_first_s);
    retry_candidate(d);
}

static void on_microdescs(struct dirmgr *d, struct dm_request *rq, struct text body)
{
    size_t n = take_microdescs(d, body, rq);
    if (n)
        server_worked(d, &rq->rsa);
    else
        server_failed(d, &rq->rsa);
    if (count_md_failures(d, rq))
        backoff_fail(&d->md_wait, d->env, d->testing, d->schedule.others_first_s);
    else
        backoff_ok(&d->md_wait);
    if (n)
        dm_outrun(d, DIR_WANT_MICRODESCS);
    if (n && d->current == d->newest)
        dm_netdir_changed(d);
    review(d);
}

void dirmgr_reply(struct dirmgr *d, uint32_t id, int status, struct text body, int64_t date_s)
{
    struct dm_request *slot = dm_find(d, id);
    char name[64];
    if (!slot)
        return;
    struct dm_request rq = dm_take(d, slot);
    look_at_clock(d, &rq, date_s);
    if (status == 200 && body.len) {
        if (rq.kind == DIR_WANT_CONSENSUS)
            take_consensus(d, body, &rq.rsa);
        else if (rq.kind == DIR_WANT_CERTS)
            on_certs(d, &rq, body);
        else
            on_microdescs(d, &rq, body);
    } else {
        log_info(d->env->log, "Directory server %s answers with status %d",
                 server_name(d, &rq.rsa, name), status);
        /* 304: ours is as new as the server's; nobody's fault. */
        fail(d, &rq, status != 304);
    }
    free(rq.digests);
    dm_kick(d);
}

void dirmgr_failed(struct dirmgr *d, uint32_t id, err_t why)
{
    struct dm_request *slot = dm_find(d, id);
    char name[64];
    if (!slot)
        return;
    struct dm_request rq = dm_take(d, slot);
    log_info(d->env->log, "No answer from directory server %s: %s", server_name(d, &rq.rsa, name),
             err_text(why));
    fail(d, &rq, true);
    free(rq.digests);
    dm_kick(d);
}

void dirmgr_abandon(struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        struct dm_request rq = dm_take(d, &d->requests[i]);
        free(rq.digests);
    }
    d->md_launched_us = 0;
    dm_kick(d);
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

struct netdir *dm_known(const struct dirmgr *d)
{
    return d->newest ? d->newest : d->stale;
}

struct netdir *dirmgr_known(const struct dirmgr *d)
{
    return dm_known(d);
}
