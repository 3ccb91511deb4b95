/* The candidate: a consensus that cannot be verified before more certificates are here. It is kept
 * as tor keeps it, in a file of its own, so that a start in the middle of this does not fetch it
 * again. */
#include <stdlib.h>

#include "dir/dirmgr_int.h"

void dirmgr_free_candidate(struct dirmgr *d)
{
    consensus_free(&d->candidate);
    free(d->candidate_text);
    d->candidate_text = NULL;
    d->candidate_len = 0;
    d->n_lacking = 0;
}

void dirmgr_note_lacking(struct dirmgr *d, const struct rsa_id *rsa)
{
    bool is_source = rsa_id_equal(rsa, &d->candidate_from);
    if (d->candidate && !is_source && d->n_lacking < CERT_TRIES_MAX)
        d->lacking[d->n_lacking++] = *rsa;
}

/* Signing keys can be made up: else one liar could have us leave all who are honest. */
void dirmgr_forgive_lacking(struct dirmgr *d)
{
    for (size_t i = 0; i < d->n_lacking; i++)
        dirmgr_server_worked(d, &d->lacking[i]);
    d->n_lacking = 0;
}

void dirmgr_drop_candidate(struct dirmgr *d)
{
    if (d->unverified_stored)
        d->unverified_stored = dirmgr_store(d, DIR_FILE_UNVERIFIED, (struct text){"", 0}) != OK;
    dirmgr_free_candidate(d);
    backoff_ok(&d->cert_wait);
}

bool dirmgr_keep_candidate(struct dirmgr *d, struct consensus *gift_c, struct text body,
                           const struct rsa_id *from)
{
    char *copy = d->candidate ? NULL : text_dup(body);
    if (!copy) {
        consensus_free(&gift_c);
        return false;
    }
    d->candidate = gift_c;
    d->candidate_text = copy;
    d->candidate_len = body.len;
    d->candidate_from = *from;
    dirmgr_outrun(d, DIR_WANT_CONSENSUS);
    backoff_begin(&d->cert_wait, d->env, d->schedule.others_first_s);
    dirmgr_step(d, 40);
    dirmgr_kick(d);
    return true;
}

void dirmgr_store_candidate(struct dirmgr *d)
{
    if (dirmgr_store(d, DIR_FILE_UNVERIFIED, (struct text){d->candidate_text, d->candidate_len}) ==
        OK)
        d->unverified_stored = true;
}
