#include "circuit/tags.h"

#include <string.h>

#include "crypto/secret.h"

enum {
    /* What C tor counts as unpredictable: 16 random bytes behind the zeros of the padding. */
    RANDOM_ROOM = RELAY_PAD_ZEROS + 16,
    /* C tor draws each interval from half of a fixed window's increment to all of it, and keeps to
     * that under congestion control (circuit_reset_sendme_randomness). */
    INTERVAL_LEAST = 50,
};

static void start_interval(struct tags *t, struct env *env)
{
    t->random_sent = false;
    t->random_left = INTERVAL_LEAST + (unsigned)env_random_below(env, INTERVAL_LEAST);
}

void tags_init(struct tags *t, struct env *env)
{
    memset(t, 0, sizeof *t);
    start_interval(t, env);
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

err_t tags_add(struct tags *t, const uint8_t *tag, size_t len)
{
    if (t->n == TAGS_MOST || len > LAYER_TAG_MAX)
        return ERR_BUG;
    memcpy(t->due[(t->at + t->n) % TAGS_MOST], tag, len);
    t->n++;
    return OK;
}

err_t tags_take(struct tags *t, const uint8_t *tag, size_t len)
{
    if (t->n == 0 || (len && !secret_equal(tag, t->due[t->at], len)))
        return ERR_CIRC_SENDME;
    t->at = (t->at + 1) % TAGS_MOST;
    t->n--;
    return OK;
}
