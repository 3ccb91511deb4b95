/* The inside of a run, for its files only. */
#ifndef TUNIC_MEASURE_RUN_INT_H
#define TUNIC_MEASURE_RUN_INT_H

#include "base/later.h"
#include "base/timer.h"
#include "measure/alloc.h"
#include "measure/run.h"

struct run_team {
    struct alloc_part parts[RUN_MEMBERS_MOST]; /* what each is to give */
    struct connected_to_relay connected[RUN_MEMBERS_MOST];
    bool told[RUN_MEMBERS_MOST], is_connected[RUN_MEMBERS_MOST], gone[RUN_MEMBERS_MOST];
    unsigned reported[RUN_MEMBERS_MOST];     /* seconds: they come in their order */
    struct bw_report *reports;               /* of dur seconds for each member */
    struct bw_report sums[RUN_MEMBERS_MOST]; /* of all that each has reported */
    uint64_t counted[RUN_MEMBERS_MOST];      /* bytes on the wire, of all seconds */
    int64_t begun_late_us[RUN_MEMBERS_MOST]; /* behind `go`, at most */
    uint64_t first_end_us; /* when the first had reported all its seconds; 0: none has */
};

struct run {
    struct env *env;
    struct run_config config;
    const struct run_ops *ops;
    void *arg;

    enum run_state state;
    bool asked;  /* the relay has been spoken to, and not been left yet */
    bool held;   /* all have their circuits, and its time has not come */
    bool ending; /* all is reported; only the relay's last second may be missing */
    uint8_t session[MEAS_SESSION_LEN];
    unsigned percent; /* r: the coordinator's or the relay's own, whichever is less */
    struct run_team team;
    struct alloc_raise raise;
    uint64_t most; /* what all measurers have left */

    uint64_t go_us;
    unsigned length;                 /* seconds: dur, or from where on it may end early */
    unsigned summed;                 /* seconds that all have reported */
    unsigned empty;                  /* the last of them in a row in which nothing came back */
    struct estimate_second *seconds; /* dur of them */
    bool *has_bg;                    /* dur of them */
    struct run_second untold;        /* that is to be told; sec 0: none */

    struct timer deadline;
    struct later tell;
    struct run_result result;
};

/* ---- run_end.c ---- */

void run_enter(struct run *r, enum run_state state);
/* It is over, if it is not yet. WHO: a measurer, or RUN_NOBODY. */
void run_fail(struct run *r, enum meas_code code, size_t who, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* All is reported. */
void run_finish(struct run *r);

/* ---- run_allot.c ---- */

unsigned run_allot_multiplier(const struct run *r);
uint64_t run_allot_wanted(const struct run *r); /* by the prior, or as said */
/* Splits what the prior asks for; ERR_LIMIT: there is nothing to give. */
MUST_USE err_t run_allot_split(struct run *r);
/* More for everybody, over the sockets that each has. */
void run_allot_raise(struct run *r);

/* ---- run_team.c ---- */

void run_team_connect(struct run *r);
/* Whether what is known would do as a result, by the rule for those that end early. */
bool run_team_is_clear(const struct run *r);
/* Nobody's report is overdue, or the run has failed. */
void run_team_look(struct run *r);

/* ---- run_tell.c ---- */

/* All that will be known of second SEC is known of the relay. */
bool run_has_claim(const struct run *r, unsigned sec);
/* What is untold is told, with what the relay has said up to now; or if it has said all. The run
 * may be over behind that. */
void run_tell(struct run *r);
void run_tell_if_whole(struct run *r);

/* ---- run_together.c ---- */

/* K's report of second SEC has come. */
void run_together_note(struct run *r, size_t k, unsigned sec);
/* Whether nobody had ended before second SEC was over, the last report of which has come. */
bool run_together_is(const struct run *r, unsigned sec);
/* How many seconds at the beginning do not count, by what is known now. */
unsigned run_together_skipped(const struct run *r);

#endif
