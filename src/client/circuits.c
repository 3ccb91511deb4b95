#include "client/circuits.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/reason.h"
#include "client/ocirc.h"

struct circuits {
    struct env *env;
    struct linkpool *pool;
    struct events *events;
    struct ocirc *by_id;
    uint64_t last_id, launched_us;
    bool established;
    void (*steady)(void *arg, struct ocirc *oc);
    void *steady_arg;
};

struct circuits *circuits_new(struct env *env, struct linkpool *pool, struct events *events)
{
    struct circuits *cs = calloc(1, sizeof *cs);
    if (cs)
        *cs = (struct circuits){.env = env, .pool = pool, .events = events};
    return cs;
}

void circuits_free(struct circuits *cs)
{
    free(cs);
}

struct env *circuits_env(const struct circuits *cs)
{
    return cs->env;
}

struct linkpool *circuits_links(const struct circuits *cs)
{
    return cs->pool;
}

/* ---- telling ---- */

static unsigned hops_built(const struct ocirc *oc)
{
    if (oc->state == OCIRC_CLOSED)
        return oc->end.circ.hops;
    return oc->circ ? circ_hops(oc->circ) : 0;
}

/* A hop that no EXTEND made, the other end of a rendezvous, is no relay of the path
 * (circuitlist.c, circuit_list_path_impl(): "if (!hop->extend_info) break"). */
static void say_path(const struct ocirc *oc, struct event_circuit *e)
{
    size_t built = hops_built(oc), most = oc->plan.fast ? 1 : oc->plan.n_hops;
    e->n_hops = built < most ? built : most;
    for (size_t i = 0; i < e->n_hops; i++) {
        e->hop[i].rsa = oc->plan.fast ? oc->plan.first.rsa : oc->plan.hops[i].rsa;
        memcpy(e->hop[i].nickname, oc->plan.nickname[i], sizeof e->hop[i].nickname);
    }
}

/* Whose link ends, tor says, was destroyed by the other side (circuit_unlink_all_from_channel()).
 */
static void say_end(const struct ocirc *oc, struct event_circuit *e)
{
    e->why = oc->end.circ.why;
    e->remote = oc->end.circ.remote || (oc->end.circ.link_ended && oc->circ);
    e->reason = oc->end.circ.reason;
}

/* C tor: "Only output half of it", for who knows all of it may join a leg of his own. */
static void say_conflux(const struct ocirc *oc, struct event_circuit *e)
{
    e->conflux = oc->plan.conflux_nonce != NULL &&
                 (oc->purpose == CIRCUIT_CONFLUX_UNLINKED || oc->purpose == CIRCUIT_CONFLUX_LINKED);
    if (!e->conflux)
        return;
    memcpy(e->conflux_id, oc->plan.conflux_nonce, sizeof e->conflux_id);
    if (oc->conflux && oc->purpose == CIRCUIT_CONFLUX_LINKED)
        e->conflux_rtt_us = conflux_member_rtt_us(oc->conflux);
}

void circuits_describe(const struct ocirc *oc, enum circuit_status status,
                       struct event_circuit *out)
{
    *out = (struct event_circuit){
        .id = oc->id,
        .status = status,
        .purpose = oc->purpose,
        .old_purpose = oc->purpose,
        .flags = oc->plan.flags,
        .created_us = oc->created_us,
        .isolated = oc->isolation != NULL,
        .login = oc->login,
    };
    say_path(oc, out);
    say_conflux(oc, out);
    if (oc->isolation)
        out->isolation = *oc->isolation;
    if (oc->state == OCIRC_CLOSED)
        say_end(oc, out);
}

static void tell(const struct ocirc *oc, enum circuit_status status, enum circuit_purpose old)
{
    struct events *ev = oc->set->events;
    if (!events_wanted(ev, EVENT_CIRCUIT))
        return;
    struct event_record r = {.kind = EVENT_CIRCUIT};
    circuits_describe(oc, status, &r.circuit);
    r.circuit.old_purpose = old;
    events_tell(ev, &r);
}

void circuits_tell_pathless(struct circuits *cs, unsigned flags)
{
    const struct event_record e = {.kind = EVENT_CIRCUIT,
                                   .circuit = {.id = ++cs->last_id,
                                               .status = CIRCUIT_FAILED,
                                               .flags = flags,
                                               .created_us = cs->env->wall_us,
                                               .why = ERR_NOT_FOUND,
                                               .reason = DESTROY_NOPATH}};
    events_tell(cs->events, &e);
}

static void establish(struct circuits *cs, bool established, bool clock)
{
    const struct event_record e = {.kind = EVENT_STATUS,
                                   .status = {.what = established ? STATUS_CIRCUIT_ESTABLISHED
                                                                  : STATUS_CIRCUIT_NOT_ESTABLISHED,
                                              .clock = clock}};
    if (cs->established != established)
        events_tell(cs->events, &e);
    cs->established = established;
}

void circuits_doubt(struct circuits *cs, bool clock)
{
    establish(cs, false, clock);
}

bool circuits_established(const struct circuits *cs)
{
    return cs->established;
}

void circuits_tell(const struct ocirc *oc, enum circuit_status status)
{
    tell(oc, status, oc->purpose);
    if (status == CIRCUIT_BUILT &&
        (oc->purpose == CIRCUIT_GENERAL || oc->purpose == CIRCUIT_CONFLUX_UNLINKED) &&
        !(oc->plan.flags & CIRCUIT_ONEHOP_TUNNEL))
        establish(oc->set, true, false);
}

void circuits_set_purpose(struct ocirc *oc, enum circuit_purpose purpose)
{
    enum circuit_purpose old = oc->purpose;
    oc->purpose = purpose;
    tell(oc, CIRCUIT_PURPOSE_CHANGED, old);
}

void circuits_tell_cannibalized(const struct ocirc *oc, uint64_t begun_us)
{
    const struct env *env = oc->set->env;
    struct event_record r = {.kind = EVENT_CIRCUIT};
    circuits_describe(oc, CIRCUIT_CANNIBALIZED, &r.circuit);
    r.circuit.old_begun_us = env->wall_us - (int64_t)(env->mono_us - begun_us);
    events_tell(oc->set->events, &r);
}

void circuits_on_steady(struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg)
{
    cs->steady = fn;
    cs->steady_arg = arg;
}

void circuits_steady(struct ocirc *oc)
{
    if (oc->set->steady)
        oc->set->steady(oc->set->steady_arg, oc);
}

/* ---- the register ---- */

bool circuits_add(struct circuits *cs, struct ocirc *oc)
{
    oc->set = cs;
    oc->id = cs->last_id + 1; /* 64 bits: there will always be another */
    oc->created_us = cs->env->wall_us;
    HASH_ADD(hh, cs->by_id, id, sizeof oc->id, oc);
    if (!HASH_ADDED(oc, hh))
        return false;
    cs->last_id = oc->id;
    cs->launched_us = cs->env->mono_us;
    circuits_tell(oc, CIRCUIT_LAUNCHED);
    return true;
}

void circuits_remove(struct ocirc *oc)
{
    if (!HASH_ADDED(oc, hh))
        return;
    HASH_DEL(oc->set->by_id, oc);
    oc->hh.tbl = NULL;
    circuits_tell(oc, oc->end.during == OCIRC_OPEN ? CIRCUIT_CLOSED : CIRCUIT_FAILED);
}

struct ocirc *circuits_find(const struct circuits *cs, uint64_t id)
{
    struct ocirc *oc;
    HASH_FIND(hh, cs->by_id, &id, sizeof id, oc);
    return oc;
}

size_t circuits_count(const struct circuits *cs)
{
    return HASH_COUNT(cs->by_id);
}

bool circuits_any_open(const struct circuits *cs)
{
    const struct ocirc *oc, *next;
    HASH_ITER (hh, cs->by_id, oc, next)
        if (oc->state == OCIRC_OPEN && oc->plan.n_hops > 1)
            return true;
    return false;
}

uint64_t circuits_launched_us(const struct circuits *cs)
{
    return cs->launched_us;
}

void circuits_each(const struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg)
{
    struct ocirc *oc, *next;
    for (oc = cs->by_id; oc; oc = next) {
        next = oc->hh.next;
        fn(arg, oc);
    }
}
