/* Keys and certificates of a relay, for whoever plays one. */
#ifndef TUNIC_TESTS_LINK_RELAYKEYS_H
#define TUNIC_TESTS_LINK_RELAYKEYS_H

#include <string.h>

#include "cell/chan_link.h"
#include "crypto/cert.h"
#include "crypto/rsa_key.h"
#include "support/test.h"

struct relay_keys {
    struct rsa_key *rsa;
    struct ed_secret id, signing;
    struct rsa_id rsa_id;
};

static inline void relay_keys_make(struct env *env, struct relay_keys *k)
{
    ck_ok(rsa_key_generate(1024, &k->rsa));
    rsa_pub_id(rsa_key_public(k->rsa), &k->rsa_id);
    ed25519_keypair(env, &k->id);
    ed25519_keypair(env, &k->signing);
}

static inline void relay_keys_free(struct relay_keys *k)
{
    rsa_key_free(k->rsa);
}

/* Keys made once a process, since RSA keys take their time. They are never freed. */
static inline struct relay_keys relay_keys_shared(void)
{
    static struct relay_keys keys;
    if (!keys.rsa) {
        struct env *env = test_env(4711);
        relay_keys_make(env, &keys);
        test_env_free(env);
    }
    return keys;
}

/* The four certificates of a relay, each in its own storage, and the list over them. */
struct relay_certs {
    uint8_t t2[1024], t4[256], t5[256], t7[512];
    struct chan_certs list;
};

static inline void relay_cert_put(struct relay_certs *c, uint8_t type, const struct wr *w)
{
    ck_ok(wr_end(w));
    c->list.c[c->list.n++] =
        (struct chan_cert){.type = type, .len = (uint16_t)w->len, .body = w->base};
}

static inline void relay_certs_make(struct relay_certs *c, const struct relay_keys *k,
                                    const struct sha256 *tls_cert, int64_t now_s,
                                    int64_t lifetime_s)
{
    uint32_t until_h = (uint32_t)((now_s + lifetime_s) / 3600 + 1);
    struct ed_cert signing = {.type = CERT_IDENTITY_V_SIGNING,
                              .key_type = CERT_KEY_ED25519,
                              .expires_h = until_h,
                              .has_signer = true};
    struct ed_cert link = {
        .type = CERT_SIGNING_V_TLS_CERT, .key_type = CERT_KEY_X509_SHA256, .expires_h = until_h};
    struct wr t2 = wr_over(c->t2, sizeof c->t2), t4 = wr_over(c->t4, sizeof c->t4),
              t5 = wr_over(c->t5, sizeof c->t5), t7 = wr_over(c->t7, sizeof c->t7);
    c->list.n = 0;
    memcpy(signing.key, k->signing.pub.b, 32);
    memcpy(link.key, tls_cert->b, 32);
    ck_ok(rsa_id_cert_make(k->rsa, now_s - 86400, now_s + 86400 * 365, &t2));
    ck_ok(ed_cert_make(&signing, &k->id, &t4));
    ck_ok(ed_cert_make(&link, &k->signing, &t5));
    ck_ok(rsa_crosscert_make(&k->id.pub, until_h, k->rsa, &t7));
    relay_cert_put(c, CHAN_CERT_RSA_ID, &t2);
    relay_cert_put(c, CHAN_CERT_ED_ID_SIGNING, &t4);
    relay_cert_put(c, CHAN_CERT_ED_SIGNING_LINK, &t5);
    relay_cert_put(c, CHAN_CERT_RSA_ED_CROSS, &t7);
}

#endif
