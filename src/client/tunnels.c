#include "client/tunnels.h"

#include <stdio.h>
#include <stdlib.h>

#include "cell/reason.h"
#include "client/ocirc.h"
#include "client/tunnel_int.h"

enum {
    NO_NETWORK_S = 3, /* a tunnel waits for a network to come back */
    HOPS_LEAST = 2,   /* of a circuit that a tunnel goes onto */
};

/* ---- tunnels ---- */

/* T is over, or waits for a circuit; false out of memory. */
static bool begin(struct tunnel *t)
{
    const char *why_not = t->set->refused;
    if (!why_not[0])
        return tunnel_wait(t);
    tunnel_stop(t, TUNNEL_STAGE_NETWORK, ERR_STATE, END_NOROUTE, why_not);
    return true;
}

struct tunnel *tunnels_open(struct tunnels *ts, const struct tunnel_request *req,
                            const struct tunnel_ops *ops, void *arg)
{
    struct tunnel *t = ts->n < MOST_TUNNELS ? tunnel_new(ts, req, ops, arg) : NULL;
    if (!t || begin(t))
        return t;
    tunnel_free(t);
    return NULL;
}

/* ---- who says where they go ---- */

static bool leave(void *arg, struct tunnel *t)
{
    (void)arg, (void)t;
    return true;
}

static void forget(void *arg, struct tunnel *t)
{
    (void)arg, (void)t;
}

static const struct attach_ops leave_ops = {.wait = leave, .forget = forget};
static const struct attach_policy leave_policy = {&leave_ops, NULL};

static const struct attach_policy *policy_of_options(const struct tunnels *ts)
{
    return ts->config.leave_unattached ? &leave_policy : ts->pools;
}

void tunnels_set_attach(struct tunnels *ts, const struct attach_policy *policy)
{
    struct tunnel *t, *next;
    ts->policy = policy ? policy : policy_of_options(ts);
    DL_FOREACH_SAFE (ts->list, t, next)
        if (t->policy && t->policy != ts->pools && !tunnel_wait(t))
            tunnel_no_memory(t);
}

/* Whether T may be attached by id: it was left alone, or is not connected yet. */
static bool may_be_attached(const struct tunnel *t)
{
    return t->state == CONNECTING || (t->state == WAITING && t->policy != t->set->pools);
}

/* *OUT is the circuit if a tunnel may go onto it at HOP. */
static enum attach_result judge_circuit(const struct tunnels *ts, uint64_t id, unsigned hop,
                                        struct exit_circ **out)
{
    const struct ocirc *oc = circuits_find(ts->circuits, id);
    if (!oc)
        return ATTACH_NO_CIRCUIT;
    if (oc->state != OCIRC_OPEN || oc->waits_for_guard)
        return ATTACH_NOT_OPEN;
    if (circ_hops(oc->circ) < HOPS_LEAST || hop == 1)
        return ATTACH_ONE_HOP;
    if (hop > circ_hops(oc->circ))
        return ATTACH_NO_HOP;
    *out = exits_by_id(ts->exits, id);
    /* A circuit that came too late, or by a guard that may not be used, is told to be there and
     * closes. */
    return *out && exit_circ_ride(*out)->streams ? ATTACH_DONE : ATTACH_NOT_OPEN;
}

static enum attach_result attach(struct tunnel *t, struct exit_circ *circ, unsigned hop)
{
    if (!tunnel_aim(t, true))
        return t->answer.family == IP_NONE ? ATTACH_FAILED : ATTACH_DONE;
    const struct exit_need need = tunnel_need(t);
    struct ride *ride = hop ? exit_circ_ride_at(circ, hop) : exit_circ_ride(circ);
    if (!ride)
        return ATTACH_FAILED;
    exits_use(circ, &need);
    return tunnel_attach(t, ride) == OK ? ATTACH_DONE : ATTACH_FAILED;
}

enum attach_result tunnels_attach(struct tunnels *ts, uint64_t stream, uint64_t circuit,
                                  unsigned hop)
{
    const struct ostream *s = ostreams_find(ts->streams, stream);
    struct tunnel *t = s ? s->tunnel : NULL;
    struct exit_circ *circ = NULL;
    if (!s)
        return ATTACH_NO_STREAM;
    if (!t || !may_be_attached(t))
        return ATTACH_NOT_YOURS;
    enum attach_result verdict = circuit ? judge_circuit(ts, circuit, hop, &circ) : ATTACH_DONE;
    if (verdict != ATTACH_DONE)
        return verdict;
    if (t->state == CONNECTING)
        tunnel_detach(t);
    if (t->state != WAITING) /* out of memory */
        return ATTACH_FAILED;
    if (circ)
        return attach(t, circ, hop);
    if (tunnel_wait_with(t, ts->pools))
        return ATTACH_DONE;
    tunnel_no_memory(t);
    return ATTACH_FAILED;
}

static struct tunnel *by_stream(const struct tunnels *ts, uint64_t stream)
{
    const struct ostream *s = ostreams_find(ts->streams, stream);
    return s ? s->tunnel : NULL;
}

bool tunnels_close_stream(struct tunnels *ts, uint64_t stream, uint8_t reason)
{
    struct tunnel *t = by_stream(ts, stream);
    if (t)
        tunnel_stop(t, TUNNEL_STAGE_STREAM, OK, reason, "closed by a controller");
    return t != NULL;
}

void tunnels_redirect(struct tunnels *ts, uint64_t stream, const char *host, uint16_t port)
{
    struct tunnel *t = by_stream(ts, stream);
    if (t)
        tunnel_redirect(t, host, port);
}

/* ---- the set ---- */

struct tunnels *tunnels_new(struct circuits *circuits, struct ostreams *streams,
                            struct exits *exits, struct addrmap *map,
                            const struct tunnels_config *config)
{
    struct tunnels *ts = calloc(1, sizeof *ts);
    if (!ts)
        return NULL;
    *ts = (struct tunnels){.env = circuits_env(circuits),
                           .circuits = circuits,
                           .streams = streams,
                           .exits = exits,
                           .map = map,
                           .config = *config};
    ts->pool = attach_pool_new(ts->env, exits);
    if (!ts->pool) {
        free(ts);
        return NULL;
    }
    ts->pools = attach_pool_policy(ts->pool);
    ts->policy = policy_of_options(ts);
    return ts;
}

void tunnels_free(struct tunnels *ts)
{
    if (!ts)
        return;
    while (ts->list)
        tunnel_free(ts->list);
    attach_pool_free(ts->pool);
    free(ts);
}

struct attach_pool *tunnels_pool(const struct tunnels *ts)
{
    return ts->pool;
}

void tunnels_end_all(struct tunnels *ts, const char *why)
{
    struct tunnel *t;
    DL_FOREACH (ts->list, t)
        tunnel_stop(t, TUNNEL_STAGE_NETWORK, ERR_LINK_CLOSED, END_HIBERNATING, why);
}

void tunnels_refuse_all(struct tunnels *ts, const char *why)
{
    snprintf(ts->refused, sizeof ts->refused, "%s", why);
    tunnels_end_all(ts, ts->refused);
}

void tunnels_set_config(struct tunnels *ts, const struct tunnels_config *config)
{
    bool is_option = ts->policy == policy_of_options(ts);
    ts->config = *config;
    if (is_option && ts->policy != policy_of_options(ts))
        tunnels_set_attach(ts, NULL);
}

size_t tunnels_count(const struct tunnels *ts)
{
    return ts->n;
}

void tunnels_no_network(struct tunnels *ts)
{
    const uint64_t patience_us = NO_NETWORK_S * (uint64_t)US_PER_SEC;
    struct tunnel *t, *next;
    DL_FOREACH_SAFE (ts->list, t, next)
        if (t->state == WAITING && ts->env->mono_us - t->since_us >= patience_us)
            tunnel_stop(t, TUNNEL_STAGE_NETWORK, ERR_LINK_CONNECT, END_NOROUTE,
                        "there is no network: this computer has no route to any relay");
}

static bool is_on_stalled(const struct tunnel *t)
{
    const struct ocirc *oc = circuits_find(t->set->circuits, t->circ_id);
    return t->state == CONNECTING && oc && ocirc_is_stalled(oc);
}

void tunnels_leave_stalled(struct tunnels *ts)
{
    struct tunnel *t, *next;
    DL_FOREACH_SAFE (ts->list, t, next)
        if (is_on_stalled(t)) {
            t->attempts--; /* no exit has failed it */
            tunnel_detach(t);
        }
}

size_t tunnels_left(const struct tunnels *ts)
{
    const struct tunnel *t;
    size_t n = 0;
    DL_FOREACH (ts->list, t)
        n += t->policy && t->policy != ts->pools;
    return n;
}

size_t tunnels_waiting(const struct tunnels *ts)
{
    const struct tunnel *t;
    size_t n = 0;
    DL_FOREACH (ts->list, t)
        n += t->state == WAITING;
    return n;
}
