#include <stdio.h>
#include <string.h>

#include "dir/consensus.h"
#include "dir/doc.h"

static bool contains(const struct rsa_id *list, size_t n, const struct rsa_id *id)
{
    for (size_t i = 0; i < n; i++)
        if (rsa_id_equal(&list[i], id))
            return true;
    return false;
}

enum finding { NOTHING, MISSING, BAD, GOOD };

static enum finding check_one(const struct consensus *c, const struct consensus_sig *sig,
                              const struct authcert_set *certs, int64_t now_s)
{
    const struct authcert *cert = authcert_set_find(certs, &sig->identity, &sig->signing);
    if (!cert || authcert_expires_s(cert) < now_s)
        return MISSING;
    const uint8_t *digest = sig->sha256 ? c->sha256 : c->sha1;
    size_t len = sig->sha256 ? sizeof c->sha256 : sizeof c->sha1;
    return authcert_check(cert, digest, len, sig->sig, sig->len) == OK ? GOOD : BAD;
}

/* The best that any signature of AUTH amounts to; WANT is the certificate that was missing. */
static enum finding check_authority(const struct consensus *c, const struct rsa_id *auth,
                                    const struct authcert_set *certs, int64_t now_s,
                                    struct rsa_id *want)
{
    enum finding best = NOTHING;
    for (size_t i = 0; i < c->n_sigs && best != GOOD; i++) {
        if (!rsa_id_equal(&c->sigs[i].identity, auth))
            continue;
        enum finding f = check_one(c, &c->sigs[i], certs, now_s);
        if (f == GOOD || (f == MISSING && best != MISSING) || best == NOTHING)
            best = f;
        if (f == MISSING)
            *want = c->sigs[i].signing;
    }
    return best;
}

static void count_authority(const struct consensus *c, const struct rsa_id *auth,
                            const struct authcert_set *certs, int64_t now_s,
                            struct consensus_verdict *v)
{
    struct rsa_id want;
    /* An authority that took no part in the vote has nothing to sign. */
    if (!contains(c->auths, c->n_auths, auth))
        return;
    enum finding f = check_authority(c, auth, certs, now_s, &want);
    v->good += f == GOOD;
    v->bad += f == BAD;
    v->missing += f == MISSING;
    if (f == MISSING && v->n_want < CONSENSUS_AUTHS_MAX) {
        v->want[v->n_want].identity = *auth;
        v->want[v->n_want++].signing = want;
    }
}

err_t consensus_verify(const struct consensus *c, const struct rsa_id *auths, size_t n_auths,
                       const struct authcert_set *certs, int64_t now_s,
                       struct consensus_verdict *verdict)
{
    struct consensus_verdict *v = verdict;
    size_t known = 0;
    memset(v, 0, sizeof *v);
    for (size_t i = 0; i < n_auths; i++) {
        if (contains(auths, i, &auths[i]))
            continue;
        known++;
        count_authority(c, &auths[i], certs, now_s, v);
    }
    for (size_t i = 0; i < c->n_sigs; i++)
        v->unknown += !contains(auths, n_auths, &c->sigs[i].identity);
    /* dir-spec 5.1: "signed by more than half of the authorities [the client] knows". */
    v->needed = known / 2 + 1;
    return known && v->good >= v->needed ? OK : ERR_UNDERSIGNED;
}

enum liveness consensus_liveness(const struct consensus *c, int64_t now_s)
{
    if (now_s < c->valid_after_s - CONSENSUS_REASONABLY_LIVE_S)
        return LIVE_TOO_EARLY;
    if (now_s > c->valid_until_s + CONSENSUS_REASONABLY_LIVE_S)
        return LIVE_EXPIRED;
    if (now_s < c->valid_after_s || now_s > c->valid_until_s)
        return LIVE_REASONABLY;
    return now_s <= c->fresh_until_s ? LIVE_FRESH : LIVE_VALID;
}

const char *consensus_clock_text(const struct consensus *c, int64_t now_s,
                                 char out[CONSENSUS_CLOCK_TEXT_MAX])
{
    char after[DOC_TIME_TEXT_MAX], until[DOC_TIME_TEXT_MAX], now[DOC_TIME_TEXT_MAX];
    (void)snprintf(out, CONSENSUS_CLOCK_TEXT_MAX,
                   "consensus is valid from %s to %s UTC, our clock says %s UTC",
                   doc_time_text(c->valid_after_s, after), doc_time_text(c->valid_until_s, until),
                   doc_time_text(now_s, now));
    return out;
}
