#include "path/cbt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "path/cbt_int.h"

void cbt_start_over(struct cbt *c)
{
    memset(c->times, 0, sizeof c->times);
    c->n = c->next = 0;
    c->computed = false;
    c->n_succeeded = c->n_timed_out = c->n_closed = 0;
    memset(c->recent, 0, sizeof c->recent);
    c->next_recent = 0;
}

struct cbt *cbt_new(struct env *env)
{
    struct cbt *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->env = env;
    c->live_us = env->mono_us;
    cbt_configure(c, true, 0, NULL);
    return c;
}

void cbt_set_watch(struct cbt *c, void (*told)(void *arg, enum cbt_news news), void *arg)
{
    c->told = told;
    c->told_arg = arg;
}

static void tell(const struct cbt *c, enum cbt_news news)
{
    if (c->told)
        c->told(c->told_arg, news);
}

void cbt_free(struct cbt **c)
{
    free(*c);
    *c = NULL;
}

static int time_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

size_t cbt_bins(const struct cbt *c, struct cbt_bin out[CBT_HISTORY])
{
    uint32_t sorted[CBT_HISTORY];
    memcpy(sorted, c->times, c->n * sizeof *sorted);
    qsort(sorted, c->n, sizeof *sorted, time_order);
    size_t n = 0;
    for (size_t i = 0; i < c->n && sorted[i] != CBT_ABANDONED; i++) {
        uint32_t mid = sorted[i] / CBT_BIN_MS * CBT_BIN_MS + CBT_BIN_MS / 2;
        if (!n || out[n - 1].mid_ms != mid)
            out[n++] = (struct cbt_bin){.mid_ms = mid};
        out[n - 1].count++;
    }
    return n;
}

/* path-spec 2.4.3: "the weighted average of the midpoints of the 'cbtnummodes' (10) most frequently
 * occurring 10ms histogram bins. Ties are broken in favor of earlier bins" */
static uint32_t estimate_xm(const struct cbt *c)
{
    struct cbt_bin bins[CBT_HISTORY];
    size_t n = cbt_bins(c, bins);
    uint64_t sum_ms = 0, count = 0;
    for (uint32_t mode = 0; mode < c->p.n_modes && mode < n; mode++) {
        struct cbt_bin *most = &bins[0];
        for (size_t i = 1; i < n; i++)
            if (bins[i].count > most->count)
                most = &bins[i];
        sum_ms += (uint64_t)most->mid_ms * most->count;
        count += most->count;
        most->count = 0;
    }
    return count ? (uint32_t)(sum_ms / count) : 0;
}

/* path-spec 2.4.3: "alpha = n/(Sum_n{ln(MAX(Xm, x_i))} - n*ln(Xm))" */
static double estimate_alpha(const struct cbt *c)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->times[i] == CBT_ABANDONED)
            continue;
        sum += log(c->times[i] > c->xm_ms ? c->times[i] : c->xm_ms);
        n++;
    }
    sum -= n * log(c->xm_ms);
    return sum > 0 ? n / sum : INFINITY;
}

/* path-spec 2.4.3: "F(q) = Xm/((1.0-q)^(1.0/alpha))" */
static double curve_ms(const struct cbt *c, uint32_t percent)
{
    double part = pow(1.0 - percent / 100.0, 1.0 / c->alpha);
    double ms = part > 0 ? c->xm_ms / part : INT32_MAX;
    return ms < INT32_MAX ? ms : INT32_MAX;
}

static uint32_t longest_ms(const struct cbt *c)
{
    uint32_t most = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->times[i] != CBT_ABANDONED && c->times[i] > most)
            most = c->times[i];
    return most;
}

void cbt_compute(struct cbt *c)
{
    uint32_t xm = c->n >= c->p.min_circs ? estimate_xm(c) : 0;
    if (!c->learning || !xm)
        return;
    c->xm_ms = xm;
    c->alpha = estimate_alpha(c);
    /* "timeout_ms = MIN(timeout_ms, max_observed_timeout)
     *  close_ms = MAX(MIN(close_ms, 2*max_observed_timeout), 'cbtinitialtimeout')" */
    double longest = longest_ms(c);
    c->timeout_ms = fmin(curve_ms(c, c->p.quantile), longest);
    c->close_ms = fmin(curve_ms(c, c->p.close_quantile), 2 * longest);
    c->close_ms = fmax(c->close_ms, c->p.close_least_ms);
    if (c->timeout_ms < c->p.min_ms) {
        c->timeout_ms = c->p.min_ms;
        c->close_ms = fmax(c->close_ms, c->timeout_ms);
    }
    c->computed = true;
    tell(c, CBT_COMPUTED);
}

static void read_params(struct cbt *c, const struct consensus *cons, uint32_t timeout_s)
{
    struct cbt_params *p = &c->p;
#define PARAM(name, fallback, least, most) \
    ((uint32_t)consensus_param(cons, "cbt" name, fallback, least, most))
    p->min_ms = PARAM("mintimeout", CBT_BIN_MS, CBT_BIN_MS, INT32_MAX);
    p->initial_ms = PARAM("initialtimeout", 60000, CBT_BIN_MS, INT32_MAX);
    p->close_least_ms = p->initial_ms > p->min_ms ? p->initial_ms : p->min_ms;
    if (timeout_s)
        p->initial_ms = timeout_s < INT32_MAX / 1000 ? timeout_s * 1000 : INT32_MAX;
    if (c->learning && p->initial_ms < p->min_ms)
        p->initial_ms = p->min_ms;
    p->min_circs = PARAM("mincircs", 100, 1, 10000);
    p->n_modes = PARAM("nummodes", 10, 1, 20);
    p->max_timeouts = PARAM("maxtimeouts", 18, 3, 10000);
    p->quantile = PARAM("quantile", 80, 10, 99);
    p->close_quantile = PARAM("closequantile", 99, 10, 99);
    if (p->close_quantile < p->quantile)
        p->close_quantile = p->quantile;
    p->test_interval_s = PARAM("testfreq", 10, 1, INT32_MAX);
    p->max_open = PARAM("maxopencircs", 10, 0, 14);
    p->learn_idle_s = PARAM("learntimeout", 180, 10, 60000);
    uint32_t recent = PARAM("recentcount", 20, 3, CBT_RECENT_MAX);
    if (recent != p->recent) {
        memset(c->recent, 0, sizeof c->recent);
        c->next_recent = 0;
        p->recent = recent;
    }
#undef PARAM
}

void cbt_configure(struct cbt *c, bool learn, uint32_t timeout_s, const struct consensus *cons)
{
    uint32_t initial_ms = c->p.initial_ms;
    bool disabled = consensus_param(cons, "cbtdisabled", 0, 0, 1) == 1;
    c->learning = learn && !disabled;
    read_params(c, cons, timeout_s);
    /* "If 1, all CircuitBuildTime learning code should be disabled and history should be
     * discarded." */
    if (disabled)
        cbt_start_over(c);
    if (!c->learning)
        c->computed = false;
    if (!c->learning || (!c->computed && initial_ms != c->p.initial_ms))
        c->timeout_ms = c->close_ms = c->p.initial_ms;
    cbt_compute(c);
}

void cbt_add_time(struct cbt *c, uint32_t ms)
{
    c->times[c->next] = ms;
    c->next = (c->next + 1) % CBT_HISTORY;
    if (c->n < CBT_HISTORY)
        c->n++;
    c->unsaved++;
}

static void note_recent(struct cbt *c, bool timed_out)
{
    c->recent[c->next_recent] = timed_out;
    c->next_recent = (c->next_recent + 1) % c->p.recent;
}

void cbt_built(struct cbt *c, uint64_t build_ms, bool in_time)
{
    if (!c->learning)
        return;
    /* It took far longer than a circuit may live unbuilt: the clock jumped, or the machine
     * slept. */
    if ((double)build_ms > 2 * c->close_ms + 1000 || build_ms >= CBT_ABANDONED) {
        log_notice(c->env->log,
                   "Strange value for circuit build time: %llu ms. Assuming clock jump.",
                   (unsigned long long)build_ms);
        return;
    }
    if (cbt_network_is_live(c)) {
        cbt_add_time(c, build_ms ? (uint32_t)build_ms : 1);
        cbt_compute(c);
    }
    if (in_time) {
        c->n_succeeded++;
        note_recent(c, false);
    }
}

/* path-spec 2.4.5: too many of the recent circuits timed out, so the network is another one, and
 * what was learnt of the old one would mislead. */
static void forget_network(struct cbt *c)
{
    double timeout_ms = c->timeout_ms;
    cbt_start_over(c);
    c->resets++;
    c->unsaved = CBT_SAVE_EVERY;
    /* "If the timeout was already at least `cbtinitialtimeout`, the client doubles the timeout." */
    if (timeout_ms < c->p.initial_ms) {
        c->timeout_ms = c->close_ms = c->p.initial_ms;
    } else if (c->timeout_ms <= INT32_MAX / 2 && c->close_ms <= INT32_MAX / 2) {
        c->timeout_ms *= 2;
        c->close_ms *= 2;
    }
    log_notice(c->env->log,
               "Your network connection speed appears to have changed. Resetting timeout to %.0f "
               "ms.",
               c->timeout_ms);
    tell(c, CBT_RESET);
}

void cbt_forget(struct cbt *c)
{
    cbt_start_over(c);
    c->unsaved = CBT_SAVE_EVERY;
    tell(c, CBT_RESET);
}

void cbt_timed_out(struct cbt *c, bool first_hop_done)
{
    if (!c->learning)
        return;
    c->n_timed_out++;
    /* "a history of [...] circuits that successfully completed at least one hop" */
    if (!first_hop_done)
        return;
    note_recent(c, true);
    size_t n = 0;
    for (size_t i = 0; i < c->p.recent; i++)
        n += c->recent[i];
    if (n >= c->p.max_timeouts)
        forget_network(c);
}

void cbt_closed(struct cbt *c, uint64_t began_us)
{
    if (!c->learning)
        return;
    c->n_closed++;
    /* Nothing came from the network while the circuit lived: that says nothing about circuits. */
    if (c->live_us < began_us && c->n_nonlive++ == 0) {
        log_notice(c->env->log, "No network activity for %llu s: circuit build times do not count.",
                   (unsigned long long)((c->env->mono_us - c->live_us) / US_PER_SEC));
        tell(c, CBT_NETWORK_DOWN);
    }
    if (!cbt_network_is_live(c))
        return;
    cbt_add_time(c, CBT_ABANDONED);
    cbt_compute(c);
}

void cbt_network_live(struct cbt *c)
{
    bool was_live = cbt_network_is_live(c);
    c->live_us = c->env->mono_us;
    c->n_nonlive = 0;
    if (!was_live || !c->heard)
        tell(c, CBT_NETWORK_UP);
    c->heard = true;
}

void cbt_network_heard(struct cbt *c, uint64_t heard_us)
{
    if (heard_us <= c->live_us && c->heard)
        return;
    cbt_network_live(c);
    c->live_us = heard_us;
}

bool cbt_network_is_live(const struct cbt *c)
{
    return c->n_nonlive == 0;
}

/* path-spec 2.4.3: "timeout_ms[hops=n] = timeout_ms * Actions(N) / Actions(3)", "Actions(N) = N *
 * (N
 * + 1) / 2". Shorter circuits get the time of three hops, as in tor: one hop may be all that is
 * slow.
 */
static uint32_t scaled_ms(double ms, unsigned hops)
{
    if (hops > CBT_HOPS)
        ms = ms * hops * (hops + 1) / 12;
    return ms < INT32_MAX ? (uint32_t)lround(ms) : INT32_MAX;
}

uint32_t cbt_timeout_ms(const struct cbt *c, unsigned hops)
{
    return scaled_ms(c->timeout_ms, hops);
}

uint32_t cbt_close_ms(const struct cbt *c, unsigned hops)
{
    return scaled_ms(c->close_ms, hops);
}

bool cbt_wants_circuits(const struct cbt *c)
{
    /* min_circs over CBT_HISTORY means that there will never be enough. */
    return c->learning && c->n < c->p.min_circs && c->n < CBT_HISTORY && cbt_network_is_live(c);
}

uint32_t cbt_test_interval_s(const struct cbt *c)
{
    return c->p.test_interval_s;
}

uint32_t cbt_max_open(const struct cbt *c)
{
    return c->p.max_open;
}

uint32_t cbt_learn_idle_s(const struct cbt *c)
{
    return c->p.learn_idle_s;
}

void cbt_info(const struct cbt *c, struct cbt_info *out)
{
    uint64_t used = c->n_succeeded + c->n_timed_out;
    *out = (struct cbt_info){.learning = c->learning,
                             .computed = c->computed,
                             .n_times = (unsigned)c->n,
                             .xm_ms = c->computed ? c->xm_ms : 0,
                             .timeout_ms = cbt_timeout_ms(c, 3),
                             .close_ms = cbt_close_ms(c, 3),
                             .alpha = c->computed ? c->alpha : 0,
                             .quantile = c->p.quantile / 100.0,
                             .timeout_rate = used ? (double)c->n_timed_out / (double)used : 0,
                             .close_rate = used ? (double)c->n_closed / (double)used : 0,
                             .resets = c->resets};
    for (size_t i = 0; i < c->n; i++)
        out->n_abandoned += c->times[i] == CBT_ABANDONED;
}
