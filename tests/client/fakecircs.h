/* Circuits over no link, in place of ocirc.c's, for tests of those who own circuits. They stand in
 * `circs` in the order of their making, and in the register of circuits as real ones do. A file
 * that includes this says in streams_ride_on() whether streams are on one. */
#ifndef TUNIC_TESTS_CLIENT_FAKECIRCS_H
#define TUNIC_TESTS_CLIENT_FAKECIRCS_H

#include <stdlib.h>
#include <string.h>

#include "client/fakeconflux.h"
#include "client/ocirc.h"
#include "support/test.h"

enum { CIRCS_MOST = 256 };

static struct {
    struct ocirc *oc[CIRCS_MOST]; /* NULL once freed */
    unsigned n, alive;
    bool oom, stillborn; /* of the next ones */
} circs;

static bool streams_ride_on(const struct ocirc *oc);

static void fakecircs_tell_end(void *arg)
{
    struct ocirc *oc = arg;
    oc->ops->on_end(oc->arg, oc, &oc->end);
}

struct ocirc *ocirc_new(struct circuits *set, const struct ocirc_plan *plan,
                        const struct ocirc_ops *ops, void *arg)
{
    if (circs.oom)
        return NULL;
    ck_assert_uint_lt(circs.n, CIRCS_MOST);
    struct ocirc *oc = calloc(1, sizeof *oc);
    ck_assert_ptr_nonnull(oc);
    *oc = (struct ocirc){
        .env = circuits_env(set), .ops = ops, .arg = arg, .purpose = plan->purpose, .plan = *plan};
    ck_assert(circuits_add(set, oc));
    later_init(&oc->tell, fakecircs_tell_end, oc);
    circs.oc[circs.n++] = oc;
    circs.alive++;
    if (circs.stillborn)
        ocirc_close(oc, ERR_NOMEM, DESTROY_RESOURCELIMIT);
    return oc;
}

void ocirc_free(struct ocirc *oc)
{
    ck_assert(!streams_ride_on(oc)); /* streams leave the circuit before it goes */
    for (unsigned i = 0; i < circs.n; i++)
        if (circs.oc[i] == oc)
            circs.oc[i] = NULL;
    circuits_remove(oc);
    later_cancel(oc->env, &oc->tell);
    circs.alive--;
    free(oc);
}

bool ocirc_is_stalled(const struct ocirc *oc)
{
    (void)oc;
    return false;
}

void ocirc_unanswered(const struct ocirc *oc, uint64_t since_us)
{
    (void)oc, (void)since_us;
}

void ocirc_close(struct ocirc *oc, err_t why, uint8_t reason)
{
    if (oc->state == OCIRC_CLOSED)
        return;
    oc->end.during = oc->state;
    oc->end.circ.why = why;
    oc->end.circ.reason = reason;
    oc->state = OCIRC_CLOSED;
    circuits_remove(oc);
    later_ask(oc->env, &oc->tell);
}

err_t ocirc_extend(struct ocirc *oc, const struct ocirc_plan *more)
{
    if (oc->state == OCIRC_CLOSED)
        return ERR_STATE;
    memcpy(oc->plan.hops + oc->plan.n_hops, more->hops, more->n_hops * sizeof more->hops[0]);
    oc->plan.n_hops += more->n_hops;
    if (oc->state == OCIRC_OPEN)
        oc->state = OCIRC_BUILDING;
    return OK;
}

#endif
