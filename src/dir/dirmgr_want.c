#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/dirmgr_int.h"

static struct dirmgr_request *free_slot(struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (!d->requests[i].id)
            return &d->requests[i];
    return NULL;
}

static struct dirmgr_request *claim(struct dirmgr *d, struct dir_request *out)
{
    struct dirmgr_request *rq = free_slot(d);
    if (!++d->last_id)
        d->last_id = 1;
    *rq = (struct dirmgr_request){.id = d->last_id, .kind = out->kind, .rsa = out->to.rsa};
    rq->addr = out->to.reach.addr;
    rq->is_authority = out->to.is_authority;
    rq->launched_us = d->env->mono_us;
    out->id = rq->id;
    out->stall_ms = d->schedule.max_stall_s * MS_PER_SEC;
    out->floor_bytes_s = HOPELESS_BYTES_S;
    return rq;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 20);
}

/* dir-spec 5.3: ".../consensus-microdesc/<F1>+<F2>+<F3>.z", where the Fs are sorted fingerprints of
 * authorities; the first three bytes are enough. The server answers 404 unless more than half of
 * them signed. */
static void consensus_path(struct dirmgr *d, char out[DIRHTTP_URL_MAX])
{
    char hex[HEX_SIZE(3)];
    qsort(d->auths, d->n_auths, sizeof *d->auths, by_bytes);
    int n = snprintf(out, DIRHTTP_URL_MAX, "/tor/status-vote/current/consensus-microdesc/");
    for (size_t i = 0; i < d->n_auths && i < CONSENSUS_AUTHS_MAX; i++)
        n += snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), "%s%s", i ? "+" : "",
                      hex_upper(d->auths[i].b, 3, hex));
    (void)snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), ".z");
}

/* ---- the consensus ---- */

static bool due(struct dirmgr *d, const struct backoff *b)
{
    if (backoff_due(b, d->env))
        return true;
    dirmgr_note_wake(d, b->not_before_us);
    return false;
}

/* C tor, networkstatus_consensus_is_already_downloading(): who sends it is waited for; but not for
 * ever. */
static bool is_coming(const struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        const struct dirmgr_request *rq = &d->requests[i];
        if (rq->id && rq->kind == DIR_WANT_CONSENSUS && rq->began && rq->pace == PACE_GOOD)
            return true;
    }
    return false;
}

static size_t consensus_in_flight(const struct dirmgr *d)
{
    return dirmgr_in_flight(d, DIR_WANT_CONSENSUS) + dirmgr_slow_in_flight(d, DIR_WANT_CONSENSUS);
}

/* C tor looks once a second, also in a TestingTorNetwork, where tries may follow at once: until
 * then whoever was asked has the time to begin, and no link is made for nothing. */
static bool was_just_asked(struct dirmgr *d, bool authority)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++) {
        const struct dirmgr_request *rq = &d->requests[i];
        uint64_t until_us = rq->launched_us + US_PER_SEC;
        if (rq->id && rq->kind == DIR_WANT_CONSENSUS && rq->is_authority == authority &&
            d->env->mono_us < until_us) {
            dirmgr_note_wake(d, until_us);
            return true;
        }
    }
    return false;
}

/* The tries do not wait for each other's end, so each makes the next one wait. */
static bool pick_for_bootstrap(struct dirmgr *d, struct dir_request *out)
{
    if (consensus_in_flight(d) >= d->schedule.max_tries || is_coming(d))
        return false;
    for (int row = 0; row < BOOT_N; row++)
        if (dirmgr_boot_row_used(d, row) && due(d, &d->boot_wait[row]) &&
            !was_just_asked(d, row == BOOT_AUTHORITY) &&
            dirmgr_pick_server(d, row == BOOT_AUTHORITY, NULL, out)) {
            backoff_fail(&d->boot_wait[row], d->env, d->testing, dirmgr_boot_first_s(d, row));
            return true;
        }
    return false;
}

static bool pick_for_next(struct dirmgr *d, struct dir_request *out)
{
    if (env_wall_s(d->env) < d->refresh_s) {
        dirmgr_note_wall(d, d->refresh_s);
        return false;
    }
    return !dirmgr_in_flight(d, DIR_WANT_CONSENSUS) &&
           consensus_in_flight(d) < SLOW_IN_FLIGHT_MAX && due(d, &d->consensus_wait) &&
           dirmgr_pick_server(d, false, NULL, out);
}

static bool next_consensus(struct dirmgr *d, struct dir_request *out)
{
    out->kind = DIR_WANT_CONSENSUS;
    if (d->candidate || !d->n_auths)
        return false;
    if (!(d->newest ? pick_for_next(d, out) : pick_for_bootstrap(d, out)))
        return false;
    consensus_path(d, out->path);
    out->body_cap = CONSENSUS_TEXT_MAX;
    dirmgr_ask_for_news(d, claim(d, out), out);
    return true;
}

/* dir-spec 5.2: "/tor/keys/fp-sk/<F>-<S>.z"; several are joined by "+". */
static void certs_path(const struct consensus_verdict *v, char out[DIRHTTP_URL_MAX])
{
    char id[HEX_SIZE(20)], sk[HEX_SIZE(20)];
    int n = snprintf(out, DIRHTTP_URL_MAX, "/tor/keys/fp-sk/");
    for (size_t i = 0; i < v->n_want; i++)
        n += snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), "%s%s-%s", i ? "+" : "",
                      hex_upper(v->want[i].identity.b, 20, id),
                      hex_upper(v->want[i].signing.b, 20, sk));
    (void)snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), ".z");
}

static bool has_cert(const struct dirmgr *d, const struct rsa_id *v3ident)
{
    for (size_t i = 0; i < d->certs.n; i++)
        if (rsa_id_equal(authcert_identity(d->certs.certs[i]), v3ident))
            return true;
    return false;
}

/* dir-spec 5.2: "/tor/keys/fp/<F>+<F>.z", the newest certificates of these authorities; how many.
 */
static size_t first_certs_path(const struct dirmgr *d, char out[DIRHTTP_URL_MAX])
{
    char id[HEX_SIZE(20)];
    size_t wanted = 0;
    int n = snprintf(out, DIRHTTP_URL_MAX, "/tor/keys/fp/");
    for (size_t i = 0; i < d->n_auths && wanted < CONSENSUS_AUTHS_MAX; i++)
        if (!has_cert(d, &d->auths[i]))
            n += snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), "%s%s", wanted++ ? "+" : "",
                          hex_upper(d->auths[i].b, 20, id));
    (void)snprintf(out + n, (size_t)(DIRHTTP_URL_MAX - n), ".z");
    return wanted;
}

static const struct dirmgr_request *asked_for_consensus(const struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (d->requests[i].id && d->requests[i].kind == DIR_WANT_CONSENSUS)
            return &d->requests[i];
    return NULL;
}

/* Who has no certificates yet asks for them together with the first consensus, of the same server:
 * C tor waits for the consensus, which saves nothing and costs a round trip. Once only: what is
 * missing after that is what the consensus says. */
static bool next_first_certs(struct dirmgr *d, struct dir_request *out)
{
    const struct dirmgr_request *rq = d->newest ? NULL : asked_for_consensus(d);
    out->kind = DIR_WANT_CERTS;
    if (!rq || d->first_certs_asked || !first_certs_path(d, out->path) ||
        !dirmgr_pick_server(d, false, &rq->rsa, out))
        return false;
    d->first_certs_asked = true;
    out->body_cap = CERTS_BODY_MAX;
    claim(d, out)->on_suspicion = true;
    return true;
}

static bool next_certs(struct dirmgr *d, struct dir_request *out)
{
    if (!d->candidate)
        return next_first_certs(d, out);
    out->kind = DIR_WANT_CERTS;
    if (dirmgr_in_flight(d, DIR_WANT_CERTS) ||
        dirmgr_slow_in_flight(d, DIR_WANT_CERTS) >= SLOW_IN_FLIGHT_MAX || !due(d, &d->cert_wait))
        return false;
    /* First whoever had the consensus: a link to it is open. */
    if (!dirmgr_pick_server(d, false, d->cert_wait.fails ? NULL : &d->candidate_from, out))
        return false;
    certs_path(&d->verdict, out->path);
    out->body_cap = CERTS_BODY_MAX;
    claim(d, out);
    return true;
}

static bool next_microdescs(struct dirmgr *d, struct dir_request *out)
{
    if (!d->newest || dirmgr_in_flight(d, DIR_WANT_MICRODESCS) >= MD_IN_FLIGHT_MAX ||
        dirmgr_slow_in_flight(d, DIR_WANT_MICRODESCS) >= MD_SLOW_MAX)
        return false;
    out->kind = DIR_WANT_MICRODESCS;
    if (!dirmgr_batch_due(d) || !dirmgr_pick_server(d, false, NULL, out))
        return false;
    struct dirmgr_request *rq = claim(d, out);
    if (dirmgr_fill_batch(d, rq, out->path) != OK) {
        rq->id = 0;
        return false;
    }
    out->body_cap = MICRODESCS_BODY_MAX;
    d->md_launched_us = d->env->mono_us;
    return true;
}

bool dirmgr_next(struct dirmgr *d, struct dir_request *out)
{
    memset(out, 0, sizeof *out);
    if (!d->started || d->obsolete)
        return false;
    dirmgr_review(d);
    d->wake_us = TIMER_NEVER;
    dirmgr_look_for_slow(d);
    if (free_slot(d)) {
        if (next_certs(d, out) || next_consensus(d, out) || next_microdescs(d, out))
            return true;
    }
    dirmgr_arm(d);
    return false;
}
