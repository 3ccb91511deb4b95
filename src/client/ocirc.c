#include "client/ocirc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "crypto/encode.h"

enum { FIRST_MS = 5000 }; /* for CREATED, or anything at all over its link */

static void end_later(struct ocirc *oc, const struct circ_end *end)
{
    if (oc->state == OCIRC_CLOSED)
        return;
    oc->end.during = oc->state;
    oc->end.circ = *end;
    oc->state = OCIRC_CLOSED;
    env_disarm(oc->env, &oc->deadline);
    env_disarm(oc->env, &oc->first);
    linkpool_cancel(&oc->want);
    circuits_remove(oc);
    later_ask(oc->env, &oc->tell);
}

static void tell_end(void *arg)
{
    struct ocirc *oc = arg;
    oc->ops->on_end(oc->arg, oc, &oc->end);
}

void ocirc_close(struct ocirc *oc, err_t why, uint8_t reason)
{
    if (oc->state == OCIRC_CLOSED)
        return;
    if (oc->circ) {
        circ_close(oc->circ, why, reason); /* comes back through on_end() */
        return;
    }
    struct circ_end end = {.why = why, .reason = reason};
    end_later(oc, &end);
}

static void deadline(void *arg)
{
    struct ocirc *oc = arg;
    oc->end.timed_out = true;
    /* circuit_build_failed: "I'm going to try to rotate to a better connection" */
    if (oc->state == OCIRC_BUILDING && circ_hops(oc->circ) == 0)
        linkpool_distrust(oc->pool, oc->link);
    ocirc_close(oc, ERR_CIRC_TIMEOUT,
                oc->purpose == CIRCUIT_MEASURE_TIMEOUT ? DESTROY_MEASUREMENT_EXPIRED
                                                       : DESTROY_TIMEOUT);
}

static void first_is_late(void *arg)
{
    struct ocirc *oc = arg;
    ocirc_unanswered(oc, oc->begun_us);
}

static void on_hop(void *arg, unsigned hops)
{
    struct ocirc *oc = arg;
    env_disarm(oc->env, &oc->first);
    circuits_tell(oc, CIRCUIT_EXTENDED);
    if (oc->ops->on_hop)
        oc->ops->on_hop(oc->arg, oc, hops);
}

/* The hops of the plan that are not there yet. */
static err_t build_rest(struct ocirc *oc)
{
    size_t built = circ_hops(oc->circ);
    return circ_build(oc->circ, oc->plan.hops + built, oc->plan.n_hops - built);
}

static void on_open(void *arg)
{
    struct ocirc *oc = arg;
    if (circ_hops(oc->circ) < oc->plan.n_hops) { /* more was asked for meanwhile */
        err_t e = build_rest(oc);
        if (e != OK)
            ocirc_close(oc, e, DESTROY_INTERNAL);
        return;
    }
    env_disarm(oc->env, &oc->deadline);
    oc->state = OCIRC_OPEN;
    if (!oc->open_us)
        oc->open_us = oc->env->mono_us;
    oc->ops->on_open(oc->arg, oc);
}

static void on_end(void *arg, const struct circ_end *end)
{
    end_later(arg, end);
}

static void on_steady(void *arg)
{
    circuits_steady(arg);
}

static const struct circ_ops circ_ops = {
    .on_hop = on_hop,
    .on_steady = on_steady,
    .on_open = on_open,
    .on_end = on_end,
};

static err_t build(struct ocirc *oc)
{
    return oc->plan.fast ? circ_build_fast(oc->circ) : build_rest(oc);
}

static void begin(struct ocirc *oc, struct link *l)
{
    oc->circ = circ_new(oc->env, l, linkpool_circ_config(oc->pool), &circ_ops, oc);
    if (!oc->circ) {
        ocirc_close(oc, ERR_NOMEM, DESTROY_RESOURCELIMIT);
        return;
    }
    oc->state = OCIRC_BUILDING;
    oc->link = l;
    oc->begun_us = oc->env->mono_us;
    env_arm_ms(oc->env, &oc->deadline, oc->plan.timeout_ms);
    env_arm_ms(oc->env, &oc->first, FIRST_MS);
    circuits_tell(oc, CIRCUIT_BEGUN);
    if (oc->ops->on_begin)
        oc->ops->on_begin(oc->arg, oc);
    err_t e = build(oc);
    if (e != OK)
        ocirc_close(oc, e, DESTROY_INTERNAL);
}

static void link_ready(void *arg, struct link *l)
{
    begin(arg, l);
}

static void link_failed(void *arg, const struct link_end *link_end)
{
    struct circ_end end = {
        .why = link_end->why,
        .reason = DESTROY_CHANNEL_CLOSED, /* as tor: circuit_n_chan_done() */
        .link_ended = true,
        .link = *link_end,
    };
    end_later(arg, &end);
}

struct ocirc *ocirc_new(struct circuits *set, const struct ocirc_plan *plan,
                        const struct ocirc_ops *ops, void *arg)
{
    struct ocirc *oc = calloc(1, sizeof *oc);
    struct link *l;
    if (!oc)
        return NULL;
    *oc = (struct ocirc){.env = circuits_env(set),
                         .pool = circuits_links(set),
                         .ops = ops,
                         .arg = arg,
                         .purpose = plan->purpose,
                         .plan = *plan};
    oc->want = (struct link_want){.ready = link_ready, .failed = link_failed, .arg = oc};
    timer_init(&oc->deadline, deadline, oc);
    timer_init(&oc->first, first_is_late, oc);
    later_init(&oc->tell, tell_end, oc);
    if (!circuits_add(set, oc)) {
        free(oc);
        return NULL;
    }
    if (linkpool_get(oc->pool, &plan->first, &oc->want, &l) != OK)
        ocirc_close(oc, ERR_NOMEM, DESTROY_RESOURCELIMIT);
    else if (l)
        begin(oc, l);
    return oc;
}

/* Its owner has no more use for it. */
static void give_up(struct ocirc *oc)
{
    if (oc->state == OCIRC_CLOSED)
        return;
    oc->end.during = oc->state;
    oc->end.circ =
        (struct circ_end){.reason = DESTROY_FINISHED, .hops = oc->circ ? circ_hops(oc->circ) : 0};
    oc->state = OCIRC_CLOSED;
    circuits_remove(oc);
}

void ocirc_free(struct ocirc *oc)
{
    if (!oc)
        return;
    give_up(oc);
    linkpool_cancel(&oc->want);
    env_disarm(oc->env, &oc->deadline);
    env_disarm(oc->env, &oc->first);
    later_cancel(oc->env, &oc->tell);
    circ_free(oc->circ);
    free(oc);
}

err_t ocirc_extend(struct ocirc *oc, const struct ocirc_plan *more)
{
    struct ocirc_plan *plan = &oc->plan;
    if (oc->state == OCIRC_CLOSED)
        return ERR_STATE;
    if (more->n_hops > CIRC_MAX_HOPS - plan->n_hops)
        return ERR_LIMIT;
    memcpy(plan->hops + plan->n_hops, more->hops, more->n_hops * sizeof more->hops[0]);
    memcpy(plan->nickname + plan->n_hops, more->nickname, more->n_hops * sizeof more->nickname[0]);
    plan->n_hops += more->n_hops;
    if (oc->state != OCIRC_OPEN)
        return OK;
    oc->state = OCIRC_BUILDING;
    env_arm_ms(oc->env, &oc->deadline, more->timeout_ms);
    err_t e = build_rest(oc);
    if (e != OK)
        ocirc_close(oc, e, DESTROY_INTERNAL);
    return e;
}

struct carrier *ocirc_carrier(const struct ocirc *oc, unsigned hop)
{
    return carrier_of_hop(oc->circ, hop);
}

bool ocirc_end_blames_first_hop(const struct ocirc_end *end)
{
    if (end->during == OCIRC_OPEN || end->circ.hops > 0)
        return false;
    if (end->circ.link_ended &&
        (end->circ.link.reason == OR_RESOURCELIMIT || end->circ.link.why == ERR_LINK_PROXY))
        return false;
    return end->circ.why != OK && end->circ.why != ERR_NOMEM;
}

void ocirc_unanswered(const struct ocirc *oc, uint64_t since_us)
{
    if (oc->state == OCIRC_BUILDING || oc->state == OCIRC_OPEN)
        linkpool_unanswered(oc->pool, oc->link, since_us);
}

bool ocirc_is_stalled(const struct ocirc *oc)
{
    return (oc->state == OCIRC_BUILDING || oc->state == OCIRC_OPEN) && link_is_stalled(oc->link);
}

const char *ocirc_path_text(const struct ocirc *oc, char *out, size_t size)
{
    char hex[HEX_SIZE(sizeof(struct rsa_id))];
    size_t n = oc->plan.fast ? 1 : oc->plan.n_hops, len = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && len < size; i++) {
        const struct rsa_id *id = oc->plan.fast ? &oc->plan.first.rsa : &oc->plan.hops[i].rsa;
        int put = snprintf(out + len, size - len, "%s$%s", i ? " " : "",
                           hex_upper(id->b, sizeof id->b, hex));
        len += put > 0 ? (size_t)put : 0;
    }
    return out;
}
