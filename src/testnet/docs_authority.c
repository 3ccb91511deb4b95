/* Authorities: their keys and the certificates that tie these together (dir-spec 3.1). */
#include "testnet/docs_int.h"

#include "base/addr.h"
#include "crypto/hash.h"

enum {
    DAY_S = 24 * 3600,
    CERT_AGE_S = DAY_S, /* a clock that is a little early does no harm */
    CERT_LIFE_S = 365 * DAY_S,
};

static err_t make_key(struct env *env, struct rsa_key **key, struct rsa_id *id)
{
    TRY(rsa_key_generate_from(env, IDENTITY_RSA_BITS, key));
    rsa_pub_id(rsa_key_public(*key), id);
    return OK;
}

static void write_cert(struct docw *w, const struct docs_authority *a, int64_t published_s)
{
    size_t from = w->len;
    char address[IPPORT_TEXT_MAX];
    struct ipport dir = {a->plan->or_port.ip, a->plan->dir_port};
    docw_add(w, TEXT_LIT("dir-key-certificate-version 3\n"));
    if (dir.port) /* "dir-address", optional: not before a port is known */
        docw_fmt(w, "dir-address %s\n", ipport_text(&dir, address));
    docw_add(w, TEXT_LIT("fingerprint "));
    docw_hex(w, a->identity.b, sizeof a->identity.b);
    docw_add(w, TEXT_LIT("\n"));
    docw_date(w, "dir-key-published", published_s);
    docw_date(w, "dir-key-expires", published_s + CERT_LIFE_S);
    docw_add(w, TEXT_LIT("dir-identity-key\n"));
    docw_rsa_key(w, rsa_key_public(a->identity_key));
    docw_add(w, TEXT_LIT("dir-signing-key\n"));
    docw_rsa_key(w, rsa_key_public(a->signing_key));
    docw_add(w, TEXT_LIT("dir-key-crosscert\n"));
    docw_rsa_sign(w, a->signing_key, a->identity.b, sizeof a->identity.b, "ID SIGNATURE");
    docw_add(w, TEXT_LIT("dir-key-certification\n"));
    docw_rsa_sign_from(w, from, a->identity_key, NULL);
}

err_t docs_make_authority(struct docs *d, size_t i, const struct rsa_id *relay)
{
    struct docs_authority *a = &d->authority[i];
    a->plan = &d->plan->node[i];
    a->relay = *relay;
    d->certs_published_s = d->made_s - CERT_AGE_S;
    TRY(make_key(d->env, &a->identity_key, &a->identity));
    TRY(make_key(d->env, &a->signing_key, &a->signing));
    a->cert.at = d->certs.len;
    write_cert(&d->certs, a, d->certs_published_s);
    a->cert.len = d->certs.len - a->cert.at;
    return d->certs.err;
}

void docs_wipe_authority(struct docs_authority *a)
{
    rsa_key_free(a->identity_key);
    rsa_key_free(a->signing_key);
    docw_free(&a->vote);
}
