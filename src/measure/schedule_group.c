/* Who is measured together: relays of one host, and those of one family or network. */
#include <stdlib.h>
#include <string.h>

#include "base/sets.h"
#include "measure/schedule_int.h"

enum { KEY_LEN = 18, NET_V4_LEN = 3, NET_V6_LEN = 6 };
enum key_kind { KEY_HOST, KEY_NET, KEY_FAMILY };

/* Something that a relay may have in common with others. */
struct key {
    uint8_t b[KEY_LEN];
    uint32_t item;
};

/* Sets of items (base/sets.h). */
struct sets {
    uint32_t *host, *cluster;
};

/* An item on its way into a unit: sorted, those of one cluster stand together, and in it those of
 * one host. */
struct row {
    uint64_t cluster_wanted, host_wanted;
    uint32_t cluster, host, item;
};

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* ---- what they have in common ---- */

static void add_key(struct key *k, enum key_kind kind, const void *bytes, size_t len,
                    uint8_t family, uint32_t item)
{
    memset(k, 0, sizeof *k);
    k->b[0] = (uint8_t)kind;
    k->b[1] = family;
    memcpy(k->b + 2, bytes, len);
    k->item = item;
}

/* Loopback is no network of anybody's: test networks are there. */
static size_t keys_of(const struct roster_relay *r, uint32_t item, struct key *out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->who.n_addrs; i++) {
        const struct ip *ip = &r->who.addrs[i].ip;
        add_key(&out[n++], KEY_HOST, ip->b, ip_len(ip), ip->family, item);
        if (!ip_is_loopback(ip))
            add_key(&out[n++], KEY_NET, ip->b, ip->family == IP_V4 ? NET_V4_LEN : NET_V6_LEN,
                    ip->family, item);
    }
    if (r->family)
        add_key(&out[n++], KEY_FAMILY, &r->family, sizeof r->family, 0, item);
    return n;
}

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = memcmp(x->b, y->b, sizeof x->b);
    return order ? order : compare(x->item, y->item);
}

static err_t find_sets(const struct schedule_item *items, size_t n, struct sets *out)
{
    struct key *keys = calloc(n * (2 * MEAS_ADDRS_MOST + 1), sizeof *keys);
    size_t n_keys = 0;
    if (!keys)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        out->host[i] = out->cluster[i] = i;
        n_keys += keys_of(items[i].relay, i, keys + n_keys);
    }
    if (n_keys)
        qsort(keys, n_keys, sizeof *keys, by_key);
    for (size_t k = 1; k < n_keys; k++) {
        if (memcmp(keys[k - 1].b, keys[k].b, KEY_LEN) != 0)
            continue;
        if (keys[k].b[0] == KEY_HOST)
            sets_join(out->host, keys[k - 1].item, keys[k].item);
        sets_join(out->cluster, keys[k - 1].item, keys[k].item);
    }
    free(keys);
    return OK;
}

/* ---- units ---- */

bool schedule_fits(const struct schedule_room *room, const struct schedule_unit *used,
                   const struct schedule_unit *unit)
{
    if (!used->relays)
        return true; /* a unit is made so that a slot holds it */
    return plus(used->given, unit->given) <= room->bw &&
           used->sockets + unit->sockets <= room->sockets &&
           used->relays + unit->relays <= SCHEDULE_SLOT_RELAYS_MOST;
}

static int by_size(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = compare(y->cluster_wanted, x->cluster_wanted);
    order = order ? order : compare(x->cluster, y->cluster);
    order = order ? order : compare(y->host_wanted, x->host_wanted);
    order = order ? order : compare(x->host, y->host);
    return order ? order : compare(x->item, y->item);
}

/* X of a host that wants ALL, where a slot has MOST. */
static uint64_t share(uint64_t x, uint64_t all, uint64_t most)
{
    if (all <= most)
        return x;
    uint64_t part = (uint64_t)((double)x / (double)all * (double)most);
    return part ? part : 1;
}

/* The host of ROWS, N of them: what it is given, and together no more than a slot has. */
static struct schedule_unit host_of(struct schedule_item *items, const struct row *rows, size_t n,
                                    const struct schedule_room *room)
{
    struct schedule_unit unit = {.leader = rows[0].host, .relays = (unsigned)n};
    uint64_t wanted = 0, sockets = 0, left = room->bw;
    for (size_t i = 0; i < n; i++) {
        wanted = plus(wanted, items[rows[i].item].wanted);
        sockets += items[rows[i].item].sockets;
    }
    for (size_t i = 0; i < n; i++) {
        struct schedule_item *item = &items[rows[i].item];
        item->given = share(item->wanted, wanted, room->bw);
        item->given = item->given < left ? item->given : left;
        left -= item->given;
        item->sockets = (unsigned)share(item->sockets, sockets, room->sockets);
        unit.given += item->given;
        unit.sockets += item->sockets;
    }
    return unit;
}

static void add_to(struct schedule_unit *unit, const struct schedule_unit *more)
{
    unit->given += more->given;
    unit->sockets += more->sockets;
    unit->relays += more->relays;
    unit->leader = more->leader < unit->leader ? more->leader : unit->leader;
}

static size_t hosts_end(const struct row *rows, size_t n, size_t i)
{
    size_t end = i + 1;
    while (end < n && rows[end].host == rows[i].host)
        end++;
    return end;
}

/* A cluster's hosts go into its first unit that has room, from FIRST on: one if all fit. */
static void make_units(struct schedule_item *items, const struct row *rows, size_t n,
                       const struct schedule_room *room, struct schedule_units *out)
{
    size_t first = 0;
    for (size_t i = 0, end; i < n; i = end) {
        end = hosts_end(rows, n, i);
        if (!i || rows[i].cluster != rows[i - 1].cluster)
            first = out->n;
        struct schedule_unit host = host_of(items, rows + i, end - i, room);
        size_t u = first;
        while (u < out->n && !schedule_fits(room, &out->units[u], &host))
            u++;
        if (u == out->n)
            out->units[out->n++] = host;
        else
            add_to(&out->units[u], &host);
        for (size_t k = i; k < end; k++)
            out->of[rows[k].item] = (uint32_t)u;
    }
}

static void fill_rows(const struct schedule_item *items, size_t n, struct sets *sets,
                      uint64_t *totals, struct row *rows)
{
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct row){.host = sets_first(sets->host, i),
                               .cluster = sets_first(sets->cluster, i)};
        rows[i].item = i;
        totals[rows[i].host] = plus(totals[rows[i].host], items[i].wanted);
        totals[n + rows[i].cluster] = plus(totals[n + rows[i].cluster], items[i].wanted);
    }
    for (size_t i = 0; i < n; i++) {
        rows[i].host_wanted = totals[rows[i].host];
        rows[i].cluster_wanted = totals[n + rows[i].cluster];
    }
    qsort(rows, n, sizeof *rows, by_size);
}

void schedule_units_free(struct schedule_units *u)
{
    free(u->units);
    free(u->of);
    *u = (struct schedule_units){.n = 0};
}

err_t schedule_group(struct schedule_item *items, size_t n, const struct schedule_room *room,
                     struct schedule_units *out)
{
    struct sets sets = {calloc(n + 1, sizeof *sets.host), calloc(n + 1, sizeof *sets.cluster)};
    struct row *rows = calloc(n + 1, sizeof *rows);
    uint64_t *totals = calloc(2 * n + 1, sizeof *totals);
    *out = (struct schedule_units){.units = calloc(n + 1, sizeof *out->units),
                                   .of = calloc(n + 1, sizeof *out->of)};
    bool there = sets.host && sets.cluster && rows && totals && out->units && out->of;
    err_t e = there ? find_sets(items, n, &sets) : ERR_NOMEM;
    if (e == OK && n) {
        fill_rows(items, n, &sets, totals, rows);
        make_units(items, rows, n, room, out);
    }
    free(sets.host);
    free(sets.cluster);
    free(rows);
    free(totals);
    if (e != OK)
        schedule_units_free(out);
    return e;
}
