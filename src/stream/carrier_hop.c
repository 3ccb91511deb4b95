/* A carrier that is one hop of one circuit. Those of one circuit are a list whose first is the
 * circuit's user. */
#include <stdlib.h>

#include "stream/carrier.h"

struct hop_carrier {
    struct carrier carrier;
    struct circ *circ; /* NULL once it has ended or is left */
    unsigned hop;
    struct hop_carrier *next; /* on the same circuit */
};

static const struct circ_user_ops circ_user_ops;

static struct hop_carrier *hop_of(struct carrier *c)
{
    return (struct hop_carrier *)c;
}

static const struct hop_carrier *const_hop_of(const struct carrier *c)
{
    return (const struct hop_carrier *)c;
}

/* ---- down ---- */

static err_t send(struct carrier *c, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                  size_t len)
{
    struct hop_carrier *h = hop_of(c);
    return circ_send(h->circ, h->hop, cmd, stream_id, data, len);
}

static err_t send_data(struct carrier *c, uint16_t stream_id, const uint8_t *data, size_t *len)
{
    struct hop_carrier *h = hop_of(c);
    size_t max = circ_data_max(h->circ, h->hop);
    if (*len > max)
        *len = max;
    return circ_send(h->circ, h->hop, RELAY_DATA, stream_id, data, *len);
}

static bool may_begin(const struct carrier *c)
{
    const struct hop_carrier *h = const_hop_of(c);
    /* A circuit that is being extended is open again in a moment. */
    return circ_state(h->circ) == CIRC_OPEN && circ_may_begin(h->circ);
}

static bool is_open(const struct carrier *c)
{
    const struct hop_carrier *h = const_hop_of(c);
    return h->circ && circ_state(h->circ) != CIRC_CLOSED;
}

static bool own_sendmes(const struct carrier *c)
{
    const struct hop_carrier *h = const_hop_of(c);
    return circ_stream_sendmes(h->circ, h->hop);
}

static uint64_t max_rtt_us(const struct carrier *c)
{
    const struct hop_carrier *h = const_hop_of(c);
    struct circ_congestion cc;
    return circ_congestion(h->circ, h->hop, &cc) ? cc.max_rtt_us : 0;
}

static void serve(struct carrier *c)
{
    circ_serve(hop_of(c)->circ);
}

static void leave(struct carrier *c)
{
    struct hop_carrier *h = hop_of(c), *first, **at;
    if (!h->circ)
        return;
    first = circ_user(h->circ, &circ_user_ops);
    for (at = &first; *at && *at != h; at = &(*at)->next)
        ;
    if (*at)
        *at = h->next;
    circ_set_user(h->circ, first ? &circ_user_ops : NULL, first);
    h->circ = NULL;
}

static void hop_free(struct carrier *c)
{
    free(hop_of(c));
}

static const struct carrier_kind hop_kind = {
    .send = send,
    .send_data = send_data,
    .may_begin = may_begin,
    .is_open = is_open,
    .own_sendmes = own_sendmes,
    .max_rtt_us = max_rtt_us,
    .serve = serve,
    .leave = leave,
    .free = hop_free,
};

/* ---- up ---- */

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *msg)
{
    const struct hop_carrier *h = arg;
    while (h && h->hop != hop)
        h = h->next;
    return h ? h->carrier.user->on_msg(h->carrier.user_arg, msg) : ERR_CIRC_PROTO;
}

static void on_writable(void *arg)
{
    const struct hop_carrier *h, *next;
    for (h = arg; h; h = next) {
        next = h->next;
        h->carrier.user->on_writable(h->carrier.user_arg);
    }
}

static void on_end(void *arg, const struct circ_end *end)
{
    struct hop_carrier *h, *next;
    for (h = arg; h; h = next) {
        next = h->next;
        h->circ = NULL;
        h->carrier.user->on_end(h->carrier.user_arg, end);
    }
}

static const struct circ_user_ops circ_user_ops = {
    .on_msg = on_msg,
    .on_writable = on_writable,
    .on_end = on_end,
};

struct carrier *carrier_of_hop(struct circ *c, unsigned hop)
{
    struct hop_carrier *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    *h = (struct hop_carrier){
        .carrier.kind = &hop_kind, .circ = c, .hop = hop, .next = circ_user(c, &circ_user_ops)};
    circ_set_user(c, &circ_user_ops, h);
    return &h->carrier;
}
