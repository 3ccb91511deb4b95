/* What the docs files share. */
#ifndef TUNIC_TESTNET_NETDOCS_INT_H
#define TUNIC_TESTNET_NETDOCS_INT_H

#include "base/buf.h"
#include "dir/consensus.h"
#include "dirdoc/consdoc.h"
#include "dirdoc/docw.h"
#include "dirdoc/spread.h"
#include "testnet/netdocs.h"

#define NETDOCS_VERSION "Tunic " TUNIC_VERSION

_Static_assert((int)PLAN_AUTHORITIES_MOST <= (int)CONSDOC_AUTHORITIES_MOST,
               "a consensus has room for all");

struct netdocs_authority {
    struct rsa_id relay;   /* of the relay that it is */
    struct docw_span cert; /* in docs.certs */
    struct docw vote;      /* for the newest consensus */
};

/* A relay and its documents. What only nodes have, phantoms have as zeros, but for the digest. */
struct netdocs_relay {
    const struct plan_node *plan; /* NULL: a phantom */
    struct consdoc_relay row;
    char *policy;                                       /* an exit's summary; row.policy */
    struct docw_span microdesc, descriptor, extra_info; /* in the writers of struct netdocs */
    uint8_t extra_info_sha1[20];
};

/* A consensus that was published. */
struct netdocs_edition {
    int64_t valid_after_s;
    struct docw text[CONSDOC_FLAVORS];
    size_t signed_len[CONSDOC_FLAVORS];
    uint8_t sha3_signed[CONSDOC_FLAVORS][32]; /* what clients know it by */
    struct docw diff[CONSDOC_FLAVORS];        /* from it to the newest, once asked for */
};

struct netdocs {
    struct env *env;
    const struct plan *plan;
    int64_t made_s, certs_published_s;
    char *params; /* sorted */
    struct rsa_key *tap;
    struct consdoc_authority authority[PLAN_AUTHORITIES_MOST];
    struct netdocs_authority authority_docs[PLAN_AUTHORITIES_MOST];
    struct spread *phantoms;     /* NULL: there are none */
    struct netdocs_relay *relay; /* ascending by rsa */
    size_t n_relays;
    const struct consdoc_relay **rows; /* of all, in that order */
    const struct consdoc_relay **node_rows;
    size_t n_node_rows;
    struct netdocs_relay **by_microdesc; /* ascending by digest */
    struct docw certs, microdescs, descriptors, extra_infos;
    struct netdocs_edition edition[NETDOCS_KEPT]; /* newest first */
    size_t n_editions;
    struct docw lie[CONSDOC_FLAVORS][NETDOCS_LIES];         /* about the newest, once asked for */
    struct buf encoded[CONSDOC_FLAVORS][NETDOCS_ENCODINGS]; /* the newest, once asked for */
};

/* Keys and certificate of authority I, which is this relay. */
MUST_USE err_t netdocs_make_authority(struct netdocs *d, size_t i, const struct rsa_id *relay);
void netdocs_wipe_authority(struct netdocs *d, size_t i);

/* Descriptor, extra-info document and microdescriptor of a node. */
MUST_USE err_t netdocs_make_relay(struct netdocs *d, const struct plan_node *plan,
                                  const struct identity *id, struct netdocs_relay *out);
MUST_USE err_t netdocs_make_phantom(struct netdocs *d, uint32_t number, struct netdocs_relay *out);

struct netdocs_times {
    int64_t valid_after_s, fresh_until_s, valid_until_s;
};
/* The votes that the consensus of time T is made of; before it. */
MUST_USE err_t netdocs_make_votes(struct netdocs *d, const struct netdocs_times *t);
/* Appends a consensus to OUT; *SIGNED_LEN is how much of it is signed. */
MUST_USE err_t netdocs_write_consensus(struct netdocs *d, enum consdoc_flavor flavor,
                                       enum netdocs_lie lie, const struct netdocs_times *t,
                                       struct docw *out, size_t *signed_len);

#endif
