/* Circuits of guards, in place of path's, for tests of those who own circuits: GUARDPLAY says what
 * is true of the guard, and counts what was told of it. */
#ifndef TUNIC_TESTS_CLIENT_FAKEGUARDS_H
#define TUNIC_TESTS_CLIENT_FAKEGUARDS_H

#include "path/path.h"
#include "path/pathbias.h"

static struct {
    bool may_be_used, is_gone, is_stale, is_ruled_out;
    unsigned ok, failed, dropped;
    unsigned timed_out, closed_by_us, closed_by_them;
} guardplay;

void guard_circuit_begin(struct guards *g, struct guard_circuit *c, const struct path_pick *pick)
{
    static const enum guard_circuit_state states[] = {GUARD_CIRCUIT_NONE, GUARD_CIRCUIT_SURE,
                                                      GUARD_CIRCUIT_UNSURE};
    (void)g;
    *c = (struct guard_circuit){.state = states[pick->guard_use], .guard = pick->hop[0]->rsa};
}

bool guard_circuit_may_be_used(struct guards *g, struct guard_circuit *c, const struct netdir *nd)
{
    (void)g, (void)nd;
    if (c->state == GUARD_CIRCUIT_WAITING && guardplay.may_be_used)
        c->state = GUARD_CIRCUIT_COMPLETE;
    return c->state != GUARD_CIRCUIT_WAITING;
}

bool guard_circuit_built(struct guards *g, struct guard_circuit *c, const struct netdir *nd)
{
    if (c->state == GUARD_CIRCUIT_NONE)
        return true;
    guardplay.ok++;
    if (c->state == GUARD_CIRCUIT_SURE || c->state == GUARD_CIRCUIT_UNSURE)
        c->state = c->state == GUARD_CIRCUIT_SURE ? GUARD_CIRCUIT_COMPLETE : GUARD_CIRCUIT_WAITING;
    (void)guard_circuit_may_be_used(g, c, nd);
    return !guardplay.is_gone;
}

bool guard_circuit_is_stale(const struct guards *g, const struct guard_circuit *c)
{
    (void)g, (void)c;
    return guardplay.is_stale;
}

void guard_circuit_failed(struct guards *g, struct guard_circuit *c)
{
    (void)g;
    guardplay.failed += c->state != GUARD_CIRCUIT_NONE;
    c->state = GUARD_CIRCUIT_NONE;
}

void guard_circuit_end(struct guards *g, struct guard_circuit *c)
{
    (void)g;
    guardplay.dropped += c->state == GUARD_CIRCUIT_SURE || c->state == GUARD_CIRCUIT_UNSURE;
    c->state = GUARD_CIRCUIT_NONE;
}

bool pathbias_attempted(struct guards *g, struct guard_circuit *c)
{
    (void)g;
    c->bias = PATHBIAS_ATTEMPTED;
    return !guardplay.is_ruled_out;
}

void pathbias_timed_out(struct guards *g, struct guard_circuit *c)
{
    (void)g, (void)c;
    guardplay.timed_out++;
}

void pathbias_closed(struct guards *g, struct guard_circuit *c, bool ours)
{
    (void)g, (void)c;
    *(ours ? &guardplay.closed_by_us : &guardplay.closed_by_them) += 1;
}

#endif
