#include "measure/history.h"

#include <stdlib.h>
#include <string.h>

void history_init(struct history *h)
{
    *h = (struct history){.n = 0};
}

void history_free(struct history *h)
{
    free(h->relays);
    free(h->pending);
    history_init(h);
}

const struct history_relay *history_find(const struct history *h, const char *fp,
                                         const struct ipport *at)
{
    const struct history_relay *newest = NULL;
    for (size_t i = 0; i < h->n; i++) {
        const struct history_relay *r = &h->relays[i];
        bool is_it = *fp ? strcmp(r->fp, fp) == 0 : ipport_equal(&r->at, at);
        if (is_it && (!newest || r->last.ts > newest->last.ts))
            newest = r;
    }
    return newest;
}

/* Which is END's. One that is known by its address alone gets the fingerprint that is proved now;
 * a result that has none is of the relay that is there, unless another identity was proved. */
static struct history_relay *place_of(struct history *h, const struct result *end)
{
    struct history_relay *by_fp = (struct history_relay *)history_find(h, end->fp, &end->at);
    if (by_fp && !*end->fp && *end->ed && *by_fp->last.ed && strcmp(end->ed, by_fp->last.ed) != 0)
        return NULL;
    for (size_t i = 0; !by_fp && i < h->n; i++)
        if (!*h->relays[i].fp && ipport_equal(&h->relays[i].at, &end->at))
            return &h->relays[i];
    return by_fp;
}

/* Room for one more behind N elements of SIZE; storage grows by doubling. */
static void *room(void *list, size_t n, size_t size)
{
    bool is_power = (n & (n - 1)) == 0;
    return is_power ? realloc(list, (n ? 2 * n : 1) * size) : list;
}

err_t history_add(struct history *h, const struct result *end)
{
    struct history_relay *r = place_of(h, end);
    if (!r) {
        if (h->n == HISTORY_RELAYS_MOST)
            return ERR_LIMIT;
        struct history_relay *more = room(h->relays, h->n, sizeof *more);
        if (!more)
            return ERR_NOMEM;
        h->relays = more;
        r = &h->relays[h->n++];
        *r = (struct history_relay){.measured_s = 0};
    }
    if (*end->fp) /* an order by address alone makes nothing forgotten */
        memcpy(r->fp, end->fp, sizeof r->fp);
    r->at = end->at;
    r->last = *end;
    if (end->ok) {
        r->bw = end->bw;
        r->measured_s = end->ts;
    }
    return OK;
}

static void note(struct polite *polite, const struct result *begin, const struct result *end)
{
    /* A relay that has ended it is left alone. */
    bool away = end && (strcmp(end->why, "relay_lost") == 0);
    if (begin->at.ip.family != IP_NONE)
        polite_note(polite, &begin->at, begin->ts, end ? end->bytes : 0, away);
}

static err_t read_begin(struct history *h, const struct result *begin)
{
    if (h->n_pending == HISTORY_PENDING_MOST)
        return ERR_LIMIT;
    struct result *more = room(h->pending, h->n_pending, sizeof *more);
    if (!more)
        return ERR_NOMEM;
    h->pending = more;
    h->pending[h->n_pending++] = *begin;
    return OK;
}

err_t history_read(struct history *h, struct text line, struct polite *polite)
{
    struct result r;
    TRY(results_parse(line, &r));
    if (!r.is_end)
        return read_begin(h, &r);
    for (size_t i = 0; i < h->n_pending; i++) {
        if (h->pending[i].id != r.id)
            continue;
        note(polite, &h->pending[i], &r);
        h->pending[i] = h->pending[--h->n_pending];
        break;
    }
    return history_add(h, &r);
}

void history_read_end(struct history *h, struct polite *polite)
{
    for (size_t i = 0; i < h->n_pending; i++)
        note(polite, &h->pending[i], NULL);
    free(h->pending);
    h->pending = NULL;
    h->n_pending = 0;
}
