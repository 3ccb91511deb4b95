/* Build times in the state file (path-spec 2.4.2): a histogram, "CircuitBuildTimeBin MIDPOINT
 * COUNT".
 */
#include <stdio.h>
#include <stdlib.h>

#include "path/cbt_int.h"

enum { TOTAL_MAX = 100000, LOAD_LINES_MAX = 4096 };

bool cbt_dirty(const struct cbt *c)
{
    return c->unsaved >= CBT_SAVE_EVERY;
}

static err_t number(const struct state *s, const char *key, uint64_t most, uint64_t *out)
{
    const char *value = state_get(s, key, 0);
    *out = 0;
    return value && text_u64(value, most, out) != OK ? ERR_MALFORMED : OK;
}

/* All times that the file holds, at most CAP of them; counts what it says. */
static err_t load_bins(const struct state *s, uint32_t *times, size_t cap, size_t *n)
{
    const char *line;
    for (size_t i = 0; i < LOAD_LINES_MAX && (line = state_get(s, "CircuitBuildTimeBin", i)); i++) {
        struct text rest = text_of(line), ms_text, count_text;
        uint64_t ms, count;
        if (!text_token(&rest, &ms_text) || !text_token(&rest, &count_text) ||
            text_to_u64(ms_text, CBT_ABANDONED - 1, &ms) != OK || !ms ||
            text_to_u64(count_text, cap, &count) != OK || count > cap - *n)
            return ERR_MALFORMED;
        while (count--)
            times[(*n)++] = (uint32_t)ms;
    }
    return OK;
}

static err_t load_times(struct cbt *c, const struct state *s, uint32_t *times, size_t total,
                        size_t abandoned)
{
    size_t n = 0;
    if (abandoned > total)
        return ERR_MALFORMED;
    TRY(load_bins(s, times, total - abandoned, &n));
    if (n != total - abandoned)
        return ERR_MALFORMED;
    while (n < total)
        times[n++] = CBT_ABANDONED;
    /* path-spec 2.4.2: "The timeouts recorded in the histogram must be shuffled after being read
     * from disk, to preserve a proper expiration of old values after restart." */
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)env_random_below(c->env, i);
        uint32_t t = times[k];
        times[k] = times[i - 1];
        times[i - 1] = t;
    }
    for (size_t i = 0; i < n && i < CBT_HISTORY; i++)
        cbt_add_time(c, times[i]);
    return OK;
}

err_t cbt_load(struct cbt *c, const struct state *s)
{
    uint64_t total, abandoned;
    cbt_start_over(c);
    c->timeout_ms = c->close_ms = c->p.initial_ms;
    c->unsaved = 0;
    TRY(number(s, "TotalBuildTimes", TOTAL_MAX, &total));
    TRY(number(s, "CircuitBuildAbandonedCount", TOTAL_MAX, &abandoned));
    uint32_t *times = calloc((size_t)total + 1, sizeof *times);
    if (!times)
        return ERR_NOMEM;
    err_t e = load_times(c, s, times, (size_t)total, (size_t)abandoned);
    free(times);
    c->unsaved = 0;
    cbt_compute(c);
    return e;
}

static err_t save_number(struct state *s, const char *key, uint64_t x)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)x);
    return state_set(s, key, (const char *const[]){text}, 1);
}

struct bin_text {
    char s[24];
};

err_t cbt_save(struct cbt *c, struct state *s)
{
    struct cbt_bin bins[CBT_HISTORY];
    size_t n = cbt_bins(c, bins);
    struct bin_text *texts = calloc(n + 1, sizeof *texts);
    const char **values = calloc(n + 1, sizeof *values);
    err_t e = texts && values ? OK : ERR_NOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < n && e == OK; i++) {
        snprintf(texts[i].s, sizeof texts[i].s, "%u %u", bins[i].mid_ms, bins[i].count);
        values[i] = texts[i].s;
        kept += bins[i].count;
    }
    if (e == OK)
        e = state_set(s, "CircuitBuildTimeBin", values, n);
    if (e == OK)
        e = save_number(s, "TotalBuildTimes", c->n);
    if (e == OK)
        e = save_number(s, "CircuitBuildAbandonedCount", c->n - kept);
    free(texts);
    free(values);
    if (e == OK)
        c->unsaved = 0;
    return e;
}
