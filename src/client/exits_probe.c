/* The probe of a circuit that was used in vain (path-spec 7, C tor: pathbias_send_usable_probe()).
 * A guard that damages what goes over a circuit makes its streams time out, as destinations do that
 * do not answer. So before such a circuit is closed its exit is asked for what every exit refuses,
 * and in refusing repeats: port 25 of 0.X.Y.Z, with a number of ours. Who can tell: the exit, for
 * it reads the address; others see a cell each way. */
#include <stdio.h>

#include "cell/reason.h"
#include "client/exits_int.h"

/* Anything else than the number says nothing yet: it may be of before. */
static void on_end(void *arg, const struct stream_end *end)
{
    struct exit_circ *c = arg;
    c->probe.stream = NULL;
    if (!end->remote || end->reason != END_EXITPOLICY || !ip_equal(&end->exit_saw, &c->probe.asked))
        return;
    pathbias_answered(&c->leg->guard);
    leg_close(c->leg, OK, DESTROY_FINISHED);
}

/* An exit that claims to be there is no exit. */
static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct exit_circ *c = arg;
    (void)addr, (void)ttl_s;
    stream_close(c->probe.stream, END_DONE);
    c->probe.stream = NULL;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    (void)arg, (void)bytes, (void)len;
}

static void on_writable(void *arg)
{
    (void)arg;
}

static const struct stream_ops probe_ops = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

static bool send_probe(struct exit_circ *c)
{
    struct exit_ride *on = &c->rides[c->leg->n_hops - 1];
    uint8_t b[4] = {0};
    char target[IPPORT_TEXT_MAX];
    if (!on->ride.streams)
        return false;
    env_random(c->x->env, b + 1, sizeof b - 1);
    c->probe.asked = ip_v4(b);
    snprintf(target, sizeof target, "0.%u.%u.%u:25", b[1], b[2], b[3]);
    const struct stream_request req = {.kind = STREAM_BEGIN, .target = target};
    return stream_open(on->ride.streams, &req, &probe_ops, c, &c->probe.stream) == OK;
}

static void too_late(void *arg)
{
    struct exit_circ *c = arg;
    pathbias_garbled(&c->leg->guard);
    leg_close(c->leg, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
}

void exit_circ_finish(struct exit_circ *c, uint8_t reason)
{
    bool probes = c->state != EXIT_PROBED && leg_is_open(c->leg) &&
                  pathbias_wants_probe(&c->leg->guard) && send_probe(c);
    if (!probes) {
        exit_circ_shut(c, OK, reason);
        return;
    }
    exit_circ_set_state(c, EXIT_PROBED);
    circuits_set_purpose(c->leg->oc, CIRCUIT_PATH_BIAS_TESTING);
    env_arm_ms(c->x->env, &c->probe.late, cbt_close_ms(c->x->cbt, CBT_HOPS));
}

void exit_circ_init_probe(struct exit_circ *c)
{
    timer_init(&c->probe.late, too_late, c);
}
