#include "testbed/shape.h"

#include <math.h>
#include <stdlib.h>

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
