/* Docs: every directory document of a test network, made and signed (dir-spec 2.1, 3.1, 3.4, 3.9).
 *
 * Keys are made once; a consensus is made as often as docs_publish() is called. Documents are views
 * that live as long as the struct docs, a consensus as long as it is one of the last DOCS_KEPT. */
#ifndef TUNIC_TESTNET_DOCS_H
#define TUNIC_TESTNET_DOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/decompress.h"
#include "testnet/consdoc.h"
#include "testnet/identity.h"
#include "testnet/plan.h"

struct docs;

enum { DOCS_KEPT = 4 }; /* consensuses, for diffs */
enum { DOCS_ENCODINGS = ENC_UNKNOWN };

/* What our nodes speak, and say so. They understand requests for congestion control (FlowCtrl=2)
 * and grant none, which is what relays do when it is turned off. */
#define DOCS_PROTOS \
    "Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 Relay=2-5"

/* How a consensus is spoilt, for peers that cheat. */
enum docs_lie {
    DOCS_HONEST,
    DOCS_ONE_SIGNATURE,
    DOCS_UNKNOWN_DIGEST, /* signatures over an algorithm that nobody knows */
    DOCS_FORGED,         /* changed after signing */
    DOCS_EXPIRED,        /* signed, but its time is over */
    DOCS_FUTURE,
    DOCS_EVIL_ADDRESS, /* signed, with relays at 0.0.0.0 */
    DOCS_LIES
};

/* PLAN (ports filled in) and IDS, one a node in the plan's order, outlive it. Makes authority keys,
 * their certificates, descriptors, extra-info and microdescriptors. ERR_NOMEM, ERR_CRYPTO. */
MUST_USE err_t docs_new(struct env *env, const struct plan *plan, const struct identity *ids,
                        struct docs **out);
void docs_free(struct docs *d); /* NULL is fine */

/* Makes and signs a consensus of both flavors that is valid from now on. */
MUST_USE err_t docs_publish(struct docs *d);

/* The newest consensus; empty before docs_publish(). A lie is made on first use. */
struct text docs_consensus(struct docs *d, enum docs_flavor flavor, enum docs_lie lie);
/* The honest one, compressed on first use; ERR_NOT_FOUND before docs_publish(), ERR_NOMEM. */
MUST_USE err_t docs_consensus_encoded(struct docs *d, enum docs_flavor flavor,
                                      enum dir_encoding encoding, struct text *out);
int64_t docs_valid_after_s(const struct docs *d);
int64_t docs_fresh_until_s(const struct docs *d);
int64_t docs_valid_until_s(const struct docs *d);
/* The diff from the kept consensus with this SHA3-256 (of its signed part, as clients ask by
 * X-Or-Diff-From-Consensus) to the newest; empty if there is none. */
struct text docs_diff(struct docs *d, enum docs_flavor flavor, const uint8_t from[32]);

/* Whether the newest has this SHA3-256: who has it needs nothing. */
bool docs_is_newest(const struct docs *d, enum docs_flavor flavor, const uint8_t sha3_signed[32]);

struct text docs_key_certs(const struct docs *d); /* all, one after the other */
/* By v3 identity and signing key, either of which may be NULL for any; empty if unknown. */
struct text docs_key_cert(const struct docs *d, const uint8_t *id, const uint8_t *sk);
int64_t docs_certs_published_s(const struct docs *d);
struct text docs_microdesc(const struct docs *d, const uint8_t digest[32]);
/* The I-th of all in some order, and its digest; empty behind the last. */
struct text docs_microdesc_at(const struct docs *d, size_t i, struct sha256 *digest);
struct text docs_descriptor(const struct docs *d, const struct rsa_id *id);
struct text docs_descriptor_by_digest(const struct docs *d, const uint8_t digest[20]);
struct text docs_extra_info(const struct docs *d, const struct rsa_id *id);
struct text docs_extra_info_by_digest(const struct docs *d, const uint8_t digest[20]);
struct text docs_all_descriptors(const struct docs *d);
struct text docs_all_extra_infos(const struct docs *d);
/* The votes the newest consensus was made of, by authority; empty if unknown. */
struct text docs_vote(const struct docs *d, const uint8_t v3_id[20]);

/* Fingerprint of authority I's v3 identity key, for "DirAuthority ... v3ident=". */
const uint8_t *docs_v3_id(const struct docs *d, size_t i);
size_t docs_authority_count(const struct docs *d);
/* The v3 identity of the authority that is this relay; NULL: it is none. */
const uint8_t *docs_v3_id_of(const struct docs *d, const struct rsa_id *relay);

#endif
