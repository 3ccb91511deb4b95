/* Inside of the coordinator: the plan of a period, which relay is measured when, and how far that
 * has come. Made from the roster (schedule.h), kept line by line so that a coordinator that comes
 * back goes on with it, and followed slot by slot: a relay is asked, and its circuits are built,
 * while the slot before still runs. */
#ifndef TUNIC_MEASURE_COORDINATOR_PLAN_H
#define TUNIC_MEASURE_COORDINATOR_PLAN_H

#include "base/hash.h"
#include "measure/coordinator_int.h"
#include "measure/schedule.h"

enum {
    CPLAN_LEAD_MS = 6 * 1000,     /* so long before its slot a relay is asked */
    CPLAN_TOGETHER_MS = 6 * 1000, /* so long those of one group wait for each other */
    CPLAN_PATIENCE_S = 30,        /* so long a new plan waits for measurers that are not there */
    CPLAN_SECRET_MOST = 1024,
    CPLAN_LENGTH_LEAST_S = RUN_EARLY_S,
};

/* X(enumerator, word): of one relay. */
#define CPLAN_STATES_LIST(X)                                     \
    X(CPLAN_WAITING, "waiting") /* for its slot */               \
    X(CPLAN_RESTING, "resting") /* it may not be measured yet */ \
    X(CPLAN_ASKED, "running")   /* there is a job */             \
    X(CPLAN_DONE, "done")                                        \
    X(CPLAN_FAILED, "failed")   /* its result has the reason */  \
    X(CPLAN_OFFLINE, "offline") /* or agrees no more */          \
    X(CPLAN_NO_ROOM, "no_room") /* no slot of the period is free for it */

enum cplan_state {
#define X(state, word) state,
    CPLAN_STATES_LIST(X)
#undef X
        CPLAN_STATES
};

struct cplan_item {
    struct rsa_id fp;
    enum cplan_state state;
    uint64_t prior;
    struct schedule_item at; /* without its relay */
    unsigned tries;
    bool tied;               /* another relay of its host was asked with it */
    struct cjob *job;        /* while it is CPLAN_ASKED */
    struct cplan_item *next; /* that waits in the same slot, or rests */
    int64_t rests_until_s;   /* by the wall clock */
    UT_hash_handle hh;
};

struct cplan {
    struct coordinator *c;
    struct roster roster;
    uint8_t secret[CPLAN_SECRET_MOST];
    size_t secret_len;

    bool on;         /* it is to be followed */
    bool made;       /* what follows is there */
    size_t expected; /* relays of the plan that was kept */
    int64_t period;
    int64_t begins_us; /* by the wall clock: when slot 0 does; of a compact one, when it was made */
    unsigned slot_s;
    struct schedule_config config;
    struct schedule *schedule;
    struct cplan_item *items;  /* by fingerprint */
    struct cplan_item **slots; /* those that wait, of N_SLOTS; groups stand together */
    uint32_t n_slots, cursor;  /* of slots before that all were asked */
    uint32_t groups;           /* numbers of groups that are used */
    uint32_t *again;           /* where those of a group wait that are to be asked again; */
    uint32_t n_again;          /* of so many groups */
    struct cplan_item *resting;
    size_t count[CPLAN_STATES];
    int64_t changed_us;      /* when one of them came to another state (wall clock); 0: not known */
    size_t unplaced;         /* of the roster: they have opted in, and have no address */
    size_t away;             /* not there when it was made: new ones once they are */
    size_t moved, cut;       /* to a later slot; cut short by a crash */
    uint32_t length_slot;    /* whose secret length is */
    unsigned length;         /* this one */
    uint64_t waits_since_us; /* for measurers; 0: it does not */
    uint64_t again_us;       /* no plan could be made: not tried before */
    struct timer tick;
    struct ckeep_held *held; /* lines that are kept together; NULL: each by itself */
};

/* For relays of which nothing is known. */
struct cplan_guess {
    uint64_t unknown;
    struct cplan_host *hosts; /* sorted, those of one address largest first */
    size_t n;
};

/* NULL out of memory. */
struct cplan *cplan_new(struct coordinator *c);
void cplan_free(struct cplan *p);
/* The coordinator ends: nothing more is begun. */
void cplan_finish(struct cplan *p);
/* ---- coordinator_plan.c: its relays, and the rows of its slots ---- */

const char *cplan_state_name(enum cplan_state state);
void cplan_drop(struct cplan *p);
/* Something may have come nearer: it looks at the end of the wake-up. */
void cplan_look(struct cplan *p);
/* It has agreed to anything, and it is known where it is. */
bool cplan_may_ask(const struct roster_relay *r);
void cplan_enter(struct cplan *p, struct cplan_item *item, enum cplan_state state);
/* ITEM, which is in no row, waits until then. */
void cplan_rest(struct cplan *p, struct cplan_item *item, int64_t until_s);
/* A new one, in no slot. NULL out of memory. */
struct cplan_item *cplan_add(struct cplan *p, const struct rsa_id *fp);
/* NULL: the plan does not have it. */
struct cplan_item *cplan_item_of(const struct cplan *p, const struct rsa_id *fp);
/* Into the row of its slot. ERR_NOMEM. */
MUST_USE err_t cplan_link(struct cplan *p, struct cplan_item *item);
/* The same for N of ITEMS, while the rows are empty. ERR_NOMEM. */
MUST_USE err_t cplan_link_all(struct cplan *p, struct cplan_item **items, size_t n);
/* Whether anybody stands in the row of SLOT. */
bool cplan_waits(const struct cplan *p, uint32_t slot);

/* ---- coordinator_make.c ---- */

/* A plan of the period of now. ERR_STATE: nobody who could measure; ERR_NOMEM, ERR_CRYPTO,
 * ERR_LIMIT. */
MUST_USE err_t cplan_make(struct cplan *p);

/* ---- coordinator_later.c ---- */

/* ITEM gets a slot from FROM on, that of its group if others of it wait again; or none. */
void cplan_later(struct cplan *p, struct cplan_item *item, uint32_t from);
/* Relays of the roster that the plan does not have get a slot from FROM on. */
void cplan_add_new(struct cplan *p, uint32_t from);

/* ---- coordinator_guess.c: what a relay is thought to carry ---- */

/* Of the roster as it is: the caller frees its hosts; NULL: out of memory. */
struct cplan_guess cplan_guess_begin(const struct cplan *p);
uint64_t cplan_guess_prior(const struct cplan *p, const struct cplan_guess *g,
                           const struct roster_relay *r);
/* When it was measured last. */
bool cplan_was_the_limit(const struct cplan *p, const struct rsa_id *fp);
/* What is to be allotted by its prior, and over how many sockets. KNOWN: it was the limit itself
 * when it was measured last. */
void cplan_size(const struct cplan *p, struct cplan_item *item, bool known);

/* ---- coordinator_rest.c: those that may not be measured yet ---- */

/* Whether FIRST and those behind it, who are to be asked, have to wait: then they rest. */
bool cplan_rest_group(struct cplan *p, struct cplan_item *first);
/* Those whose time has come get a slot. */
void cplan_wake(struct cplan *p);

/* ---- coordinator_keep.c: what is kept of it ---- */

void ckeep_plan(const struct cplan *p);
void ckeep_item(const struct cplan *p, const struct cplan_item *item);
void ckeep_on(const struct cplan *p);
/* What comes between the two is kept at once: many lines, and one file to be opened. */
void ckeep_hold(struct cplan *p);
void ckeep_release(struct cplan *p);
/* A line of what was kept. ERR_MALFORMED: it is none of ours; ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t ckeep_read(struct cplan *p, struct text line);
/* That was the last: of this period, it goes on. */
void ckeep_read_end(struct cplan *p);

/* ---- coordinator_clock.c: by the wall clock ---- */

int64_t cplan_now_us(const struct cplan *p);
int64_t cplan_slot_us(const struct cplan *p, uint32_t slot); /* when it begins; */
int64_t cplan_ask_us(const struct cplan *p, uint32_t slot);  /* its relays are asked; */
int64_t cplan_late_us(const struct cplan *p, uint32_t slot); /* and may be at the latest */
/* The first slot for which a relay can still be asked in time. */
uint32_t cplan_next_slot(const struct cplan *p);
int64_t cplan_ends_us(const struct cplan *p);

/* ---- coordinator_follow.c ---- */

/* How far it is; ALL: with those that have no address. NULL out of memory. */
struct json_t *cfollow_json(const struct coordinator *c, bool all);

/* ---- coordinator_ask.c ---- */

void cplan_ask_by_clock(struct cplan *p);
/* Back to back: whoever comes next is asked as soon as there will be room. */
void cplan_ask_by_room(struct cplan *p);

#endif
