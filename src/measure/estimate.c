#include "measure/estimate.h"

#include <stdlib.h>

uint64_t estimate_believed(uint64_t x, uint64_t y, unsigned percent)
{
    unsigned rest = percent < 100 ? 100 - percent : 1;
    /* In two parts, so that no product overflows: x = q * rest + p. */
    uint64_t q = x / rest, p = x % rest, most;
    if (percent && q > UINT64_MAX / percent - percent)
        return y;
    most = q * percent + p * percent / rest;
    return y < most ? y : most;
}

uint64_t estimate_claim(const struct estimate_second *s)
{
    return s->bg_sent < s->bg_recv ? s->bg_sent : s->bg_recv;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t estimate_median(uint64_t *v, size_t n)
{
    if (!n)
        return 0;
    qsort(v, n, sizeof *v, compare);
    uint64_t low = v[(n - 1) / 2], high = v[n / 2];
    return low + (high - low) / 2;
}

/* Of SORTED: where PERCENT of the way from the least to the most ends, between two of them in
 * proportion, so that half of it is the median; 0 of none. PERCENT: 100 at most. */
static uint64_t percentile(const uint64_t *sorted, size_t n, unsigned percent)
{
    if (!n)
        return 0;
    size_t way = (n - 1) * percent, i = way / 100, part = way % 100;
    uint64_t gap = i + 1 < n ? sorted[i + 1] - sorted[i] : 0;
    return sorted[i] + gap / 100 * part + gap % 100 * part / 100;
}

/* What the seconds that count are, one after the other. */
struct counted {
    uint64_t t[ESTIMATE_SECONDS_MOST], x[ESTIMATE_SECONDS_MOST], bg[ESTIMATE_SECONDS_MOST];
    uint64_t cpu[ESTIMATE_SECONDS_MOST], lag[ESTIMATE_SECONDS_MOST];
    uint64_t blocked; /* the sum */
    size_t n;
};

static void count(struct counted *c, const struct estimate_second *s, unsigned percent,
                  struct estimate *out)
{
    uint64_t claim = estimate_claim(s), bg = estimate_believed(s->x, claim, percent);
    out->clamped += bg < claim;
    c->x[c->n] = s->x;
    c->bg[c->n] = bg;
    c->t[c->n] = s->x > UINT64_MAX - bg ? UINT64_MAX : s->x + bg;
    c->cpu[c->n] = s->cpu;
    c->lag[c->n] = s->lag_ms;
    c->blocked += s->blocked;
    c->n++;
}

static void sum_up(struct counted *c, struct estimate *out)
{
    out->counted = (unsigned)c->n;
    out->bw = estimate_median(c->t, c->n);
    out->p10 = percentile(c->t, c->n, 10);
    out->p25 = percentile(c->t, c->n, 25);
    out->p75 = percentile(c->t, c->n, 75);
    out->p90 = percentile(c->t, c->n, 90);
    out->x = estimate_median(c->x, c->n);
    out->bg = estimate_median(c->bg, c->n);
    out->cpu = (unsigned)estimate_median(c->cpu, c->n);
    out->lag_ms = (unsigned)estimate_median(c->lag, c->n);
    out->blocked = c->n ? (unsigned)(c->blocked / c->n) : 0;
    out->limited_by = out->blocked >= ESTIMATE_BLOCKED_LEAST && out->cpu < ESTIMATE_CPU_MOST &&
                              out->lag_ms < ESTIMATE_LAG_MOST_MS
                          ? LIMITED_BY_RELAY
                          : LIMITED_BY_US;
}

err_t estimate_make(const struct estimate_second *seconds, size_t n, size_t skipped,
                    unsigned percent, struct estimate *out)
{
    *out = (struct estimate){.limited_by = LIMITED_BY_US};
    if (n > ESTIMATE_SECONDS_MOST || percent > ESTIMATE_PERCENT_MOST)
        return ERR_ARG;
    struct counted *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    for (size_t i = skipped; i < n; i++)
        if (seconds[i].reported)
            count(c, &seconds[i], percent, out);
    sum_up(c, out);
    bool enough = c->n && 3 * c->n >= 2 * n;
    free(c);
    return enough ? OK : ERR_LIMIT;
}

bool estimate_is_unsteady(const struct estimate *e)
{
    return e->counted >= ESTIMATE_SPREAD_LEAST && e->p75 - e->p25 > e->bw / 2;
}

const char *estimate_limit_text(enum estimate_limit limit)
{
    return limit == LIMITED_BY_RELAY ? "the relay" : "the measurers";
}
