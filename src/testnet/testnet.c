#include "testnet/testnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "link/tls.h"

enum { TLS_KEY_BITS = 2048, CERT_AGE_S = 24 * 3600, CERT_LIFE_S = 365 * 24 * 3600 };

struct testnet {
    struct env *env;
    struct plan plan;
    const struct identity *ids; /* borrowed, or own */
    struct identity *own_ids;
    struct netdocs *docs;
    struct tls_ctx *dial_tls, *accept_tls; /* of all nodes */
    struct node *node[PLAN_NODES_MOST];
    struct timer republish;
};

static void republish(void *arg)
{
    struct testnet *t = arg;
    if (netdocs_publish(t->docs) != OK)
        log_warn(t->env->log, "No new consensus could be made; the old one stays.");
    env_arm_ms(t->env, &t->republish, (uint64_t)t->plan.interval_s * MS_PER_SEC);
}

static err_t make_identities(struct testnet *t)
{
    t->own_ids = calloc(t->plan.n_nodes, sizeof *t->own_ids);
    if (!t->own_ids)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->plan.n_nodes; i++)
        TRY(identity_make(t->env, &t->own_ids[i]));
    t->ids = t->own_ids;
    return OK;
}

static int32_t param(const void *arg, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    const struct plan *plan = arg;
    int32_t said = plan->params ? consdoc_param(plan->params, name, fallback) : fallback;
    return said < least ? least : said > most ? most : said;
}

static err_t make_nodes(struct testnet *t, const struct testnet_config *config,
                        const struct node_world *ops, void *world)
{
    for (size_t i = 0; i < t->plan.n_nodes; i++) {
        struct node_config c = {.plan = &t->plan.node[i],
                                .id = &t->ids[i],
                                .docs = t->docs,
                                .dial_tls = t->dial_tls,
                                .accept_tls = t->accept_tls,
                                .hosts = config->hosts,
                                .n_hosts = config->n_hosts,
                                .measurable = config->measurable,
                                .flow.cc = cc_params_read(param, &t->plan)};
        TRY(node_new(t->env, &c, ops, world, &t->node[i]));
    }
    return OK;
}

/* tor wants an RSA key in a relay's TLS certificate, and TLS libraries of today want 2048 bits. It
 * takes a while to make one, so that all nodes share it; who they are, CERTS proves. */
static err_t make_accept_tls(struct testnet *t)
{
    uint8_t cert[2048], key[2048];
    struct wr cert_w = wr_over(cert, sizeof cert), key_w = wr_over(key, sizeof key);
    struct rsa_key *rsa;
    int64_t now_s = env_wall_s(t->env);
    TRY(rsa_key_generate_from(t->env, TLS_KEY_BITS, &rsa));
    err_t e = rsa_id_cert_make(rsa, now_s - CERT_AGE_S, now_s + CERT_LIFE_S, &cert_w);
    if (e == OK)
        e = rsa_key_to_der(rsa, &key_w);
    if (e == OK)
        e = tls_ctx_new_server_with(cert, cert_w.len, key, key_w.len, &t->accept_tls);
    secret_wipe(key, sizeof key);
    rsa_key_free(rsa);
    return e;
}

static err_t set_up(struct testnet *t, const struct testnet_config *config,
                    const struct node_world *ops, void *world)
{
    if (!t->ids)
        TRY(make_identities(t));
    TRY(netdocs_new(t->env, &t->plan, t->ids, &t->docs));
    TRY(netdocs_publish(t->docs));
    TRY(tls_ctx_new_client(&t->dial_tls));
    TRY(make_accept_tls(t));
    TRY(make_nodes(t, config, ops, world));
    if (config->republish)
        env_arm_ms(t->env, &t->republish, (uint64_t)t->plan.interval_s * MS_PER_SEC);
    return OK;
}

err_t testnet_new(struct env *env, const struct testnet_config *config,
                  const struct node_world *ops, void *world, struct testnet **out)
{
    struct testnet *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->env = env;
    t->plan = *config->plan;
    t->ids = config->ids;
    timer_init(&t->republish, republish, t);
    err_t e = set_up(t, config, ops, world);
    if (e != OK)
        testnet_free(t);
    else
        *out = t;
    return e;
}

void testnet_free(struct testnet *t)
{
    if (!t)
        return;
    env_disarm(t->env, &t->republish);
    for (size_t i = 0; i < t->plan.n_nodes; i++)
        node_free(t->node[i]);
    for (size_t i = 0; t->own_ids && i < t->plan.n_nodes; i++)
        identity_wipe(&t->own_ids[i]);
    free(t->own_ids);
    netdocs_free(t->docs);
    tls_ctx_free(t->dial_tls);
    tls_ctx_free(t->accept_tls);
    free(t);
}

/* ---- what it is ---- */

size_t testnet_nodes(const struct testnet *t)
{
    return t->plan.n_nodes;
}

struct node *testnet_node(const struct testnet *t, size_t i)
{
    return t->node[i];
}

struct node *testnet_node_by_name(const struct testnet *t, const char *name)
{
    char fingerprint[HEX_SIZE(sizeof(struct rsa_id))];
    for (size_t i = 0; i < t->plan.n_nodes; i++) {
        hex_upper(t->ids[i].rsa_id.b, sizeof t->ids[i].rsa_id.b, fingerprint);
        if (text_is_nocase(text_of(name), t->plan.node[i].nickname) ||
            text_is_nocase(text_of(name), fingerprint))
            return t->node[i];
    }
    return NULL;
}

struct node *testnet_node_at(const struct testnet *t, const struct ipport *or_port)
{
    for (size_t i = 0; i < t->plan.n_nodes; i++)
        if (ipport_equal(&t->plan.node[i].or_port, or_port))
            return t->node[i];
    return NULL;
}

struct netdocs *testnet_docs(const struct testnet *t)
{
    return t->docs;
}

const char *testnet_authority_line(const struct testnet *t, size_t i, char out[TESTNET_LINE_MAX])
{
    const struct plan_node *n = &t->plan.node[i];
    char v3[HEX_SIZE(20)], fingerprint[HEX_SIZE(20)], address[IP_TEXT_MAX];
    hex_upper(netdocs_v3_id(t->docs, i), 20, v3);
    hex_upper(t->ids[i].rsa_id.b, 20, fingerprint);
    ip_text(&n->or_port.ip, address);
    snprintf(out, TESTNET_LINE_MAX, "%s orport=%u no-v2 v3ident=%s %s:%u %s", n->nickname,
             n->or_port.port, v3, address, n->dir_port, fingerprint);
    return out;
}
