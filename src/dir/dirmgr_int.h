/* Inside of the directory manager: shared by dirmgr*.c. */
#ifndef TUNIC_DIR_DIRMGR_INT_H
#define TUNIC_DIR_DIRMGR_INT_H

#include "dir/dirmgr.h"

enum {
    RELAY_TROUBLES_MAX = 64,
    /* Then a microdescriptor is let be until the next consensus, if there are enough others. */
    MD_FAILS_MAX = 8,
    MD_HOPELESS = MD_FAILS_MAX + 1, /* it came, and is of no use */
    MD_BATCH_MIN = 32,              /* C tor: MIN_DL_PER_REQUEST */
    MD_REQUESTS_MIN = 3,            /* C tor: MIN_REQUESTS */
    MD_FEW = 16,                    /* C tor: MAX_DL_TO_DELAY */
    MD_IN_FLIGHT_MAX = 8,           /* requests at once */
    CERT_TRIES_MAX = 3,             /* then the consensus that wants them is given up */
    BOOTSTRAP_IN_FLIGHT_MAX = 3,    /* C tor: ClientBootstrapConsensusMaxInProgressTries */
    CERTS_BODY_MAX = 1 << 20,
    MICRODESCS_BODY_MAX = 16 << 20,
    SKEW_WORTH_SAYING_S = 30 * 60, /* C tor: ALLOW_DIRECTORY_TIME_SKEW */
    STEPS_MAX = 64,
};

struct backoff {
    unsigned fails;
    uint64_t not_before_us; /* monotonic */
};

/* A server of the configuration and what we lived through with it. */
struct dm_server {
    struct dir_server s;
    struct backoff wait;
};

/* A relay of the consensus that failed us lately. */
struct dm_trouble {
    struct rsa_id rsa;
    struct backoff wait;
};

struct dm_request {
    uint32_t id; /* 0: slot is free */
    enum dir_kind kind;
    struct rsa_id rsa;
    bool is_authority, began;
    struct sha256 *digests; /* of microdescriptors asked for */
    size_t n_digests;
};

struct dirmgr {
    struct env *env;
    struct dirmgr_ops ops;
    void *arg;
    struct dirmgr_options o;
    struct dm_server *servers;
    size_t n_servers;
    struct rsa_id *auths; /* v3idents */
    size_t n_auths;
    bool started, paused;

    struct authcert_set certs;
    struct netdir *newest;  /* verified; its microdescriptors are being fetched */
    struct netdir *current; /* what paths are built from: newest, or the one before */
    /* A consensus that lacks certificates to be verified. */
    struct consensus *candidate;
    char *candidate_text;
    size_t candidate_len;
    struct rsa_id candidate_from;
    struct consensus_verdict verdict;

    struct dm_request requests[DIRMGR_REQUESTS_MAX];
    uint32_t last_id;
    struct dm_trouble troubles[RELAY_TROUBLES_MAX];
    size_t n_troubles;

    struct backoff consensus_wait, cert_wait, md_wait;
    uint64_t consensus_launched_us, md_launched_us;
    uint64_t bootstrap_began_us;
    unsigned consensus_tries;
    int64_t refresh_s; /* wall clock: look for a newer consensus from then on */
    uint8_t *md_fails; /* one per row of newest */
    bool *md_asked;    /* the same: in flight */

    /* Events to be delivered. */
    struct timer events, wake;
    uint64_t wake_us;
    bool want_due, netdir_due;
    int steps[STEPS_MAX];
    size_t n_steps;
    int percent;
    bool was_enough;
};

/* dirmgr_servers.c */
uint64_t backoff_fail(struct dirmgr *d, struct backoff *b);
void backoff_ok(struct backoff *b);
bool backoff_due(const struct dirmgr *d, const struct backoff *b);
void server_failed(struct dirmgr *d, const struct rsa_id *rsa);
void server_worked(struct dirmgr *d, const struct rsa_id *rsa);
void servers_forgive(struct dirmgr *d);
const char *server_name(const struct dirmgr *d, const struct rsa_id *rsa, char out[64]);
/* Fill in whom to ask; false if there is nobody at the moment (then the wake-up is noted). */
bool pick_server(struct dirmgr *d, enum dir_kind kind, bool authority, struct dir_request *out);
bool pick_cache(struct dirmgr *d, enum dir_kind kind, struct dir_request *out);
bool pick_named(struct dirmgr *d, const struct rsa_id *rsa, struct dir_request *out);
bool has_fallbacks(const struct dirmgr *d);

/* dirmgr_take.c: documents that arrived, from the network or from the cache. */
void take_consensus(struct dirmgr *d, struct text body, const struct rsa_id *from,
                    bool is_authority);
err_t take_cached_consensus(struct dirmgr *d, struct text body);
/* Verifies the candidate again after certificates came. */
void retry_candidate(struct dirmgr *d);
void drop_candidate(struct dirmgr *d);
/* How many of them were good. */
size_t take_certs(struct dirmgr *d, struct text body);
size_t take_microdescs(struct dirmgr *d, struct text body, struct dm_request *rq);
/* Newest may have become current, or current too old. */
void review(struct dirmgr *d);

/* dirmgr.c */
bool dm_live(const struct dirmgr *d, const struct netdir *nd);
void dm_kick(struct dirmgr *d); /* ops->want at the end of the wake-up */
void dm_step(struct dirmgr *d, int percent);
void dm_note_wake(struct dirmgr *d, uint64_t at_us);
void dm_note_wall(struct dirmgr *d, int64_t at_s);
void dm_arm(struct dirmgr *d);
void dm_netdir_changed(struct dirmgr *d);
void dm_schedule_refresh(struct dirmgr *d);
size_t dm_in_flight(const struct dirmgr *d, enum dir_kind kind);
struct dm_request *dm_find(struct dirmgr *d, uint32_t id);

#endif
