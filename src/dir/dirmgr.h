/* The directory manager: knows which documents a client has, which it wants next and from whom.
 *
 * No I/O. The owner (client) asks dirmgr_next() for requests, carries each one out on a one-hop
 * circuit (dirhttp.h), and tells how it ended with exactly one of dirmgr_reply() or
 * dirmgr_failed(). Events are delivered from a timer at the end of the wake-up, never from inside
 * one of these calls; an event handler may call everything here but dirmgr_free(). */
#ifndef TUNIC_DIR_DIRMGR_H
#define TUNIC_DIR_DIRMGR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/reach.h"
#include "base/text.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/dirhttp.h"
#include "dir/netdir.h"
#include "dir/servers.h"
#include "dir/store.h"

struct dirmgr;

enum dir_kind { DIR_WANT_CONSENSUS, DIR_WANT_CERTS, DIR_WANT_MICRODESCS };

/* Somebody is wanted who can be asked for documents. Pointers are good during the call. */
struct dir_wish {
    enum dir_kind kind;
    bool authority;              /* an authority, if one may be asked; otherwise whoever may be */
    const struct rsa_id *rather; /* who served what led to this wish (a link to it is open); or NULL
                                  */
    struct netdir *known; /* the newest consensus, or NULL; its relays may lack microdescriptors,
                             and its time may be over */
    const struct dir_servers *servers; /* authorities and fallbacks */
    const struct rsa_id *busy;         /* have a request of this kind under way */
    size_t n_busy;
    const struct rsa_id *slow; /* of those: are slow to answer, which is no failure */
    size_t n_slow;
};

/* Who is asked, over a one-hop circuit to its ORPort: CREATE_FAST unless ntor is known. */
struct dir_choice {
    struct reach reach;
    struct rsa_id rsa;
    bool has_ed;
    struct ed_id ed;
    bool is_authority;
};

/* A clock that differs from ours. */
struct dir_skew {
    int64_t skew_s; /* ours minus theirs; of a consensus, how far ours is outside of its time */
    bool trusted;   /* a majority of authorities signed it, or one of them said so */
    bool document;
    struct ipport addr; /* who sent it; family IP_NONE: it was in the cache */
    const char *whose;  /* for people, behind "ahead of": "that of directory authority X" */
};

/* What is told to those who build circuits by it. */
struct dirmgr_ops {
    /* Bootstrap progress as tor counts it; each step once, ascending: 25 requesting_status,
     * 30 loading_status, 40 loading_keys, 45 requesting_descriptors, 50..74 loading_descriptors,
     * 75 enough_dirinfo. (The steps up to 20, onehop_create, are the client's.) */
    void (*progress)(void *arg, int percent, const char *tag, const char *summary);
    /* ND is what paths are to be built from now on: sent when it becomes enough for the first time,
     * with every new consensus after that, and when rows of it were completed. ND is NULL when the
     * last one has expired. The handler takes a reference if it keeps it. */
    void (*netdir)(void *arg, struct netdir *nd);
    /* May be NULL. A consensus requires protocols of clients that this version lacks: MISSING,
     * "Relay=9". Told once; there is no network any more and nothing will be wanted. */
    void (*obsolete)(void *arg, const char *missing);
};

/* The carrier: who asks relays for what is wanted, with its guards, and keeps the files. There may
 * be none for a while; then nothing is asked for or kept. */
struct dirmgr_carrier {
    /* dirmgr_next() may have something. */
    void (*want)(void *arg);
    /* The N PARTS, one after the other, replace the file, which goes if they are
     * empty, or are appended to it; valid during the call only. An error (logged): the file is as
     * it was. */
    err_t (*store)(void *arg, enum dir_file file, const struct text *parts, size_t n, bool append);
    /* May be NULL. FILE as it is stored now: it stays so in *OUT, whatever is stored after.
     * ERR_NOT_FOUND: there is none, or nothing is kept. Other errors: it can't be read (logged).
     * Without it no diff of a consensus is asked for. */
    err_t (*read_back)(void *arg, enum dir_file file, struct blob *out);
    /* May be NULL. FILE, which was given to dirmgr_load(), is damaged: keep it under another name
     * before a good one is stored. */
    void (*set_aside)(void *arg, enum dir_file file);
    /* Whom to ask: the manager itself knows nothing of guards, firewalls and forbidden relays.
     * False: nobody at the moment; *AGAIN_US (monotonic) is lowered to when it is worth asking
     * again, if that is known. Called from dirmgr_next(); must not call back. */
    bool (*choose)(void *arg, const struct dir_wish *wish, struct dir_choice *out,
                   uint64_t *again_us);
    /* May be NULL. What came of asking RSA: GOOD, or nothing, or nothing of use. FORGIVE: what
     * failed may be tried again at once. */
    void (*judge)(void *arg, const struct rsa_id *rsa, bool good);
    void (*forgive)(void *arg);
    /* May be NULL. The answer to request ID would be of no use: others were faster. It is over
     * (neither dirmgr_reply() nor dirmgr_failed() may follow). */
    void (*cancel)(void *arg, uint32_t id);
    /* May be NULL. Our clock is not that of an authority, or of a consensus. */
    void (*clock_skew)(void *arg, const struct dir_skew *skew);
};

/* When documents are asked for: tor's options, in seconds. */
struct dir_schedule {
    /* While there is no network, two rows of tries run side by side, each with a first wait:
     * ClientBootstrapConsensus{Fallback,Authority,AuthorityOnly}DownloadInitialDelay; the last is
     * for authorities when there is nobody else. */
    uint32_t fallback_first_s, authority_first_s, authority_only_first_s;
    uint32_t max_tries;         /* ClientBootstrapConsensusMaxInProgressTries */
    uint32_t consensus_first_s; /* TestingClientConsensusDownloadInitialDelay */
    uint32_t others_first_s;    /* TestingClientDownloadInitialDelay */
    uint32_t few_wait_s;        /* TestingClientMaxIntervalWithoutRequest */
    uint32_t max_stall_s;       /* TestingDirConnectionMaxStall: a server may be silent so long */
    /* FetchDirInfoEarly, FetchDirInfoExtraEarly: soon after a consensus is out, and of authorities.
     */
    bool early, extra_early;
};

/* tor's defaults (for TESTING, those of a TestingTorNetwork). */
struct dir_schedule dir_schedule_defaults(bool testing);

struct dirmgr_options {
    const struct dir_servers *servers; /* authorities and fallbacks; copied */
    bool testing;                      /* TestingTorNetwork: short delays */
    uint32_t paths_needed_permyriad;   /* PathsNeededToBuildCircuits; 0: by the consensus */
    struct dir_schedule schedule;
};

MUST_USE err_t dirmgr_new(struct env *env, const struct dirmgr_options *o,
                          const struct dirmgr_ops *ops, void *arg, struct dirmgr **out);
/* OPS are copied; NULL: nobody carries any more. What was under way is given up (dirmgr_abandon).
 */
void dirmgr_set_carrier(struct dirmgr *d, const struct dirmgr_carrier *ops, void *arg);
void dirmgr_free(struct dirmgr **d);
/* New options while running. A consensus that was verified stays. ERR_NOMEM: the old ones stay. */
MUST_USE err_t dirmgr_set_options(struct dirmgr *d, const struct dirmgr_options *o);

/* The cached files, before dirmgr_start(); any of them may be missing (len 0). In the order of enum
 * dir_file. ERR_NOMEM only. */
MUST_USE err_t dirmgr_load(struct dirmgr *d, const struct text files[DIR_FILE_N]);
void dirmgr_start(struct dirmgr *d);
/* Something changed (network up, user is there): waiting periods end, servers are forgiven. */
void dirmgr_retry_now(struct dirmgr *d);

/* As C tor: up to 500 microdescriptors a request when it goes through a circuit. */
enum { DIRMGR_REQUESTS_MAX = 40, DIRMGR_MD_BATCH_MAX = 500 };

/* One request; all of it is a copy. */
struct dir_request {
    uint32_t id;
    enum dir_kind kind;
    struct dir_choice to;
    /* What to say: dirhttp_get(path, {.host, .if_modified_since_s, .diff_from}),
     * dirhttp_new(body_cap, false). */
    char path[DIRHTTP_URL_MAX];
    char host[IPPORT_TEXT_MAX];
    int64_t if_modified_since_s;
    char diff_from[HEX_SIZE(SHA3_256_LEN)]; /* "": a diff is not wanted */
    size_t body_cap;
    /* Give up (dirmgr_failed): if nothing comes for STALL_MS, or if, so long after the request was
     * sent, the whole answer has not come at FLOOR_BYTES_S at least (0: at any rate). */
    uint32_t stall_ms, floor_bytes_s;
};

/* The next request that should be launched now; false: nothing for the time being (ops->want will
 * tell). Call until it says false. */
bool dirmgr_next(struct dirmgr *d, struct dir_request *out);

/* The circuit is up and the request was sent; N more bytes came as an answer; the body has begun.
 */
void dirmgr_sent(struct dirmgr *d, uint32_t id);
void dirmgr_received(struct dirmgr *d, uint32_t id, size_t n);
void dirmgr_body_began(struct dirmgr *d, uint32_t id);

/* The answer, decompressed (BODY may be empty unless STATUS is 200), with the server's Date or 0.
 */
void dirmgr_reply(struct dirmgr *d, uint32_t id, int status, struct text body, int64_t date_s);
/* No answer: WHY is the connection's, circuit's or dirhttp's error. */
void dirmgr_failed(struct dirmgr *d, uint32_t id, err_t why);
/* Whoever carried out what is under way has gone: all of it may be asked for again, and nobody is
 * to blame. */
void dirmgr_abandon(struct dirmgr *d);

/* The network to build paths from, or NULL: not enough known yet, or too old. Not held for the
 * caller. */
struct netdir *dirmgr_netdir(const struct dirmgr *d);
/* What the network requires and this version lacks, as told by ops->obsolete(); or NULL. */
const char *dirmgr_lacks(const struct dirmgr *d);
/* The newest verified consensus, even if not enough of it is known; or NULL. */
struct netdir *dirmgr_newest(const struct dirmgr *d);
/* The same, or if there is none one that is over by no more than a few days: good for nothing but
 * to know where guards are. */
struct netdir *dirmgr_known(const struct dirmgr *d);

/* ---- how it stands with what is asked for, for those who show it ---- */

/* Tries for a consensus while there is none, of anybody and of authorities; and after that. */
enum dir_tries { DIR_TRIES_ANYBODY, DIR_TRIES_AUTHORITIES, DIR_TRIES_REFRESH, DIR_TRIES_CERTS };

struct dir_tries_state {
    unsigned fails;        /* in a row; before there is a consensus, tries */
    uint32_t last_delay_s; /* the wait after the last of them */
    int64_t next_s;        /* wall clock: not before */
};

struct dir_tries_state dirmgr_tries(const struct dirmgr *d, enum dir_tries which);
/* The v3 identities of the configured authorities. */
const struct rsa_id *dirmgr_authorities(const struct dirmgr *d, size_t *n);

#endif
