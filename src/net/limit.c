#include "net/limit.h"

#include <stdlib.h>

#include "base/bucket.h"
#include "base/hash.h"
#include "net/net_int.h"

/* One connection gets an eighth of what there is, but some cells at least (C tor:
 * connection_bucket_get_share()). */
enum { SHARES = 8, SHARE_LEAST = 4 * 514 };

struct limit {
    struct net *net;
    bool on, counts_private;
    struct bucket bucket[2];    /* by enum limit_way */
    struct limit_wait *waiting; /* who has waited longest comes first */
    struct timer refill;
};

static bool is_waiting(const struct limit_wait *w)
{
    return w->waits[LIMIT_READ] || w->waits[LIMIT_WRITE];
}

static void arm(struct limit *l, uint64_t due_us)
{
    if (!l->refill.armed || due_us < l->refill.due_us)
        timerq_arm(&l->net->env.timers, &l->refill, due_us);
}

/* As many go on as there are shares for, from the head of the line; the others keep their places.
 */
static void refill_way(struct limit *l, enum limit_way way)
{
    uint64_t left = bucket_look(&l->bucket[way], l->net->env.mono_us);
    struct limit_wait *w, *next;
    DL_FOREACH_SAFE (l->waiting, w, next) {
        if (!w->waits[way])
            continue;
        if (left == 0) {
            arm(l, bucket_next_us(&l->bucket[way]));
            return;
        }
        left -= left < SHARE_LEAST ? left : SHARE_LEAST;
        w->waits[way] = false;
        if (!is_waiting(w))
            DL_DELETE(l->waiting, w);
        w->on_turn(w->conn, way);
    }
}

static void refill(void *arg)
{
    refill_way(arg, LIMIT_READ);
    refill_way(arg, LIMIT_WRITE);
}

struct limit *limit_new(struct net *n)
{
    struct limit *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->net = n;
    timer_init(&l->refill, refill, l);
    return l;
}

void limit_free(struct limit *l)
{
    if (!l)
        return;
    env_disarm(&l->net->env, &l->refill);
    free(l);
}

void limit_set(struct limit *l, const struct limit_rule *rule)
{
    const uint64_t now_us = l->net->env.mono_us, step_us = rule->step_ms * (uint64_t)US_PER_MS;
    for (int way = 0; way < 2; way++)
        if (l->on)
            bucket_change(&l->bucket[way], rule->rate, rule->burst, step_us, now_us);
        else
            bucket_init(&l->bucket[way], rule->rate, rule->burst, step_us, now_us);
    l->on = true;
    l->counts_private = rule->counts_private;
    if (l->waiting)
        env_arm_ms(&l->net->env, &l->refill, 0);
}

static bool counts(const struct limit *l, const struct limit_wait *w)
{
    return l->on && (l->counts_private || !w->is_private);
}

static void wait(struct limit *l, enum limit_way way, struct limit_wait *w)
{
    if (!is_waiting(w))
        DL_APPEND(l->waiting, w);
    w->waits[way] = true;
    arm(l, bucket_next_us(&l->bucket[way]));
}

size_t limit_ask(struct limit *l, enum limit_way way, size_t want, struct limit_wait *w)
{
    if (!counts(l, w))
        return want;
    if (w->waits[way])
        return 0; /* its turn has not come */
    uint64_t left = bucket_look(&l->bucket[way], l->net->env.mono_us), share = left / SHARES;
    if (share < SHARE_LEAST)
        share = left < SHARE_LEAST ? left : SHARE_LEAST;
    if (share == 0)
        wait(l, way, w);
    return want < share ? want : (size_t)share;
}

void limit_spend(struct limit *l, enum limit_way way, size_t n, const struct limit_wait *w)
{
    if (counts(l, w))
        bucket_take(&l->bucket[way], n);
}

void limit_leave(struct limit *l, struct limit_wait *w)
{
    if (is_waiting(w))
        DL_DELETE(l->waiting, w);
    w->waits[LIMIT_READ] = w->waits[LIMIT_WRITE] = false;
}
