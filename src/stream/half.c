#include "stream/half.h"

#include <stdlib.h>
#include <string.h>

err_t halves_reserve(struct halves *t, size_t n)
{
    if (n <= t->room)
        return OK;
    size_t room = t->room ? 2 * t->room : 16;
    if (room < n)
        room = n;
    struct half *h = realloc(t->h, room * sizeof *h);
    if (!h)
        return ERR_NOMEM;
    t->h = h;
    t->room = room;
    return OK;
}

void halves_free(struct halves *t)
{
    free(t->h);
}

/* Where ID is or would be. */
static size_t place(const struct halves *t, uint16_t id)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->h[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct half *half_find(const struct halves *t, uint16_t id)
{
    size_t at = place(t, id);
    return at < t->n && t->h[at].id == id ? &t->h[at] : NULL;
}

void half_add(struct halves *t, const struct half *entry)
{
    size_t at = place(t, entry->id);
    memmove(t->h + at + 1, t->h + at, (t->n - at) * sizeof *t->h);
    t->h[at] = *entry;
    t->n++;
}

void half_remove(struct halves *t, struct half *h)
{
    size_t at = (size_t)(h - t->h);
    memmove(h, h + 1, (t->n - at - 1) * sizeof *h);
    t->n--;
}

err_t halves_on_msg(struct halves *t, const struct relay_msg *msg, uint64_t now_us)
{
    struct half *h = half_find(t, msg->stream_id);
    if (!h)
        return ERR_NOT_FOUND;
    switch (msg->cmd) {
    case RELAY_DATA:
    case RELAY_SENDME:
        if (h->connected_due)
            return ERR_CIRC_PROTO;
        /* fall through */
    case RELAY_XON: /* these may come before CONNECTED, too: of optimistic data */
    case RELAY_XOFF:
        return stream_flow_rest_takes(&h->rest, msg->cmd, now_us) ? OK : ERR_CIRC_PROTO;
    case RELAY_CONNECTED:
        if (!h->connected_due)
            return ERR_CIRC_PROTO;
        h->connected_due = false;
        return OK;
    case RELAY_RESOLVED:
        if (!h->resolved_due)
            return ERR_CIRC_PROTO;
        half_remove(t, h);
        return OK;
    case RELAY_END:
        half_remove(t, h);
        return OK;
    default:
        return ERR_CIRC_PROTO;
    }
}
