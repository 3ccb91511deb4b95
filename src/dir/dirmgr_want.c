#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/dirmgr_int.h"

static struct dm_request *free_slot(struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (!d->requests[i].id)
            return &d->requests[i];
    return NULL;
}

static struct dm_request *claim(struct dirmgr *d, struct dir_request *out)
{
    struct dm_request *rq = free_slot(d);
    if (!++d->last_id)
        d->last_id = 1;
    *rq = (struct dm_request){.id = d->last_id, .kind = out->kind, .rsa = out->to.rsa};
    rq->is_authority = out->to.is_authority;
    out->id = rq->id;
    out->timeout_ms = d->testing ? 20000 : 60000;
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

/* dir-spec 5.1: If-Modified-Since; as C tor: the date of ours and up to three minutes. */
static int64_t modified_since(const struct dirmgr *d)
{
    if (!d->newest)
        return 0;
    const struct consensus *c = netdir_consensus(d->newest);
    int64_t half = (c->fresh_until_s - c->valid_after_s) / 2;
    return c->valid_after_s + (half < 180 ? half : 180);
}

static bool some_body_began(const struct dirmgr *d)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (d->requests[i].id && d->requests[i].kind == DIR_WANT_CONSENSUS && d->requests[i].began)
            return true;
    return false;
}

/* While there is no network at all, a server that says nothing for six seconds gets a rival. */
static bool consensus_wanted(struct dirmgr *d)
{
    bool bootstrap = !d->newest;
    size_t n = dm_in_flight(d, DIR_WANT_CONSENSUS);
    if (d->candidate || !d->n_auths)
        return false;
    if (!bootstrap && env_wall_s(d->env) < d->refresh_s) {
        dm_note_wall(d, d->refresh_s);
        return false;
    }
    if (n >= (bootstrap ? BOOTSTRAP_IN_FLIGHT_MAX : 1))
        return false;
    uint64_t due = d->consensus_wait.not_before_us;
    if (n) {
        uint64_t rival = d->consensus_launched_us + (d->testing ? 2 : 6) * (uint64_t)US_PER_SEC;
        if (some_body_began(d))
            return false;
        due = due > rival ? due : rival;
    }
    if (d->env->mono_us >= due)
        return true;
    dm_note_wake(d, due);
    return false;
}

/* While there is no network every second try goes to an authority: they have to serve everybody,
 * but know best. */
static bool pick_for_consensus(struct dirmgr *d, struct dir_request *out)
{
    bool authority = !d->newest && d->consensus_tries % 2 == 1;
    return (authority && pick_server(d, true, NULL, out)) || pick_server(d, false, NULL, out);
}

static bool next_consensus(struct dirmgr *d, struct dir_request *out)
{
    if (!consensus_wanted(d))
        return false;
    out->kind = DIR_WANT_CONSENSUS;
    if (!pick_for_consensus(d, out))
        return false;
    consensus_path(d, out->path);
    out->if_modified_since_s = modified_since(d);
    out->body_cap = CONSENSUS_TEXT_MAX;
    d->consensus_launched_us = d->env->mono_us;
    d->consensus_tries++;
    claim(d, out);
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

static bool next_certs(struct dirmgr *d, struct dir_request *out)
{
    if (!d->candidate || dm_in_flight(d, DIR_WANT_CERTS))
        return false;
    if (!backoff_due(&d->cert_wait, d->env)) {
        dm_note_wake(d, d->cert_wait.not_before_us);
        return false;
    }
    out->kind = DIR_WANT_CERTS;
    /* First whoever had the consensus: a link to it is open. */
    if (!pick_server(d, false, d->cert_wait.fails ? NULL : &d->candidate_from, out))
        return false;
    certs_path(&d->verdict, out->path);
    out->body_cap = CERTS_BODY_MAX;
    claim(d, out);
    return true;
}

static bool row_wanted(const struct dirmgr *d, size_t i, bool retries)
{
    /* As long as too few are there to build circuits with, nothing is given up: the network may
     * just have been down. */
    bool enough = d->current == d->newest;
    unsigned most = !retries ? 0 : enough ? MD_FAILS_MAX - 1 : MD_FAILS_MAX;
    return !netdir_at(d->newest, i)->has_md && !d->md_asked[i] && d->md_fails[i] <= most;
}

/* How many microdescriptors can be asked for now; RETRIES: those that failed before count too. */
static size_t count_wanted(struct dirmgr *d, bool *retries)
{
    size_t n = 0, n_retry = 0;
    *retries = backoff_due(&d->md_wait, d->env);
    for (size_t i = 0; i < netdir_n(d->newest); i++) {
        n += row_wanted(d, i, false);
        n_retry += row_wanted(d, i, true);
    }
    if (n_retry > n && !*retries)
        dm_note_wake(d, d->md_wait.not_before_us);
    return *retries ? n_retry : n;
}

/* C tor: with enough at hand, a few missing ones wait until more come together. */
static bool few_may_wait(struct dirmgr *d, size_t n)
{
    uint64_t pause_us = (d->testing ? 5 : 600) * (uint64_t)US_PER_SEC;
    if (n >= MD_FEW || d->current != d->newest || !d->md_launched_us)
        return false;
    if (d->env->mono_us >= d->md_launched_us + pause_us)
        return false;
    dm_note_wake(d, d->md_launched_us + pause_us);
    return true;
}

static size_t batch_size(size_t n)
{
    size_t size = (n + MD_REQUESTS_MIN - 1) / MD_REQUESTS_MIN;
    if (size > DIRMGR_MD_BATCH_MAX)
        size = DIRMGR_MD_BATCH_MAX;
    if (size < MD_BATCH_MIN)
        size = MD_BATCH_MIN;
    return size < n ? size : n;
}

/* "/tor/micro/d/<D1>-<D2>....z" */
static err_t fill_batch(struct dirmgr *d, struct dm_request *rq, size_t size, bool retries,
                        char path[DIRHTTP_URL_MAX])
{
    char b64[BASE64_SIZE(32)];
    rq->digests = calloc(size, sizeof *rq->digests);
    if (!rq->digests)
        return ERR_NOMEM;
    int at = snprintf(path, DIRHTTP_URL_MAX, "/tor/micro/d/");
    for (size_t i = 0; i < netdir_n(d->newest) && rq->n_digests < size; i++) {
        if (!row_wanted(d, i, retries))
            continue;
        const struct sha256 *digest = &netdir_at(d->newest, i)->md_digest;
        at += snprintf(path + at, (size_t)(DIRHTTP_URL_MAX - at), "%s%s", rq->n_digests ? "-" : "",
                       base64_encode(digest->b, sizeof digest->b, false, b64));
        rq->digests[rq->n_digests++] = *digest;
        d->md_asked[i] = true;
    }
    (void)snprintf(path + at, (size_t)(DIRHTTP_URL_MAX - at), ".z");
    return OK;
}

static bool next_microdescs(struct dirmgr *d, struct dir_request *out)
{
    bool retries;
    size_t flying = dm_in_flight(d, DIR_WANT_MICRODESCS);
    if (!d->newest || flying >= MD_IN_FLIGHT_MAX)
        return false;
    size_t n = count_wanted(d, &retries);
    if (!n || few_may_wait(d, n))
        return false;
    out->kind = DIR_WANT_MICRODESCS;
    if (!pick_server(d, false, NULL, out))
        return false;
    struct dm_request *rq = claim(d, out);
    if (fill_batch(d, rq, batch_size(n), retries, out->path) != OK) {
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
    if (!d->started || d->paused || d->obsolete)
        return false;
    review(d);
    if (free_slot(d)) {
        d->wake_us = TIMER_NEVER;
        if (next_certs(d, out) || next_consensus(d, out) || next_microdescs(d, out))
            return true;
    }
    dm_arm(d);
    return false;
}
