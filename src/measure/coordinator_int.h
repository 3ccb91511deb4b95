/* Inside of the coordinator: sessions with measurers, and jobs. */
#ifndef TUNIC_MEASURE_COORDINATOR_INT_H
#define TUNIC_MEASURE_COORDINATOR_INT_H

#include "base/later.h"
#include "measure/agree.h"
#include "measure/coordinator.h"
#include "measure/coordinator_figures.h"

/* One connection with a measurer, or with a stranger as long as its state is not open. */
struct csession {
    struct coordinator *coordinator;
    struct coord_proto *proto;
    struct mconf_measurer who; /* by its pin */
    struct ip from;
    bool known, open, leaving;
    struct msg_hello hello;
    uint64_t reserved_bw;
    unsigned reserved_sockets;
    struct csession *next;
};

/* One relay's measurement: it waits until it has a run. */
struct cjob {
    struct coordinator *coordinator;
    uint32_t meas_id;
    char relay[IPPORT_TEXT_MAX]; /* for people */
    struct run_config config;
    uint64_t queued_us;
    struct run *run;
    void *talk;
    void *proving;    /* the relay's own descriptor is being asked for */
    bool proves_exit; /* no, the exit's */
    /* Their own descriptors, in which they have agreed; and when that was. */
    char *proof, *exit_proof;
    uint64_t proved_us, exit_proved_us;
    struct ipport reached; /* where it was asked for that; family IP_NONE: it was not */
    struct csession *team[RUN_MEMBERS_MOST]; /* NULL: it is gone */
    bool has_bw, has_sockets;                /* of the team, which are to be given back */
    struct cplan_item *item;                 /* of the plan; NULL: somebody ordered it */
    struct polite_run *polite;               /* cpolite_end() is due */
    bool recorded;                           /* the line of its beginning */
    bool any_mode;                           /* echo2, if the relay does not know measuring */
    bool waits_for_anybody;                  /* it was told that no measurer is connected */
    int64_t began_s;
    struct run_second newest;
    struct cjob *next;
};

/* What a plan hears of jobs: it makes them, so they do not call it by name. */
struct cplan_ops {
    /* A run has its circuits, and waits to be released. */
    void (*held)(struct coordinator *c);
    /* A second of J's run is over: relays of one host end together. */
    void (*second)(struct cjob *j);
    /* J, which has an item, is over; WHY: NULL if it was measured. NEXT_PRIOR: with which it would
     * be worth another run; 0: with none. */
    void (*over)(struct cjob *j, const char *why, uint64_t next_prior);
};

/* An address where a run is just over: what waits at the relay has to drain, and it may not have
 * heard yet that it is over. */
struct crest {
    struct ip ip;
    uint64_t until_us;
};
/* A session that was heard within this answers: pings go each COORD_PING_S. */
enum { COORDINATOR_ANSWERS_S = COORD_PING_S + 5 };
enum { COORDINATOR_RESTS = 16, COORDINATOR_REST_MS = 2000 };

struct coordinator {
    struct env *env;
    struct mconf_coord conf;
    struct tls_ctx *tls;
    struct sha256 pin;
    const struct coordinator_ops *ops;
    void *arg;
    struct msg_hello say;
    struct csession *sessions;
    struct cjob *jobs; /* in their order */
    size_t n_jobs;
    struct history history;
    struct listing *listing; /* NULL: no relay is known by name */
    struct polite *polite;
    struct agree agree;
    struct cplan *plan;
    const struct cplan_ops *plan_ops;
    struct coordinator_counts counts;
    struct crest rests[COORDINATOR_RESTS]; /* a ring */
    size_t next_rest;
    struct timer look; /* at the row of jobs */
    bool finishing, forgetful;
};

/* ---- sessions ---- */

/* What it has, and what of that nobody has been given. */
uint64_t csession_bw(const struct csession *s);
uint64_t csession_free_bw(const struct csession *s);
unsigned csession_sockets(const struct csession *s);

/* ---- teams: of the measurers that there are ---- */

/* Whoever has something left is of J's team; what they have together. */
uint64_t cteam_gather(struct cjob *j);
void cteam_forget(struct cjob *j);
/* J gets its part of their SUM: sockets, and unless it has a slot to come, bytes. */
void cteam_reserve(struct cjob *j, uint64_t sum);
/* Its slot has come. */
void cteam_reserve_held(struct cjob *j);
void cteam_give_back(struct cjob *j);
/* What it takes, or will: of all, of one. */
uint64_t cteam_bw(const struct cjob *j);
uint64_t cteam_bw_of(const struct cjob *j, const struct csession *s);
unsigned cteam_sockets(const struct cjob *j);

/* ---- jobs ---- */

/* One more in the row. NULL: too many, or out of memory. */
struct cjob *cjob_add(struct coordinator *c, const struct meas_relay *relay,
                      const struct coordinator_wish *wish);
/* Begins what can be begun. */
void cjob_look(void *coordinator);
/* A relay's word holds so long: a job may wait for hours until it can begin, and the word may have
 * been taken back. */
enum { COORDINATOR_PROOF_S = 300 };
/* True: it has agreed of late, or need not, or is asked by the run. Else it is asked, or J has been
 * refused, and is freed. */
bool cjob_prove(struct cjob *j);
/* Before S is freed. */
void cjob_session_lost(struct coordinator *c, struct csession *s, const char *why);
void cjob_session_msg(struct csession *s, const struct msg *m);

/* ---- coordinator_polite.c ---- */

/* Another run of it, or on its address, goes on: it has to wait. */
bool cpolite_is_measured(const struct cjob *j);
/* As polite_begin(). */
MUST_USE err_t cpolite_begin(struct cjob *j, char why[POLITE_WHY_MAX]);
/* Its beginning is written down: from now on it is one of the relay's two. */
void cpolite_counts(struct cjob *j);
/* A link has proved who it is, at AT (NULL: as said before): the run ends if it may not go on. */
void cpolite_met(struct cjob *j, const struct ipport *at);
void cpolite_end(struct cjob *j, int64_t now_s, uint64_t bytes, bool sent_away);

/* ---- coordinator_end.c ---- */

struct cjob *cjob_find(const struct coordinator *c, uint32_t meas_id);
/* Its relay, and its relay's descriptor, are spoken of no more. */
void cjob_leave_relay(struct cjob *j, bool aborted);
void cjob_unprove(struct cjob *j);
/* LINE is its result's, NULL out of memory: for the results, for whoever follows the job, and for
 * what is remembered. WHY, NEXT_PRIOR: as a plan is told. J is freed. */
void cjob_over(struct cjob *j, const char *why, uint64_t next_prior, char *gift_line);
/* Nobody was told of it: it is over, and J freed. */
void cjob_refuse(struct cjob *j, const char *why, const char *detail);
void cjob_free(struct cjob *j);

/* ---- relays by name ---- */

/* ERR_NOT_FOUND: nobody is called so. ERR_ARG and WHY: it cannot be measured. */
MUST_USE err_t clisted_find(const struct coordinator *c, const char *word, struct meas_relay *out,
                            char why[COORDINATOR_WHY]);

/* NULL: it was never measured. */
const struct history_relay *clisted_measured(const struct coordinator *c, const struct rsa_id *rsa);
/* ROSTER_GRANTED for those of ROSTER that have let themselves be measured before. */
void clisted_enrol(const struct coordinator *c, struct roster *roster);

/* ---- what a run came to ---- */

uint64_t cjob_bytes(const struct cjob *j); /* on the wire, both ways */
/* A run of a good end says how its measurers compare; one that always disagrees is named. */
void cjob_compare(const struct cjob *j);

void ccounts_result(struct coordinator_counts *counts, const struct result *r);

/* ---- what is told ---- */

void ctell_state(const struct cjob *j, const char *state);
void ctell_second(const struct cjob *j, const struct run_second *s);
/* LINE is the result's, without its end; NULL: there is none, out of memory. */
void ctell_result(const struct cjob *j, const char *line);

#endif
