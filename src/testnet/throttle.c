#include "testnet/throttle.h"

#include "base/hash.h"

enum {
    REFILL_MS = 5,
    STEP_US = 1,
    BURST_MS = 200, /* what it holds at most, unless that is said: a busy machine calls us late */
    BURST_LEAST = 16 << 10, /* ... but a TLS record or two at once */
    YIELDING_PART = 8, /* one part in so many is theirs who yield, or they might wait for ever */
    SHARE_LEAST = 514, /* a turn gives a cell at least, or it would be all headers */
};

static uint64_t tokens(struct throttle *t)
{
    return bucket_look(&t->bucket, t->env->mono_us);
}

/* Those in WAITING get the same share of LEFT, as many as it is enough for, and go to SERVED;
 * whoever wants more queues up at the end. Returns what nobody has been given. */
static uint64_t give(struct throttle_turn **waiting, uint64_t left, struct throttle_turn **served)
{
    struct throttle_turn *turn;
    size_t n = 0;
    DL_COUNT(*waiting, turn, n);
    if (!n)
        return left;
    uint64_t share = left / n < SHARE_LEAST ? SHARE_LEAST : left / n;
    while (*waiting && left) {
        turn = *waiting;
        DL_DELETE(*waiting, turn);
        turn->waiting = false;
        turn->share = share;
        DL_APPEND(*served, turn);
        left -= share < left ? share : left;
    }
    return left;
}

static void refill(void *arg)
{
    struct throttle *t = arg;
    struct throttle_turn *turn, *served = NULL;
    uint64_t left = tokens(t);
    t->kept = t->yielding ? left / YIELDING_PART : 0;
    /* What the first do not use is there for the others in the next round, 5 ms later. */
    left = give(&t->waiting, left - t->kept, &served) + t->kept;
    (void)give(&t->yielding, left, &served);
    if (t->waiting || t->yielding)
        env_arm_ms(t->env, &t->refill, REFILL_MS);
    t->gives = true;
    while ((turn = served)) {
        DL_DELETE(served, turn);
        turn->ready(turn->arg);
    }
    t->gives = false;
    t->kept = 0;
}

void throttle_init(struct throttle *t, struct env *env, uint64_t rate, uint64_t burst)
{
    uint64_t usual = rate * BURST_MS / MS_PER_SEC;
    uint64_t most = burst ? burst : usual < BURST_LEAST ? BURST_LEAST : usual;
    *t = (struct throttle){
        .env = env, .on = rate > 0, .least = most < SHARE_LEAST ? most : SHARE_LEAST};
    bucket_init(&t->bucket, rate, most, STEP_US, env->mono_us);
    timer_init(&t->refill, refill, t);
}

void throttle_end(struct throttle *t)
{
    if (t->env)
        env_disarm(t->env, &t->refill);
}

static struct throttle_turn **queue_of(struct throttle *t, const struct throttle_turn *turn)
{
    return turn->yields ? &t->yielding : &t->waiting;
}

static void wait_for_turn(struct throttle *t, struct throttle_turn *turn)
{
    if (turn->waiting)
        return;
    turn->waiting = true;
    turn->share = 0;
    DL_APPEND(*queue_of(t, turn), turn);
    if (!t->refill.armed)
        env_arm_ms(t->env, &t->refill, REFILL_MS);
}

size_t throttle_allow(struct throttle *t, struct throttle_turn *turn, size_t want)
{
    if (!t->on)
        return want;
    uint64_t left = tokens(t), kept = turn->yields ? 0 : t->kept;
    left -= kept < left ? kept : left;
    /* Whoever comes while others wait queues behind them. */
    bool queue = t->waiting || (turn->yields && t->yielding);
    uint64_t may = turn->share ? turn->share : queue ? 0 : left;
    if (may > left)
        may = left;
    if (may >= want)
        return want;
    if (may < (t->gives ? 1 : t->least)) {
        wait_for_turn(t, turn);
        return 0;
    }
    return (size_t)may;
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
        DL_DELETE(*queue_of(t, turn), turn);
    turn->waiting = false;
}

void throttle_yield(struct throttle *t, struct throttle_turn *turn, bool yields)
{
    bool waited = turn->waiting;
    throttle_leave(t, turn);
    turn->yields = yields;
    if (waited)
        wait_for_turn(t, turn);
}
