/* The plan of a period: its relays, and the rows of its slots. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(state, word) [state] = word,
    CPLAN_STATES_LIST(X)
#undef X
};

const char *cplan_state_name(enum cplan_state state)
{
    return names[state];
}

bool cplan_may_ask(const struct roster_relay *r)
{
    return r->consent != ROSTER_NO_CONSENT && r->who.n_addrs;
}

void cplan_enter(struct cplan *p, struct cplan_item *item, enum cplan_state state)
{
    p->count[item->state]--;
    p->count[state]++;
    item->state = state;
    p->changed_us = cplan_now_us(p);
}

void cplan_rest(struct cplan *p, struct cplan_item *item, int64_t until_s)
{
    item->rests_until_s = until_s;
    item->at.slot = SCHEDULE_NOWHERE;
    LL_PREPEND(p->resting, item);
    cplan_enter(p, item, CPLAN_RESTING);
}

struct cplan_item *cplan_add(struct cplan *p, const struct rsa_id *fp)
{
    struct cplan_item *item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->fp = *fp;
    item->state = CPLAN_NO_ROOM;
    item->at.slot = SCHEDULE_NOWHERE;
    HASH_ADD(hh, p->items, fp, sizeof item->fp, item);
    if (!HASH_ADDED(item, hh)) {
        free(item);
        return NULL;
    }
    p->count[CPLAN_NO_ROOM]++;
    return item;
}

struct cplan_item *cplan_item_of(const struct cplan *p, const struct rsa_id *fp)
{
    struct cplan_item *item;
    HASH_FIND(hh, p->items, fp, sizeof *fp, item);
    return item;
}

static err_t make_row(struct cplan *p, uint32_t slot)
{
    if (slot < p->n_slots)
        return OK;
    uint32_t n = slot + 1 > 2 * p->n_slots ? slot + 1 : 2 * p->n_slots;
    struct cplan_item **more = realloc(p->slots, n * sizeof *more);
    if (!more)
        return ERR_NOMEM;
    memset(more + p->n_slots, 0, (n - p->n_slots) * sizeof *more);
    p->slots = more;
    p->n_slots = n;
    return OK;
}

/* Behind BESIDE, if that is of its group, else before all of the row. */
static void link_behind(struct cplan *p, struct cplan_item *item, struct cplan_item *beside)
{
    if (beside && beside->at.group == item->at.group) {
        item->next = beside->next;
        beside->next = item;
    } else {
        LL_PREPEND(p->slots[item->at.slot], item);
    }
}

err_t cplan_link(struct cplan *p, struct cplan_item *item)
{
    TRY(make_row(p, item->at.slot));
    struct cplan_item *beside = p->slots[item->at.slot];
    while (beside && beside->at.group != item->at.group)
        beside = beside->next;
    link_behind(p, item, beside);
    return OK;
}

bool cplan_waits(const struct cplan *p, uint32_t slot)
{
    return slot < p->n_slots && p->slots[slot];
}

static int last_first(const void *a, const void *b)
{
    const struct cplan_item *x = *(struct cplan_item *const *)a;
    const struct cplan_item *y = *(struct cplan_item *const *)b;
    if (x->at.slot != y->at.slot)
        return x->at.slot < y->at.slot ? 1 : -1;
    if (x->at.group != y->at.group)
        return x->at.group < y->at.group ? 1 : -1;
    return memcmp(y->fp.b, x->fp.b, sizeof x->fp.b);
}

/* Those of a group stand together in their slot's row. They come one after the other, so nobody has
 * to be looked for, who may be one of very many in a slot of what was kept. */
err_t cplan_link_all(struct cplan *p, struct cplan_item **items, size_t n)
{
    if (n)
        qsort(items, n, sizeof *items, last_first);
    for (size_t i = 0; i < n; i++) {
        if (items[i]->at.slot == SCHEDULE_NOWHERE)
            continue;
        TRY(make_row(p, items[i]->at.slot));
        link_behind(p, items[i], p->slots[items[i]->at.slot]);
    }
    return OK;
}

void cplan_look(struct cplan *p)
{
    if (p->on)
        env_arm_ms(p->c->env, &p->tick, 0);
}

void cplan_drop(struct cplan *p)
{
    struct cplan_item *item, *next;
    HASH_ITER (hh, p->items, item, next) {
        HASH_DEL(p->items, item);
        if (item->job)
            item->job->item = NULL; /* it goes on */
        free(item);
    }
    free(p->slots);
    free(p->again);
    schedule_free(p->schedule);
    p->slots = NULL;
    p->again = NULL;
    p->resting = NULL;
    p->schedule = NULL;
    p->n_slots = p->cursor = p->groups = p->n_again = 0;
    p->moved = p->cut = p->away = 0;
    memset(p->count, 0, sizeof p->count);
    p->length = 0;
    p->made = false;
}
