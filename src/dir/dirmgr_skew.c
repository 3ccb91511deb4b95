/* Whose clock differs from ours: what an authority's Date and the times of consensuses say. Said in
 * words, and once, by the owner, who hears of links' clocks as well. */
#include <stdio.h>

#include "dir/dirmgr_int.h"

enum {
    DATE_SKEW_S = 30 * 60, /* C tor: ALLOW_DIRECTORY_TIME_SKEW */
    EARLY_S = 60,          /* C tor, warn_early_consensus(): EARLY_CONSENSUS_NOTICE_SKEW */
    OUT_OF_TIME_TOLD = 2,  /* one server may have an old one; two mean that it is us */
};

/* C tor, connection_dir_client_reached_eof(): a slow answer says nothing of clocks. */
void dirmgr_look_at_date(struct dirmgr *d, const struct dirmgr_request *rq, int64_t date_s)
{
    uint64_t since_us = rq->sent_us ? d->env->mono_us - rq->sent_us : 0;
    int64_t skew = env_wall_s(d->env) - (int64_t)(since_us / US_PER_SEC) - date_s;
    char whose[128], name[64];
    if (!date_s || !rq->is_authority || !d->carrier.clock_skew ||
        (skew <= DATE_SKEW_S && skew >= -DATE_SKEW_S))
        return;
    (void)snprintf(whose, sizeof whose, "that of directory authority %s",
                   dirmgr_server_name(d, &rq->rsa, name));
    const struct dir_skew told = {
        .skew_s = skew, .trusted = true, .addr = rq->addr, .whose = whose};
    d->carrier.clock_skew(d->carrier_arg, &told);
}

static bool is_signed(struct dirmgr *d, const struct consensus *c)
{
    struct consensus_verdict v;
    return consensus_verify(c, d->auths, d->n_auths, &d->certs, c->valid_after_s, &v) == OK;
}

static void tell(struct dirmgr *d, const struct consensus *c, const struct dirmgr_request *rq,
                 bool trusted)
{
    char whose[CONSENSUS_CLOCK_TEXT_MAX + 64], text[CONSENSUS_CLOCK_TEXT_MAX], name[64];
    int64_t now = env_wall_s(d->env);
    int64_t edge = now < c->valid_after_s ? c->valid_after_s : c->valid_until_s;
    struct dir_skew told = {
        .skew_s = now - edge, .trusted = trusted, .document = true, .whose = whose};
    consensus_clock_text(c, now, text);
    if (rq) {
        told.addr = rq->addr;
        (void)snprintf(whose, sizeof whose, "that of the consensus from %s (%s)",
                       dirmgr_server_name(d, &rq->rsa, name), text);
    } else {
        (void)snprintf(whose, sizeof whose, "that of the authorities (%s)", text);
    }
    if (d->carrier.clock_skew)
        d->carrier.clock_skew(d->carrier_arg, &told);
}

bool dirmgr_dates_fit(struct dirmgr *d, const struct consensus *c, const struct dirmgr_request *rq)
{
    char text[CONSENSUS_CLOCK_TEXT_MAX], name[64];
    int64_t now = env_wall_s(d->env);
    enum liveness live = consensus_liveness(c, now);
    if (live != LIVE_TOO_EARLY && live != LIVE_EXPIRED) {
        d->out_of_time = 0;
        return true;
    }
    log_info(d->env->log, "Not using what %s sent: the %s", dirmgr_server_name(d, &rq->rsa, name),
             consensus_clock_text(c, now, text));
    /* A majority that signs what is to come cannot be wrong; what is over may be what one server
     * never renewed. */
    bool is_signed_now = is_signed(d, c);
    if (++d->out_of_time >= OUT_OF_TIME_TOLD || (is_signed_now && live == LIVE_TOO_EARLY))
        tell(d, c, rq, is_signed_now);
    return false;
}

void dirmgr_look_at_beginning(struct dirmgr *d, const struct consensus *c)
{
    /* Before that nobody could have signed it. */
    if (env_wall_s(d->env) < c->valid_after_s - (int64_t)c->dist_s - EARLY_S)
        tell(d, c, NULL, true);
}
