#include "measure/bwfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "measure/bwfile_int.h"

struct bwfile *bwfile_new(int64_t now_s, int64_t max_age_s)
{
    struct bwfile *b = calloc(1, sizeof *b);
    if (b)
        *b = (struct bwfile){.now_s = now_s, .oldest_s = now_s - max_age_s};
    return b;
}

void bwfile_free(struct bwfile *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++)
        free(b->relays[i]);
    free(b->relays);
    free(b);
}

const char *bwfile_name(int64_t wall_s, char out[BWFILE_NAME_MAX])
{
    struct tm tm;
    time_t t = (time_t)wall_s;
    if (!gmtime_r(&t, &tm) || !strftime(out, BWFILE_NAME_MAX, "v3bw.%Y-%m-%d-%H-%M-%S", &tm))
        snprintf(out, BWFILE_NAME_MAX, "v3bw");
    return out;
}

/* ---- relays ---- */

/* The place of RSA: its relay's, or where it would have to be. */
static size_t place(const struct bwfile *b, const struct rsa_id *rsa, bool *found)
{
    size_t low = 0, high = b->n;
    *found = false;
    while (low < high && !*found) {
        size_t middle = (low + high) / 2;
        int order = memcmp(rsa->b, b->relays[middle]->rsa.b, sizeof rsa->b);
        *found = order == 0;
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct bwfile_relay *find(const struct bwfile *b, const struct rsa_id *rsa)
{
    bool found;
    size_t i = place(b, rsa, &found);
    return found ? b->relays[i] : NULL;
}

static err_t find_or_add(struct bwfile *b, const struct rsa_id *rsa, struct bwfile_relay **out)
{
    bool found;
    size_t i = place(b, rsa, &found);
    if (!found) {
        if (b->n == BWFILE_RELAYS_MOST)
            return ERR_LIMIT;
        bool is_full = (b->n & (b->n - 1)) == 0; /* storage grows by doubling */
        struct bwfile_relay *r = calloc(1, sizeof *r), **more = b->relays;
        if (r && is_full)
            more = realloc(b->relays, (b->n ? 2 * b->n : 1) * sizeof *more);
        if (!r || !more) {
            free(r);
            return ERR_NOMEM;
        }
        b->relays = more;
        memmove(&more[i + 1], &more[i], (b->n - i) * sizeof *more);
        r->rsa = *rsa;
        more[i] = r;
        b->n++;
    }
    *out = b->relays[i];
    return OK;
}

err_t bwfile_consensus(struct bwfile *b, const struct consensus *c)
{
    for (size_t i = 0; i < c->n_relays; i++) {
        const struct router *from = &c->relays[i];
        struct bwfile_relay *r;
        TRY(find_or_add(b, &from->rsa, &r));
        b->n_listed += r->is_listed ? 0 : 1;
        r->is_listed = true;
        r->is_authority = router_is(from, ROUTER_AUTHORITY);
        r->is_unmeasured = from->unmeasured;
        r->weight_kb = from->bandwidth;
        snprintf(r->nickname, sizeof r->nickname, "%s", from->nickname);
    }
    return OK;
}

static err_t add_listed(struct bwfile *b, const struct listed_relay *from)
{
    struct bwfile_relay *r;
    TRY(find_or_add(b, &from->rsa, &r));
    b->n_listed += r->is_listed ? 0 : 1;
    r->is_listed = true;
    r->is_authority = from->flags & ROUTER_AUTHORITY;
    r->is_unmeasured = from->unmeasured;
    r->weight_kb = from->weight_kb;
    memcpy(r->nickname, from->nickname, sizeof r->nickname);
    if (from->has_ed)
        base64_encode(from->ed.b, sizeof from->ed.b, false, r->ed);
    r->is_described = listing_described(from, b->now_s);
    if (!r->is_described)
        return OK;
    r->published_s = from->published_s;
    r->average = from->average;
    r->burst = from->burst;
    r->observed = from->observed;
    return OK;
}

err_t bwfile_listing(struct bwfile *b, const struct listing *l)
{
    for (size_t i = 0; listing_is_live(l, b->now_s) && i < listing_n(l); i++)
        TRY(add_listed(b, listing_at(l, i)));
    return OK;
}

void bwfile_descriptor(struct bwfile *b, const struct descriptor *d)
{
    struct bwfile_relay *r = d->has_rsa ? find(b, &d->rsa) : NULL;
    if (!r || !descriptor_has(d, DESCRIPTOR_BANDWIDTH) ||
        (r->is_described && d->published_s < r->published_s))
        return;
    r->is_described = true;
    r->published_s = d->published_s;
    r->average = d->average;
    r->burst = d->burst;
    r->observed = d->observed;
    if (d->has_ed)
        base64_encode(d->ed.b, sizeof d->ed.b, false, r->ed);
}

/* ---- results ---- */

/* A word goes into a line of words: what would end it there is not kept. */
static void take_word(const char from[RESULTS_WORD_MAX], char to[RESULTS_WORD_MAX])
{
    size_t i = 0;
    for (; from[i]; i++)
        to[i] = text_is_alnum((struct text){&from[i], 1}) ? from[i] : '_';
    to[i] = 0;
}

static void take_good(struct bwfile *b, struct bwfile_relay *r, const struct result *from)
{
    r->bw[r->good++ % BWFILE_RUNS] = from->bw;
    if (!b->first_s || from->ts < b->first_s)
        b->first_s = from->ts;
    const struct result figure = {.ts = r->measured_s, .counted = r->counted};
    bool is_late = from->ts < r->measured_s; /* read so */
    if (r->good > 1 &&
        (is_late ? results_replaces(&figure, from) : !results_replaces(from, &figure)))
        return;
    r->figure = from->bw;
    r->measured_s = from->ts;
    r->counted = from->counted;
    r->x = from->x;
    r->bg = from->bg;
    r->clamped = from->clamped;
    take_word(from->mode, r->mode);
    take_word(from->limited_by, r->limited_by);
}

static void take_failed(struct bwfile_relay *r, const struct result *from)
{
    static const char *const of_circuits[] = {"unsupported",   "timeout",     "relay_lost",
                                              "no_circuits",   "unreachable", "handshake_failed",
                                              "wrong_identity"};
    bool is_circuit = false;
    for (size_t i = 0; i < sizeof of_circuits / sizeof *of_circuits; i++)
        is_circuit |= strcmp(from->why, of_circuits[i]) == 0;
    r->circ_errors += is_circuit ? 1 : 0;
    r->misc_errors += is_circuit ? 0 : 1;
    r->failed_s = from->ts;
    take_word(from->why, r->why);
}

static void take(struct bwfile *b, struct bwfile_relay *r, const struct result *from)
{
    if (from->ed[0] && !r->ed[0])
        memcpy(r->ed, from->ed, sizeof r->ed);
    if (from->ts < b->oldest_s) {
        r->old += from->is_end && from->ok ? 1 : 0;
        return;
    }
    /* Attempts are what began, and what was refused before that. */
    r->attempts += !from->is_end || !from->began ? 1 : 0;
    if (from->is_end && from->ok && from->bw)
        take_good(b, r, from);
    else if (from->is_end)
        take_failed(r, from);
}

err_t bwfile_result(struct bwfile *b, const struct result *from)
{
    struct rsa_id rsa;
    struct bwfile_relay *r;
    if (from->ts > b->now_s)
        return OK; /* by a clock that was wrong */
    if (hex_decode_exact(text_of(from->fp), rsa.b, sizeof rsa.b) != OK) {
        b->unknown += from->is_end ? 1 : 0;
        return OK;
    }
    if (b->n_listed) {
        r = find(b, &rsa);
        if (!r) {
            b->unknown += from->is_end ? 1 : 0;
            return OK;
        }
    } else {
        TRY(find_or_add(b, &rsa, &r));
    }
    take(b, r, from);
    return OK;
}
