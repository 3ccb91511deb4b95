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
 * names cannot be verified (DOCS_OTHER). */
#ifndef TUNIC_DOCS_WANT_H
#define TUNIC_DOCS_WANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum docs_kind {
    DOCS_CONSENSUS,
    DOCS_VOTE,
    DOCS_SIGNATURES, /* detached */
    DOCS_KEYS,       /* key certificates of authorities */
    DOCS_SERVER,
    DOCS_EXTRA,
    DOCS_MICRO,
    DOCS_BANDWIDTH,
    DOCS_OTHER,
};

enum docs_flavor { DOCS_NS, DOCS_MICRODESC };

enum docs_by {
    DOCS_BY_NOTHING,   /* there is but one: a consensus, a bandwidth file, detached signatures */
    DOCS_BY_ALL,       /* all that the server has */
    DOCS_BY_AUTHORITY, /* the server's own */
    DOCS_BY_FP,        /* by identity: keys[].id. For a consensus: who must have signed */
    DOCS_BY_SK,        /* by signing key: keys[].sk */
    DOCS_BY_PAIR,      /* by both */
    DOCS_BY_DIGEST,    /* by keys[].id: 20 bytes, or 32 of a microdescriptor */
};

struct docs_key {
    uint8_t id[32];
    uint8_t sk[20];
};

enum {
    DOCS_WHY_MAX = 320,
    DOCS_PATH_MAX = 8192,
    DOCS_KEYS_MAX = 8192, /* of one word */
};

struct docs_want {
    enum docs_kind kind;
    enum docs_by by;
    enum docs_flavor flavor; /* of a consensus */
    bool next;               /* consensus, vote, signatures, bandwidth: of the next period */
    struct docs_key *keys;   /* in the order given, none twice */
    size_t n_keys;
    char *path; /* of DOCS_OTHER */
};

/* ERR_ARG: WHY says in a sentence what is wrong with the word and what is known. ERR_NOMEM. On OK
 * OUT is the caller's, for docs_want_clear(). */
MUST_USE err_t docs_want_parse(const char *word, struct docs_want *out, char why[DOCS_WHY_MAX]);
void docs_want_clear(struct docs_want *w);

/* How many requests it takes: dir-spec B: at most 96 fingerprints, or 92 digests of
 * microdescriptors, in each. A consensus's signers are all in one request. */
size_t docs_want_requests(const struct docs_want *w);
/* The path of request I, from 0 on. ERR_ARG: there is no such request; ERR_FULL. */
MUST_USE err_t docs_want_path(const struct docs_want *w, size_t i, char out[DOCS_PATH_MAX]);

/* Bytes that one answer may have at most, decompressed. */
size_t docs_want_body_max(const struct docs_want *w);

/* Only authorities have it: fallbacks and other caches need not be asked. */
bool docs_want_of_authorities(const struct docs_want *w);
/* A matter of the one server that is asked ("authority"): another one would give another answer. */
bool docs_want_of_server(const struct docs_want *w);
/* Verifying takes certificates of the authorities that are not in the answer itself. */
bool docs_want_needs_certs(const struct docs_want *w);

#endif
