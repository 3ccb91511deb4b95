#include "measure/history.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/estimate.h"

/* An address, and who was measured there: several, if other relays have come after them. */
struct history_place {
    struct ipport at;
    struct history_relay *first;
    UT_hash_handle hh;
};

void history_init(struct history *h)
{
    *h = (struct history){.n = 0};
}

void history_free(struct history *h)
{
    struct history_place *p, *next;
    HASH_ITER (hh, h->by_at, p, next) {
        HASH_DEL(h->by_at, p);
        free(p);
    }
    HASH_CLEAR(hh, h->by_fp);
    for (size_t i = 0; i < h->n; i++)
        free(h->relays[i]);
    free(h->relays);
    free(h->pending);
    history_init(h);
}

/* ---- by address ---- */

/* The key has no padding that anything could stand in. */
static struct ipport key_of(const struct ipport *at)
{
    struct ipport key;
    memset(&key, 0, sizeof key);
    key.ip.family = at->ip.family;
    memcpy(key.ip.b, at->ip.b, sizeof key.ip.b);
    key.port = at->port;
    return key;
}

static struct history_place *find_place(const struct history *h, const struct ipport *at)
{
    const struct ipport key = key_of(at);
    struct history_place *p;
    HASH_FIND(hh, h->by_at, &key, sizeof key, p);
    return p;
}

static struct history_place *find_or_add_place(struct history *h, const struct ipport *at)
{
    struct history_place *p = find_place(h, at);
    if (p || !(p = calloc(1, sizeof *p)))
        return p;
    p->at = key_of(at);
    HASH_ADD(hh, h->by_at, at, sizeof p->at, p);
    if (HASH_ADDED(p, hh))
        return p;
    free(p);
    return NULL;
}

static void enter(struct history_place *p, struct history_relay *r)
{
    r->at = p->at;
    r->next_here = p->first;
    p->first = r;
}

static void leave(struct history *h, struct history_relay *r)
{
    struct history_place *p = find_place(h, &r->at);
    struct history_relay **at = &p->first;
    while (*at != r)
        at = &(*at)->next_here;
    *at = r->next_here;
    if (p->first)
        return;
    HASH_DEL(h->by_at, p);
    free(p);
}

/* ---- looking and adding ---- */

static struct history_relay *find(const struct history *h, const char *fp, const struct ipport *at)
{
    struct history_relay *newest = NULL;
    if (*fp) {
        HASH_FIND(hh, h->by_fp, fp, strlen(fp), newest);
        return newest;
    }
    const struct history_place *p = find_place(h, at);
    for (struct history_relay *r = p ? p->first : NULL; r; r = r->next_here)
        if (!newest || r->last.ts > newest->last.ts)
            newest = r;
    return newest;
}

const struct history_relay *history_find(const struct history *h, const char *fp,
                                         const struct ipport *at)
{
    return find(h, fp, at);
}

/* Which is END's. One that is known by its address alone gets the fingerprint that is proved now;
 * a result that has none is of the relay that is there, unless another identity was proved. */
static struct history_relay *place_of(struct history *h, const struct result *end)
{
    struct history_relay *found = find(h, end->fp, &end->at);
    if (found && !*end->fp && *end->ed && *found->last.ed && strcmp(end->ed, found->last.ed) != 0)
        return NULL;
    const struct history_place *p = found ? NULL : find_place(h, &end->at);
    for (struct history_relay *r = p ? p->first : NULL; r; r = r->next_here)
        if (!*r->fp)
            return r;
    return found;
}

/* Room for one more behind N elements of SIZE; storage grows by doubling. */
static void *room(void *list, size_t n, size_t size)
{
    bool is_power = (n & (n - 1)) == 0;
    return is_power ? realloc(list, (n ? 2 * n : 1) * size) : list;
}

static err_t add(struct history *h, struct history_place *p, struct history_relay **out)
{
    if (h->n == HISTORY_RELAYS_MOST)
        return ERR_LIMIT;
    struct history_relay **more = room(h->relays, h->n, sizeof(struct history_relay *));
    if (!more)
        return ERR_NOMEM;
    h->relays = more;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_NOMEM;
    h->relays[h->n++] = *out;
    enter(p, *out);
    return OK;
}

/* An order by address alone makes no fingerprint forgotten. */
static err_t name(struct history *h, struct history_relay *r, const char fp[sizeof r->fp])
{
    if (!*fp || strcmp(r->fp, fp) == 0)
        return OK;
    memcpy(r->fp, fp, sizeof r->fp);
    HASH_ADD_KEYPTR(hh, h->by_fp, r->fp, strlen(r->fp), r);
    if (HASH_ADDED(r, hh))
        return OK;
    r->fp[0] = 0;
    return ERR_NOMEM;
}

static bool has_granted(const struct history_relay *r, const struct result *end)
{
    bool no = strcmp(end->why, "refused") == 0 || strcmp(end->why, "unsupported") == 0;
    if (strcmp(end->mode, "flashflow") != 0)
        return r->has_granted;
    return end->ok || (r->has_granted && !no);
}

/* As reports and bandwidth files have it: a quick try does not take a long run's place. Nor does an
 * inconclusive one say what there is at least, of so few seconds that a relay's burst, or what was
 * under way, may be all of it. */
static void take_figure(struct history_relay *r, const struct result *end)
{
    const struct result figure = {.ts = r->measured_s, .counted = r->counted};
    bool is_short = end->counted && end->counted < ESTIMATE_SPREAD_LEAST;
    if (end->ok && (!r->bw || results_replaces(end, &figure))) {
        r->bw = end->bw;
        r->measured_s = end->ts;
        r->counted = end->counted;
        r->least = 0;
    } else if (strcmp(end->why, "inconclusive") == 0 && end->bw > r->least && !is_short) {
        r->least = end->bw;
    }
}

err_t history_add(struct history *h, const struct result *end)
{
    struct history_relay *r = place_of(h, end);
    struct history_place *p = find_or_add_place(h, &end->at);
    err_t e = !p ? ERR_NOMEM : r ? OK : add(h, p, &r);
    if (e == OK && find_place(h, &r->at) != p) {
        leave(h, r);
        enter(p, r);
    }
    if (p && !p->first) {
        HASH_DEL(h->by_at, p);
        free(p);
    }
    TRY(e);
    TRY(name(h, r, end->fp));
    r->last = *end;
    r->has_granted = has_granted(r, end);
    take_figure(r, end);
    return OK;
}

uint64_t history_prior(const struct history_relay *r)
{
    return r->least > r->bw ? r->least : r->bw;
}

static void take_names(struct meas_relay *to, const struct result *r)
{
    if (r->at.ip.family != IP_NONE) {
        to->addrs[0] = r->at;
        to->n_addrs = 1;
    }
    if (hex_decode_exact(text_of(r->fp), to->fp.b, sizeof to->fp.b) == OK)
        to->has_fp = true;
    if (base64_decode_exact(text_of(r->ed), BASE64_UNPADDED, to->ed25519.b, sizeof to->ed25519.b) ==
        OK)
        to->has_ed25519 = true;
}

/* A relay that has ended it is left alone. */
static bool is_sent_away(const struct result *end)
{
    return strcmp(end->why, "relay_lost") == 0;
}

static err_t note(struct polite *polite, const struct result *begin, const struct result *end)
{
    struct meas_relay relay = {.n_addrs = 0};
    take_names(&relay, begin);
    if (end)
        take_names(&relay, end);
    return polite_note(polite, &relay, begin->ts, end ? end->bytes : 0, end && is_sent_away(end));
}

/* The oldest of too many was an attempt, too. */
static err_t read_begin(struct history *h, const struct result *begin, struct polite *polite)
{
    if (h->n_pending == HISTORY_PENDING_MOST) {
        TRY(note(polite, &h->pending[0], NULL));
        memmove(h->pending, h->pending + 1, --h->n_pending * sizeof *h->pending);
    }
    struct result *more = room(h->pending, h->n_pending, sizeof *more);
    if (!more)
        return ERR_NOMEM;
    h->pending = more;
    h->pending[h->n_pending++] = *begin;
    return OK;
}

/* What ended before it began is no attempt. */
static err_t note_unbegun(struct polite *polite, const struct result *end)
{
    struct meas_relay relay = {.n_addrs = 0};
    take_names(&relay, end);
    return !end->began && is_sent_away(end) ? polite_note_away(polite, &relay, end->ts) : OK;
}

err_t history_read(struct history *h, struct text line, struct polite *polite)
{
    struct result r;
    TRY(results_parse(line, &r));
    if (!r.is_end)
        return read_begin(h, &r, polite);
    TRY(note_unbegun(polite, &r));
    for (size_t i = 0; i < h->n_pending; i++) {
        if (h->pending[i].id != r.id)
            continue;
        TRY(note(polite, &h->pending[i], &r));
        h->pending[i] = h->pending[--h->n_pending];
        break;
    }
    return history_add(h, &r);
}

err_t history_read_end(struct history *h, struct polite *polite)
{
    err_t e = OK;
    for (size_t i = 0; e == OK && i < h->n_pending; i++)
        e = note(polite, &h->pending[i], NULL);
    free(h->pending);
    h->pending = NULL;
    h->n_pending = 0;
    return e;
}
