#include "testbed/shape.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

enum {
    REFILL_MS = 5,
    BURST_MS = 50,          /* what a bucket holds at most */
    BURST_LEAST = 16 << 10, /* ... but a TLS record or two at once */
    SHARE_LEAST = 514,      /* a turn gives a cell at least, or it would be all headers */
};

/* ---- the bucket ---- */

static void fill(struct shape_bucket *b)
{
    uint64_t now = b->env->mono_us, passed = now - b->filled_us;
    uint64_t more = passed < US_PER_SEC ? b->rate * passed / US_PER_SEC : b->most;
    if (!more)
        return; /* what is less than a byte is kept for the next time */
    b->filled_us = now;
    b->tokens = b->most - b->tokens < more ? b->most : b->tokens + more;
}

/* Those who wait get the same share of what there is, as many as it is enough for; whoever wants
 * more queues up at the end. */
static void refill(void *arg)
{
    struct shape_bucket *b = arg;
    struct shape_turn *t, *served = NULL;
    size_t n = 0;
    fill(b);
    DL_COUNT(b->waiting, t, n);
    if (!n)
        return;
    uint64_t share = b->tokens / n < SHARE_LEAST ? SHARE_LEAST : b->tokens / n;
    for (uint64_t given = 0; b->waiting && given < b->tokens; given += share) {
        t = b->waiting;
        DL_DELETE(b->waiting, t);
        t->waiting = false;
        t->share = share;
        DL_APPEND(served, t);
    }
    if (b->waiting)
        env_arm_ms(b->env, &b->refill, REFILL_MS);
    while ((t = served)) {
        DL_DELETE(served, t);
        t->ready(t->arg);
    }
}

void shape_bucket_init(struct shape_bucket *b, struct env *env, uint64_t rate)
{
    uint64_t burst = rate * BURST_MS / MS_PER_SEC;
    *b = (struct shape_bucket){.env = env,
                               .rate = rate,
                               .most = burst < BURST_LEAST ? BURST_LEAST : burst,
                               .filled_us = env->mono_us};
    b->tokens = b->most;
    timer_init(&b->refill, refill, b);
}

void shape_bucket_end(struct shape_bucket *b)
{
    if (b->env)
        env_disarm(b->env, &b->refill);
}

static void wait_for_turn(struct shape_bucket *b, struct shape_turn *turn)
{
    if (turn->waiting)
        return;
    turn->waiting = true;
    turn->share = 0;
    DL_APPEND(b->waiting, turn);
    if (!b->refill.armed)
        env_arm_ms(b->env, &b->refill, REFILL_MS);
}

size_t shape_allow(struct shape_bucket *b, struct shape_turn *turn, size_t want)
{
    if (!b->rate)
        return want;
    fill(b);
    /* Whoever comes while others wait queues behind them. */
    uint64_t may = turn->share ? turn->share : b->waiting ? 0 : b->tokens;
    if (may > b->tokens)
        may = b->tokens;
    if (may < want)
        wait_for_turn(b, turn);
    return may < want ? (size_t)may : want;
}

void shape_spend(struct shape_bucket *b, struct shape_turn *turn, size_t bytes)
{
    if (!b->rate)
        return;
    b->tokens -= bytes < b->tokens ? bytes : b->tokens;
    turn->share -= bytes < turn->share ? bytes : turn->share;
}

void shape_leave(struct shape_bucket *b, struct shape_turn *turn)
{
    if (turn->waiting)
        DL_DELETE(b->waiting, turn);
    turn->waiting = false;
}

/* ---- a line ---- */

err_t shape_line_init(struct shape_line *l, struct env *env, const struct shape_rules *rules,
                      void (*due)(void *arg), void *arg)
{
    *l = (struct shape_line){.env = env, .rules = rules};
    buf_init(&l->bytes, SHAPE_LINE_CAP);
    timer_init(&l->due, due, arg);
    l->steps = calloc(SHAPE_STEPS, sizeof *l->steps);
    return l->steps ? OK : ERR_NOMEM;
}

void shape_line_end(struct shape_line *l)
{
    if (!l->env)
        return;
    env_disarm(l->env, &l->due);
    buf_free(&l->bytes);
    free(l->steps);
    *l = (struct shape_line){.env = NULL};
}

size_t shape_line_space(const struct shape_line *l)
{
    return buf_space(&l->bytes);
}

uint8_t *shape_line_room(struct shape_line *l, size_t len)
{
    return buf_room(&l->bytes, len);
}

static struct shape_step *step(struct shape_line *l, size_t i)
{
    return &l->steps[(l->first + i) % SHAPE_STEPS];
}

void shape_line_put(struct shape_line *l, size_t len)
{
    uint64_t jitter = l->rules->jitter_ms * (uint64_t)US_PER_MS;
    uint64_t due = l->env->mono_us + l->rules->delay_ms * (uint64_t)US_PER_MS +
                   (jitter ? env_random_below(l->env, jitter + 1) : 0);
    struct shape_step *last = l->n_steps ? step(l, l->n_steps - 1) : NULL;
    buf_commit(&l->bytes, len);
    if (last && last->due_us > due)
        due = last->due_us; /* in order */
    /* A full ring gives bytes away a little early rather than refuse them. */
    if (last && (last->due_us == due || l->n_steps == SHAPE_STEPS)) {
        last->len += len;
        return;
    }
    *step(l, l->n_steps++) = (struct shape_step){due, len};
    if (!l->due.armed)
        timerq_arm(&l->env->timers, &l->due, due);
}

const uint8_t *shape_line_out(struct shape_line *l, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < l->n_steps && step(l, i)->due_us <= l->env->mono_us; i++)
        *len += step(l, i)->len;
    if (*len)
        return buf_at(&l->bytes);
    if (l->n_steps && !l->due.armed)
        timerq_arm(&l->env->timers, &l->due, step(l, 0)->due_us);
    return NULL;
}

void shape_line_took(struct shape_line *l, size_t len)
{
    buf_drain(&l->bytes, len);
    buf_trim(&l->bytes);
    while (len) {
        struct shape_step *s = step(l, 0);
        size_t part = len < s->len ? len : s->len;
        s->len -= part;
        len -= part;
        if (!s->len) {
            l->first = (l->first + 1) % SHAPE_STEPS;
            l->n_steps--;
        }
    }
}

bool shape_line_is_empty(const struct shape_line *l)
{
    return l->n_steps == 0;
}

uint64_t shape_life_ms(struct env *env, const struct shape_rules *rules)
{
    if (!rules->mean_life_s)
        return 0;
    /* Exponential: being cut does not depend on how long it has lasted. */
    double u = ((double)env_random_below(env, 1u << 30) + 1) / (double)(1u << 30);
    double ms = -log(u) * rules->mean_life_s * 1000;
    return ms < 1 ? 1 : (uint64_t)ms;
}
