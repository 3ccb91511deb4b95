/* Circuit build timeout: how long to wait for a circuit, learnt from how long circuits took
 * (path-spec 2.4).
 *
 * Build times of three-hop circuits are kept, the last 1000. A Pareto curve is fitted to them; the
 * timeout is its 80% quantile. A circuit that is slower is given up for use but goes on building
 * until the close timeout, so that the tail of the curve is measured too. All times are in
 * milliseconds. */
#ifndef TUNIC_PATH_CBT_H
#define TUNIC_PATH_CBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "dir/consensus.h"
#include "path/state.h"

struct cbt;

enum { CBT_HISTORY = 1000, CBT_BIN_MS = 10 };

struct cbt *cbt_new(struct env *env); /* learning, with tor's defaults; NULL out of memory */
void cbt_free(struct cbt **c);

/* LearnCircuitBuildTimeout and CircuitBuildTimeout (0: not set), and the consensus's cbt*
 * parameters (NULL: their defaults). Without learning (or with parameter cbtdisabled)
 * CircuitBuildTimeout or 60 seconds hold; with it they are what to begin with. */
void cbt_configure(struct cbt *c, bool learn, uint32_t timeout_s, const struct consensus *cons);

/* TotalBuildTimes, CircuitBuildTimeBin, CircuitBuildAbandonedCount. ERR_MALFORMED: they contradict
 * each other; learning starts afresh. */
MUST_USE err_t cbt_load(struct cbt *c, const struct state *s);
MUST_USE err_t cbt_save(struct cbt *c, struct state *s);
bool cbt_dirty(const struct cbt *c); /* ten times or more were added since the last save */

/* Times count of circuits to their third hop, however many there are (path-spec 2.4.1). */
enum { CBT_HOPS = 3 };

/* The timeouts of a circuit of HOPS hops, counted from when its building began. */
uint32_t cbt_timeout_ms(const struct cbt *c, unsigned hops);
uint32_t cbt_close_ms(const struct cbt *c, unsigned hops);

/* What the conductor reports. The life of a circuit that counts (three hops or more, all of them
 * chosen anew, not cannibalized):
 * - its third hop answered after BUILD_MS; IN_TIME unless cbt_timed_out() was told before;
 * - it passed the timeout (once a circuit); FIRST_HOP_DONE: at least that one had answered;
 * - it passed the close timeout too and is closed; BEGAN_US is env->mono_us when it began. */
void cbt_built(struct cbt *c, uint64_t build_ms, bool in_time);
void cbt_timed_out(struct cbt *c, bool first_hop_done);
void cbt_closed(struct cbt *c, uint64_t began_us);
/* The times are to be learnt anew; the timeout stays what it is until then. */
void cbt_forget(struct cbt *c);
/* Any cell or handshake byte came from the network; the last ones at HEARD_US, which may be long
 * ago: what is older than is known already says nothing. */
void cbt_network_live(struct cbt *c);
void cbt_network_heard(struct cbt *c, uint64_t heard_us);
bool cbt_network_is_live(const struct cbt *c);

/* What its watch hears of: a timeout was worked out anew; the times were forgotten, for they are of
 * another network; the network has fallen silent, or is there, for the first time or again. */
enum cbt_news { CBT_COMPUTED, CBT_RESET, CBT_NETWORK_DOWN, CBT_NETWORK_UP };
/* TOLD is called as it happens, and may not call back but for cbt_info(); NULL: nobody is. */
void cbt_set_watch(struct cbt *c, void (*told)(void *arg, enum cbt_news news), void *arg);

/* Whether there are still too few times: then build a circuit for the sake of its time every
 * cbt_test_interval_s(), while fewer than cbt_max_open() circuits are open. */
bool cbt_wants_circuits(const struct cbt *c);
uint32_t cbt_test_interval_s(const struct cbt *c);
uint32_t cbt_max_open(const struct cbt *c);
/* How long an unused circuit is kept while learning (cbtlearntimeout). */
uint32_t cbt_learn_idle_s(const struct cbt *c);

/* Figures for display (control port's BUILDTIMEOUT_SET). */
struct cbt_info {
    bool learning, computed;
    unsigned n_times, n_abandoned;
    uint32_t xm_ms, timeout_ms, close_ms;
    double alpha, quantile;
    double timeout_rate, close_rate;
    unsigned resets;
};
void cbt_info(const struct cbt *c, struct cbt_info *out);

#endif
