/* Docs: every directory document of a test network, made and signed (dir-spec 2.1, 3.1, 3.4, 3.9).
 *
 * Keys are made once; a consensus is made as often as netdocs_publish() is called. Documents are
 * views that live as long as the struct netdocs, a consensus as long as it is one of the last
 * NETDOCS_KEPT. */
#ifndef TUNIC_TESTNET_NETDOCS_H
#define TUNIC_TESTNET_NETDOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/decompress.h"
#include "dirdoc/consdoc.h"
#include "dirdoc/identity.h"
#include "testnet/plan.h"

struct netdocs;

enum { NETDOCS_KEPT = 4 }; /* consensuses, for diffs */
enum { NETDOCS_ENCODINGS = ENC_UNKNOWN };

/* How a consensus is spoilt, for peers that cheat. */
enum netdocs_lie {
    NETDOCS_HONEST,
    NETDOCS_ONE_SIGNATURE,
    NETDOCS_UNKNOWN_DIGEST, /* signatures over an algorithm that nobody knows */
    NETDOCS_FORGED,         /* changed after signing */
    NETDOCS_EXPIRED,        /* signed, but its time is over */
    NETDOCS_FUTURE,
    NETDOCS_EVIL_ADDRESS, /* signed, with relays at 0.0.0.0 */
    NETDOCS_STRANGERS,    /* of another network: nobody knows its authorities */
    NETDOCS_LIES
};

/* PLAN (ports filled in) and IDS, one a node in the plan's order, outlive it. Makes authority keys,
 * their certificates, descriptors, extra-info and microdescriptors. ERR_NOMEM, ERR_CRYPTO. */
MUST_USE err_t netdocs_new(struct env *env, const struct plan *plan, const struct identity *ids,
                           struct netdocs **out);
void netdocs_free(struct netdocs *d); /* NULL is fine */

/* Makes and signs a consensus of both flavors that is valid from now on. */
MUST_USE err_t netdocs_publish(struct netdocs *d);
/* One that will be valid in so many seconds. */
MUST_USE err_t netdocs_publish_ahead(struct netdocs *d, uint32_t ahead_s);

/* The newest consensus; empty before netdocs_publish(). A lie is made on first use. */
struct text netdocs_consensus(struct netdocs *d, enum consdoc_flavor flavor, enum netdocs_lie lie);
/* The honest one, compressed on first use; ERR_NOT_FOUND before netdocs_publish(), ERR_NOMEM. */
MUST_USE err_t netdocs_consensus_encoded(struct netdocs *d, enum consdoc_flavor flavor,
                                         enum dir_encoding encoding, struct text *out);
int64_t netdocs_valid_after_s(const struct netdocs *d);
int64_t netdocs_fresh_until_s(const struct netdocs *d);
int64_t netdocs_valid_until_s(const struct netdocs *d);
/* The diff from the kept consensus with this SHA3-256 (of its signed part, as clients ask by
 * X-Or-Diff-From-Consensus) to the newest; empty if there is none. */
struct text netdocs_diff(struct netdocs *d, enum consdoc_flavor flavor, const uint8_t from[32]);

/* Whether the newest consensus has this SHA3-256: who has it needs nothing. */
bool netdocs_is_newest(const struct netdocs *d, enum consdoc_flavor flavor,
                       const uint8_t sha3_signed[32]);

/* A parameter of its consensuses. */
int32_t netdocs_param(const struct netdocs *d, const char *name, int32_t fallback);

struct text netdocs_key_certs(const struct netdocs *d); /* all, one after the other */
/* A certificate by v3 identity and signing key, either of which may be NULL for any; empty if
 * unknown. */
struct text netdocs_key_cert(const struct netdocs *d, const uint8_t *id, const uint8_t *sk);
int64_t netdocs_certs_published_s(const struct netdocs *d);
struct text netdocs_microdesc(const struct netdocs *d, const uint8_t digest[32]);
/* The I-th microdescriptor in some order, and its digest; empty behind the last. */
struct text netdocs_microdesc_at(const struct netdocs *d, size_t i, struct sha256 *digest);
struct text netdocs_descriptor(const struct netdocs *d, const struct rsa_id *id);
struct text netdocs_descriptor_by_digest(const struct netdocs *d, const uint8_t digest[20]);
struct text netdocs_extra_info(const struct netdocs *d, const struct rsa_id *id);
struct text netdocs_extra_info_by_digest(const struct netdocs *d, const uint8_t digest[20]);
struct text netdocs_all_descriptors(const struct netdocs *d);
struct text netdocs_all_extra_infos(const struct netdocs *d);
/* The votes the newest consensus was made of, by authority; empty if unknown. */
struct text netdocs_vote(const struct netdocs *d, const uint8_t v3_id[20]);

/* Fingerprint of authority I's v3 identity key, for "DirAuthority ... v3ident=". */
const uint8_t *netdocs_v3_id(const struct netdocs *d, size_t i);
size_t netdocs_authority_count(const struct netdocs *d);
/* The v3 identity of the authority that is this relay; NULL: it is none. */
const uint8_t *netdocs_v3_id_of(const struct netdocs *d, const struct rsa_id *relay);

#endif
