#include "measure/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"
#include "measure/schedule_int.h"

/* Draws at random before the slots that have room are counted: until a period is nearly full a few
 * are enough. */
enum { DRAWS_MOST = 32, DRAWS_A_TIME = 8 };

struct schedule {
    struct schedule_config config;
    struct schedule_room room;
    struct schedule_unit *slots; /* what each holds */
    uint32_t n, space;
};

/* The numbers that are drawn for one unit: they depend on nobody else's. */
struct draws {
    const struct schedule *s;
    const struct rsa_id *fp;
    uint32_t turn;
    uint64_t numbers[DRAWS_A_TIME];
    size_t left;
    err_t err;
};

err_t schedule_seed(const void *secret, size_t secret_len, uint64_t period,
                    uint8_t seed[SCHEDULE_SEED_LEN])
{
    static const char salt[] = "tunic measure schedule 1";
    uint8_t info[8];
    struct wr w = wr_over(info, sizeof info);
    wr_u64(&w, period);
    return hkdf_sha256(salt, sizeof salt - 1, secret, secret_len, info, sizeof info, seed,
                       SCHEDULE_SEED_LEN);
}

/* 316: "slots that are longer than a measurement lasts (30s), say 60s". */
unsigned schedule_slot_s(unsigned dur)
{
    return 2 * dur > SCHEDULE_SLOT_S ? 2 * dur : SCHEDULE_SLOT_S;
}

/* ---- slots ---- */

static err_t make_slots(struct schedule *s, uint32_t n)
{
    if (n > SCHEDULE_SLOTS_MOST)
        return ERR_LIMIT;
    if (n > s->space) {
        uint32_t space = n > 2 * s->space ? n : 2 * s->space;
        struct schedule_unit *more = realloc(s->slots, space * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        s->slots = more;
        s->space = space;
    }
    if (n > s->n)
        memset(s->slots + s->n, 0, (n - s->n) * sizeof *s->slots);
    s->n = n;
    return OK;
}

err_t schedule_new(const struct schedule_config *config, struct schedule **out)
{
    bool good = config->capacity && config->sockets && config->slots &&
                config->slots <= SCHEDULE_SLOTS_MOST && config->of &&
                config->of <= SCHEDULE_OF_MOST && config->index < config->of &&
                config->of <= config->slots && (config->of == 1 || !config->compact);
    if (!good)
        return ERR_ARG;
    struct schedule *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct schedule){.config = *config, .room = {config->capacity, config->sockets}};
    if (make_slots(s, config->slots) != OK) {
        free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    free(s->slots);
    secret_wipe(s, sizeof *s);
    free(s);
}

uint32_t schedule_slots(const struct schedule *s)
{
    uint32_t n = s->n;
    while (s->config.compact && n && !s->slots[n - 1].relays)
        n--;
    return n;
}

uint64_t schedule_given(const struct schedule *s, uint32_t slot)
{
    return slot < s->n ? s->slots[slot].given : 0;
}

unsigned schedule_relays(const struct schedule *s, uint32_t slot)
{
    return slot < s->n ? s->slots[slot].relays : 0;
}

static void put(struct schedule *s, struct schedule_unit *unit, uint32_t slot)
{
    unit->slot = slot;
    s->slots[slot].given += unit->given;
    s->slots[slot].sockets += unit->sockets;
    s->slots[slot].relays += unit->relays;
}

/* ---- draws ---- */

static void draw_more(struct draws *d)
{
    uint8_t tweak[sizeof d->fp->b + 4];
    struct wr w = wr_over(tweak, sizeof tweak);
    wr_bytes(&w, d->fp->b, sizeof d->fp->b);
    wr_u32(&w, d->turn++);
    d->err = kdf_shake256(d->s->config.seed, SCHEDULE_SEED_LEN, tweak, sizeof tweak, d->numbers,
                          sizeof d->numbers);
    d->left = DRAWS_A_TIME;
}

/* Of 64 bits for at most SCHEDULE_SLOTS_MOST slots: none is likelier by more than 2^-49. */
static uint32_t below(struct draws *d, uint32_t n)
{
    if (d->s->config.draw)
        return d->s->config.draw(d->s->config.arg, n);
    if (!d->left)
        draw_more(d);
    uint8_t *b = (uint8_t *)&d->numbers[--d->left];
    uint64_t x = 0;
    for (size_t i = 0; i < sizeof x; i++)
        x = x << 8 | b[i];
    return (uint32_t)(x % n);
}

/* Which slots are this coordinator's for a unit: each OF-th, from this one on. */
static uint32_t first_of_ours(struct draws *d, uint32_t from)
{
    const struct schedule_config *c = &d->s->config;
    uint32_t rest = c->of > 1 ? (below(d, c->of) + c->index) % c->of : 0;
    return from + (rest + c->of - from % c->of) % c->of;
}

/* ---- filling ---- */

static bool has_room(const struct schedule *s, uint32_t slot, const struct schedule_unit *unit)
{
    return schedule_fits(&s->room, &s->slots[slot], unit);
}

/* Any of those with room, each as likely: what endless draws would come to. SCHEDULE_NOWHERE. */
static uint32_t any_with_room(struct draws *d, const struct schedule_unit *unit, uint32_t first)
{
    const struct schedule *s = d->s;
    uint32_t n = 0, step = s->config.of;
    for (uint32_t slot = first; slot < s->n; slot += step)
        n += has_room(s, slot, unit) ? 1 : 0;
    uint32_t which = n ? below(d, n) : 0;
    for (uint32_t slot = first; slot < s->n && n; slot += step)
        if (has_room(s, slot, unit) && !which--)
            return slot;
    return SCHEDULE_NOWHERE;
}

static err_t place(struct schedule *s, const struct schedule_item *items,
                   struct schedule_unit *unit)
{
    struct draws d = {.s = s, .fp = &items[unit->leader].relay->who.fp, .err = OK};
    uint32_t first = first_of_ours(&d, s->config.from), step = s->config.of;
    uint32_t mine = first < s->n ? (s->n - first + step - 1) / step : 0, slot = SCHEDULE_NOWHERE;
    for (int i = 0; i < DRAWS_MOST && mine && slot == SCHEDULE_NOWHERE; i++) {
        uint32_t drawn = first + step * below(&d, mine);
        slot = has_room(s, drawn, unit) ? drawn : SCHEDULE_NOWHERE;
    }
    if (slot == SCHEDULE_NOWHERE)
        slot = any_with_room(&d, unit, first);
    TRY(d.err);
    if (slot == SCHEDULE_NOWHERE && s->config.compact) {
        slot = s->n;
        TRY(make_slots(s, s->n + 1));
    }
    if (slot == SCHEDULE_NOWHERE)
        unit->slot = slot;
    else
        put(s, unit, slot);
    return OK;
}

struct in_order {
    uint64_t given;
    uint32_t leader, unit;
};

static int largest_first(const void *a, const void *b)
{
    const struct in_order *x = a, *y = b;
    if (x->given != y->given)
        return x->given < y->given ? 1 : -1;
    return x->leader < y->leader ? -1 : x->leader > y->leader;
}

static err_t place_all(struct schedule *s, const struct schedule_item *items,
                       struct schedule_units *u)
{
    err_t e = OK;
    struct in_order *order = calloc(u->n + 1, sizeof *order);
    if (!order)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < u->n; i++)
        order[i] = (struct in_order){u->units[i].given, u->units[i].leader, i};
    if (u->n)
        qsort(order, u->n, sizeof *order, largest_first);
    for (size_t i = 0; i < u->n && e == OK; i++)
        e = place(s, items, &u->units[order[i].unit]);
    free(order);
    return e;
}

/* As few slots as may hold all: others are made when it turns out that they do not. */
static err_t make_compact(struct schedule *s, const struct schedule_units *u)
{
    uint64_t given = 0, sockets = 0;
    for (size_t i = 0; i < u->n; i++) {
        given += u->units[i].given;
        sockets += u->units[i].sockets;
    }
    uint64_t by_bw = given / s->room.bw + 1, by_sockets = sockets / s->room.sockets + 1;
    uint64_t n = by_bw > by_sockets ? by_bw : by_sockets;
    if (n <= s->n)
        return OK;
    return make_slots(s, n < SCHEDULE_SLOTS_MOST ? (uint32_t)n : SCHEDULE_SLOTS_MOST);
}

err_t schedule_fill(struct schedule *s, struct schedule_item *items, size_t n)
{
    struct schedule_units u;
    TRY(schedule_group(items, n, &s->room, &u));
    err_t e = s->config.compact ? make_compact(s, &u) : OK;
    if (e == OK)
        e = place_all(s, items, &u);
    for (size_t i = 0; i < n; i++) {
        items[i].slot = e == OK ? u.units[u.of[i]].slot : SCHEDULE_NOWHERE;
        items[i].group = u.of[i];
    }
    schedule_units_free(&u);
    return e;
}

/* ---- those that come later ---- */

err_t schedule_later(struct schedule *s, struct schedule_item *item, uint32_t with, uint32_t from)
{
    struct schedule_unit unit = {.relays = 1};
    struct draws d = {.s = s, .fp = &item->relay->who.fp, .err = OK};
    item->given = item->wanted < s->room.bw ? item->wanted : s->room.bw;
    item->sockets = item->sockets < s->room.sockets ? item->sockets : s->room.sockets;
    unit.given = item->given;
    unit.sockets = item->sockets;
    uint32_t slot = first_of_ours(&d, from);
    item->slot = SCHEDULE_NOWHERE;
    TRY(d.err);
    if (with < s->n && has_room(s, with, &unit))
        slot = with;
    while (slot < s->n && !has_room(s, slot, &unit))
        slot += s->config.of;
    if (slot >= s->n && !s->config.compact)
        return OK;
    if (slot >= s->n)
        TRY(make_slots(s, slot + 1));
    put(s, &unit, slot);
    item->slot = slot;
    return OK;
}

err_t schedule_note(struct schedule *s, const struct schedule_item *item)
{
    struct schedule_unit unit = {.given = item->given, .sockets = item->sockets, .relays = 1};
    if (item->slot == SCHEDULE_NOWHERE)
        return OK;
    if (item->slot >= s->n)
        TRY(make_slots(s, item->slot + 1));
    put(s, &unit, item->slot);
    return OK;
}
