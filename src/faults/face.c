/* How a node breaks rules of the link before any cell: its TLS, the certificates that it shows. */
#include "faults/faulty.h"
#include "link/tls_odd.h"

static bool now(const struct nlink *nl, enum fault fault)
{
    return faulty_now(nl->node, fault);
}

/* ---- certificates ---- */

static const struct {
    enum fault fault;
    enum relay_certs_lie lie;
} lies[] = {
    {FAULT_LINK_CERT_EXPIRED, RELAY_CERTS_EXPIRED},
    {FAULT_LINK_CERT_WRONG_TLS, RELAY_CERTS_WRONG_TLS},
    {FAULT_LINK_OTHER_ED, RELAY_CERTS_OTHER_ED},
    {FAULT_CERTS_NO_RSA_ID, RELAY_CERTS_NO_RSA_ID},
    {FAULT_CERTS_NO_SIGNING, RELAY_CERTS_NO_SIGNING},
    {FAULT_CERTS_NO_LINK, RELAY_CERTS_NO_LINK},
    {FAULT_CERTS_NO_CROSS, RELAY_CERTS_NO_CROSS},
    {FAULT_CERTS_TWO_LINKS, RELAY_CERTS_TWO_LINKS},
    {FAULT_CERTS_RSA_BITS, RELAY_CERTS_RSA_BITS},
    {FAULT_CERTS_RSA_EXPIRED, RELAY_CERTS_RSA_EXPIRED},
    {FAULT_CERTS_RSA_SIGNATURE, RELAY_CERTS_RSA_SIGNATURE},
    {FAULT_CERTS_SIGNING_NO_KEY, RELAY_CERTS_SIGNING_NO_KEY},
    {FAULT_CERTS_SIGNING_SIGNATURE, RELAY_CERTS_SIGNING_SIGNATURE},
    {FAULT_CERTS_LINK_KEY_TYPE, RELAY_CERTS_LINK_KEY_TYPE},
    {FAULT_CERTS_LINK_EXPIRED, RELAY_CERTS_LINK_EXPIRED},
    {FAULT_CERTS_LINK_SIGNATURE, RELAY_CERTS_LINK_SIGNATURE},
    {FAULT_CERTS_CROSS_EXPIRED, RELAY_CERTS_CROSS_EXPIRED},
    {FAULT_CERTS_CROSS_SIGNATURE, RELAY_CERTS_CROSS_SIGNATURE},
    {FAULT_CERTS_CROSS_OTHER, RELAY_CERTS_CROSS_OTHER},
};

static enum relay_certs_lie choose_lie(const struct nlink *nl)
{
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (now(nl, lies[i].fault))
            return lies[i].lie;
    return RELAY_CERTS_HONEST;
}

/* Certificates that lie, or speak of another TLS than the node's. ERR_CRYPTO, ERR_NOMEM. */
static err_t show(const struct nlink *nl, struct tls_ctx *tls, struct link_server *face)
{
    const struct node *n = nl->node;
    struct faulty *f = node_misdeeds(n);
    enum relay_certs_lie lie = choose_lie(nl);
    struct sha256 tls_cert;
    if (lie == RELAY_CERTS_HONEST && tls == n->config.accept_tls)
        return OK;
    tls_ctx_cert_sha256(tls, &tls_cert);
    TRY(relay_certs_make(n->config.id, &tls_cert, env_wall_s(n->env), lie, &f->false_certs));
    face->certs = &f->false_certs.list;
    return OK;
}

/* ---- TLS ---- */

static const struct {
    enum fault fault;
    struct tls_odd odd;
} odds[FAULTY_ODD_TLS] = {
    {FAULT_TLS_NO_1_3, {.most = TLS_ODD_1_2}},
    {FAULT_TLS_NO_1_2, {.least = TLS_ODD_1_3}},
    {FAULT_TLS_1_1, {.least = TLS_ODD_1_1}},
    {FAULT_TLS_ASKS_CERT, {.asks_cert = true}},
    {FAULT_TLS_TWO_CERTS, {.cert = TLS_ODD_CERT_CHAIN}},
    {FAULT_TLS_V2_CERT, {.cert = TLS_ODD_CERT_V2}},
    {FAULT_TLS_OLD_CERT, {.cert = TLS_ODD_CERT_OLD}},
    {FAULT_TLS_SMALL_KEY, {.cert = TLS_ODD_CERT_SMALL}},
    {FAULT_TLS_RESUMES, {.resumes = true}},
    {FAULT_TLS_RENEGOTIATES, {.renegotiates = true}},
    {FAULT_TLS_STATIC_RSA, {.ciphers = "ALL"}},
    {FAULT_TLS_NULL, {.ciphers = "ALL:eNULL"}},
};

/* Another one than the node's if a fault says so. */
static struct tls_ctx *tls_of(const struct nlink *nl)
{
    struct faulty *f = node_misdeeds(nl->node);
    for (size_t i = 0; i < FAULTY_ODD_TLS; i++) {
        if (!now(nl, odds[i].fault))
            continue;
        if (f->odd_tls[i] ||
            tls_odd_ctx_new(true, &odds[i].odd, env_wall_s(nl->node->env), &f->odd_tls[i]) == OK)
            return f->odd_tls[i];
    }
    return nl->node->config.accept_tls;
}

static bool slip(void *nlink, enum link_slip where, size_t n)
{
    static const enum fault faults[] = {[LINK_SLIP_READ] = FAULT_TLS_NO_TRICKLE,
                                        [LINK_SLIP_REST] = FAULT_TLS_NO_SPLIT,
                                        [LINK_SLIP_BEHIND] = FAULT_TLS_NO_MERGE,
                                        [LINK_SLIP_END] = FAULT_TLS_NO_END};
    bool mine = where != LINK_SLIP_TLS && (where != LINK_SLIP_READ || n == 1);
    return fault_in_pieces(nlink, where) || (mine && now(nlink, faults[where]));
}

/* ---- all of it ---- */

void fault_in_face(struct nlink *nl, struct link_config *config, struct link_server *face)
{
    config->tls = tls_of(nl);
    if (show(nl, config->tls, face) != OK)
        log_warn(nl->node->env->log, "%s: no false certificates could be made",
                 nl->node->config.plan->nickname);
    face->cheat = (struct link_cheat){
        .no_versions = now(nl, FAULT_LINK_NO_VERSIONS),
        .no_common_version = now(nl, FAULT_LINK_NO_COMMON_VERSION),
        .no_certs = now(nl, FAULT_LINK_NO_CERTS),
        .certs_twice = now(nl, FAULT_LINK_CERTS_TWICE),
        .certs_late = now(nl, FAULT_LINK_CERTS_LATE),
        .no_netinfo = now(nl, FAULT_LINK_NO_NETINFO),
        .netinfo_ahead_s = (int64_t)faulty_n(nl->node, FAULT_LINK_CLOCK) * 3600,
        .arg = nl,
        .spoil = fault_in_hello,
        .judge = fault_in_judging,
        .slip = slip,
    };
}
