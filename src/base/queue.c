#include "base/queue.h"

#include "base/hash.h"

enum { KEPT_TENTHS = 9 }; /* of what may be held, after too much was: as in C tor */

/* ---- too much ---- */

static struct queue *oldest(const struct queues *qs)
{
    struct queue *q, *found = qs->holding;
    DL_FOREACH (qs->holding, q)
        if (q->since_us < found->since_us)
            found = q;
    return found;
}

static void forget(struct queue *q)
{
    if (q->holds)
        DL_DELETE(q->env->queues.holding, q);
    q->holds = false;
}

static void look(void *arg)
{
    struct env *env = arg;
    struct queues *qs = &env->queues;
    size_t before = qs->tally.held, n = 0;
    struct queue *q;
    if (!qs->most || before <= qs->most)
        return;
    log_notice(env->log,
               "Queues hold %zu bytes, and MaxMemInQueues allows %zu. Ending the connections whose "
               "bytes have waited longest.",
               before, qs->most);
    for (; qs->tally.held > qs->most / 10 * KEPT_TENTHS && (q = oldest(qs)); n++) {
        forget(q);
        q->shed(q->arg);
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

void queue_init(struct queue *q, size_t cap, struct env *env, void (*shed)(void *arg), void *arg)
{
    *q = (struct queue){.env = env, .shed = shed, .arg = arg};
    buf_init(&q->bytes, cap);
    buf_count(&q->bytes, &env->queues.tally);
}

void queue_free(struct queue *q)
{
    if (!q->env)
        return;
    forget(q);
    buf_free(&q->bytes);
}

static void grew(struct queue *q)
{
    struct queues *qs = &q->env->queues;
    if (qs->most && qs->tally.held > qs->most && !qs->look.armed)
        env_arm_ms(q->env, &qs->look, 0);
    if (q->holds || !q->bytes.len)
        return;
    q->holds = true;
    q->since_us = q->mark_us = q->env->mono_us;
    q->mark = q->bytes.len;
    DL_APPEND(qs->holding, q);
}

uint8_t *queue_room(struct queue *q, size_t len)
{
    return buf_room(&q->bytes, len);
}

void queue_commit(struct queue *q, size_t len)
{
    buf_commit(&q->bytes, len);
    grew(q);
}

err_t queue_add(struct queue *q, const void *bytes, size_t len)
{
    TRY(buf_add(&q->bytes, bytes, len));
    grew(q);
    return OK;
}

/* Behind the mark all came after its time; what is there now has come by now. */
void queue_drain(struct queue *q, size_t len)
{
    buf_drain(&q->bytes, len);
    if (!q->bytes.len) {
        forget(q);
    } else if (q->mark > len) {
        q->mark -= len;
    } else {
        q->since_us = q->mark_us;
        q->mark_us = q->env->mono_us;
        q->mark = q->bytes.len;
    }
}

void queue_trim(struct queue *q)
{
    buf_trim(&q->bytes);
}
