/* A verified consensus becomes the newest, or shows that we are too old for the network. */
#include <stdlib.h>
#include <string.h>

#include "dir/dirmgr_int.h"

/* Takes over GIFT_ND. */
static err_t begin_with(struct dirmgr *d, struct netdir *gift_nd)
{
    struct netdir *nd = gift_nd;
    struct dirmgr_row *rows = calloc(netdir_n(nd) + 1, sizeof *rows);
    if (!rows) {
        netdir_unref(&nd);
        return ERR_NOMEM;
    }
    free(d->rows);
    d->rows = rows;
    dirmgr_end_round(d);
    d->first = FIRST_NOT_CHOSEN;
    netdir_unref(&d->newest);
    netdir_unref(&d->stale);
    d->newest = nd;
    /* Requests under way go on. */
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        dirmgr_mark_rows(d, &d->requests[i], true);
    dirmgr_outrun(d, DIR_WANT_CONSENSUS);
    dirmgr_outrun(d, DIR_WANT_CERTS);
    backoff_begin(&d->consensus_wait, d->env, d->schedule.consensus_first_s);
    backoff_ok(&d->md_wait);
    d->md_first_us = d->env->mono_us + d->schedule.others_first_s * (uint64_t)US_PER_SEC;
    d->md_launched_us = 0;
    dirmgr_schedule_refresh(d);
    dirmgr_look_at_beginning(d, netdir_consensus(nd));
    return OK;
}

err_t dirmgr_adopt(struct dirmgr *d, struct consensus *gift_c)
{
    struct netdir *nd;
    TRY(netdir_new(gift_c, dirmgr_known(d), &nd));
    return begin_with(d, nd);
}

void dirmgr_take_back(struct dirmgr *d)
{
    log_info(d->env->log, "The consensus that was out of time is in time again");
    if (begin_with(d, netdir_ref(d->stale)) != OK)
        log_warn(d->env->log, "Out of memory while going back to the last consensus");
}

static bool lacks(const char *list, char missing[PROTOS_TEXT_MAX])
{
    return list && !protover_all_supported(text_of(list), missing, PROTOS_TEXT_MAX);
}

/* The network has outgrown us: nothing is fetched or built any more. */
static void become_obsolete(struct dirmgr *d)
{
    log_err(d->env->log,
            "At least one protocol listed as required in the consensus is not supported by this "
            "version of Tunic. You should upgrade. This version of Tunic will not work as a client "
            "on the Tor network. The missing protocols are: %s",
            d->required_lacking);
    d->obsolete = true;
    netdir_unref(&d->newest);
    netdir_unref(&d->stale);
    netdir_unref(&d->current);
    dirmgr_netdir_changed(d);
}

/* "When a client lacks a protocol listed in recommended-client-protocols, it should warn the user
 * that the client is obsolete." It is not for lack of what no version has yet. */
static void tell_recommended(struct dirmgr *d, struct text list, const char *missing)
{
    char news[PROTOS_TEXT_MAX];
    if (protover_all_known(list, news, sizeof news))
        log_notice(d->env->log, "The network recommends protocols that Tunic does not have yet: %s",
                   missing);
    else
        log_warn(d->env->log,
                 "At least one protocol listed as recommended in the consensus is not supported by "
                 "this version of Tunic. You should upgrade. The missing protocols are: %s",
                 news);
}

/* tor-spec 9: "When a client lacks a protocol listed in required-client-protocols, it should warn
 * the user as above. [...] it must not connect to the network." The words are C tor's:
 * networkstatus_check_required_protocols(). */
bool dirmgr_obey_protocols(struct dirmgr *d, const struct consensus *c)
{
    char missing[PROTOS_TEXT_MAX];
    if (lacks(c->required_client_protocols, d->required_lacking)) {
        become_obsolete(d);
        return false;
    }
    if (!lacks(c->recommended_client_protocols, missing))
        missing[0] = 0;
    if (missing[0] && strcmp(missing, d->recommended_lacking) != 0)
        tell_recommended(d, text_of(c->recommended_client_protocols), missing);
    memcpy(d->recommended_lacking, missing, sizeof missing);
    return true;
}
