#include "stream/held.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 * 1024 };

struct held_chunk {
    struct held_chunk *next;
    size_t at, end; /* the records */
    uint8_t bytes[CHUNK];
};

/* Before the bytes of each message. */
struct record {
    uint64_t seq;
    uint16_t stream_id, len;
    uint8_t cmd;
};

size_t held_cost(size_t len)
{
    return sizeof(struct record) + len;
}

static struct record first_record(const struct held_chunk *c)
{
    struct record r;
    memcpy(&r, c->bytes + c->at, sizeof r);
    return r;
}

static void chunk_free(struct held *h, struct held_chunk *c)
{
    if (h->tally) {
        h->tally->held -= sizeof *c;
        h->tally->given_back += sizeof *c;
    }
    free(c);
}

/* A chunk for LEN bytes; NULL out of memory. */
static struct held_chunk *chunk_for(struct held *h, size_t len)
{
    if (h->last && CHUNK - h->last->end >= len)
        return h->last;
    struct held_chunk *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    if (h->tally)
        h->tally->held += sizeof *c;
    c->next = NULL;
    c->at = c->end = 0;
    *(h->last ? &h->last->next : &h->first) = c;
    h->last = c;
    return c;
}

err_t held_add(struct held *h, uint64_t seq, const struct relay_msg *msg)
{
    const struct record r = {
        .seq = seq, .stream_id = msg->stream_id, .len = (uint16_t)msg->len, .cmd = msg->cmd};
    size_t cost = held_cost(msg->len);
    struct held_chunk *c = chunk_for(h, cost);
    if (!c)
        return ERR_NOMEM;
    memcpy(c->bytes + c->end, &r, sizeof r);
    if (msg->len)
        memcpy(c->bytes + c->end + sizeof r, msg->data, msg->len);
    c->end += cost;
    h->bytes += cost;
    return OK;
}

/* The last one taken is a view until now. */
static void drop_spent(struct held *h)
{
    while (h->first && h->first->at == h->first->end) {
        struct held_chunk *spent = h->first;
        h->first = spent->next;
        if (!h->first)
            h->last = NULL;
        chunk_free(h, spent);
    }
}

uint64_t held_first(const struct held *h)
{
    for (const struct held_chunk *c = h->first; c; c = c->next)
        if (c->at < c->end)
            return first_record(c).seq;
    return 0;
}

void held_take(struct held *h, struct relay_msg *out)
{
    drop_spent(h);
    struct held_chunk *c = h->first;
    struct record r = first_record(c);
    *out = (struct relay_msg){
        .cmd = r.cmd, .stream_id = r.stream_id, .data = c->bytes + c->at + sizeof r, .len = r.len};
    c->at += held_cost(r.len);
    h->bytes -= held_cost(r.len);
}

void held_free(struct held *h)
{
    while (h->first) {
        struct held_chunk *c = h->first;
        h->first = c->next;
        chunk_free(h, c);
    }
    *h = (struct held){.tally = h->tally};
}
