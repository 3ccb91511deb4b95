/* Which streams a set has: added, found on its carrier, taken out. */
#include <stdlib.h>

#include "stream/stream_int.h"

bool streams_is_open(const struct streams *set)
{
    return set->carrier->kind->is_open(set->carrier);
}

err_t streams_send(struct streams *set, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                   size_t len)
{
    return set->carrier->kind->send(set->carrier, cmd, stream_id, data, len);
}

size_t streams_open_count(const struct streams *set)
{
    return HASH_COUNT(set->by_id);
}

err_t streams_add(struct streams *set, uint16_t id, enum stream_kind kind, enum stream_state state,
                  struct stream **out)
{
    size_t open = streams_open_count(set);
    if (!id || open >= STREAMS_MAX_OPEN)
        return ERR_LIMIT;
    /* Its place among the half-closed is kept from now on. */
    TRY(halves_reserve(&set->halves, set->halves.n + open + 1));
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct stream){.set = set, .kind = kind, .state = state, .id = id};
    const struct carrier *c = set->carrier;
    stream_flow_init(&s->flow, c->kind->own_sendmes(c) ? STREAM_FLOW_WINDOWS : STREAM_FLOW_CARRIER,
                     set->params);
    s->flow.burst_most = c->kind->held_most ? c->kind->held_most(c) : 0;
    HASH_ADD(hh, set->by_id, id, sizeof s->id, s);
    if (!HASH_ADDED(s, hh)) {
        free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void streams_drop(struct stream *s)
{
    struct streams *set = s->set;
    streams_leave_place(s);
    HASH_DEL(set->by_id, s);
    s->state = STREAM_DEAD;
    DL_APPEND(set->dead, s);
    later_ask(set->env, &set->reap);
}
