/* The lines of a bandwidth file. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "dirdoc/docw.h"
#include "measure/bwfile_int.h"
#include "measure/estimate.h"

enum { KB = 1000, TIME_MAX = 24 };

/* What all lines are made of. */
struct writing {
    const struct bwfile *b;
    const struct bwfile_config *config;
    struct docw w;
    int64_t newest_s;
    size_t relays;          /* that there are */
    size_t failed, too_old; /* of them: with nothing but errors; with nothing recent */
    unsigned attempts, failures;
    struct bwfile_sum sum;
};

static const char *time_text(int64_t s, char out[TIME_MAX])
{
    struct tm tm;
    time_t t = (time_t)s;
    if (!gmtime_r(&t, &tm) || !strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm))
        memcpy(out, "1970-01-01T00:00:00", sizeof "1970-01-01T00:00:00");
    return out;
}

static unsigned failures(const struct bwfile_relay *r)
{
    return r->attempts > r->good ? r->attempts - r->good : 0;
}

/* ---- sums ---- */

static void count(struct writing *w, const struct bwfile_relay *r)
{
    w->attempts += r->attempts;
    w->failures += failures(r);
    if (r->good) {
        w->sum.measured++;
        w->newest_s = r->measured_s > w->newest_s ? r->measured_s : w->newest_s;
        w->sum.capped += r->is_described && r->average < r->figure ? 1 : 0;
    } else if (r->attempts) {
        w->failed++;
    } else if (r->old) {
        w->too_old++;
    }
}

static uint64_t least_eligible(const struct writing *w)
{
    return ((uint64_t)w->b->n_listed * BWFILE_PERCENT + 99) / 100;
}

static void sum_up(struct writing *w)
{
    for (size_t i = 0; i < w->b->n; i++)
        count(w, w->b->relays[i]);
    w->sum.listed = w->b->n_listed;
    w->sum.unknown = w->b->unknown;
    /* Without a consensus nobody knows what share of the network this is. */
    w->sum.votes = w->b->n_listed && w->sum.measured >= least_eligible(w);
}

/* ---- headers ---- */

static void header_u64(struct writing *w, const char *name, uint64_t value)
{
    docw_fmt(&w->w, "%s=%llu\n", name, (unsigned long long)value);
}

static void header_time(struct writing *w, const char *name, int64_t s)
{
    char text[TIME_MAX];
    docw_fmt(&w->w, "%s=%s\n", name, time_text(s, text));
}

static void write_coverage(struct writing *w)
{
    uint64_t listed = w->b->n_listed, measured = w->sum.measured;
    uint64_t took = (uint64_t)(w->newest_s - w->b->first_s);
    if (!listed)
        return;
    header_u64(w, "number_consensus_relays", listed);
    header_u64(w, "number_eligible_relays", measured);
    header_u64(w, "percent_eligible_relays", measured * 100 / listed);
    header_u64(w, "minimum_percent_eligible_relays", BWFILE_PERCENT);
    header_u64(w, "minimum_number_eligible_relays", least_eligible(w));
    header_u64(w, "time_to_report_half_network", took * listed / 2 / measured);
}

static void write_headers(struct writing *w)
{
    /* "The version Line MUST be the second line" */
    docw_fmt(&w->w, "%lld\nversion=1.6.0\n", (long long)w->newest_s);
    docw_fmt(&w->w, "software=tunic\nsoftware_version=%s\n", w->config->version);
    header_time(w, "file_created", w->b->now_s);
    header_time(w, "generator_started", w->config->started_s);
    header_time(w, "earliest_bandwidth", w->b->first_s);
    header_time(w, "latest_bandwidth", w->newest_s);
    write_coverage(w);
    if (w->config->country)
        docw_fmt(&w->w, "scanner_country=%s\n", w->config->country);
    header_u64(w, "recent_measurement_failure_count", w->failures);
    header_u64(w, "recent_measurements_excluded_error_count", w->failed);
    header_u64(w, "recent_measurements_excluded_near_count", 0); /* one a day is what is wanted */
    header_u64(w, "recent_measurements_excluded_old_count", w->too_old);
    header_u64(w, "recent_measurements_excluded_few_count", 0); /* and one is enough */
    docw_fmt(&w->w, "=====\n");
}

/* ---- relays ---- */

static uint64_t kilobytes(uint64_t bytes)
{
    return bytes >= KB ? bytes / KB : 1; /* bwspec: "a minimum bandwidth of 1 kilobyte" */
}

/* To DIGITS significant ones; 0: as it is. */
static uint64_t rounded(uint64_t kb, unsigned digits, uint64_t most)
{
    uint64_t unit = 1, limit = 1;
    for (unsigned i = 0; i < digits; i++)
        limit *= 10;
    while (digits && kb / unit >= limit)
        unit *= 10;
    uint64_t near = (kb + unit / 2) / unit * unit;
    return near <= most ? near : kb / unit * unit;
}

static uint64_t bw_kb(const struct bwfile_relay *r, unsigned digits)
{
    /* What it says that it gives at most it will not exceed, whatever was seen. */
    uint64_t most = r->is_described ? kilobytes(r->average) : UINT64_MAX;
    uint64_t kb = kilobytes(r->figure);
    return rounded(kb < most ? kb : most, digits, most);
}

static void put_runs(struct docw *w, const struct bwfile_relay *r)
{
    uint64_t bw[BWFILE_RUNS], sum = 0;
    size_t n = r->good < BWFILE_RUNS ? r->good : BWFILE_RUNS;
    memcpy(bw, r->bw, n * sizeof *bw);
    for (size_t i = 0; i < n; i++)
        sum += bw[i];
    docw_fmt(w, " bw_mean=%llu bw_median=%llu", (unsigned long long)(sum / n),
             (unsigned long long)estimate_median(bw, n));
}

static void put_described(struct docw *w, const struct bwfile_relay *r)
{
    if (r->is_listed)
        docw_fmt(w, " consensus_bandwidth=%llu consensus_bandwidth_is_unmeasured=%s",
                 (unsigned long long)r->weight_kb * KB, r->is_unmeasured ? "True" : "False");
    if (r->is_described)
        docw_fmt(w, " desc_bw_avg=%llu desc_bw_bur=%llu desc_bw_obs_last=%llu",
                 (unsigned long long)r->average, (unsigned long long)r->burst,
                 (unsigned long long)r->observed);
}

static void put_counts(struct docw *w, const struct bwfile_relay *r)
{
    unsigned errors = r->circ_errors + r->misc_errors, failed = failures(r);
    /* What began and never ended is an error of nobody in particular. */
    unsigned cut = failed > errors ? failed - errors : 0;
    docw_fmt(w,
             " success=%u error_circ=%u error_misc=%u relay_recent_measurement_attempt_count=%u"
             " relay_recent_measurement_failure_count=%u"
             " relay_recent_measurements_excluded_error_count=%u"
             " relay_recent_measurements_excluded_near_count=0"
             " relay_recent_measurements_excluded_old_count=%u"
             " relay_recent_measurements_excluded_few_count=0",
             r->good, r->circ_errors, r->misc_errors + cut, r->attempts, failed, failed, r->old);
}

static void put_measured(struct writing *w, const struct bwfile_relay *r)
{
    char text[TIME_MAX];
    put_runs(&w->w, r);
    docw_fmt(&w->w, " time=%s", time_text(r->measured_s, text));
    docw_fmt(&w->w, " ff_mode=%s ff_x=%llu ff_bg=%llu ff_clamped=%llu ff_limited_by=%s", r->mode,
             (unsigned long long)r->x, (unsigned long long)r->bg, (unsigned long long)r->clamped,
             r->limited_by[0] ? r->limited_by : "unknown");
}

static void put_unmeasured(struct writing *w, const struct bwfile_relay *r)
{
    char text[TIME_MAX];
    if (r->failed_s)
        docw_fmt(&w->w, " time=%s", time_text(r->failed_s, text));
    docw_fmt(&w->w, " ff_why=%s",
             r->why[0]     ? r->why
             : r->attempts ? "cut_short"
             : r->old      ? "old"
                           : "not_tried");
}

/* Of an authority without a figure nothing is said: nobody measures those. */
static void write_relay(struct writing *w, const struct bwfile_relay *r)
{
    if (!r->good && r->is_authority)
        return;
    docw_fmt(&w->w, "node_id=$");
    docw_hex(&w->w, r->rsa.b, sizeof r->rsa.b);
    if (r->ed[0])
        docw_fmt(&w->w, " master_key_ed25519=%s", r->ed);
    /* bwspec: "Implementations MUST also set bw=1 for unmeasured relays. But they MUST NOT change
     * the bw for under_min_report relays." */
    docw_fmt(&w->w, " bw=%llu", r->good ? (unsigned long long)bw_kb(r, w->config->digits) : 1ull);
    if (!r->good)
        docw_fmt(&w->w, " vote=0 unmeasured=1");
    else if (!w->sum.votes)
        docw_fmt(&w->w, " vote=0");
    if (!w->sum.votes)
        docw_fmt(&w->w, " under_min_report=1");
    if (r->nickname[0])
        docw_fmt(&w->w, " nick=%s", r->nickname);
    if (r->good)
        put_measured(w, r);
    else
        put_unmeasured(w, r);
    put_counts(&w->w, r);
    put_described(&w->w, r);
    docw_fmt(&w->w, "\n");
}

err_t bwfile_write(const struct bwfile *b, const struct bwfile_config *config, char **out,
                   struct bwfile_sum *sum)
{
    struct writing w = {.b = b, .config = config};
    sum_up(&w);
    *sum = w.sum;
    *out = NULL;
    if (!w.sum.measured)
        return ERR_NOT_FOUND;
    write_headers(&w);
    for (size_t i = 0; i < b->n; i++)
        write_relay(&w, b->relays[i]);
    *out = w.w.err == OK ? text_dup(docw_text(&w.w)) : NULL;
    docw_free(&w.w);
    return *out ? OK : ERR_NOMEM;
}
