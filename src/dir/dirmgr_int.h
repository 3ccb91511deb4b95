/* Inside of the directory manager: shared by dirmgr*.c. */
#ifndef TUNIC_DIR_DIRMGR_INT_H
#define TUNIC_DIR_DIRMGR_INT_H

#include "base/later.h"
#include "base/ratelim.h"
#include "dir/backoff.h"
#include "dir/dirmgr.h"

enum {
    /* After so many failures a microdescriptor is let be until the next consensus, if there are
     * enough others. */
    MD_FAILS_MAX = 8,
    MD_HOPELESS = MD_FAILS_MAX + 1, /* it came, and is of no use */
    MD_BATCH_MIN = 32,              /* C tor: MIN_DL_PER_REQUEST */
    MD_REQUESTS_MIN = 3,            /* C tor: MIN_REQUESTS */
    MD_FEW = 16,                    /* C tor: MAX_DL_TO_DELAY */
    MD_IN_FLIGHT_MAX = 24,          /* requests at once; slow ones do not count */
    MD_SLOW_MAX = 24,               /* slow ones that may be under way besides */
    MD_SLOW_ASKED_MAX = 3,          /* for one microdescriptor, those that are not hopeless */
    CERT_TRIES_MAX = 3,             /* after these the consensus that wants them is given up */
    SLOW_IN_FLIGHT_MAX = 3,         /* requests for other things, if they are slow */
    /* A request that has waited for so long, and comes with fewer bytes a second in all, is slow,
     * or hopeless: also dir_request.floor_bytes_s. */
    SLOW_AFTER_S = 10,
    SLOW_BYTES_S = 1024,
    HOPELESS_BYTES_S = 20,
    CERTS_BODY_MAX = 1 << 20,
    MICRODESCS_BODY_MAX = 16 << 20,
    WORDS_EVERY_S = 300, /* between two lines that say the same of documents */
    STEPS_MAX = 64,
    /* A consensus that is so long past its end says nothing any more (C tor:
     * OLD_ROUTER_DESC_MAX_AGE). */
    STALE_MAX_S = 5 * 24 * 60 * 60,
    PROTOS_TEXT_MAX = 256,
};

/* How an answer comes. SLOW: others are asked for the same as well. HOPELESS: even modems are
 * faster; it is over as soon as any other has come, for then it is not our line. */
enum dirmgr_pace { PACE_GOOD, PACE_SLOW, PACE_HOPELESS, PACE_N };

struct dirmgr_request {
    uint32_t id; /* 0: slot is free */
    enum dir_kind kind;
    struct rsa_id rsa;
    struct ipport addr;
    bool is_authority, began;
    bool on_suspicion; /* for certificates, before a consensus says which */
    enum dirmgr_pace pace;
    bool over; /* others were faster: to be cancelled */
    uint64_t launched_us, sent_us;
    size_t received;
    int64_t news_since_s; /* If-Modified-Since, or 0 */
    bool diff_asked;
    uint8_t diff_from[SHA3_256_LEN];
    struct sha256 *digests; /* of microdescriptors asked for */
    size_t n_digests;
};

/* What is known of the microdescriptor of one relay of newest. */
struct dirmgr_row {
    uint8_t fails;
    bool is_first;         /* asked for before the rest */
    uint8_t asked[PACE_N]; /* how many requests are under way for it */
};

/* NONE: there is no such file, or nothing came of a diff; the next consensus is to be whole. */
enum dirmgr_base_state { BASE_UNREAD, BASE_READ, BASE_NONE };

struct dirmgr_base {
    enum dirmgr_base_state state;
    uint8_t digest[SHA3_256_LEN];
};

/* Microdescriptors that are asked for at once, in requests of one size. */
struct dirmgr_round {
    bool on;
    uint64_t begun_us; /* it goes on for this wake-up */
    bool retries;      /* those that failed before, too */
    size_t size;       /* of a request */
    size_t at;         /* in the order of digests */
};

/* Where a consensus is looked for while there is none. */
enum { BOOT_FALLBACK, BOOT_AUTHORITY, BOOT_N };

struct dirmgr {
    struct env *env;
    struct dirmgr_ops ops;
    void *arg;
    struct dirmgr_carrier carrier;
    void *carrier_arg;
    bool testing;
    uint32_t paths_needed_permyriad;
    struct dir_servers servers;
    struct rsa_id *auths; /* v3idents */
    size_t n_auths;
    bool started;
    struct ratelim words_of_signatures;
    unsigned out_of_time; /* consensuses in a row that were not of our time */
    /* The network requires what we lack. Nothing is asked of it from then on. */
    bool obsolete, obsolete_told;
    char required_lacking[PROTOS_TEXT_MAX], recommended_lacking[PROTOS_TEXT_MAX];

    struct authcert_set certs;
    struct netdir *newest;  /* verified; its microdescriptors are being fetched */
    struct netdir *current; /* what paths are built from: newest, or the one before */
    /* While there is no newest: one that is over, or has not begun, by our clock. It still names
     * guards, has the network's parameters, and keeps what the next one will list again. */
    struct netdir *stale;
    /* A consensus that lacks certificates to be verified. */
    struct consensus *candidate;
    char *candidate_text;
    size_t candidate_len;
    struct rsa_id candidate_from;
    struct rsa_id lacking[CERT_TRIES_MAX]; /* who said that they have not what it wants */
    size_t n_lacking;
    bool unverified_stored; /* there is a file of it, or of one before it */
    struct consensus_verdict verdict;

    struct dirmgr_request requests[DIRMGR_REQUESTS_MAX];
    uint32_t last_id;

    /* The stored consensus, by which a diff is asked for. */
    struct dirmgr_base base;

    struct dir_schedule schedule;
    struct backoff boot_wait[BOOT_N], consensus_wait, cert_wait, md_wait;
    bool first_certs_asked; /* before there was a consensus */
    uint64_t md_first_us, md_launched_us;
    uint64_t bootstrap_began_us;
    int64_t refresh_s; /* wall clock: look for a newer consensus from then on */
    size_t md_file_bytes, md_journal_bytes; /* of cached-microdescs and its journal */
    bool microdescs_wait;    /* the cached ones, for a consensus that says which they are */
    struct dirmgr_row *rows; /* one per row of newest */
    struct dirmgr_round round;
    /* Of a first consensus, relays of most weight are asked for first, as many as paths need; the
     * rest waits for an answer, so as not to share the line with what circuits wait for. */
    enum { FIRST_NOT_CHOSEN, FIRST_ASKED, FIRST_OVER } first;

    /* Events to be delivered. */
    struct later tell;
    struct timer wake, tend;
    uint64_t wake_us;
    bool want_due, netdir_due;
    int steps[STEPS_MAX];
    size_t n_steps;
    int percent;
    bool was_enough;
};

/* ---- dirmgr_events.c: what happens at the end of the wake-up, and later ---- */

void dirmgr_kick(struct dirmgr *d); /* ops->want at the end of the wake-up */
void dirmgr_step(struct dirmgr *d, int percent);
void dirmgr_tell_steps(struct dirmgr *d);
void dirmgr_netdir_changed(struct dirmgr *d);
void dirmgr_note_wake(struct dirmgr *d, uint64_t at_us);
void dirmgr_note_wall(struct dirmgr *d, int64_t at_s);
void dirmgr_arm(struct dirmgr *d);
/* Whether what WORDS are about may be said again. */
bool dirmgr_may_repeat(struct dirmgr *d, struct ratelim *words);

/* ---- dirmgr_held.c ---- */

bool dirmgr_live(const struct dirmgr *d, const struct netdir *nd);
/* The time of what is known is over: there has to be a newer one. */
bool dirmgr_is_late(const struct dirmgr *d);
/* Keeps GIFT_ND as the stale one if it is not too old for that. */
void dirmgr_keep_stale(struct dirmgr *d, struct netdir *gift_nd);

/* ---- dirmgr_servers.c ---- */

bool dirmgr_has_fallbacks(const struct dirmgr *d);
void dirmgr_server_failed(struct dirmgr *d, const struct rsa_id *rsa);
void dirmgr_server_worked(struct dirmgr *d, const struct rsa_id *rsa);
const char *dirmgr_server_name(const struct dirmgr *d, const struct rsa_id *rsa, char out[64]);
/* Fills in whom to ask for out->kind: an AUTHORITY if there is one, or whoever the owner chooses,
 * RATHER (or NULL) if that may be. False if there is nobody at the moment (then the wake-up is
 * noted). */
bool dirmgr_pick_server(struct dirmgr *d, bool authority, const struct rsa_id *rather,
                        struct dir_request *out);

/* ---- dirmgr_schedule.c ---- */

/* All first tries are due when the schedule says; also after failures that count no more. */
void dirmgr_begin_schedule(struct dirmgr *d);
void dirmgr_begin_bootstrap(struct dirmgr *d);
/* A row of tries while there is no network: whether anybody is asked in it, and its first wait. */
bool dirmgr_boot_row_used(const struct dirmgr *d, int row);
uint32_t dirmgr_boot_first_s(const struct dirmgr *d, int row);
void dirmgr_schedule_refresh(struct dirmgr *d);

/* ---- dirmgr_review.c ---- */

/* Newest may have become current, or current too old. */
void dirmgr_review(struct dirmgr *d);

/* ---- dirmgr_slow.c: requests under way, and those that keep us waiting ---- */

size_t dirmgr_in_flight(const struct dirmgr *d, enum dir_kind kind); /* of good pace */
size_t dirmgr_slow_in_flight(const struct dirmgr *d, enum dir_kind kind);
struct dirmgr_request *dirmgr_request_find(struct dirmgr *d, uint32_t id);
struct dirmgr_row *dirmgr_row(const struct dirmgr *d,
                              const struct sha256 *md); /* NULL: not listed */
/* A request came under way, or into a new table; or it is not any more. */
void dirmgr_mark_rows(const struct dirmgr *d, const struct dirmgr_request *rq, bool under_way);
/* Out of the table; its microdescriptors may be asked for again. The digests are the caller's. */
struct dirmgr_request dirmgr_request_take(struct dirmgr *d, struct dirmgr_request *rq);
/* Finds requests that have become slow, and notes when the next may be. */
void dirmgr_look_for_slow(struct dirmgr *d);
/* Something good has come: what is under way for it besides is over, and what is hopeless. */
void dirmgr_outrun(struct dirmgr *d, enum dir_kind kind);
void dirmgr_cancel_outrun(struct dirmgr *d);

/* ---- dirmgr_batch.c: microdescriptors, by requests ---- */

/* Whether any are to be asked for now: the first of a round, or more of it. */
bool dirmgr_batch_due(struct dirmgr *d);
/* What RQ asks for. ERR_NOMEM. */
MUST_USE err_t dirmgr_fill_batch(struct dirmgr *d, struct dirmgr_request *rq,
                                 char path[DIRHTTP_URL_MAX]);
void dirmgr_end_round(struct dirmgr *d);

/* ---- dirmgr_files.c ---- */

/* OK also if nothing is kept. */
MUST_USE err_t dirmgr_store(struct dirmgr *d, enum dir_file file, struct text whole);
void dirmgr_store_in_journal(struct dirmgr *d, struct text news);
/* Has the journal merged into its file in a while, if it has grown long by then: neither grows for
 * ever, and nobody waits for it. */
void dirmgr_init_tending(struct dirmgr *d);
void dirmgr_tend_soon(struct dirmgr *d);
/* FILE cannot be read, or not all of it. */
void dirmgr_set_aside(struct dirmgr *d, enum dir_file file);
/* What the newest consensus, if there is one, lists of what is in OLD and JOURNAL. ERR_NOMEM. */
MUST_USE err_t dirmgr_load_microdescs(struct dirmgr *d, struct text old, struct text journal);
/* The first consensus after a start without one: what is cached of its microdescriptors. */
void dirmgr_load_waiting(struct dirmgr *d);

/* ---- dirmgr_candidate.c: a consensus that waits for certificates ---- */

/* False: there is one already, or no memory; GIFT_C is freed then. */
bool dirmgr_keep_candidate(struct dirmgr *d, struct consensus *gift_c, struct text body,
                           const struct rsa_id *from);
void dirmgr_store_candidate(struct dirmgr *d);
/* It was verified, or never will be: its file goes, too. */
void dirmgr_drop_candidate(struct dirmgr *d);
void dirmgr_free_candidate(struct dirmgr *d);
/* RSA has none of the certificates that it wants. */
void dirmgr_note_lacking(struct dirmgr *d, const struct rsa_id *rsa);
/* It never will be verified, so there was nothing to have. */
void dirmgr_forgive_lacking(struct dirmgr *d);

/* ---- dirmgr_skew.c: whose clock differs from ours ---- */

/* The Date (or 0) of an answer to RQ. */
void dirmgr_look_at_date(struct dirmgr *d, const struct dirmgr_request *rq, int64_t date_s);
/* Whether our clock allows to use C, which RQ brought. If not, it is said when there is reason
 * enough to think that it is the clock. */
bool dirmgr_dates_fit(struct dirmgr *d, const struct consensus *c, const struct dirmgr_request *rq);
/* C was verified: our clock may show that it is from the future. */
void dirmgr_look_at_beginning(struct dirmgr *d, const struct consensus *c);

/* ---- dirmgr_adopt.c: a consensus becomes the newest ---- */

/* Whether this version may use the network of C: if not, nothing is fetched or built any more. */
MUST_USE bool dirmgr_obey_protocols(struct dirmgr *d, const struct consensus *c);
/* Takes over GIFT_C, which was verified. ERR_NOMEM. */
MUST_USE err_t dirmgr_adopt(struct dirmgr *d, struct consensus *gift_c);
/* The stale one is in time again, by our clock: paths are built from it as before. */
void dirmgr_take_back(struct dirmgr *d);

/* ---- dirmgr_consensus.c: consensuses that arrived, from the network or from the cache ---- */

/* The answer to RQ, whole or a diff. */
void dirmgr_take_consensus(struct dirmgr *d, struct text body, const struct dirmgr_request *rq);
/* ERR_EXPIRED, ERR_NOT_YET_VALID, ERR_UNDERSIGNED: it is of no use, but as it was written;
 * ERR_NOMEM. Others: it is damaged. */
err_t dirmgr_take_cached_consensus(struct dirmgr *d, struct text body);
/* What a run before this one could not verify. An error: it is of no use. */
err_t dirmgr_take_unverified(struct dirmgr *d, struct text body);
/* Verifies the candidate again after certificates came. */
void dirmgr_retry_candidate(struct dirmgr *d);

/* ---- dirmgr_diff.c: what a request says of the consensus that is here, and what a diff makes of
 * it
 * ---- */

/* Fills in OUT's conditions, and what RQ is to remember of them. */
void dirmgr_ask_for_news(struct dirmgr *d, struct dirmgr_request *rq, struct dir_request *out);
/* The whole consensus (the caller's, from malloc()) from DIFF, which answered RQ. ERR_STATE: our
 * own fault, the stored consensus is another one by now. Others are the server's; ERR_NOMEM. */
err_t dirmgr_apply_diff(struct dirmgr *d, const struct dirmgr_request *rq, struct text diff,
                        char **out, size_t *len);
/* Another consensus is stored. */
void dirmgr_base_changed(struct dirmgr *d);

/* ---- dirmgr_take.c: how many of what arrived were good ---- */

size_t dirmgr_take_certs(struct dirmgr *d, struct text body);
size_t dirmgr_take_microdescs(struct dirmgr *d, struct text body, struct dirmgr_request *rq);

#endif
