/* A job: all that one "tunic fetch" has to get. Each want is an item, each request of an item a
 * part; the job hands parts to sources, a few at a time, and tries again elsewhere what failed. The
 * items judge what came (item.c). Files, from the bottom up: say, pick, verdict, proof, tell, item,
 * job. */
#ifndef TUNIC_APP_FETCH_JOB_H
#define TUNIC_APP_FETCH_JOB_H

#include "app/fetch/args.h"
#include "app/fetch/transport.h"
#include "docs/docs.h"

enum {
    JOB_CONNECTIONS = 3, /* sources at once */
    JOB_GETS = 8,        /* requests at once at one source */
};

struct item;

struct attempt {
    size_t source;
    bool final; /* it answered, and would say the same again */
};

/* What a part is for: what was asked for, or what proves it. */
enum part_for { FOR_WANT, FOR_CERTS, FOR_SERVERS };

struct part {
    struct item *item;
    char *path;
    enum part_for purpose;
    bool over; /* GET is there and is good, or it has failed for good */
    bool good;
    struct get *get; /* under way, or what came */
    struct attempt attempts[FETCH_RETRIES_MOST + 1];
    unsigned n_attempts;
    bool saw_not_found, saw_invalid;
    struct tunic_error error; /* the last one, and whose */
    char where[SOURCE_NAME_MAX];
    uint64_t not_before_us;
    struct part *prev, *next;
};

struct item {
    struct job *job;
    const struct docs_want *want;
    const char *word;
    struct part *parts;
    char *joined;     /* the answers of all parts, if there are several */
    struct text text; /* the same, whoever owns it */
    char *servers;    /* descriptors that prove extra-info documents */
    struct docs docs;
    bool is_split; /* DOCS are those of all answers to FOR_WANT */
    unsigned cert_rounds, server_rounds, more_rounds;
    bool over;
    int status; /* enum of args.h, once it is over */
};

struct job {
    struct hub *hub;
    const struct fetch_args *args;
    struct source *sources;
    size_t n_sources;
    struct item *items; /* one a want */
    struct authcert_set certs;
    uint64_t begun_us;
    size_t received_before; /* bytes of requests that are gone */
    struct timer work, deadline, tick;
    bool timed_out;
    void (*over)(void *arg); /* once, from the loop: every item is */
    void (*progress)(void *arg);
    void *arg;
};

/* ARGS and HUB are borrowed. ERR_NOMEM; J is to be freed in any case. */
MUST_USE err_t job_init(struct job *j, struct hub *hub, const struct fetch_args *args,
                        void (*over)(void *arg), void (*progress)(void *arg), void *arg);
void job_start(struct job *j);
void job_free(struct job *j);
/* Progress: bytes as they come, so far and (as far as known) in all; items that are over. */
struct job_progress {
    size_t received, expected;
    bool all_expected; /* no request is under way whose length is not known */
    size_t over;
    const char *source; /* one that is asked now, or NULL */
};
void job_progress(const struct job *j, struct job_progress *out);

/* ---- pick.c ---- */

enum job_pick {
    JOB_PICK_NONE, /* nobody is left who could be asked */
    JOB_PICK_WAIT, /* whoever could be is busy */
    JOB_PICK_ONE,
};

/* Whom to ask for P: the index of a source. May hang up on an idle one to make room. */
enum job_pick job_pick(struct job *j, const struct part *p, size_t *out);
/* The same request again, at another source if there is one; false: it has been tried enough. */
bool job_again(struct job *j, struct part *p);
/* Something is to be done: looked at soon. */
void job_wake(struct job *j);

/* ---- item.c ---- */

MUST_USE err_t item_init(struct item *it, struct job *j, size_t want);
void item_free(struct item *it);
/* Looks at what has come: may ask for more, or be over. */
void item_judge(struct item *it);

/* ---- proof.c: what is believed ---- */

/* Keeps the authorities' certificates in TEXT. ERR_NOMEM. */
MUST_USE err_t job_take_certs(struct job *j, struct text text);
/* SERVERS: descriptors that came for IT. Nothing of it is owned. */
struct docs_trust item_trust(const struct item *it, struct text servers);

/* ---- verdict.c ---- */

/* Whether DOC is good enough to be written; how many are not. */
bool item_writes(const struct item *it, const struct docs_item *doc);
size_t item_count_bad(const struct item *it);
/* Returns the worse of two exit statuses. */
int status_worse(int a, int b);
/* The exit status for P's failure. */
int part_status(const struct part *p);

/* ---- tell.c ---- */

/* The source of the want's own documents, by name; or words for several. */
const char *item_where_from(const struct item *it);
/* These raise the item's status, too. */
void item_tell_failures(struct item *it);
void item_tell_verdicts(struct item *it);
void item_tell_source(const struct item *it);

/* ---- say.c ---- */

/* Called before a message, for progress may stand in a terminal's last line. */
void job_wipe_line(void);
/* Says "tunic fetch: WORD: ..." on standard error, unless --quiet. */
void job_say(const struct job *j, const char *word, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
