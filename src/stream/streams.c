/* The set: ids, dispatch of messages, turns, and the end of the carrier. */
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "stream/stream_int.h"

/* ---- freeing ---- */

static void free_dead(struct streams *set)
{
    struct stream *s, *next;
    DL_FOREACH_SAFE (set->dead, s, next)
        free(s);
    set->dead = NULL;
}

static void free_set(struct streams *set)
{
    later_cancel(set->env, &set->reap);
    env_disarm(set->env, &set->pace);
    free_dead(set);
    halves_free(&set->halves);
    set->carrier->kind->free(set->carrier);
    free(set);
}

static void reap(void *arg)
{
    struct streams *set = arg;
    if (set->doomed)
        free_set(set);
    else
        free_dead(set);
}

/* ---- messages and the end ---- */

static err_t on_msg(void *arg, const struct relay_msg *msg)
{
    struct streams *set = arg;
    struct stream *s;
    HASH_FIND(hh, set->by_id, &msg->stream_id, sizeof msg->stream_id, s);
    if (s)
        return stream_on_msg(s, msg);
    if (msg->cmd == RELAY_BEGIN)
        return streams_on_begin(set, msg);
    err_t err = halves_on_msg(&set->halves, msg, set->env->mono_us);
    return err == ERR_NOT_FOUND ? ERR_CIRC_PROTO : err;
}

static void on_end(void *arg, const struct circ_end *circ_end)
{
    struct streams *set = arg;
    struct stream_end end = {
        .why = circ_end->why, .reason = END_DESTROY, .circuit_ended = true, .circ = *circ_end};
    while (set->by_id)
        stream_finish(set->by_id, &end);
}

static const struct carrier_user carrier_user = {
    .on_msg = on_msg,
    .on_writable = streams_on_room,
    .on_end = on_end,
};

/* ---- life ---- */

struct streams *streams_new(struct env *env, struct carrier *gift_carrier)
{
    struct streams *set = gift_carrier ? calloc(1, sizeof *set) : NULL;
    if (!set && gift_carrier) {
        gift_carrier->kind->leave(gift_carrier);
        gift_carrier->kind->free(gift_carrier);
    }
    if (!set)
        return NULL;
    set->env = env;
    set->carrier = gift_carrier;
    /* As C tor: ids count up from a random one. */
    set->next_id = (uint16_t)env_random_below(env, 1u << 16);
    set->own_params = xonxoff_defaults();
    set->params = &set->own_params;
    streams_init_turns(set);
    later_init(&set->reap, reap, set);
    gift_carrier->user = &carrier_user;
    gift_carrier->user_arg = set;
    return set;
}

void streams_free(struct streams *set)
{
    if (!set)
        return;
    while (set->by_id)
        stream_close(set->by_id, END_DONE);
    set->carrier->kind->leave(set->carrier);
    if (set->calling || set->in_turns) {
        set->doomed = true;
        later_ask(set->env, &set->reap);
    } else {
        free_set(set);
    }
}

void streams_allow_internal_addrs(struct streams *set, bool allow)
{
    set->allow_internal = allow;
}

void streams_set_params(struct streams *set, const struct xonxoff_params *borrowed)
{
    set->params = borrowed;
}

/* ---- opening ---- */

static bool id_taken(const struct streams *set, uint16_t id)
{
    struct stream *s;
    HASH_FIND(hh, set->by_id, &id, sizeof id, s);
    return s || half_find(&set->halves, id);
}

/* 0 if none is free. */
static uint16_t new_id(struct streams *set)
{
    bool any_free = streams_open_count(set) + set->halves.n < UINT16_MAX;
    for (unsigned tries = 0; any_free && tries <= UINT16_MAX; tries++) {
        uint16_t id = set->next_id++;
        if (id && !id_taken(set, id))
            return id;
    }
    return 0;
}

/* "host:port" in two; the host keeps its brackets. */
static err_t split_target(const char *target, struct relay_begin *m)
{
    const char *colon = target ? strrchr(target, ':') : NULL;
    uint64_t port;
    if (!colon || text_u64(colon + 1, UINT16_MAX, &port) != OK)
        return ERR_ARG;
    m->host = (struct text){target, (size_t)(colon - target)};
    m->port = (uint16_t)port;
    return OK;
}

static err_t write_request(const struct stream_request *req, struct wr *w, uint8_t *cmd)
{
    struct relay_begin begin = {.flags = req->flags};
    struct relay_resolve resolve;
    switch (req->kind) {
    case STREAM_BEGIN:
        *cmd = RELAY_BEGIN;
        TRY(split_target(req->target, &begin));
        return relay_begin_encode(w, &begin) == OK ? OK : ERR_ARG;
    case STREAM_RESOLVE:
        *cmd = RELAY_RESOLVE;
        if (!req->target)
            return ERR_ARG;
        resolve.host = text_of(req->target);
        return relay_resolve_encode(w, &resolve) == OK ? OK : ERR_ARG;
    case STREAM_BEGIN_DIR:
        *cmd = RELAY_BEGIN_DIR;
        return OK;
    case STREAM_ACCEPTED:
        break;
    }
    return ERR_ARG;
}

static err_t add_request(struct streams *set, const struct stream_request *req,
                         const struct stream_ops *ops, void *arg, struct stream **out)
{
    bool resolves = req->kind == STREAM_RESOLVE;
    TRY(streams_add(set, new_id(set), req->kind, resolves ? STREAM_RESOLVING : STREAM_CONNECTING,
                    out));
    (*out)->ops = ops;
    (*out)->arg = arg;
    (*out)->v4_ok = !(req->flags & BEGIN_IPV4_NOT_OK);
    (*out)->v6_ok = (req->flags & BEGIN_IPV6_OK) || (req->target && req->target[0] == '[');
    return OK;
}

err_t stream_open(struct streams *set, const struct stream_request *req,
                  const struct stream_ops *ops, void *arg, struct stream **out)
{
    uint8_t data[RELAY_DATA_MAX], cmd;
    struct wr w = wr_over(data, sizeof data);
    struct stream *s;
    if (!streams_is_open(set))
        return ERR_STATE;
    TRY(write_request(req, &w, &cmd));
    if (!set->carrier->kind->may_begin(set->carrier))
        return ERR_FULL;
    TRY(add_request(set, req, ops, arg, &s));
    err_t err = streams_send(set, cmd, s->id, data, w.len);
    if (err != OK) {
        streams_drop(s);
        return err;
    }
    *out = s;
    return OK;
}
