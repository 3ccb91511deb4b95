/* Relays that may not be measured yet (polite.h): they rest, and get a slot when they may. */
#include "measure/coordinator_plan.h"

static int64_t now_s(const struct cplan *p)
{
    return env_wall_s(p->c->env);
}

/* Seconds until all of FIRST's group may be measured; 0: now. One that may not before the period
 * is over is refused when it is asked, and holds nobody up. */
static int64_t wait_s(const struct cplan *p, const struct cplan_item *first)
{
    int64_t most = 0, end_s = (p->period + 1) * SCHEDULE_PERIOD_S;
    for (const struct cplan_item *i = first; i; i = i->next) {
        const struct roster_relay *r = roster_find(&p->roster, &i->fp);
        int64_t s = r && r->who.n_addrs ? polite_wait_s(p->c->polite, &r->who, now_s(p)) : 0;
        if (s > most && now_s(p) + s + p->slot_s < end_s)
            most = s;
    }
    return most;
}

bool cplan_rest_group(struct cplan *p, struct cplan_item *first)
{
    int64_t s = wait_s(p, first);
    for (struct cplan_item *i = first, *next; i && s; i = next) {
        next = i->next;
        cplan_rest(p, i, now_s(p) + s);
        ckeep_item(p, i);
    }
    return s > 0;
}

void cplan_wake(struct cplan *p)
{
    struct cplan_item *item, *next;
    LL_FOREACH_SAFE (p->resting, item, next) {
        if (item->rests_until_s > now_s(p))
            continue;
        LL_DELETE(p->resting, item);
        item->next = NULL;
        p->moved++;
        cplan_later(p, item, cplan_next_slot(p));
    }
}
