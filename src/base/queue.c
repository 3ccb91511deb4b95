#include "base/queue.h"

#include "base/hash.h"

enum { KEPT_TENTHS = 9 }; /* of what may be held, after too much was: as in C tor */

/* ---- too much ---- */

static struct hoard *oldest(const struct queues *qs)
{
    struct hoard *h, *found = qs->holding;
    DL_FOREACH (qs->holding, h)
        if (h->since_us < found->since_us)
            found = h;
    return found;
}

static void forget(struct hoard *h)
{
    if (h->holds)
        DL_DELETE(h->env->queues.holding, h);
    h->holds = false;
}

static void look(void *arg)
{
    struct env *env = arg;
    struct queues *qs = &env->queues;
    size_t before = qs->tally.held, n = 0;
    struct hoard *h;
    if (!qs->most || before <= qs->most)
        return;
    log_notice(env->log,
               "Queues hold %zu bytes, and MaxMemInQueues allows %zu. Ending the connections whose "
               "bytes have waited longest.",
               before, qs->most);
    for (; qs->tally.held > qs->most / 10 * KEPT_TENTHS && (h = oldest(qs)); n++) {
        forget(h);
        h->shed(h->arg);
    }
    log_notice(env->log, "Ended %zu connections, which gave back %zu bytes.", n,
               before - qs->tally.held);
}

void queues_set_most(struct env *env, size_t most)
{
    struct queues *qs = &env->queues;
    env_disarm(env, &qs->look);
    timer_init(&qs->look, look, env);
    qs->most = most;
    env_arm_ms(env, &qs->look, 0);
}

size_t queues_held(const struct env *env)
{
    return env->queues.tally.held;
}

/* ---- one ---- */

void hoard_init(struct hoard *h, struct env *env, void (*shed)(void *arg), void *arg)
{
    *h = (struct hoard){.env = env, .shed = shed, .arg = arg};
}

void hoard_free(struct hoard *h)
{
    forget(h);
    h->len = 0;
}

void hoard_grew(struct hoard *h, size_t len)
{
    struct queues *qs = &h->env->queues;
    h->len += len;
    if (qs->most && qs->tally.held > qs->most && !qs->look.armed)
        env_arm_ms(h->env, &qs->look, 0);
    if (h->holds || !h->len)
        return;
    h->holds = true;
    h->since_us = h->mark_us = h->env->mono_us;
    h->mark = h->len;
    DL_APPEND(qs->holding, h);
}

/* Behind the mark all came after its time; what is there now has come by now. */
void hoard_shrank(struct hoard *h, size_t len)
{
    h->len -= len;
    if (!h->len) {
        forget(h);
    } else if (h->mark > len) {
        h->mark -= len;
    } else {
        h->since_us = h->mark_us;
        h->mark_us = h->env->mono_us;
        h->mark = h->len;
    }
}

/* ---- queues ---- */

void queue_init(struct queue *q, size_t cap, struct env *env, void (*shed)(void *arg), void *arg)
{
    hoard_init(&q->hoard, env, shed, arg);
    buf_init(&q->bytes, cap);
    buf_count(&q->bytes, &env->queues.tally);
}

void queue_free(struct queue *q)
{
    if (!q->hoard.env)
        return;
    hoard_free(&q->hoard);
    buf_free(&q->bytes);
}

uint8_t *queue_room(struct queue *q, size_t len)
{
    return buf_room(&q->bytes, len);
}

void queue_commit(struct queue *q, size_t len)
{
    buf_commit(&q->bytes, len);
    hoard_grew(&q->hoard, len);
}

err_t queue_add(struct queue *q, const void *bytes, size_t len)
{
    TRY(buf_add(&q->bytes, bytes, len));
    hoard_grew(&q->hoard, len);
    return OK;
}

void queue_drain(struct queue *q, size_t len)
{
    buf_drain(&q->bytes, len);
    hoard_shrank(&q->hoard, len);
}

void queue_trim(struct queue *q)
{
    buf_trim(&q->bytes);
}
