/* Inside of the guard set: shared by guards.c (choosing), guards_sample.c (the sample and the
 * primary guards), guard.c (one of them) and guards_file.c (the state file's lines). Nobody else
 * includes this. */
#ifndef TUNIC_PATH_GUARDS_INT_H
#define TUNIC_PATH_GUARDS_INT_H

#include "base/ratelim.h"
#include "path/guard_circuit.h"
#include "path/pathbias.h"

enum {
    /* Bound on one sample, whatever the consensus says: sixty by default (guard-spec A.1). */
    GUARDS_MAX = 256,
    GUARD_FOREIGN_MAX = 1024, /* lines of samples that are not ours */
    SECONDS_PER_DAY = 24 * 60 * 60,
};

enum guard_reach { GUARD_MAYBE, GUARD_YES, GUARD_NO };

/* Counts of circuits through a guard, in the order of the state file (C tor: guard_pathbias_t). */
#define PATHBIAS_FIELDS(X) \
    X(use_attempts)        \
    X(use_successes)       \
    X(circ_attempts)       \
    X(circ_successes)      \
    X(successful_circuits_closed) X(collapsed_circuits) X(unusable_circuits) X(timeouts)

struct pathbias {
#define X(name) double name;
    PATHBIAS_FIELDS(X)
#undef X
    bool disabled; /* it is to be used no more */
    bool noticed, warned, extreme_told, use_noticed, use_extreme_told;
};

struct guard {
    /* In the state file: */
    struct rsa_id rsa;
    char nickname[NICKNAME_MAX + 1];
    int64_t sampled_on_s, confirmed_on_s, unlisted_since_s; /* 0: not */
    bool listed;
    int32_t confirmed_idx; /* place among the confirmed ones; -1: not confirmed */
    int32_t sampled_idx;   /* while loading; later it is the place in the sample */
    char *sampled_by;      /* or NULL */
    char *extra;           /* "k=v k=v" that is not understood, or NULL */
    struct pathbias bias;
    /* Not in it: */
    bool filtered; /* passes the configuration, and is listed */
    bool pending;  /* a non-primary one that is being tried */
    bool tried;    /* tried_us counts */
    bool failing;  /* failed since it last worked */
    uint8_t reach; /* enum guard_reach */
    bool primary;
    bool was_primary;          /* while primary ones are chosen anew */
    uint64_t tried_us;         /* monotonic */
    uint64_t failing_since_us; /* counts while failing */
};

/* Guards in sample order. */
struct sample {
    const char *name;
    struct guard *list; /* room for GUARDS_MAX */
    size_t n;
};

enum { SAMPLE_DEFAULT, SAMPLE_RESTRICTED, SAMPLE_N };

/* Parameters of the consensus and torrc, as of the last update. */
struct guard_params {
    int64_t lifetime_s, confirmed_lifetime_s, unlisted_s;
    size_t max_sample, max_percent, min_filtered;
    uint8_t n_primary;
    size_t n_use, n_use_dir;
    uint64_t likely_down_us, connect_timeout_us, idle_timeout_us;
    size_t restricted_percent, extreme_percent;
};

struct pathbias_params {
    double least_circs, scale_circs, notice, warn, extreme;
    double least_uses, scale_uses, notice_use, extreme_use;
    double scale;
    bool drops; /* guards whose rates are extreme are ruled out */
};

struct guards {
    struct env *env;
    const struct path_config *cfg; /* NULL before the first update */
    struct sample samples[SAMPLE_N];
    struct sample *now; /* the one in use */
    bool chosen;        /* `now` was chosen by a consensus, so switching is sluggish */
    bool warned_extreme;
    bool dirty;
    char **foreign; /* Guard lines of other samples (bridges), kept as they are */
    size_t n_foreign;
    struct guard_params params;
    struct pathbias_params bias;
    const struct cbt *cbt;          /* or NULL */
    bool unjudged;                  /* counts were loaded that no update has looked at */
    struct guard_circuit *circuits; /* all there are */
    uint64_t online_us;             /* when a circuit last worked; 0: never */
    struct ratelim all_down;
    guard_told_fn *told; /* or NULL */
    void *told_arg;
};

/* guard.c */
/* GUARD is of sample S: the watch hears of it if that is the one in use. */
void guard_tell(const struct guards *g, const struct sample *s, const struct guard *guard,
                enum guard_news news);
struct guard *sample_find(const struct sample *s, const struct rsa_id *id);
void guard_clear(struct guard *g); /* frees what it owns */
void sample_clear(struct sample *s);
/* A down guard whose time has come may be tried again (guard-spec 4.5). */
void guard_consider_retry(const struct guards *g, struct guard *guard);
/* guard-spec RAND: a time between NOW and SPAN seconds ago. */
int64_t guard_backdate(struct env *env, int64_t now_s, int64_t span_s);

/* guards_sample.c */
/* Chooses the primary guards anew; how many are missing. */
size_t sample_set_primary(struct guards *g, struct sample *s);
/* Adds guards until enough of those that pass the filter may be up (guard-spec 4.2). */
err_t sample_expand(struct guards *g, struct sample *s, const struct netdir *nd);

/* pathbias.c */
void pathbias_read_params(struct guards *g, const struct netdir *nd);
void pathbias_built(struct guards *g, struct guard_circuit *c);
/* What the state file says of GUARD may be enough to rule it out. */
void pathbias_judge_loaded(struct guards *g, struct guard *guard);
/* Counts, with the circuits that are open and may end well. */
double pathbias_closed_well(const struct guards *g, const struct guard *guard);
double pathbias_used_well(const struct guards *g, const struct guard *guard);

#endif
