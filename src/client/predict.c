#include "client/predict.h"

static bool is_recent(const struct predict *p, uint64_t since_us)
{
    return p->env->mono_us - since_us <= p->for_s * (uint64_t)US_PER_SEC;
}

static void forget_old(struct predict *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        if (is_recent(p, p->ports[i].asked_us))
            p->ports[kept++] = p->ports[i];
    p->n = kept;
}

bool predict_any(const struct predict *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_recent(p, p->ports[i].asked_us))
            return true;
    return p->internal_us && is_recent(p, p->internal_us);
}

/* add_predicted_port(): "re-randomize predicted ports lifetime" */
static void note_asking(struct predict *p, const struct habits *h)
{
    if (!predict_any(p))
        p->for_s = habits_predict_s(h, p->env);
    p->asked_us = p->env->mono_us;
}

/* The place for PORT: its own, a free one, or that of the port that was not asked for for longest.
 */
static struct predict_port *place_for(struct predict *p, uint16_t port)
{
    struct predict_port *oldest = &p->ports[0];
    for (size_t i = 0; i < p->n; i++) {
        if (p->ports[i].port == port)
            return &p->ports[i];
        if (p->ports[i].asked_us < oldest->asked_us)
            oldest = &p->ports[i];
    }
    return p->n < PREDICT_PORTS_MOST ? &p->ports[p->n++] : oldest;
}

void predict_asked(struct predict *p, const struct habits *h, uint16_t port)
{
    forget_old(p);
    note_asking(p, h);
    *place_for(p, port) = (struct predict_port){port, p->env->mono_us};
}

void predict_init(struct predict *p, struct env *env, const struct habits *h)
{
    *p = (struct predict){.env = env};
    predict_asked(p, h, HABITS_FIRST_PORT);
}

size_t predict_ports(struct predict *p, uint16_t out[PREDICT_PORTS_MOST])
{
    forget_old(p);
    for (size_t i = 0; i < p->n; i++)
        out[i] = p->ports[i].port;
    return p->n;
}

void predict_forget(struct predict *p, const uint16_t *ports, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        bool is_one = false;
        for (size_t k = 0; k < n; k++)
            is_one |= ports[k] == p->ports[i].port;
        if (!is_one)
            p->ports[kept++] = p->ports[i];
    }
    p->n = kept;
}

void predict_asked_internal(struct predict *p, const struct habits *h)
{
    note_asking(p, h);
    p->internal_us = p->env->mono_us;
}

/* rep_hist_get_predicted_internal() */
bool predict_internal(struct predict *p, bool *stable)
{
    if (!p->internal_us)
        p->internal_us = p->stable_us = p->env->mono_us;
    *stable = p->stable_us && is_recent(p, p->stable_us);
    return is_recent(p, p->internal_us);
}

uint32_t predict_left_s(const struct predict *p)
{
    uint64_t gone_s = (p->env->mono_us - p->asked_us) / US_PER_SEC;
    return gone_s < p->for_s ? (uint32_t)(p->for_s - gone_s) : 0;
}
