/* One circuit of the pool: it is built, offered, ridden by streams, retired and freed. */
#include <stddef.h>
#include <stdlib.h>

#include "cell/reason.h"
#include "client/exits_int.h"

void exit_circ_drop(struct exit_circ *c)
{
    exit_circ_unlist(c);
    c->x->n_pending -= c->state == EXIT_BUILDING;
    DL_DELETE(c->x->circs, c);
    env_disarm(c->x->env, &c->probe.late);
    for (size_t i = 0; i < PATH_HOPS_MOST; i++)
        streams_free(c->rides[i].ride.streams);
    if (c->set)
        exit_set_free(c->set);
    else
        leg_free(c->leg);
    login_release(&c->login);
    free(c);
}

void exit_circ_shut(struct exit_circ *c, err_t why, uint8_t reason)
{
    if (c->set)
        exit_set_shut(c->set, why, reason);
    else
        leg_close(c->leg, why, reason);
}

size_t exit_circ_streams(const struct exit_circ *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->leg->n_hops; i++)
        if (c->rides[i].ride.streams)
            n += streams_open_count(c->rides[i].ride.streams);
    return n;
}

bool exit_circ_is_unused(const struct exit_circ *c)
{
    return exit_circ_streams(c) == 0;
}

bool exit_circ_is_internal(const struct exit_circ *c)
{
    return c->leg->oc->plan.flags & CIRCUIT_IS_INTERNAL;
}

static void on_slow(void *arg)
{
    struct exit_circ *c = arg;
    if (c->state == EXIT_APART) /* tor keeps those of purpose GENERAL only to learn their times */
        leg_close(c->leg, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
    if (c->state != EXIT_BUILDING && c->state != EXIT_INTERNAL)
        return;
    circuits_set_purpose(c->leg->oc, CIRCUIT_MEASURE_TIMEOUT);
    /* A tunnel that waited for this one needs another, which may have its place. */
    exit_circ_tell(c);
    exit_circ_set_state(c, EXIT_SLOW);
    c->x->ops->changed(c->x->arg, NULL);
}

void exit_circ_offer(struct exit_circ *c)
{
    struct exits *x = c->x;
    if (c->state == EXIT_BUILDING)
        exit_circ_set_state(c, EXIT_READY);
    exit_circ_tell(c);
    if (c->state == EXIT_READY && c->bucket) /* nobody took it: its tunnels are gone */
        exit_circ_set_free(c);
    x->ops->changed(x->arg, NULL);
}

void exit_circ_retire(struct exit_circ *c)
{
    if (c->state != EXIT_PROBED) /* it has none already */
        exit_circ_set_state(c, EXIT_RETIRED);
}

static struct exit_circ *circ_of(struct ride *r)
{
    return ((struct exit_ride *)(void *)((char *)r - offsetof(struct exit_ride, ride)))->circ;
}

static void retire_ride(struct ride *r)
{
    struct exit_circ *c = circ_of(r);
    if (c->state != EXIT_APART && c->state != EXIT_APART_DIRTY)
        exit_circ_retire(c);
}

/* C tor, connection_ap_process_end_not_open(): "a failed tag hit the exit and it complained" */
static void hear_of_ride(struct ride *r, enum ride_news news)
{
    struct exit_circ *c = circ_of(r);
    if (news == RIDE_ANSWERED) {
        pathbias_answered(&c->leg->guard);
    } else if (news == RIDE_LEFT) {
        pathbias_left(&c->leg->guard);
    } else {
        pathbias_garbled(&c->leg->guard);
        exit_circ_shut(c, ERR_CIRC_PROTO, DESTROY_PROTOCOL);
    }
}

void exit_circ_set_ride(struct exit_circ *c, unsigned hop, struct streams *set)
{
    c->rides[hop - 1] = (struct exit_ride){.ride = {.streams = set,
                                                    .circuit = c->leg->oc->id,
                                                    .exit = &c->leg->hop[hop - 1]->rsa,
                                                    .retire = retire_ride,
                                                    .told = hear_of_ride},
                                           .circ = c};
    if (!set)
        return;
    streams_allow_internal_addrs(set, c->x->config.allow_internal);
    c->x->flow.half_ms = cbt_timeout_ms(c->x->cbt, CBT_HOPS);
    streams_set_params(set, &c->x->flow);
}

struct ride *exit_circ_ride_at(struct exit_circ *c, unsigned hop)
{
    struct exit_ride *r = &c->rides[hop - 1];
    if (!r->ride.streams && !c->set) /* the hops of a set's legs on the way carry nothing */
        exit_circ_set_ride(c, hop, streams_new(c->x->env, ocirc_carrier(c->leg->oc, hop)));
    return r->ride.streams ? &r->ride : NULL;
}

/* C stands, and nobody may have it. */
static void give_up(struct exit_circ *c, err_t why, uint8_t reason)
{
    exit_circ_retire(c);
    leg_close(c->leg, why, reason);
}

static void on_open(void *arg)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    x->failures = x->failures_before = 0;
    x->paused = false;
    if (c->state == EXIT_SLOW) {
        give_up(c, OK, DESTROY_FINISHED);
        return;
    }
    if (c->leg->state == LEG_GUARD_WAIT) /* still waited for, and looked at once more each second */
        return;
    if (exit_circ_ride_at(c, (unsigned)c->leg->n_hops))
        exit_circ_offer(c);
    else
        give_up(c, ERR_NOMEM, DESTROY_RESOURCELIMIT);
}

static void on_end(void *arg, const struct ocirc_end *end, bool failed)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    (void)end;
    /* A path that was given says nothing of ours; circuit_build_failed() counts CIRCUIT_GENERAL. */
    failed = failed && !c->leg->is_given && c->leg->oc->purpose == CIRCUIT_GENERAL;
    exit_circ_drop(c);
    if (failed)
        x->failures++; /* its tunnels try again at the next look */
    else
        x->ops->changed(x->arg, NULL);
}

const struct leg_ops exits_leg_ops = {
    .on_slow = on_slow,
    .on_open = on_open,
    .on_end = on_end,
};
