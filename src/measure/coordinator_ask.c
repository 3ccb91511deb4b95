/* Whose slot comes is asked. */
#include "measure/coordinator_plan.h"

/* In a slot all have one length, which nobody knows before. */
static unsigned length_of(struct cplan *p, uint32_t slot)
{
    unsigned dur = p->c->conf.dur;
    if (!p->c->conf.adaptive || dur <= CPLAN_LENGTH_LEAST_S)
        return 0;
    if (!p->length || p->length_slot != slot)
        p->length = CPLAN_LENGTH_LEAST_S +
                    (unsigned)env_random_below(p->c->env, dur - CPLAN_LENGTH_LEAST_S + 1);
    p->length_slot = slot;
    return p->length;
}

/* 316: "If a relay is not online when it's scheduled to be measured, it doesn't get measured". */
static void skip(struct cplan *p, struct cplan_item *item, struct meas_relay *who)
{
    who->fp = item->fp;
    who->has_fp = true;
    cplan_enter(p, item, CPLAN_OFFLINE);
    ckeep_item(p, item);
    const struct roster_relay *r = roster_find(&p->roster, &item->fp);
    const struct coordinator_wish wish = {.mode = r ? r->mode : MEAS_FLASHFLOW};
    struct cjob *j = cjob_add(p->c, who, &wish);
    if (j)
        cjob_refuse(j, "offline", "it was not there when its turn came");
}

/* Whether ITEM is one of several of FIRST's group that are on one host. */
static bool is_tied(const struct cplan *p, const struct cplan_item *item,
                    const struct cplan_item *first)
{
    const struct roster_relay *r = roster_find(&p->roster, &item->fp);
    for (const struct cplan_item *i = r && r->who.n_addrs ? first : NULL; i; i = i->next) {
        const struct roster_relay *o = i == item ? NULL : roster_find(&p->roster, &i->fp);
        if (o && o->who.n_addrs && ip_equal(&o->who.addrs[0].ip, &r->who.addrs[0].ip))
            return true;
    }
    return false;
}

static void ask(struct cplan *p, struct cplan_item *item)
{
    const struct roster_relay *r = roster_find(&p->roster, &item->fp);
    struct meas_relay nobody = {.n_addrs = 0};
    if (!r || !r->running || !cplan_may_ask(r)) {
        if (r)
            nobody = r->who;
        skip(p, item, &nobody);
        return;
    }
    const struct coordinator_wish wish = {.mode = r->mode, .prior = item->prior};
    struct cjob *j = cjob_add(p->c, &r->who, &wish);
    if (!j) {
        cplan_later(p, item, item->at.slot + 1);
        return;
    }
    j->item = item;
    j->config.hold = true;
    j->config.length = length_of(p, item->at.slot);
    j->config.tied = item->tied;
    if (j->config.sockets > item->at.sockets)
        j->config.sockets = item->at.sockets;
    item->job = j;
    item->tries++;
    cplan_enter(p, item, CPLAN_ASKED);
    ckeep_item(p, item);
}

/* The first of a slot and those that stand behind it in its group leave the slot's row. */
static struct cplan_item *take_group(struct cplan *p, uint32_t slot)
{
    struct cplan_item *first = p->slots[slot], *last = first;
    while (last->next && last->next->at.group == first->at.group)
        last = last->next;
    p->slots[slot] = last->next;
    last->next = NULL;
    return first;
}

static void ask_group(struct cplan *p, struct cplan_item *first)
{
    if (cplan_rest_group(p, first))
        return;
    for (struct cplan_item *item = first; item; item = item->next)
        item->tied = is_tied(p, item, first);
    for (struct cplan_item *item = first, *next; item; item = next) {
        next = item->next;
        item->next = NULL;
        ask(p, item);
    }
}

/* Slots that went by while nobody was there to follow the plan. */
static void postpone(struct cplan *p, uint32_t slot)
{
    uint32_t from = cplan_next_slot(p);
    while (cplan_waits(p, slot)) {
        struct cplan_item *item = p->slots[slot];
        LL_DELETE(p->slots[slot], item);
        p->moved++;
        cplan_later(p, item, from);
    }
}

void cplan_ask_by_clock(struct cplan *p)
{
    int64_t now_us = cplan_now_us(p);
    bool there = coordinator_measurers(p->c) > 0;
    for (; p->cursor < p->config.slots && cplan_ask_us(p, p->cursor) <= now_us; p->cursor++) {
        if (cplan_waits(p, p->cursor) && !there && now_us <= cplan_late_us(p, p->cursor))
            return; /* one may still come */
        if (!there || now_us > cplan_late_us(p, p->cursor))
            postpone(p, p->cursor);
        while (cplan_waits(p, p->cursor))
            ask_group(p, take_group(p, p->cursor));
    }
}

/* ---- back to back ---- */

struct room {
    uint64_t bw;
    uint64_t sockets;
};

static struct room team_room(const struct coordinator *c)
{
    struct room r = {0, 0};
    for (const struct csession *s = c->sessions; s; s = s->next) {
        r.bw += s->open ? csession_bw(s) : 0;
        r.sockets += s->open ? csession_sockets(s) : 0;
    }
    return r;
}

/* What is taken by the time that one who is asked now can begin. */
static struct room taken_room(const struct coordinator *c)
{
    struct room r = {0, 0};
    for (const struct cjob *j = c->jobs; j; j = j->next) {
        bool runs = j->run && run_state(j->run) == RUN_RUNNING;
        bool ends = runs && run_left(j->run) * MS_PER_SEC <= CPLAN_LEAD_MS;
        if (j->run || j->item) {
            r.bw += ends ? 0 : cteam_bw(j);
            r.sockets += cteam_sockets(j);
        }
    }
    return r;
}

void cplan_ask_by_room(struct cplan *p)
{
    struct room all = team_room(p->c), taken = taken_room(p->c);
    uint32_t n = schedule_slots(p->schedule);
    while (p->cursor < n && all.bw) {
        struct room more = {0, 0};
        if (!cplan_waits(p, p->cursor)) {
            p->cursor++;
            continue;
        }
        const struct cplan_item *first = p->slots[p->cursor];
        for (const struct cplan_item *i = first; i && i->at.group == first->at.group; i = i->next) {
            more.bw += i->at.given;
            more.sockets += i->at.sockets;
        }
        bool fits = taken.bw + more.bw <= all.bw + all.bw / 1000 &&
                    taken.sockets + more.sockets <= all.sockets;
        if (!fits && taken.bw)
            return;
        taken.bw += more.bw;
        taken.sockets += more.sockets;
        ask_group(p, take_group(p, p->cursor));
    }
}
