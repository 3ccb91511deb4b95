#include "measure/agree.h"

#include <stdio.h>
#include <string.h>

#include "measure/estimate.h"

static struct agree_measurer *find(const struct agree *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->measurers[i].name, name) == 0)
            return (struct agree_measurer *)&a->measurers[i];
    return NULL;
}

static struct agree_measurer *find_or_add(struct agree *a, const char *name)
{
    struct agree_measurer *m = find(a, name);
    if (m || a->n == AGREE_MEASURERS_MOST)
        return m;
    m = &a->measurers[a->n++];
    *m = (struct agree_measurer){.n = 0};
    snprintf(m->name, sizeof m->name, "%s", name);
    return m;
}

void agree_add(struct agree *a, const char *name, uint64_t alloc, uint64_t all_alloc, uint64_t recv,
               uint64_t all_recv)
{
    struct agree_measurer *m = alloc && all_recv ? find_or_add(a, name) : NULL;
    if (!m)
        return;
    double part = (double)all_recv * (double)alloc / (double)all_alloc;
    double percent = 100 * (double)recv / part;
    m->percent[m->next] = percent < 100000 ? (unsigned)percent : 100000;
    m->next = (m->next + 1) % AGREE_RUNS;
    m->n += m->n < AGREE_RUNS ? 1 : 0;
}

unsigned agree_percent(const struct agree *a, const char *name)
{
    const struct agree_measurer *m = find(a, name);
    uint64_t sorted[AGREE_RUNS];
    if (!m || m->n < AGREE_LEAST)
        return 0;
    for (size_t i = 0; i < m->n; i++)
        sorted[i] = m->percent[i];
    return (unsigned)estimate_median(sorted, m->n);
}

bool agree_is_odd(const struct agree *a, const char *name)
{
    const struct agree_measurer *m = find(a, name);
    size_t low = 0, high = 0;
    if (!m || m->n < AGREE_LEAST)
        return false;
    for (size_t i = 0; i < m->n; i++) {
        low += m->percent[i] < AGREE_LOW_PERCENT ? 1 : 0;
        high += m->percent[i] > AGREE_HIGH_PERCENT ? 1 : 0;
    }
    return 10 * low >= 9 * m->n || 10 * high >= 9 * m->n;
}
