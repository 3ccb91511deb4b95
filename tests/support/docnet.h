/* A planned network with its keys and documents, and nothing that runs. */
#ifndef TUNIC_TESTS_DOCNET_H
#define TUNIC_TESTS_DOCNET_H

#include <stdlib.h>
#include <string.h>

#include "dir/authcert.h"
#include "dir/consensus.h"
#include "support/test.h"
#include "testnet/netdocs.h"

struct docnet {
    struct env *env;
    struct plan plan;
    struct identity id[PLAN_NODES_MOST];
    struct netdocs *docs;
    struct authcert_set certs; /* what a client would have */
    struct rsa_id auths[PLAN_AUTHORITIES_MOST];
};

static inline void docnet_take_certs(struct docnet *n)
{
    struct text rest = netdocs_key_certs(n->docs);
    struct authcert *cert;
    err_t err;
    authcert_set_init(&n->certs);
    while ((err = authcert_parse(&rest, &cert)) == OK)
        ck_ok(authcert_set_add(&n->certs, cert));
    ck_assert_int_eq(err, ERR_NOT_FOUND);
    for (size_t i = 0; i < n->plan.n_authorities; i++)
        memcpy(n->auths[i].b, netdocs_v3_id(n->docs, i), sizeof n->auths[i].b);
}

/* With a consensus, if PUBLISH. */
static inline struct docnet *docnet_new(uint64_t seed, const struct plan_wish *wish, bool publish)
{
    struct docnet *n = calloc(1, sizeof *n);
    char why[PLAN_WHY_MAX];
    ck_assert_ptr_nonnull(n);
    n->env = test_env(seed);
    ck_ok(plan_make(wish, &n->plan, why));
    for (size_t i = 0; i < n->plan.n_nodes; i++)
        ck_ok(identity_make(n->env, &n->id[i]));
    ck_ok(netdocs_new(n->env, &n->plan, n->id, &n->docs));
    docnet_take_certs(n);
    if (publish)
        ck_ok(netdocs_publish(n->docs));
    return n;
}

static inline struct docnet *docnet_usual(uint64_t seed)
{
    struct plan_wish wish = {.authorities = 3, .relays = 8, .exits = 2, .base_port = 9001};
    return docnet_new(seed, &wish, true);
}

static inline void docnet_free(struct docnet *n)
{
    authcert_set_clear(&n->certs);
    netdocs_free(n->docs);
    for (size_t i = 0; i < n->plan.n_nodes; i++)
        identity_wipe(&n->id[i]);
    test_env_free(n->env);
    free(n);
}

static inline err_t docnet_verify(const struct docnet *n, const struct consensus *c,
                                  struct consensus_verdict *v)
{
    return consensus_verify(c, n->auths, n->plan.n_authorities, &n->certs, env_wall_s(n->env), v);
}

#endif
