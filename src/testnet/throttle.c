#include "testnet/throttle.h"

#include "base/hash.h"

enum {
    REFILL_MS = 5,
    STEP_US = 1,
    BURST_MS = 50,          /* what it holds at most, unless that is said */
    BURST_LEAST = 16 << 10, /* ... but a TLS record or two at once */
    SHARE_LEAST = 514,      /* a turn gives a cell at least, or it would be all headers */
};

static uint64_t tokens(struct throttle *t)
{
    return bucket_look(&t->bucket, t->env->mono_us);
}

/* Those who wait get the same share of what there is, as many as it is enough for; whoever wants
 * more queues up at the end. */
static void refill(void *arg)
{
    struct throttle *t = arg;
    struct throttle_turn *turn, *served = NULL;
    uint64_t left = tokens(t);
    size_t n = 0;
    DL_COUNT(t->waiting, turn, n);
    if (!n)
        return;
    uint64_t share = left / n < SHARE_LEAST ? SHARE_LEAST : left / n;
    for (uint64_t given = 0; t->waiting && given < left; given += share) {
        turn = t->waiting;
        DL_DELETE(t->waiting, turn);
        turn->waiting = false;
        turn->share = share;
        DL_APPEND(served, turn);
    }
    if (t->waiting)
        env_arm_ms(t->env, &t->refill, REFILL_MS);
    while ((turn = served)) {
        DL_DELETE(served, turn);
        turn->ready(turn->arg);
    }
}

void throttle_init(struct throttle *t, struct env *env, uint64_t rate, uint64_t burst)
{
    uint64_t usual = rate * BURST_MS / MS_PER_SEC;
    uint64_t most = burst ? burst : usual < BURST_LEAST ? BURST_LEAST : usual;
    *t = (struct throttle){.env = env, .on = rate > 0};
    bucket_init(&t->bucket, rate, most, STEP_US, env->mono_us);
    timer_init(&t->refill, refill, t);
}

void throttle_end(struct throttle *t)
{
    if (t->env)
        env_disarm(t->env, &t->refill);
}

static void wait_for_turn(struct throttle *t, struct throttle_turn *turn)
{
    if (turn->waiting)
        return;
    turn->waiting = true;
    turn->share = 0;
    DL_APPEND(t->waiting, turn);
    if (!t->refill.armed)
        env_arm_ms(t->env, &t->refill, REFILL_MS);
}

size_t throttle_allow(struct throttle *t, struct throttle_turn *turn, size_t want)
{
    if (!t->on)
        return want;
    uint64_t left = tokens(t);
    /* Whoever comes while others wait queues behind them. */
    uint64_t may = turn->share ? turn->share : t->waiting ? 0 : left;
    if (may > left)
        may = left;
    if (!may)
        wait_for_turn(t, turn);
    return may < want ? (size_t)may : want;
}

void throttle_spend(struct throttle *t, struct throttle_turn *turn, size_t bytes)
{
    if (!t->on)
        return;
    uint64_t left = tokens(t);
    bucket_take(&t->bucket, bytes < left ? bytes : left);
    turn->share -= bytes < turn->share ? bytes : turn->share;
}

void throttle_leave(struct throttle *t, struct throttle_turn *turn)
{
    if (turn->waiting)
        DL_DELETE(t->waiting, turn);
    turn->waiting = false;
}
