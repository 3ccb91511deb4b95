/* Authorities: their keys and the certificates that tie these together (dir-spec 3.1). */
#include "testnet/netdocs_int.h"

enum {
    DAY_S = 24 * 3600,
    CERT_AGE_S = DAY_S, /* a clock that is a little early does no harm */
    CERT_LIFE_S = 365 * DAY_S,
};

size_t netdocs_authority_count(const struct netdocs *d)
{
    return d->plan->n_authorities;
}

err_t netdocs_make_authority(struct netdocs *d, size_t i, const struct rsa_id *relay)
{
    struct consdoc_authority *a = &d->authority[i];
    struct netdocs_authority *own = &d->authority_docs[i];
    const struct plan_node *plan = &d->plan->node[i];
    a->nickname = plan->nickname;
    a->contact = NETDOCS_VERSION;
    a->or_port = plan->or_port;
    a->dir_port = plan->dir_port;
    own->relay = *relay;
    d->certs_published_s = d->made_s - CERT_AGE_S;
    TRY(consdoc_make_keys(d->env, a));
    own->cert.at = d->certs.len;
    consdoc_write_cert(&d->certs, a, d->certs_published_s, d->certs_published_s + CERT_LIFE_S);
    consdoc_sign_cert(&d->certs, own->cert.at, a);
    own->cert.len = d->certs.len - own->cert.at;
    return d->certs.err;
}

void netdocs_wipe_authority(struct netdocs *d, size_t i)
{
    rsa_key_free(d->authority[i].identity_key);
    rsa_key_free(d->authority[i].signing_key);
    docw_free(&d->authority_docs[i].vote);
}
