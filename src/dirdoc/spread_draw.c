/* What is drawn at random, by weights that others say. */
#include "dirdoc/spread_int.h"

uint64_t spread_below(struct spread *s, uint64_t n)
{
    return env_random_below(s->env, n);
}

bool spread_happens(struct spread *s, unsigned permyriad)
{
    return spread_below(s, WHOLE) < permyriad;
}

const void *spread_row(struct spread *s, const void *table, size_t n, size_t size)
{
    const char *rows = table;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += *(const unsigned *)(const void *)(rows + i * size);
    uint64_t at = spread_below(s, sum);
    for (size_t i = 0; i + 1 < n; i++) {
        unsigned weight = *(const unsigned *)(const void *)(rows + i * size);
        if (at < weight)
            return rows + i * size;
        at -= weight;
    }
    return rows + (n - 1) * size;
}
