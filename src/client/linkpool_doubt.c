/* What is done of links over which nothing is heard. */
#include "client/linkpool_int.h"

enum { RETRANSMIT_MOST_MS = 120000 }; /* the most between two attempts of the kernel's */

/* P's waiters go over to another link to its relay. */
static void dial_anew(struct pooled_link *p)
{
    p->retired = true;
    struct pooled_link *fresh = linkpool_launch(p->pool, &p->target);
    struct link_want *w;
    if (!fresh) {
        p->retired = false;
        return;
    }
    DL_FOREACH (p->wants, w)
        w->on = fresh;
    fresh->wants = p->wants;
    p->wants = NULL;
    p->renewed = true;
    link_close(p->link, ERR_LINK_TIMEOUT, OR_TIMEOUT, "no answer; dialled anew");
}

void linkpool_dial_anew(struct linkpool *pool, uint64_t ms, bool goes_on)
{
    struct pooled_link *p, *next;
    DL_FOREACH_SAFE (pool->links, p, next)
        if (!linkpool_is_unanswered(p, linkpool_patience_ms(p, ms)))
            continue;
        else if (goes_on || !p->wants)
            dial_anew(p);
        else
            link_close(p->link, ERR_LINK_TIMEOUT, OR_TIMEOUT, "its relay answers nothing");
}

/* One that proves less than TARGET asks for is as good to see whether the relay is there; one that
 * stands says nothing of now. */
static bool is_dialled(const struct linkpool *pool, const struct link_target *target)
{
    const struct pooled_link *p;
    DL_FOREACH (pool->links, p)
        if (rsa_id_equal(&p->target.rsa, &target->rsa) && !p->ended &&
            link_state(p->link) < LINK_OPEN)
            return true;
    return false;
}

void linkpool_try(struct linkpool *pool, const struct link_target *target)
{
    if (!is_dialled(pool, target))
        (void)linkpool_launch(pool, target); /* out of memory: the next attempt may do better */
}

/* Of those that carry something: the options may not have the others' relays dialled any more. */
void linkpool_double_stalled(struct linkpool *pool)
{
    struct pooled_link *p, *next;
    DL_FOREACH_SAFE (pool->links, p, next)
        if (!p->ended && link_state(p->link) == LINK_OPEN && link_is_stalled(p->link) &&
            link_circuits(p->link))
            linkpool_try(pool, &p->target);
}

/* A link that was only cut off is heard again before it has stood still for twice as long: the
 * kernel's intervals double. */
static void await_once_more(struct pooled_link *p, uint64_t ms)
{
    uint64_t stalled_ms = (p->pool->env->mono_us - p->stalls_us) / US_PER_MS;
    env_arm_ms(p->pool->env, &p->silent,
               ms + (stalled_ms < RETRANSMIT_MOST_MS ? stalled_ms : RETRANSMIT_MOST_MS));
}

void linkpool_way_stands(struct linkpool *pool, uint64_t ms)
{
    struct pooled_link *p, *next;
    DL_FOREACH_SAFE (pool->links, p, next) {
        if (linkpool_is_unanswered(p, ms))
            link_close(p->link, ERR_LINK_TIMEOUT, OR_TIMEOUT, "its relay answers nothing");
        else if (!p->ended && link_state(p->link) == LINK_OPEN && link_is_stalled(p->link))
            await_once_more(p, ms);
    }
}

void linkpool_unanswered(struct linkpool *pool, const struct link *l, uint64_t since_us)
{
    struct pooled_link *p, *next;
    DL_FOREACH_SAFE (pool->links, p, next)
        if (p->link == l && !p->ended && !p->is_slow && link_heard_us(l) < since_us) {
            p->mute = true;
            link_stall(p->link, true);
        }
}

uint64_t linkpool_heard_us(const struct linkpool *pool)
{
    const struct pooled_link *p;
    uint64_t last_us = 0;
    DL_FOREACH (pool->links, p)
        if (!p->ended && link_heard_us(p->link) > last_us)
            last_us = link_heard_us(p->link);
    return last_us;
}
