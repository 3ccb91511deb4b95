/* When a slot of the plan comes, by the wall clock. */
#include "measure/coordinator_plan.h"

enum { SPARE_S = 2, SLOTS_TELL = 10 /* after so many their pace is known */ };

int64_t cplan_now_us(const struct cplan *p)
{
    return p->c->env->wall_us;
}

int64_t cplan_slot_us(const struct cplan *p, uint32_t slot)
{
    return p->begins_us + (int64_t)slot * p->slot_s * US_PER_SEC;
}

int64_t cplan_ask_us(const struct cplan *p, uint32_t slot)
{
    return cplan_slot_us(p, slot) - CPLAN_LEAD_MS * (int64_t)US_PER_MS;
}

/* A run that begins after this would last into the next slot. */
int64_t cplan_late_us(const struct cplan *p, uint32_t slot)
{
    unsigned dur = p->c->conf.dur, spare = p->slot_s > dur ? p->slot_s - dur : 0;
    return cplan_ask_us(p, slot) + (int64_t)(spare > SPARE_S ? spare - SPARE_S : 0) * US_PER_SEC;
}

uint32_t cplan_next_slot(const struct cplan *p)
{
    int64_t gone = cplan_now_us(p) - cplan_ask_us(p, 0);
    if (p->config.compact)
        return p->cursor;
    return gone < 0 ? 0 : (uint32_t)(gone / (p->slot_s * (int64_t)US_PER_SEC)) + 1;
}

/* How long a slot takes back to back: as long as those before did, once there were some. */
static int64_t compact_slot_us(const struct cplan *p)
{
    const struct mconf_coord *conf = &p->c->conf;
    unsigned dur = conf->dur;
    if (conf->adaptive && dur > RUN_EARLY_S)
        dur = (RUN_EARLY_S + dur) / 2 + SPARE_S;
    int64_t guess = (dur + 1) * (int64_t)US_PER_SEC;
    int64_t gone = cplan_now_us(p) - p->begins_us;
    return p->cursor > SLOTS_TELL && gone > 0 ? gone / p->cursor : guess;
}

int64_t cplan_ends_us(const struct cplan *p)
{
    uint32_t slots = p->made ? schedule_slots(p->schedule) : 0;
    if (p->config.compact)
        return p->cursor < slots
                   ? cplan_now_us(p) + (int64_t)(slots - p->cursor) * compact_slot_us(p)
                   : cplan_now_us(p);
    while (slots && !schedule_relays(p->schedule, slots - 1))
        slots--;
    return cplan_slot_us(p, slots);
}
