#include "circuit/tags.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

enum {
    /* What C tor counts as unpredictable: 16 random bytes behind the zeros of the padding. */
    RANDOM_ROOM = RELAY_PAD_ZEROS + 16,
    /* C tor draws each interval from half of a fixed window's increment to all of it, and keeps to
     * that under congestion control (circuit_reset_sendme_randomness). */
    INTERVAL_LEAST = 50,
    RING_LEAST = 16,
};

/* Of what padding is made of, which costs no system call. That 2^32 is no multiple of 50 moves the
 * chances by a hundred-millionth. */
static void start_interval(struct tags *t, struct env *env)
{
    uint32_t x;
    env_padding(env, &x, sizeof x);
    t->random_sent = false;
    t->random_left = INTERVAL_LEAST + x % INTERVAL_LEAST;
}

void tags_init(struct tags *t, struct env *env, unsigned most)
{
    memset(t, 0, sizeof *t);
    t->most = most;
    start_interval(t, env);
}

static void give_back(struct tags *t)
{
    free(t->due);
    t->due = NULL;
    t->size = t->at = 0;
}

void tags_clear(struct tags *t)
{
    give_back(t);
    t->n = 0;
}

size_t tags_data_max(const struct tags *t, size_t format_max)
{
    return t->random_left == 0 && !t->random_sent ? format_max - RANDOM_ROOM : format_max;
}

void tags_data_sent(struct tags *t, struct env *env, size_t len, size_t format_max)
{
    if (len <= format_max - RANDOM_ROOM)
        t->random_sent = true;
    if (t->random_left == 0)
        start_interval(t, env);
    t->random_left--;
}

static err_t grow(struct tags *t)
{
    unsigned size = t->size ? 2 * t->size : RING_LEAST;
    struct tag_due *due = malloc(size * sizeof *due);
    if (!due)
        return ERR_NOMEM;
    for (unsigned i = 0; i < t->n; i++)
        due[i] = t->due[(t->at + i) % t->size];
    free(t->due);
    t->due = due;
    t->size = size;
    t->at = 0;
    return OK;
}

err_t tags_add(struct tags *t, const struct env *env, const uint8_t *tag, size_t len)
{
    if (t->n >= t->most || len > LAYER_TAG_MAX)
        return ERR_BUG;
    if (t->n == t->size)
        TRY(grow(t));
    struct tag_due *due = &t->due[(t->at + t->n) % t->size];
    due->sent_us = env->mono_us;
    memcpy(due->tag, tag, len);
    t->n++;
    return OK;
}

err_t tags_take(struct tags *t, const uint8_t *tag, size_t len, uint64_t *sent_us)
{
    if (t->n == 0 || (len && !secret_equal(tag, t->due[t->at].tag, len)))
        return ERR_CIRC_SENDME;
    *sent_us = t->due[t->at].sent_us;
    t->at = (t->at + 1) % t->size;
    if (--t->n == 0 && t->size > RING_LEAST)
        give_back(t);
    return OK;
}
