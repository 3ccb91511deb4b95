#include "dir/weight.h"

#include <stdbool.h>
#include <stdlib.h>

/* A factor is at most this: with 32 bits of bandwidth and CONSENSUS_RELAYS_MAX = 2^16 relays, the
 * sum stays below 2^64. The usual scale, 10000, is below it. */
#define FACTOR_MAX (UINT32_C(1) << 15)

/* The weight that applies to a relay, by position (dir-spec 3.8.3): of relays without flags, with
 * Exit, with Guard, with both. */
struct rule {
    enum dir_weight plain, exit, guard, both;
};

static const struct rule rules[] = {
    /* path-spec leaves relays without the Guard flag out of this position, but the weight of the
     * flagged ones does the work; relays that are Exit only never guard. */
    [WEIGHT_FOR_GUARD] = {DIR_Wgm, DIR_WEIGHT_N, DIR_Wgg, DIR_Wgd},
    [WEIGHT_FOR_MIDDLE] = {DIR_Wmm, DIR_Wme, DIR_Wmg, DIR_Wmd},
    [WEIGHT_FOR_EXIT] = {DIR_Wem, DIR_Wee, DIR_Weg, DIR_Wed},
    [WEIGHT_FOR_DIR] = {DIR_Wbm, DIR_Wbe, DIR_Wbg, DIR_Wbd},
};
/* Multiplied on top for relays that answer directory requests. */
static const struct rule cache_rule = {DIR_Wmb, DIR_Web, DIR_Wgb, DIR_Wdb};

/* The weight or, for DIR_WEIGHT_N, zero; false if it is needed and missing. */
static bool lookup(const struct consensus *c, enum dir_weight which, uint64_t scale, uint64_t *out)
{
    *out = 0;
    if (which == DIR_WEIGHT_N)
        return true;
    if (c->weights[which] < 0)
        return false;
    *out = (uint64_t)c->weights[which] < scale ? (uint64_t)c->weights[which] : scale;
    return true;
}

static bool lookup_all(const struct consensus *c, const struct rule *rule, uint64_t scale,
                       uint64_t out[2][2])
{
    return lookup(c, rule->plain, scale, &out[0][0]) && lookup(c, rule->exit, scale, &out[0][1]) &&
           lookup(c, rule->guard, scale, &out[1][0]) && lookup(c, rule->both, scale, &out[1][1]);
}

static void weights_equal(struct weights *w)
{
    for (size_t i = 0; i < 8; i++)
        w->factor[i >> 2][i >> 1 & 1][i & 1] = 1;
}

void weights_init(struct weights *w, const struct consensus *c, enum weight_for position)
{
    uint64_t scale = (uint64_t)consensus_param(c, "bwweightscale", 10000, 1, INT32_MAX);
    uint64_t of[2][2], cache[2][2];
    bool twice = position != WEIGHT_FOR_DIR;
    if (position == WEIGHT_FOR_ANY || !c || !lookup_all(c, &rules[position], scale, of) ||
        (twice && !lookup_all(c, &cache_rule, scale, cache))) {
        weights_equal(w);
        return;
    }
    for (size_t g = 0; g < 2; g++) {
        for (size_t x = 0; x < 2; x++) {
            uint64_t plain = of[g][x], cached = twice ? of[g][x] * cache[g][x] / scale : of[g][x];
            if (scale > FACTOR_MAX) {
                plain = plain * FACTOR_MAX / scale;
                cached = cached * FACTOR_MAX / scale;
            }
            w->factor[0][g][x] = (uint32_t)plain;
            w->factor[1][g][x] = (uint32_t)cached;
        }
    }
}

uint64_t weights_of(const struct weights *w, const struct router *r)
{
    bool exit = router_is(r, ROUTER_EXIT) && !router_is(r, ROUTER_BADEXIT);
    return (uint64_t)r->bandwidth *
           w->factor[router_is_dircache(r)][router_is(r, ROUTER_GUARD)][exit];
}

const struct router *weights_choose(const struct weights *w, struct env *env,
                                    const struct router *const *list, size_t n)
{
    if (!n)
        return NULL;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weights_of(w, list[i]);
    if (!sum)
        return list[env_random_below(env, n)];
    uint64_t at = env_random_below(env, sum);
    for (size_t i = 0; i < n; i++) {
        uint64_t weight = weights_of(w, list[i]);
        if (at < weight)
            return list[i];
        at -= weight;
    }
    return list[n - 1]; /* not reached: the sum is theirs */
}

/* ---- all rows at once ---- */

enum { ROWS_A_SUM = 32 };

struct weight_sums {
    struct weights w;
    size_t n;       /* sums */
    uint64_t sum[]; /* of all rows before the I-th thirty-two and of these */
};

struct weight_sums *weight_sums_new(const struct consensus *c, enum weight_for position)
{
    size_t n = (c->n_relays + ROWS_A_SUM - 1) / ROWS_A_SUM;
    struct weight_sums *s = malloc(sizeof *s + n * sizeof s->sum[0]);
    uint64_t sum = 0;
    if (!s)
        return NULL;
    weights_init(&s->w, c, position);
    s->n = n;
    for (size_t i = 0; i < c->n_relays; i++) {
        sum += weights_of(&s->w, &c->relays[i]);
        s->sum[i / ROWS_A_SUM] = sum;
    }
    return s;
}

const struct router *weight_sums_draw(const struct weight_sums *s, const struct consensus *c,
                                      struct env *env)
{
    size_t low = 0, high = s->n;
    if (!s->n || !s->sum[s->n - 1])
        return NULL;
    uint64_t at = env_random_below(env, s->sum[s->n - 1]);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->sum[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    at -= low ? s->sum[low - 1] : 0;
    const struct router *r = &c->relays[low * ROWS_A_SUM];
    for (uint64_t weight; at >= (weight = weights_of(&s->w, r)); r++)
        at -= weight;
    return r;
}
