#include "base/timer.h"

#include <stddef.h>

void timer_init(struct timer *t, void (*fire)(void *arg), void *arg)
{
    *t = (struct timer){.fire = fire, .arg = arg};
}

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->due_us < b->due_us || (a->due_us == b->due_us && a->order < b->order);
}

/* Joins two heaps; either may be empty. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (earlier(b, a)) {
        struct timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Joins a list of siblings into one heap: in pairs left to right, then the pairs right to left. */
static struct timer *meld_siblings(struct timer *first)
{
    struct timer *pairs = NULL; /* a stack, linked through next */
    while (first) {
        struct timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        struct timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *root = NULL;
    while (pairs) {
        struct timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void cut(struct timer *t)
{
    if (t->prev->child == t)
        t->prev->child = t->next;
    else
        t->prev->next = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void timer_disarm(struct timer *t)
{
    struct timerq *q = t->queue;
    if (!t->armed)
        return;
    if (q->root == t) {
        q->root = meld_siblings(t->child);
    } else {
        cut(t);
        q->root = meld(q->root, meld_siblings(t->child));
    }
    t->child = t->next = t->prev = NULL;
    t->armed = false;
    t->queue = NULL;
}

void timerq_arm(struct timerq *q, struct timer *t, uint64_t due_us)
{
    timer_disarm(t);
    t->queue = q;
    t->due_us = due_us > q->ran_us ? due_us : q->ran_us;
    t->order = q->armings++;
    t->armed = true;
    q->root = meld(q->root, t);
}

uint64_t timerq_next(const struct timerq *q)
{
    return q->root ? q->root->due_us : TIMER_NEVER;
}

void timerq_run(struct timerq *q, uint64_t now_us)
{
    /* Timers armed from here on sort behind all that are due: their deadline is now or later, and
     * among equal deadlines the older arming comes first. */
    uint64_t first_new = q->armings;
    q->ran_us = now_us;
    while (q->root && q->root->due_us <= now_us && q->root->order < first_new) {
        struct timer *t = q->root;
        timer_disarm(t);
        t->fire(t->arg);
    }
}
