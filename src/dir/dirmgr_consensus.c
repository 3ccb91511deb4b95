/* Consensuses that arrived, from the network or from the cache. */
#include <stdlib.h>

#include "dir/consdiff.h"
#include "dir/dirmgr_int.h"

static void store(struct dirmgr *d, struct text text)
{
    err_t e = dirmgr_store(d, DIR_FILE_CONSENSUS, text);
    (void)e; /* the next start has an older one */
}

/* A verified consensus: it becomes the newest. */
static void accept(struct dirmgr *d, struct consensus *gift_c, struct text text)
{
    if (!dirmgr_obey_protocols(d, gift_c)) {
        /* The next start shall know without asking anybody. */
        store(d, text);
        consensus_free(&gift_c);
        return;
    }
    err_t err = dirmgr_adopt(d, gift_c);
    if (err != OK) {
        log_err(d->env->log, "Can't keep the consensus: %s", err_text(err));
        return;
    }
    store(d, text);
    dirmgr_load_waiting(d);
    dirmgr_base_changed(d);
    dirmgr_tend_soon(d);
    dirmgr_step(d, 45);
    dirmgr_review(d);
    dirmgr_kick(d);
}

static bool is_older(const struct dirmgr *d, const struct consensus *c)
{
    return d->newest && dirmgr_live(d, d->newest) &&
           c->valid_after_s <= netdir_consensus(d->newest)->valid_after_s;
}

static bool may_still_pass(const struct consensus_verdict *v)
{
    return v->good + v->missing >= v->needed && v->n_want;
}

static void warn_undersigned(struct dirmgr *d, const struct consensus_verdict *v, const char *from)
{
    if (!dirmgr_may_repeat(d, &d->words_of_signatures))
        return;
    log_warn(d->env->log,
             "Not using the consensus from %s: %zu good signatures of known authorities, %zu are "
             "needed (%zu bad, %zu without a certificate, %zu of unknown authorities). Asking "
             "another server.",
             from, v->good, v->needed, v->bad, v->missing, v->unknown);
}

static void refuse(struct dirmgr *d, const struct rsa_id *from)
{
    dirmgr_server_failed(d, from);
    backoff_fail(&d->consensus_wait, d->env, d->testing, d->schedule.consensus_first_s);
    dirmgr_kick(d);
}

/* Not newer than ours. Who was told since when news is wanted has said so with 304, or is a liar;
 * but another answer may have been faster. */
static void refuse_old(struct dirmgr *d, struct consensus *gift_c, const struct dirmgr_request *rq)
{
    char name[64];
    log_info(d->env->log, "Consensus from %s is not newer than ours",
             dirmgr_server_name(d, &rq->rsa, name));
    if (gift_c->valid_after_s <= rq->news_since_s)
        dirmgr_server_failed(d, &rq->rsa);
    consensus_free(&gift_c);
    backoff_fail(&d->consensus_wait, d->env, d->testing, d->schedule.consensus_first_s);
}

/* Takes over GIFT_C, whose verification has come to E and V; false: it is of no use. */
static bool take_parsed(struct dirmgr *d, struct consensus *gift_c, err_t e,
                        const struct consensus_verdict *v, struct text body,
                        const struct dirmgr_request *rq)
{
    if (!dirmgr_dates_fit(d, gift_c, rq) || (e != OK && !may_still_pass(v))) {
        consensus_free(&gift_c);
        return false;
    }
    if (e == OK) {
        dirmgr_server_worked(d, &rq->rsa);
        accept(d, gift_c, body);
        dirmgr_drop_candidate(d);
        return true;
    }
    d->verdict = *v;
    if (dirmgr_keep_candidate(d, gift_c, body, &rq->rsa))
        dirmgr_store_candidate(d);
    return true;
}

static void take_whole(struct dirmgr *d, struct text body, const struct dirmgr_request *rq)
{
    struct consensus *c;
    struct consensus_verdict v;
    char name[64];
    err_t err = consensus_parse(body, &c);
    dirmgr_server_name(d, &rq->rsa, name);
    if (err != OK) {
        log_warn(d->env->log, "Consensus from %s can't be read: %s. Asking another server.", name,
                 err_text(err));
        refuse(d, &rq->rsa);
        return;
    }
    if (is_older(d, c)) {
        refuse_old(d, c, rq);
        return;
    }
    err = consensus_verify(c, d->auths, d->n_auths, &d->certs, env_wall_s(d->env), &v);
    if (take_parsed(d, c, err, &v, body, rq))
        return;
    if (err != OK)
        warn_undersigned(d, &v, name);
    refuse(d, &rq->rsa);
}

/* As many diffs as there are liars: each makes the next request one for the whole. */
static void give_diff_up(struct dirmgr *d, const struct rsa_id *from, err_t why)
{
    char name[64];
    dirmgr_server_name(d, from, name);
    d->base.state = BASE_NONE;
    if (why == ERR_STATE || why == ERR_NOMEM) {
        log_info(d->env->log, "A diff of the consensus came from %s, but its base is gone: %s",
                 name, err_text(why));
        backoff_fail(&d->consensus_wait, d->env, d->testing, d->schedule.consensus_first_s);
        return;
    }
    log_warn(d->env->log,
             "The diff of the consensus from %s is of no use: %s. Asking another server for the "
             "whole consensus.",
             name, err_text(why));
    refuse(d, from);
}

void dirmgr_take_consensus(struct dirmgr *d, struct text body, const struct dirmgr_request *rq)
{
    struct text whole = body;
    char *made = NULL;
    err_t e = OK;
    if (consdiff_is(body)) {
        e = dirmgr_apply_diff(d, rq, body, &made, &whole.len);
        whole.s = made;
    }
    if (e == OK)
        take_whole(d, whole, rq);
    else
        give_diff_up(d, &rq->rsa, e);
    free(made);
}

/* Takes over GIFT_C. Not OK: the caller has nothing to build from. */
static err_t keep_stale(struct dirmgr *d, struct consensus *gift_c, err_t why)
{
    struct netdir *nd;
    TRY(netdir_new(gift_c, NULL, &nd));
    dirmgr_keep_stale(d, nd);
    return why;
}

/* A signature that is wrong means another text. Otherwise the file is as it was written, under
 * other authorities than those that are configured now. */
static err_t judge_undersigned(struct dirmgr *d, const struct consensus_verdict *v)
{
    if (v->bad)
        return ERR_BAD_SIGNATURE;
    if (!v->good && !v->missing)
        log_notice(d->env->log, "The cached consensus is of another network: no authority that is "
                                "configured has signed it. Fetching one of this network.");
    else
        log_notice(d->env->log,
                   "The cached consensus has %zu signatures of authorities that are configured, "
                   "%zu are needed; fetching another one",
                   v->good + v->missing, v->needed);
    return ERR_UNDERSIGNED;
}

err_t dirmgr_take_cached_consensus(struct dirmgr *d, struct text body)
{
    struct consensus *c;
    struct consensus_verdict v;
    TRY(consensus_parse(body, &c));
    int64_t now = env_wall_s(d->env);
    err_t err = consensus_verify(c, d->auths, d->n_auths, &d->certs, now, &v);
    enum liveness live = consensus_liveness(c, now);
    if (err == OK && (live == LIVE_EXPIRED || live == LIVE_TOO_EARLY)) {
        char text[CONSENSUS_CLOCK_TEXT_MAX];
        log_info(d->env->log, "The cached %s; fetching another one",
                 consensus_clock_text(c, now, text));
        err = live == LIVE_EXPIRED ? ERR_EXPIRED : ERR_NOT_YET_VALID;
    }
    bool stale = err == ERR_EXPIRED || err == ERR_NOT_YET_VALID;
    bool counts = err == OK || (stale && now <= c->valid_until_s + STALE_MAX_S);
    if (counts && !dirmgr_obey_protocols(d, c)) {
        consensus_free(&c);
        return OK;
    }
    if (err == OK)
        return dirmgr_adopt(d, c);
    if (stale)
        return keep_stale(d, c, err);
    /* Certificates are missing from the cache: no damage, they are fetched. */
    if (err == ERR_UNDERSIGNED && may_still_pass(&v) && live != LIVE_EXPIRED &&
        live != LIVE_TOO_EARLY) {
        static const struct rsa_id nobody;
        d->verdict = v;
        (void)dirmgr_keep_candidate(d, c, body, &nobody);
        return OK;
    }
    consensus_free(&c);
    return err == ERR_UNDERSIGNED ? judge_undersigned(d, &v) : err;
}

err_t dirmgr_take_unverified(struct dirmgr *d, struct text body)
{
    static const struct rsa_id nobody;
    struct consensus *c;
    d->unverified_stored = true;
    err_t e = consensus_parse(body, &c);
    if (e != OK)
        return e;
    e = consensus_verify(c, d->auths, d->n_auths, &d->certs, env_wall_s(d->env), &d->verdict);
    enum liveness live = consensus_liveness(c, env_wall_s(d->env));
    if (d->candidate || is_older(d, c) || live == LIVE_EXPIRED || live == LIVE_TOO_EARLY) {
        consensus_free(&c);
        return ERR_EXPIRED;
    }
    if (e == OK) {
        accept(d, c, body);
        dirmgr_drop_candidate(d);
        return OK;
    }
    if (may_still_pass(&d->verdict))
        return dirmgr_keep_candidate(d, c, body, &nobody) ? OK : ERR_NOMEM;
    consensus_free(&c);
    return e;
}

void dirmgr_retry_candidate(struct dirmgr *d)
{
    struct consensus *c = d->candidate;
    char name[64];
    if (!c)
        return;
    err_t err =
        consensus_verify(c, d->auths, d->n_auths, &d->certs, env_wall_s(d->env), &d->verdict);
    if (err == OK) {
        char *text = d->candidate_text;
        size_t len = d->candidate_len;
        dirmgr_server_worked(d, &d->candidate_from);
        d->candidate = NULL;
        d->candidate_text = NULL;
        if (is_older(d, c))
            consensus_free(&c);
        else
            accept(d, c, (struct text){text, len});
        dirmgr_drop_candidate(d);
        free(text);
        return;
    }
    if (may_still_pass(&d->verdict) && d->cert_wait.fails < CERT_TRIES_MAX)
        return;
    warn_undersigned(d, &d->verdict, dirmgr_server_name(d, &d->candidate_from, name));
    struct rsa_id from = d->candidate_from;
    dirmgr_forgive_lacking(d);
    dirmgr_drop_candidate(d);
    refuse(d, &from);
}
