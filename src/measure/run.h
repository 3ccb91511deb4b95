/* Run: one relay's measurement as the coordinator sees it, by one measurer or a team of them.
 *
 *     NEGOTIATE --(the relay grants)--> CONNECTING --(all have their circuits)--> RUNNING --> DONE
 *         \_________________________________|___________________________________|______> FAILED
 *
 * A pure machine: whom it tells what goes through struct run_ops, whoever carries that tells it
 * what came back. So measurers may be machines in this process (`tunic measure run --local`) or
 * processes elsewhere; relays may be asked over a circuit (relay_talk.h), or not at all where they
 * do not know measuring. Rates are in bytes a second. */
#ifndef TUNIC_MEASURE_RUN_H
#define TUNIC_MEASURE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "cell/measurement.h"
#include "measure/estimate.h"
#include "measure/measurement.h"

enum {
    RUN_MEMBERS_MOST = MEAS_MEASURERS_MAX,
    RUN_NEGOTIATE_MS = 10 * 1000, /* a relay that does not know measuring says nothing */
    RUN_CONNECT_MS = 38 * 1000,   /* TCP 10, handshake 10, circuits 15, and the way of the answer */
    RUN_HOLD_MS = 40 * 1000,      /* circuits that stand are held for so long */
    RUN_REPORT_MS = 3 * 1000,     /* a report, or the relay's, may be so late */
    RUN_STALL_S = 5,              /* a relay that gives nothing back for so long has stopped */
    RUN_SKEW_MS = 500,            /* so far measurers' seconds may lie apart, and count */
    RUN_LEAD_S = 3,        /* of what the relay allows from being asked on, what connecting takes */
    RUN_EARLY_S = 15,      /* an adaptive run may end from here on, */
    RUN_EARLY_PERCENT = 5, /* once its quartiles are so near, in percent of the median */
};

enum run_state { RUN_NEGOTIATE, RUN_CONNECTING, RUN_RUNNING, RUN_DONE, RUN_FAILED };

/* A measurer that takes part. */
struct run_member {
    char name[MEAS_NAME_MAX + 1];
    struct ed_id identity; /* which its links prove */
    uint64_t free_bw;      /* what it has left to give */
    unsigned sockets_free;
};

struct run_config {
    uint32_t meas_id;
    struct meas_relay relay;
    enum meas_mode mode;
    enum meas_echo echo;
    unsigned dur;     /* seconds */
    unsigned percent; /* r: of the total that the relay may claim for its clients */
    uint64_t prior;   /* z0 */
    unsigned sockets; /* of all */
    double check;     /* p */
    bool paper;      /* the paper's fixed rule: nothing is raised, estimates are accepted by size */
    bool adaptive;   /* may end early, at a length that is drawn */
    unsigned length; /* which that is, in seconds; 0: the run draws it */
    bool tied;       /* but not before its owner says so: run_end_early() */
    unsigned multiplier; /* m of the paper's rule, in hundredths; 0: the usual one */
    uint64_t wanted;     /* to be allotted at first; 0: what the paper's rule says of the prior */
    bool has_more;       /* another run may be given more than its members have for this one */
    bool hold;           /* once all have their circuits it waits for run_release() */
    /* So long whoever asks the relay may take, having time-outs of its own; 0: RUN_NEGOTIATE_MS. */
    unsigned patience_ms;
    struct ipport hop_addr; /* modes with a second hop */
    struct text proof;      /* borrowed: outlives the run */
    struct meas_exit exit;  /* http; its proof, too, outlives the run */
    struct run_member members[RUN_MEMBERS_MOST];
    size_t n_members;
};

/* A second that all measurers have reported, and of which the relay has said what its clients had,
 * or will say nothing: the next one, or the run, is over. */
struct run_second {
    unsigned sec;
    struct estimate_second sum;
    uint64_t t;            /* with what is believed of background */
    uint64_t wire;         /* in and out, of all links */
    uint64_t allotted;     /* to all, in this second */
    uint64_t checked, bad; /* cells, since the run began */
};

struct run_result {
    enum run_state state; /* RUN_DONE or RUN_FAILED */
    /* RUN_FAILED: why, and whose failure it is: a measurer's number, or RUN_NOBODY. */
    struct meas_failure failure;
    size_t member;
    /* As far as there is one; it is one of the relay only with RUN_DONE and conclusive. */
    struct estimate estimate;
    bool conclusive; /* not we were what limited it */
    /* If it is inconclusive and another run may give more: with which prior. Else 0. */
    uint64_t next_prior;
    unsigned seconds;    /* that were run */
    unsigned skipped;    /* at the beginning, which do not count */
    unsigned bg_missing; /* seconds of which the relay said nothing: as if it had no clients */
    uint64_t allotted;   /* at the end */
    uint64_t checked, bad;
    unsigned circs, ready_circs;
    unsigned apart;   /* seconds behind the first measurer's end, which do not count either */
    unsigned skew_ms; /* the most by which a measurer's seconds differed from ours, */
    size_t skewed;    /* and whose these were */
};
enum { RUN_NOBODY = RUN_MEMBERS_MOST };

struct run_ops {
    /* Ask the relay, and hear of run_granted() or run_refused(). Not for modes but flashflow. */
    void (*ask)(void *arg, const struct meas_params *params);
    /* The relay is not needed any more; ABORTED: it is to be told so. */
    void (*leave)(void *arg, bool aborted);
    /* Measurer K is told. TOLD is valid during the call. */
    void (*connect)(void *arg, size_t k, const struct connect_to_relay *told);
    void (*go)(void *arg, size_t k, uint32_t meas_id);
    void (*alloc)(void *arg, size_t k, uint32_t meas_id, uint64_t alloc_bw);
    void (*cancel)(void *arg, size_t k, uint32_t meas_id);
    /* May be NULL. Another state: NEGOTIATE to RUNNING. */
    void (*on_state)(void *arg, enum run_state state);
    void (*on_second)(void *arg, const struct run_second *s); /* may be NULL */
    /* Once, whatever happens, at the end of a wake-up: the owner may free the run in it. */
    void (*on_end)(void *arg, const struct run_result *result);
};

struct run;

/* CONFIG is copied. ERR_ARG: no members, no seconds, too many of either; ERR_NOMEM. Nobody is told
 * anything before run_start(). */
MUST_USE err_t run_new(struct env *env, const struct run_config *config, const struct run_ops *ops,
                       void *arg, struct run **out);
void run_start(struct run *r);
void run_free(struct run *r); /* tells nobody; NULL is fine */
/* Its seconds may begin, now or as soon as all have their circuits. */
void run_release(struct run *r);
/* Whether a tied run could end, ahead of its time; and let it. May be called from on_second(). */
bool run_may_end(const struct run *r);
void run_end_early(struct run *r);
/* As if it had failed: all are told. */
void run_cancel(struct run *r, const char *why);

/* ---- what the relay says ---- */

/* The relay answers at AT, one of its addresses: measurers are told that first. */
void run_reached(struct run *r, const struct ipport *at);
/* Its link proved that it is RSA and ED, NULL or zero: not proved. Measurers' links have to meet
 * the same: what they measure is booked on it. */
void run_proved(struct run *r, const struct rsa_id *rsa, const struct ed_id *ed);
void run_granted(struct run *r, const struct meas_ext *limits);
/* At any time: MEAS_UNSUPPORTED, MEAS_REFUSED, MEAS_TIMEOUT, MEAS_RELAY_LOST, MEAS_NO_CONSENT. */
void run_refused(struct run *r, enum meas_code code, const char *info);
void run_bg(struct run *r, const struct meas_bg *bg);
/* Whether the relay says what its clients have: one of unmodified tor does not. */
bool run_hears_of_clients(const struct run *r);

/* ---- what measurer K says ---- */

void run_connected(struct run *r, size_t k, const struct connected_to_relay *m);
void run_report(struct run *r, size_t k, const struct bw_report *m);
void run_failed(struct run *r, size_t k, const struct meas_failure *m);
/* It cannot be reached any more. */
void run_lost(struct run *r, size_t k, const char *why);

/* ---- looks ---- */

enum run_state run_state(const struct run *r);
unsigned run_dur(const struct run *r); /* seconds, at most */
bool run_is_held(const struct run *r); /* all have their circuits */
/* How many seconds it goes on, by what is known now. */
unsigned run_left(const struct run *r);
const char *run_state_name(enum run_state state); /* "NEGOTIATE" */
/* What measurer K reported of second SEC (1..), or NULL. */
const struct bw_report *run_reported(const struct run *r, size_t k, unsigned sec);
/* The sums of second SEC, or NULL: not all have reported it. */
const struct estimate_second *run_summed(const struct run *r, unsigned sec);
/* What the seconds up to now come to, however few; false: there is none that counts. */
bool run_so_far(const struct run *r, struct estimate *out);
/* What measurer K said when it had connected; all zero before. */
const struct connected_to_relay *run_circs(const struct run *r, size_t k);
uint64_t run_alloc(const struct run *r, size_t k); /* what it is to give now */
/* One word for results: "inconclusive", "cheat", "measurer_lost"...; NULL: it was measured. */
const char *run_why(const struct run_result *result);

#endif
