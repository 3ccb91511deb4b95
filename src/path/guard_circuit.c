#include "path/guard_circuit.h"

#include "base/hash.h"
#include "path/guards_int.h"
#include "path/restrict.h"

static void set_state(struct guards *g, struct guard_circuit *c, enum guard_circuit_state state)
{
    c->state = state;
    c->since_us = g->env->mono_us;
}

void guard_circuit_begin(struct guards *g, struct guard_circuit *c, const struct path_pick *pick)
{
    static const enum guard_circuit_state states[] = {
        [GUARD_NONE] = GUARD_CIRCUIT_NONE,
        [GUARD_USABLE] = GUARD_CIRCUIT_SURE,
        [GUARD_USABLE_IF_NO_BETTER] = GUARD_CIRCUIT_UNSURE,
    };
    *c = (struct guard_circuit){.guard = pick->hop[0]->rsa, .is_apart = pick->apart != NULL};
    if (pick->apart)
        c->apart = pick->apart->rsa;
    set_state(g, c, states[pick->guard_use]);
    if (c->state != GUARD_CIRCUIT_NONE)
        DL_APPEND(g->circuits, c);
}

static bool is_a_guard(const struct guards *g, const struct rsa_id *id)
{
    for (size_t i = 0; i < SAMPLE_N; i++)
        if (sample_find(&g->samples[i], id))
            return true;
    return false;
}

bool guard_circuit_built(struct guards *g, struct guard_circuit *c, const struct netdir *nd)
{
    if (c->state == GUARD_CIRCUIT_NONE)
        return true;
    if (!is_a_guard(g, &c->guard))
        return false;
    guards_succeeded(g, &c->guard);
    pathbias_built(g, c);
    if (c->state == GUARD_CIRCUIT_SURE)
        set_state(g, c, GUARD_CIRCUIT_COMPLETE);
    else if (c->state == GUARD_CIRCUIT_UNSURE)
        set_state(g, c, GUARD_CIRCUIT_WAITING);
    (void)guard_circuit_may_be_used(g, c, nd);
    return true;
}

/* guard-spec 4.3: "Guard A "higher priority" than another Guard B" */
static bool is_better(const struct guard *a, const struct guard *b)
{
    if (a == b)
        return false;
    if (a->confirmed_idx >= 0 || b->confirmed_idx >= 0)
        return a->confirmed_idx >= 0 &&
               (b->confirmed_idx < 0 || a->confirmed_idx < b->confirmed_idx);
    return a->pending && (!b->pending || a->tried_us < b->tried_us);
}

/* "C2 obeys all the restrictions that C1 had to obey" */
static bool obeys(const struct guards *g, const struct netdir *nd, const struct guard *guard,
                  const struct guard_circuit *c)
{
    if (!c->is_apart)
        return true;
    if (rsa_id_equal(&guard->rsa, &c->apart))
        return false;
    const struct router *r = netdir_by_rsa(nd, &guard->rsa), *apart = netdir_by_rsa(nd, &c->apart);
    return !r || !apart || !router_related(nd, g->cfg, r, apart);
}

/* Whether OTHER may still turn out to be the better one, or did. */
static bool has_prospects(const struct guards *g, const struct guard_circuit *other)
{
    return other->state == GUARD_CIRCUIT_COMPLETE || other->state == GUARD_CIRCUIT_WAITING ||
           (other->state == GUARD_CIRCUIT_UNSURE &&
            g->env->mono_us - other->since_us < g->params.connect_timeout_us);
}

static bool is_blocked(const struct guards *g, const struct guard_circuit *c,
                       const struct guard *guard, const struct netdir *nd)
{
    const struct guard_circuit *other;
    DL_FOREACH (g->circuits, other) {
        const struct guard *its = sample_find(g->now, &other->guard);
        if (its && has_prospects(g, other) && is_better(its, guard) && obeys(g, nd, its, c))
            return true;
    }
    return false;
}

/* guard-spec 4.9: "All primary guards have reachable status of <no>" */
static bool primaries_are_down(struct guards *g)
{
    for (size_t i = 0; i < g->now->n; i++) {
        struct guard *guard = &g->now->list[i];
        if (!guard->primary)
            continue;
        guard_consider_retry(g, guard);
        if (guard->reach != GUARD_NO)
            return false;
    }
    return true;
}

bool guard_circuit_may_be_used(struct guards *g, struct guard_circuit *c, const struct netdir *nd)
{
    if (c->state != GUARD_CIRCUIT_WAITING)
        return c->state == GUARD_CIRCUIT_COMPLETE || c->state == GUARD_CIRCUIT_NONE;
    const struct guard *guard = sample_find(g->now, &c->guard);
    /* It may have become primary by being confirmed (C tor, entry_guards_note_guard_success()). */
    if (!guard || (!guard->primary && (!primaries_are_down(g) || is_blocked(g, c, guard, nd))))
        return false;
    set_state(g, c, GUARD_CIRCUIT_COMPLETE);
    return true;
}

bool guard_circuit_is_stale(const struct guards *g, const struct guard_circuit *c)
{
    return c->state == GUARD_CIRCUIT_WAITING &&
           g->env->mono_us - c->since_us >= g->params.idle_timeout_us;
}

static void forget(struct guards *g, struct guard_circuit *c)
{
    if (c->state != GUARD_CIRCUIT_NONE)
        DL_DELETE(g->circuits, c);
    c->state = GUARD_CIRCUIT_NONE;
}

void guard_circuit_failed(struct guards *g, struct guard_circuit *c)
{
    if (c->state != GUARD_CIRCUIT_NONE)
        guards_failed(g, &c->guard);
    forget(g, c);
}

void guard_circuit_end(struct guards *g, struct guard_circuit *c)
{
    if (c->state == GUARD_CIRCUIT_SURE || c->state == GUARD_CIRCUIT_UNSURE)
        guards_dropped(g, &c->guard);
    forget(g, c);
}
