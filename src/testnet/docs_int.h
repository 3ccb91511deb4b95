/* What the docs files share. */
#ifndef TUNIC_TESTNET_DOCS_INT_H
#define TUNIC_TESTNET_DOCS_INT_H

#include "base/buf.h"
#include "dir/consensus.h"
#include "testnet/consdoc.h"
#include "testnet/docs.h"
#include "testnet/docw.h"

#define DOCS_VERSION "Tunic " TUNIC_VERSION

_Static_assert((int)PLAN_AUTHORITIES_MOST <= (int)CONSDOC_AUTHORITIES_MOST,
               "a consensus has room for all");

struct docs_authority {
    struct rsa_id relay;   /* of the relay that it is */
    struct docw_span cert; /* in docs.certs */
    struct docw vote;      /* for the newest consensus */
};

/* A relay and its documents. What only nodes have, phantoms have as zeros, but for the digest. */
struct docs_relay {
    const struct plan_node *plan; /* NULL: a phantom */
    struct consdoc_relay row;
    char *policy;                                       /* an exit's summary; row.policy */
    struct docw_span microdesc, descriptor, extra_info; /* in the writers of struct docs */
    uint8_t extra_info_sha1[20];
};

/* A consensus that was published. */
struct docs_edition {
    int64_t valid_after_s;
    struct docw text[DOCS_FLAVORS];
    size_t signed_len[DOCS_FLAVORS];
    uint8_t sha3_signed[DOCS_FLAVORS][32]; /* what clients know it by */
    struct docw diff[DOCS_FLAVORS];        /* from it to the newest, once asked for */
};

struct docs {
    struct env *env;
    const struct plan *plan;
    int64_t made_s, certs_published_s;
    char *params; /* sorted */
    struct rsa_key *tap;
    struct consdoc_authority authority[PLAN_AUTHORITIES_MOST];
    struct docs_authority authority_docs[PLAN_AUTHORITIES_MOST];
    struct docs_relay *relay; /* ascending by rsa */
    size_t n_relays;
    const struct consdoc_relay **rows; /* of all, in that order */
    const struct consdoc_relay **node_rows;
    size_t n_node_rows;
    struct docs_relay **by_microdesc; /* ascending by digest */
    struct docw certs, microdescs, descriptors, extra_infos;
    struct docs_edition edition[DOCS_KEPT]; /* newest first */
    size_t n_editions;
    struct docw lie[DOCS_FLAVORS][DOCS_LIES];         /* about the newest, once asked for */
    struct buf encoded[DOCS_FLAVORS][DOCS_ENCODINGS]; /* the newest, once asked for */
};

/* Keys and certificate of authority I, which is this relay. */
MUST_USE err_t docs_make_authority(struct docs *d, size_t i, const struct rsa_id *relay);
void docs_wipe_authority(struct docs *d, size_t i);

/* Descriptor, extra-info document and microdescriptor of a node. */
MUST_USE err_t docs_make_relay(struct docs *d, const struct plan_node *plan,
                               const struct identity *id, struct docs_relay *out);
MUST_USE err_t docs_make_phantom(struct docs *d, uint32_t number, struct docs_relay *out);

struct docs_times {
    int64_t valid_after_s, fresh_until_s, valid_until_s;
};
/* The votes that the consensus of time T is made of; before it. */
MUST_USE err_t docs_make_votes(struct docs *d, const struct docs_times *t);
/* Appends a consensus to OUT; *SIGNED_LEN is how much of it is signed. */
MUST_USE err_t docs_write_consensus(struct docs *d, enum docs_flavor flavor, enum docs_lie lie,
                                    const struct docs_times *t, struct docw *out,
                                    size_t *signed_len);

#endif
