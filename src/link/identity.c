#include "link/identity.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/secret.h"
#include "link/certs_make.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, RSA_LIFE_S = 365 * DAY_S };

/* The identity signs the signing key, which signs the key of AUTHENTICATE. */
static err_t make_eds(struct link_identity *id, const struct ed_secret *ed,
                      const struct ed_secret *signing, uint32_t until_h, struct wr *w)
{
    struct ed_cert of_signing = {.type = CERT_IDENTITY_V_SIGNING,
                                 .key_type = CERT_KEY_ED25519,
                                 .expires_h = until_h,
                                 .has_signer = true};
    struct ed_cert of_auth = {
        .type = CERT_SIGNING_V_LINK_AUTH, .key_type = CERT_KEY_ED25519, .expires_h = until_h};
    memcpy(of_signing.key, signing->pub.b, sizeof of_signing.key);
    memcpy(of_auth.key, id->auth.pub.b, sizeof of_auth.key);
    TRY(certs_make_ed(&id->certs, w, &of_signing, ed));
    return certs_make_ed(&id->certs, w, &of_auth, signing);
}

static err_t make(struct env *env, const struct rsa_key *rsa, const struct ed_secret *ed,
                  struct link_identity *out)
{
    struct ed_secret signing;
    struct wr w = wr_over(out->storage, sizeof out->storage);
    int64_t now_s = env_wall_s(env);
    uint32_t until_h = (uint32_t)((now_s + LINK_IDENTITY_LIFE_S) / HOUR_S + 1);
    struct wr der = wr_over(out->rsa_der, sizeof out->rsa_der);
    TRY(rsa_key_to_der(rsa, &der));
    out->rsa_der_len = der.len;
    out->ed_key = *ed;
    out->made_s = now_s;
    out->ed = ed->pub;
    rsa_pub_id(rsa_key_public(rsa), &out->rsa);
    rsa_pub_sha256(rsa_key_public(rsa), &out->rsa_sha256);
    ed25519_keypair(env, &signing);
    ed25519_keypair(env, &out->auth);
    err_t e = certs_make_rsa_id(&out->certs, &w, rsa, now_s - DAY_S, now_s + RSA_LIFE_S);
    if (e == OK)
        e = make_eds(out, ed, &signing, until_h, &w);
    if (e == OK)
        e = certs_make_cross(&out->certs, &w, rsa, &ed->pub, until_h);
    secret_wipe(&signing, sizeof signing);
    return e;
}

/* The views are into TO's own storage. */
void link_identity_copy(const struct link_identity *from, struct link_identity *to)
{
    *to = *from;
    for (size_t i = 0; i < to->certs.n; i++)
        to->certs.c[i].body = to->storage + (from->certs.c[i].body - from->storage);
}

err_t link_identity_make(struct env *env, const struct rsa_key *rsa, const struct ed_secret *ed,
                         struct link_identity *out)
{
    /* tor-spec 4.2: "The certified key in the ID certificate is a 1024-bit RSA key." */
    if (rsa_pub_bits(rsa_key_public(rsa)) != RSA_ID_BITS)
        return ERR_BAD_KEY;
    struct link_identity *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return ERR_NOMEM;
    err_t e = make(env, rsa, ed, fresh);
    if (e == OK)
        link_identity_copy(fresh, out);
    link_identity_wipe(fresh);
    free(fresh);
    return e;
}

err_t link_identity_renew(struct env *env, struct link_identity *id)
{
    int64_t age_s = env_wall_s(env) - id->made_s;
    struct rsa_key *rsa;
    struct ed_secret ed = id->ed_key;
    if (age_s >= 0 && age_s < LINK_IDENTITY_RENEW_S)
        return OK;
    err_t e = rsa_key_from_der(id->rsa_der, id->rsa_der_len, &rsa);
    if (e == OK) {
        e = link_identity_make(env, rsa, &ed, id);
        rsa_key_free(rsa);
    }
    secret_wipe(&ed, sizeof ed);
    return e;
}

void link_identity_wipe(struct link_identity *id)
{
    secret_wipe(id, sizeof *id);
}
