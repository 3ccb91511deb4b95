/* A plan that is made already changes: relays get another slot, and new ones get theirs. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- a slot ---- */

/* Where others of GROUP wait again. NULL out of memory. */
static uint32_t *again_of(struct cplan *p, uint32_t group)
{
    if (group >= p->n_again) {
        uint32_t n = group + 1 > 2 * p->n_again ? group + 1 : 2 * p->n_again;
        uint32_t *more = realloc(p->again, n * sizeof *more);
        if (!more)
            return NULL;
        for (uint32_t i = p->n_again; i < n; i++)
            more[i] = SCHEDULE_NOWHERE;
        p->again = more;
        p->n_again = n;
    }
    return &p->again[group];
}

void cplan_later(struct cplan *p, struct cplan_item *item, uint32_t from)
{
    const struct roster_relay relay = {.who = {.fp = item->fp, .has_fp = true}};
    uint32_t *again = again_of(p, item->at.group);
    bool is_beside = again && *again != SCHEDULE_NOWHERE && *again >= from;
    item->at.relay = &relay;
    err_t e = schedule_later(p->schedule, &item->at, is_beside ? *again : SCHEDULE_NOWHERE, from);
    item->at.relay = NULL;
    if (again && e == OK)
        *again = item->at.slot;
    bool placed = e == OK && item->at.slot != SCHEDULE_NOWHERE && cplan_link(p, item) == OK;
    cplan_enter(p, item, placed ? CPLAN_WAITING : CPLAN_NO_ROOM);
    ckeep_item(p, item);
}

/* ---- who belongs together ---- */

enum { KEY_LEN = 18, KEYS_MOST = MEAS_ADDRS_MOST + 1 };

/* What relays have in common that belong together: an address, or a family. */
struct key {
    uint8_t b[KEY_LEN];
};

/* The relay with that key that comes first in the roster, of those that wait for their slot. */
struct kin {
    struct key key;
    size_t rank;
    struct cplan_item *item;
    UT_hash_handle hh;
};

struct kins {
    struct kin *by_key, *rows;
    size_t n;
};

static size_t keys_of(const struct roster_relay *r, struct key out[KEYS_MOST])
{
    size_t n = 0;
    memset(out, 0, KEYS_MOST * sizeof *out);
    for (size_t i = 0; i < r->who.n_addrs; i++) {
        const struct ip *ip = &r->who.addrs[i].ip;
        out[n].b[0] = ip->family;
        memcpy(out[n++].b + 1, ip->b, ip_len(ip));
    }
    if (r->family) {
        out[n].b[0] = UINT8_MAX;
        memcpy(out[n++].b + 1, &r->family, sizeof r->family);
    }
    return n;
}

static struct kin *find(const struct kins *k, const struct key *key)
{
    struct kin *found;
    HASH_FIND(hh, k->by_key, key, sizeof *key, found);
    return found;
}

/* Out of memory it is as if nobody belonged to it. */
static void add(struct kins *k, const struct roster_relay *r, size_t rank, struct cplan_item *item)
{
    struct key keys[KEYS_MOST];
    size_t n = keys_of(r, keys);
    for (size_t i = 0; i < n; i++) {
        struct kin *kin = find(k, &keys[i]);
        if (!kin) {
            kin = &k->rows[k->n];
            *kin = (struct kin){.key = keys[i], .rank = rank, .item = item};
            HASH_ADD(hh, k->by_key, key, sizeof kin->key, kin);
            k->n += HASH_ADDED(kin, hh) ? 1 : 0;
        } else if (rank < kin->rank) {
            kin->rank = rank;
            kin->item = item;
        }
    }
}

static const struct kin *first_kin(const struct kins *k, const struct roster_relay *r)
{
    struct key keys[KEYS_MOST];
    size_t n = keys_of(r, keys);
    const struct kin *first = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct kin *kin = find(k, &keys[i]);
        if (kin && (!first || kin->rank < first->rank))
            first = kin;
    }
    return first;
}

/* ---- new ones ---- */

/* While they are added: once for all of them. */
struct adding {
    struct cplan_guess guess;
    struct kins kins;
};

static bool is_new(const struct cplan *p, const struct roster_relay *r)
{
    return cplan_may_ask(r) && r->running && !cplan_item_of(p, &r->who.fp);
}

static bool adding_begin(const struct cplan *p, uint32_t from, struct adding *a)
{
    a->guess = cplan_guess_begin(p);
    a->kins.rows = calloc(p->roster.n * KEYS_MOST, sizeof *a->kins.rows);
    for (size_t i = 0; a->kins.rows && i < p->roster.n; i++) {
        struct cplan_item *item = cplan_item_of(p, &p->roster.relays[i].who.fp);
        if (item && item->state == CPLAN_WAITING && item->at.slot >= from)
            add(&a->kins, &p->roster.relays[i], i, item);
    }
    return a->guess.hosts && a->kins.rows;
}

static void adding_end(struct adding *a)
{
    HASH_CLEAR(hh, a->kins.by_key);
    free(a->kins.rows);
    free(a->guess.hosts);
}

/* A new relay's group: that of others of its host or family which still wait, so that it gets their
 * slot; else one of its own. */
static uint32_t group_of_new(struct cplan *p, const struct roster_relay *r, const struct kins *k)
{
    const struct kin *kin = first_kin(k, r);
    if (!kin)
        return p->groups++;
    uint32_t *again = again_of(p, kin->item->at.group);
    if (again)
        *again = kin->item->at.slot;
    return kin->item->at.group;
}

static void add_new(struct cplan *p, size_t rank, struct adding *a, uint32_t from)
{
    const struct roster_relay *r = &p->roster.relays[rank];
    struct cplan_item *item = cplan_add(p, &r->who.fp);
    if (!item)
        return;
    item->prior = cplan_guess_prior(p, &a->guess, r);
    cplan_size(p, item, cplan_was_the_limit(p, &r->who.fp));
    item->at.group = group_of_new(p, r, &a->kins);
    cplan_later(p, item, from);
    if (item->state == CPLAN_WAITING)
        add(&a->kins, r, rank, item);
}

void cplan_add_new(struct cplan *p, uint32_t from)
{
    struct adding a = {.kins = {.n = 0}};
    size_t i = 0;
    while (i < p->roster.n && !is_new(p, &p->roster.relays[i]))
        i++;
    if (i == p->roster.n)
        return;
    bool good = adding_begin(p, from, &a);
    ckeep_hold(p);
    for (; good && i < p->roster.n; i++)
        if (is_new(p, &p->roster.relays[i]))
            add_new(p, i, &a, from);
    ckeep_release(p);
    adding_end(&a);
}
