/* Network: a consensus of given authorities about given relays (dir-spec 3.4.1), with the key
 * certificates, votes and microdescriptors that belong to it. */
#ifndef TUNIC_FORGE_NETWORK_H
#define TUNIC_FORGE_NETWORK_H

#include "base/env.h"
#include "base/err.h"
#include "dirdoc/consdoc.h"
#include "forge/desc.h"
#include "forge/relay.h"

/* One authority. Its texts are its own. */
struct forge_authority {
    struct consdoc_authority doc;
    struct rsa_id relay; /* for "DirAuthority" lines; made up if it is nobody's */
    char nickname[NICKNAME_MAX + 1];
    struct docw cert;
};

/* The N-th, from 1 on, with keys and a certificate of its own. ERR_NOMEM, ERR_CRYPTO,
 * ERR_MALFORMED (the edits of the certificate). */
MUST_USE err_t forge_authority_make(struct env *env, unsigned n, int64_t published_s,
                                    int64_t expires_s, const struct forge_edits *edits,
                                    bool unsigned_only, struct forge_authority *out);
/* Takes keys and certificate from the files that tor-gencert writes: authority_signing_key,
 * authority_certificate. On error *WHY says what is wrong (static storage). */
MUST_USE err_t forge_authority_read(struct env *env, unsigned n, struct text signing_key,
                                    struct text cert, struct forge_authority *out,
                                    const char **why);
void forge_authority_wipe(struct forge_authority *a); /* the zero one is fine */

/* What one relay's row says in place of what its descriptor says. */
struct forge_override {
    struct text relay; /* nickname, fingerprint in hex, or "*" */
    bool has_flags, has_bandwidth;
    unsigned flags;
    uint32_t bandwidth_kb;
};

/* "Fast,Guard" as RELAY_... ERR_NOT_FOUND: no such flag; *BAD is it then. */
MUST_USE err_t forge_flags(struct text names, unsigned *out, struct text *bad);

struct forge_network_wish {
    struct forge_authority *authority; /* their votes' digests are filled in */
    size_t n_authorities;
    struct forge_desc *desc; /* changed by the overrides */
    size_t n_descs;
    const struct forge_override *override; /* later ones win */
    size_t n_overrides;
    int64_t valid_after_s, fresh_until_s, valid_until_s;
    uint32_t vote_s, dist_s;
    const char *params;             /* NULL: the usual ones */
    struct forge_edits head, votes; /* changes before the authorities' lines */
    size_t signatures;              /* by so many authorities */
    bool unsigned_only;
};

struct forge_network {
    struct docw certs;
    struct docw vote[CONSDOC_AUTHORITIES_MOST];
    struct docw consensus[CONSDOC_FLAVORS];
    /* Each once, in the consensus's order; microdescriptors as clients keep them, with the time
     * they were last listed. */
    struct docw microdescs, descriptors;
};

/* ERR_ARG: two descriptors of one relay, or an override that fits none; WHAT says which.
 * ERR_MALFORMED: the edits. ERR_NOMEM, ERR_CRYPTO. */
enum { FORGE_WHAT_MAX = 128 };
MUST_USE err_t forge_network_make(const struct forge_network_wish *wish, struct forge_network *out,
                                  char what[FORGE_WHAT_MAX]);
void forge_network_free(struct forge_network *n); /* the zero one is fine */

#endif
