/* Consdoc: what authorities write (dir-spec 3.1, 3.4.1): key certificates, votes, and the consensus
 * of them in both flavors, as C tor's write it with method 35. All errors latch in the writer. */
#ifndef TUNIC_DIRDOC_CONSDOC_H
#define TUNIC_DIRDOC_CONSDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/consensus.h"
#include "dirdoc/docw.h"

enum consdoc_flavor { CONSDOC_NS, CONSDOC_MICRODESC, CONSDOC_FLAVORS };

enum { CONSDOC_AUTHORITIES_MOST = 15 };

struct consdoc_authority {
    const char *nickname, *contact; /* borrowed */
    struct ipport or_port;
    uint16_t dir_port;                          /* 0: none yet */
    struct rsa_key *identity_key, *signing_key; /* the first only for the certificate */
    struct rsa_id identity, signing;
    struct text cert; /* "" before there is one; borrowed */
    uint8_t vote_digest[20];
};

/* One row. Borrows the strings. */
struct consdoc_relay {
    char nickname[NICKNAME_MAX + 1];
    struct rsa_id rsa;
    struct ed_id ed;
    struct ipport or_port, or_port6; /* the second: family IP_NONE if it has none */
    uint16_t dir_port;
    unsigned flags; /* RELAY_... */
    uint32_t bandwidth_kb;
    int64_t published_s;
    const char *version, *protos; /* "Tor 0.4.9.1", "Cons=2 ..." */
    const char *policy;           /* a summary: "accept 80,443" */
    uint8_t descriptor_sha1[20], microdesc_sha256[32];
};

struct consdoc {
    int64_t valid_after_s, fresh_until_s, valid_until_s;
    uint32_t vote_s, dist_s; /* "voting-delay" */
    const char *params;      /* as consdoc_params() makes it */
    struct consdoc_authority *authority;
    size_t n_authorities;
    const struct consdoc_relay *const *relay; /* ascending by rsa */
    size_t n_relays;
    bool nowhere; /* authorities that cheat: all relays are at 0.0.0.0 */
};

/* "name=value ..." in order, a string that the caller frees; what is missing in PARAMS is added
 * with our defaults. NULL out of memory. */
char *consdoc_params(const char *params);
int32_t consdoc_param(const char *params, const char *name, int32_t fallback);

/* Both keys of an authority, made of ENV's random source. ERR_CRYPTO, ERR_NOMEM. */
MUST_USE err_t consdoc_make_keys(struct env *env, struct consdoc_authority *a);

/* Two steps: all of a key certificate but its last signature; then that signature, over what stands
 * from FROM on. */
void consdoc_write_cert(struct docw *w, const struct consdoc_authority *a, int64_t published_s,
                        int64_t expires_s);
void consdoc_sign_cert(struct docw *w, size_t from, const struct consdoc_authority *a);

/* All but the signatures; the text that comes before the authorities ends at *HEAD_LEN. A vote has
 * its authority's certificate. */
void consdoc_write_vote(struct docw *w, const struct consdoc *c, const struct consdoc_authority *a,
                        size_t *head_len);
void consdoc_write(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor,
                   size_t *head_len);

/* The vote's digest goes to A, for the consensus. */
void consdoc_sign_vote(struct docw *w, struct consdoc_authority *a);

/* Signs by the first N authorities. ALGORITHM is the digest that signatures claim to be over; NULL:
 * the true one. *SIGNED_LEN is how much of the text is signed. */
void consdoc_sign(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor,
                  const char *algorithm, size_t n, size_t *signed_len);

#endif
