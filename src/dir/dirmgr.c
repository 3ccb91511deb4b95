#include "dir/dirmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/dirmgr_int.h"

static void on_wake(void *arg)
{
    struct dirmgr *d = arg;
    dirmgr_review(d);
    /* It looks again even if nobody asks, for documents grow old by themselves. */
    d->wake_us = TIMER_NEVER;
    dirmgr_arm(d);
    dirmgr_kick(d);
}

static void on_events(void *arg)
{
    struct dirmgr *d = arg;
    dirmgr_tell_steps(d);
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
    dirmgr_cancel_outrun(d);
    if (d->want_due && d->started) {
        d->want_due = false;
        if (d->carrier.want)
            d->carrier.want(d->carrier_arg);
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
    dirmgr_review(d);
    dirmgr_kick(d);
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
    later_init(&d->tell, on_events, d);
    timer_init(&d->wake, on_wake, d);
    dirmgr_init_tending(d);
    authcert_set_init(&d->certs);
    dir_servers_init(&d->servers);
    err_t err = dirmgr_set_options(d, o);
    if (err != OK)
        dirmgr_free(&d);
    *out = d;
    return err;
}

void dirmgr_set_carrier(struct dirmgr *d, const struct dirmgr_carrier *ops, void *arg)
{
    d->carrier = ops ? *ops : (struct dirmgr_carrier){0};
    d->carrier_arg = arg;
    dirmgr_abandon(d);
}

void dirmgr_free(struct dirmgr **dirmgr)
{
    struct dirmgr *d = *dirmgr;
    *dirmgr = NULL;
    if (!d)
        return;
    later_cancel(d->env, &d->tell);
    env_disarm(d->env, &d->wake);
    env_disarm(d->env, &d->tend);
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        free(d->requests[i].digests);
    dirmgr_free_candidate(d);
    authcert_set_clear(&d->certs);
    netdir_unref(&d->current);
    netdir_unref(&d->newest);
    netdir_unref(&d->stale);
    free(d->rows);
    dir_servers_free(&d->servers);
    free(d->auths);
    free(d);
}

void dirmgr_start(struct dirmgr *d)
{
    d->started = true;
    d->bootstrap_began_us = d->env->mono_us;
    dirmgr_begin_schedule(d);
    if (d->newest)
        dirmgr_step(d, 45);
    dirmgr_review(d);
    d->wake_us = TIMER_NEVER;
    dirmgr_arm(d);
    dirmgr_tend_soon(d);
    dirmgr_kick(d);
}

void dirmgr_retry_now(struct dirmgr *d)
{
    if (d->carrier.forgive)
        d->carrier.forgive(d->carrier_arg);
    dirmgr_begin_schedule(d);
    d->cert_wait.not_before_us = 0;
    for (size_t i = 0; d->newest && i < netdir_n(d->newest); i++)
        d->rows[i].fails = 0;
    d->md_launched_us = 0;
    dirmgr_kick(d);
}

void dirmgr_sent(struct dirmgr *d, uint32_t id)
{
    struct dirmgr_request *rq = dirmgr_request_find(d, id);
    if (rq)
        rq->sent_us = d->env->mono_us;
    if (rq && rq->kind == DIR_WANT_CONSENSUS)
        dirmgr_step(d, 25);
}

void dirmgr_received(struct dirmgr *d, uint32_t id, size_t n)
{
    struct dirmgr_request *rq = dirmgr_request_find(d, id);
    if (rq)
        rq->received += n;
}

void dirmgr_body_began(struct dirmgr *d, uint32_t id)
{
    struct dirmgr_request *rq = dirmgr_request_find(d, id);
    if (!rq)
        return;
    rq->began = true;
    if (rq->kind == DIR_WANT_CONSENSUS)
        dirmgr_step(d, 30);
}

/* Rows of RQ that are still empty failed once more; false if there are none. */
static bool count_md_failures(struct dirmgr *d, const struct dirmgr_request *rq)
{
    bool any = false;
    for (size_t i = 0; d->newest && i < rq->n_digests; i++) {
        const struct router *r = netdir_by_md(d->newest, &rq->digests[i]);
        struct dirmgr_row *row = dirmgr_row(d, &rq->digests[i]);
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
    dirmgr_retry_candidate(d);
}

/* What a failed request means for its kind. SERVER_BAD: the server is left alone for a while. */
static void fail(struct dirmgr *d, const struct dirmgr_request *rq, bool server_bad)
{
    if (rq->on_suspicion) /* the consensus says what is wanted */
        return;
    if (server_bad)
        dirmgr_server_failed(d, &rq->rsa);
    if (rq->kind == DIR_WANT_CONSENSUS)
        backoff_fail(&d->consensus_wait, d->env, d->testing, d->schedule.consensus_first_s);
    if (rq->kind == DIR_WANT_CERTS)
        certs_failed(d);
    if (rq->kind == DIR_WANT_MICRODESCS && count_md_failures(d, rq))
        backoff_fail(&d->md_wait, d->env, d->testing, d->schedule.others_first_s);
}

static void on_certs(struct dirmgr *d, const struct dirmgr_request *rq, struct text body)
{
    size_t n = dirmgr_take_certs(d, body);
    if (n)
        dirmgr_server_worked(d, &rq->rsa);
    else
        dirmgr_server_failed(d, &rq->rsa);
    /* Waits also when some came: what is still missing is asked for elsewhere, a few times. */
    if (d->candidate && !rq->on_suspicion)
        backoff_fail(&d->cert_wait, d->env, d->testing, d->schedule.others_first_s);
    dirmgr_retry_candidate(d);
}

static void on_microdescs(struct dirmgr *d, struct dirmgr_request *rq, struct text body)
{
    size_t n = dirmgr_take_microdescs(d, body, rq);
    if (n)
        dirmgr_server_worked(d, &rq->rsa);
    else
        dirmgr_server_failed(d, &rq->rsa);
    if (count_md_failures(d, rq))
        backoff_fail(&d->md_wait, d->env, d->testing, d->schedule.others_first_s);
    else
        backoff_ok(&d->md_wait);
    if (n)
        dirmgr_outrun(d, DIR_WANT_MICRODESCS);
    if (n && d->current == d->newest)
        dirmgr_netdir_changed(d);
    dirmgr_review(d);
}

void dirmgr_reply(struct dirmgr *d, uint32_t id, int status, struct text body, int64_t date_s)
{
    struct dirmgr_request *slot = dirmgr_request_find(d, id);
    char name[64];
    if (!slot)
        return;
    struct dirmgr_request rq = dirmgr_request_take(d, slot);
    if (rq.kind == DIR_WANT_MICRODESCS)
        d->first = FIRST_OVER;
    dirmgr_look_at_date(d, &rq, date_s);
    if (status == 200 && body.len) {
        if (rq.kind == DIR_WANT_CONSENSUS)
            dirmgr_take_consensus(d, body, &rq);
        else if (rq.kind == DIR_WANT_CERTS)
            on_certs(d, &rq, body);
        else
            on_microdescs(d, &rq, body);
    } else {
        log_info(d->env->log, "Directory server %s answers with status %d",
                 dirmgr_server_name(d, &rq.rsa, name), status);
        if (rq.kind == DIR_WANT_CERTS && !rq.on_suspicion)
            dirmgr_note_lacking(d, &rq.rsa);
        /* 304: ours is as new as the server's. That is nobody's fault, while it may be so. */
        fail(d, &rq, status != 304 || !rq.news_since_s || dirmgr_is_late(d));
    }
    free(rq.digests);
    dirmgr_kick(d);
}

void dirmgr_failed(struct dirmgr *d, uint32_t id, err_t why)
{
    struct dirmgr_request *slot = dirmgr_request_find(d, id);
    char name[64];
    if (!slot)
        return;
    struct dirmgr_request rq = dirmgr_request_take(d, slot);
    if (rq.kind == DIR_WANT_MICRODESCS)
        d->first = FIRST_OVER;
    log_info(d->env->log, "No answer from directory server %s: %s",
             dirmgr_server_name(d, &rq.rsa, name), err_text(why));
    fail(d, &rq, true);
    free(rq.digests);
    dirmgr_kick(d);
}

void dirmgr_abandon(struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        struct dirmgr_request rq = dirmgr_request_take(d, &d->requests[i]);
        free(rq.digests);
    }
    d->md_launched_us = 0;
    dirmgr_kick(d);
}
