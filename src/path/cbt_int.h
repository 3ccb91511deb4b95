/* Inside of the circuit build timeout: shared by cbt.c (learning) and cbt_file.c (the state file's
 * lines). Nobody else includes this. */
#ifndef TUNIC_PATH_CBT_INT_H
#define TUNIC_PATH_CBT_INT_H

#include "path/cbt.h"

enum {
    CBT_ABANDONED = INT32_MAX - 1, /* in place of a time: closed before it was built */
    CBT_RECENT_MAX = 1000,
    CBT_SAVE_EVERY = 10,
};

/* path-spec 2.4.6 */
struct cbt_params {
    uint32_t initial_ms, min_ms;
    uint32_t close_least_ms; /* cbtinitialtimeout, whatever CircuitBuildTimeout says */
    uint32_t min_circs, n_modes, recent, max_timeouts;
    uint32_t quantile, close_quantile; /* per cent */
    uint32_t test_interval_s, max_open, learn_idle_s;
};

struct cbt {
    struct env *env;
    bool learning;
    bool computed; /* timeouts come from the curve */
    struct cbt_params p;
    uint32_t times[CBT_HISTORY]; /* a ring; ms, or CBT_ABANDONED; 0: none yet */
    size_t n, next;
    double timeout_ms, close_ms;
    uint32_t xm_ms;
    double alpha;
    bool recent[CBT_RECENT_MAX]; /* a ring of circuits that got past one hop: whether they timed out
                                  */
    size_t next_recent;
    uint64_t live_us; /* when the network was last seen alive */
    uint32_t n_nonlive;
    bool heard; /* anything of the network, ever */
    uint64_t n_succeeded, n_timed_out, n_closed;
    unsigned resets, unsaved;
    void (*told)(void *arg, enum cbt_news news); /* or NULL */
    void *told_arg;
};

/* A bin of the histogram that is not empty. */
struct cbt_bin {
    uint32_t mid_ms, count;
};

void cbt_start_over(struct cbt *c);
void cbt_add_time(struct cbt *c, uint32_t ms);
void cbt_compute(struct cbt *c); /* new timeouts, if there are enough times */
/* The histogram of what is kept, ascending; returns how many bins. */
size_t cbt_bins(const struct cbt *c, struct cbt_bin out[CBT_HISTORY]);

#endif
