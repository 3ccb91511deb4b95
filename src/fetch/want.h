/* Want: what a word of the command line asks directory servers for, and by which requests
 * (dir-spec appendix B).
 *
 * Words are the tails of tor's URLs, with short names for the common ones:
 *   consensus, consensus-microdesc   the current one; "/FP+FP...": signed by more than half of
 * these authorities (FP: a fingerprint of 40 digits) consensus/next                   what the
 * authorities are about to agree on consensus-signatures             the detached signatures of
 * that one vote/WHEN/authority              WHEN is current or next; the vote of the server asked
 *   vote/WHEN/FP[+FP...]             those of these authorities; vote/WHEN/d/DIGEST[+DIGEST...]
 *   keys/all, keys/authority, keys/fp/FP[+...], keys/sk/FP[+...], keys/fp-sk/FP-FP[+...]
 *   server/all, server/authority, server/fp/FP[+...], server/d/DIGEST[+...]; extra/... likewise
 *   micro/d/BASE64[-BASE64...]
 *   bandwidth                        the bandwidth file behind the next vote
 * or a whole path from "/tor/" on; one that is none of the above is asked for as it is, and what it
 * names cannot be verified (FETCH_OTHER). */
#ifndef TUNIC_FETCH_WANT_H
#define TUNIC_FETCH_WANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum fetch_kind {
    FETCH_CONSENSUS,
    FETCH_VOTE,
    FETCH_SIGNATURES, /* detached */
    FETCH_KEYS,       /* key certificates of authorities */
    FETCH_SERVER,
    FETCH_EXTRA,
    FETCH_MICRO,
    FETCH_BANDWIDTH,
    FETCH_OTHER,
};

enum fetch_flavor { FETCH_NS, FETCH_MICRODESC };

enum fetch_by {
    FETCH_BY_NOTHING,   /* there is but one: a consensus, a bandwidth file, detached signatures */
    FETCH_BY_ALL,       /* all that the server has */
    FETCH_BY_AUTHORITY, /* the server's own */
    FETCH_BY_FP,        /* by identity: keys[].id. For a consensus: who must have signed */
    FETCH_BY_SK,        /* by signing key: keys[].sk */
    FETCH_BY_PAIR,      /* by both */
    FETCH_BY_DIGEST,    /* by keys[].id: 20 bytes, or 32 of a microdescriptor */
};

struct fetch_key {
    uint8_t id[32];
    uint8_t sk[20];
};

enum {
    FETCH_WHY_MAX = 320,
    FETCH_PATH_MAX = 8192,
    FETCH_KEYS_MAX = 8192, /* of one word */
};

struct fetch_want {
    enum fetch_kind kind;
    enum fetch_by by;
    enum fetch_flavor flavor; /* of a consensus */
    bool next;                /* consensus, vote, signatures, bandwidth: of the next period */
    struct fetch_key *keys;   /* in the order given, none twice */
    size_t n_keys;
    char *path; /* of FETCH_OTHER */
};

/* ERR_ARG: WHY says in a sentence what is wrong with the word and what is known. ERR_NOMEM. On OK
 * OUT is the caller's, for fetch_want_clear(). */
MUST_USE err_t fetch_want_parse(const char *word, struct fetch_want *out, char why[FETCH_WHY_MAX]);
void fetch_want_clear(struct fetch_want *w);

/* How many requests it takes: dir-spec B: at most 96 fingerprints, or 92 digests of
 * microdescriptors, in each. A consensus's signers are all in one request. */
size_t fetch_want_requests(const struct fetch_want *w);
/* The path of request I, from 0 on. ERR_ARG: there is no such request; ERR_FULL. */
MUST_USE err_t fetch_want_path(const struct fetch_want *w, size_t i, char out[FETCH_PATH_MAX]);

/* Bytes that one answer may have at most, decompressed. */
size_t fetch_want_body_max(const struct fetch_want *w);

/* Only authorities have it: fallbacks and other caches need not be asked. */
bool fetch_want_of_authorities(const struct fetch_want *w);
/* A matter of the one server that is asked ("authority"): another one would give another answer. */
bool fetch_want_of_server(const struct fetch_want *w);
/* Verifying takes certificates of the authorities that are not in the answer itself. */
bool fetch_want_needs_certs(const struct fetch_want *w);

/* "server descriptors", for messages; static storage. */
const char *fetch_kind_text(enum fetch_kind kind);

#endif
