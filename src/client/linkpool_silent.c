/* Links over which nothing is heard: since when, and for how long that may be. */
#include "client/linkpool_int.h"

enum {
    BUSY_MS = 6000, /* for a relay whose kernel takes what we send, while it is not known who else
                     * answers: dialled anew before it comes to us it would never do so */
};

/* A handshake that goes on, however slowly, is let alone. */
static uint64_t silent_ms(const struct pooled_link *p)
{
    uint64_t heard_us = link_heard_us(p->link);
    uint64_t since_us = heard_us > p->since_us ? heard_us : p->since_us;
    return (p->pool->env->mono_us - since_us) / US_PER_MS;
}

bool linkpool_is_unanswered(const struct pooled_link *p, uint64_t ms)
{
    return !p->ended && link_state(p->link) < LINK_OPEN && silent_ms(p) >= ms;
}

uint64_t linkpool_patience_ms(const struct pooled_link *p, uint64_t ms)
{
    bool is_taken = link_state(p->link) > LINK_CONNECTING && !link_is_stalled(p->link);
    return is_taken && ms < BUSY_MS ? BUSY_MS : ms;
}

/* The way stands, and still nothing is heard over P: what it carried is lost. */
void linkpool_silent(void *arg)
{
    struct pooled_link *p = arg;
    uint64_t ms = linkpool_patience_ms(p, LINK_SILENT_MS);
    if (p->ended)
        return;
    if (link_state(p->link) == LINK_OPEN) {
        if (link_is_stalled(p->link))
            link_close(p->link, ERR_LINK_TIMEOUT, OR_TIMEOUT, "its relay acknowledges nothing");
    } else if (linkpool_is_unanswered(p, ms))
        p->pool->ops->stalled(p->pool->arg, true);
    else
        env_arm_ms(p->pool->env, &p->silent, ms - silent_ms(p));
}

void linkpool_believe_others(const struct pooled_link *p)
{
    struct pooled_link *other;
    DL_FOREACH (p->pool->links, other)
        if (other != p && rsa_id_equal(&other->target.rsa, &p->target.rsa) && other->mute) {
            other->is_slow = true;
            link_stall(other->link, false);
        }
}
