#include "client/waiting.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Tunnels that one circuit would do for. */
struct wish_key {
    const struct crowd *group;
    const struct waiter *alone; /* NULL: anybody of the group may join */
    uint16_t port;
    uint8_t kind, family;
};

enum wish_place { DUE, HELD, ASLEEP };

struct wish {
    struct wish_key key;
    struct crowd *user;
    struct waiter *waiters;
    enum wish_place place;
    bool woken;               /* it has had its turn: if need be, it is the next to have one */
    struct wish *prev, *next; /* in waiting.due, waiting.held or its user's asleep */
    struct wish *group_prev, *group_next;
    UT_hash_handle hh;
};

/* What stands under one isolation key. Under a key without destination, that is a user. */
struct crowd {
    struct isolation_key key;
    size_t holders;
    struct wish *wishes;       /* as a group: those with this very key */
    struct wish *asleep;       /* as a user: of all its groups */
    struct crowd *prev, *next; /* in waiting.ring, while it has wishes asleep */
    UT_hash_handle hh;
};

struct waiting {
    struct crowd *crowds;
    struct wish *wishes;
    struct wish *due, *held;
    struct crowd *ring;
    size_t n_asleep;
    size_t turns; /* left in this round */
};

/* ---- crowds ---- */

static struct crowd *crowd_find(const struct waiting *w, const struct isolation_key *key)
{
    struct crowd *c;
    HASH_FIND(hh, w->crowds, key, isolation_key_len(key), c);
    return c;
}

/* Held; NULL out of memory. */
static struct crowd *crowd_hold(struct waiting *w, const struct isolation_key *key)
{
    struct crowd *c = crowd_find(w, key);
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c)
            return NULL;
        c->key = *key;
        HASH_ADD_KEYPTR(hh, w->crowds, &c->key, isolation_key_len(&c->key), c);
        if (!HASH_ADDED(c, hh)) {
            free(c);
            return NULL;
        }
    }
    c->holders++;
    return c;
}

static void crowd_release(struct waiting *w, struct crowd *c)
{
    if (!c || --c->holders > 0)
        return;
    HASH_DEL(w->crowds, c);
    free(c);
}

/* ---- wishes: due or asleep ---- */

static void leave_place(struct waiting *w, struct wish *wish)
{
    struct crowd *user = wish->user;
    switch (wish->place) {
    case DUE:
        DL_DELETE(w->due, wish);
        break;
    case HELD:
        DL_DELETE(w->held, wish);
        break;
    case ASLEEP:
        DL_DELETE(user->asleep, wish);
        w->n_asleep--;
        if (!user->asleep)
            DL_DELETE(w->ring, user);
        break;
    }
}

static void be_asleep(struct waiting *w, struct wish *wish)
{
    struct crowd *user = wish->user;
    wish->place = ASLEEP;
    w->n_asleep++;
    if (!user->asleep)
        DL_APPEND(w->ring, user);
    if (!wish->woken) {
        DL_APPEND(user->asleep, wish);
        return;
    }
    wish->woken = false;
    DL_PREPEND(user->asleep, wish);
    DL_DELETE(w->ring, user);
    DL_PREPEND(w->ring, user);
}

static void wish_free(struct waiting *w, struct wish *wish)
{
    struct crowd *group = (struct crowd *)(uintptr_t)wish->key.group;
    leave_place(w, wish);
    DL_DELETE2(group->wishes, wish, group_prev, group_next);
    HASH_DEL(w->wishes, wish);
    crowd_release(w, group);
    crowd_release(w, wish->user);
    free(wish);
}

/* A new wish of USER under KEY, which holds its group; false out of memory. */
static struct wish *wish_new(struct waiting *w, const struct wish_key *key, struct crowd *user)
{
    struct crowd *group = (struct crowd *)(uintptr_t)key->group;
    struct wish *wish = calloc(1, sizeof *wish);
    if (!wish)
        return NULL;
    wish->key = *key;
    wish->user = user;
    HASH_ADD(hh, w->wishes, key, sizeof wish->key, wish);
    if (!HASH_ADDED(wish, hh)) {
        free(wish);
        return NULL;
    }
    group->holders++;
    user->holders++;
    DL_APPEND2(group->wishes, wish, group_prev, group_next);
    DL_APPEND(w->due, wish);
    return wish;
}

/* ---- waiters ---- */

static struct wish *wish_of(struct waiting *w, const struct waiter *t,
                            const struct tunnel_request *req, bool alone, struct crowd *user,
                            struct crowd *group)
{
    struct wish_key key;
    struct wish *wish;
    memset(&key, 0, sizeof key); /* padding counts too */
    key.group = group;
    key.alone = alone ? t : NULL;
    key.port = req->port;
    key.kind = (uint8_t)req->kind;
    key.family = req->ip.family;
    HASH_FIND(hh, w->wishes, &key, sizeof key, wish);
    return wish ? wish : wish_new(w, &key, user);
}

bool waiting_add(struct waiting *w, struct waiter *t, const struct tunnel_request *req,
                 const char *host, bool alone)
{
    const struct isolation *iso = &req->isolation;
    struct isolation_key key;
    isolation_key_of(&key, iso, 0, NULL, 0);
    struct crowd *user = crowd_hold(w, &key), *group = NULL;
    isolation_key_of(&key, iso, isolation_dest(iso), host, req->port);
    if (user && (group = crowd_hold(w, &key)))
        t->wish = wish_of(w, t, req, alone, user, group);
    crowd_release(w, group); /* the wish holds both */
    crowd_release(w, user);
    if (!t->wish)
        return false;
    DL_APPEND(t->wish->waiters, t);
    return true;
}

void waiting_remove(struct waiting *w, struct waiter *t)
{
    struct wish *wish = t->wish;
    if (!wish)
        return;
    DL_DELETE(wish->waiters, t);
    *t = (struct waiter){0};
    if (!wish->waiters)
        wish_free(w, wish);
}

/* ---- who is due ---- */

static void wake(struct waiting *w, struct wish *wish)
{
    if (wish->place == DUE)
        return;
    leave_place(w, wish);
    wish->place = DUE;
    wish->woken = true;
    DL_PREPEND(w->due, wish);
}

void waiting_wake(struct waiting *w, const struct isolation_key keys[ISOLATION_KEYS])
{
    struct wish *wish;
    for (size_t i = 0; i < ISOLATION_KEYS; i++) {
        const struct crowd *group = crowd_find(w, &keys[i]);
        if (group)
            DL_FOREACH2(group->wishes, wish, group_next)
        wake(w, wish);
    }
}

void waiting_wake_wish(struct waiting *w, struct waiter *t)
{
    wake(w, t->wish);
}

struct waiter *waiting_next_due(struct waiting *w)
{
    struct wish *wish = w->due;
    if (!wish)
        return NULL;
    DL_DELETE(w->due, wish);
    DL_APPEND(w->due, wish);
    return wish->waiters;
}

void waiting_sleep(struct waiting *w, struct waiter *t)
{
    leave_place(w, t->wish);
    be_asleep(w, t->wish);
}

void waiting_hold(struct waiting *w, struct waiter *t)
{
    leave_place(w, t->wish);
    t->wish->place = HELD;
    DL_APPEND(w->held, t->wish);
}

void waiting_end_hold(struct waiting *w)
{
    struct wish *wish;
    DL_FOREACH (w->held, wish)
        wish->place = DUE;
    DL_CONCAT(w->due, w->held);
    w->held = NULL;
}

/* ---- turns ---- */

void waiting_begin_round(struct waiting *w)
{
    w->turns = w->n_asleep;
}

struct waiter *waiting_next_turn(struct waiting *w)
{
    struct crowd *user = w->ring;
    if (!w->turns || !user)
        return NULL;
    struct wish *wish = user->asleep;
    w->turns--;
    DL_DELETE(w->ring, user);
    DL_APPEND(w->ring, user);
    DL_DELETE(user->asleep, wish);
    DL_APPEND(user->asleep, wish);
    return wish->waiters;
}

/* ---- life ---- */

struct waiting *waiting_new(void)
{
    return calloc(1, sizeof(struct waiting));
}

void waiting_free(struct waiting *w)
{
    free(w);
}
