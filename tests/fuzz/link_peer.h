/* The relay that a fuzzed link talks to: keys from a fixed seed, certificates made once a process,
 * and the cells that it would say. */
#ifndef TUNIC_TESTS_FUZZ_LINK_PEER_H
#define TUNIC_TESTS_FUZZ_LINK_PEER_H

#include <stdlib.h>
#include <string.h>

#include "cell/chan.h"
#include "cell/chan_link.h"
#include "crypto/cert.h"
#include "crypto/rsa_key.h"

enum { PEER_NOW_S = 1601143280, PEER_A_DAY_S = 86400, PEER_CELL_MAX = 4096 };

static inline void peer_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

static inline void peer_must(bool good)
{
    if (!good)
        abort();
}

/* Certificates as they should be, and then each with one thing wrong. */
enum peer_cert {
    PEER_RSA_ID,
    PEER_SIGNING,
    PEER_LINK,
    PEER_CROSS,
    PEER_GOOD_CERTS,
    PEER_RSA_ID_OVER = PEER_GOOD_CERTS,
    PEER_RSA_ID_LARGE, /* a key of 2048 bits */
    PEER_SIGNING_OVER,
    PEER_SIGNING_BARE, /* the identity is not in it */
    PEER_LINK_OVER,
    PEER_LINK_OTHER_TLS,
    PEER_LINK_BY_IDENTITY,
    PEER_CROSS_OVER,
    PEER_CROSS_OTHER_ED,
    PEER_AUTH, /* an initiator's, in the place of PEER_LINK */
    PEER_CERTS,
};

struct peer {
    struct rsa_id rsa_id;
    struct ed_id ed_id;
    struct sha256 tls_cert;
    uint8_t bytes[PEER_CERTS][1024];
    struct chan_cert certs[PEER_CERTS];
    struct chan_certs good;      /* the first four */
    struct chan_certs initiator; /* as an initiator shows them, whose key nobody has */
};

static inline void peer_put(struct peer *p, enum peer_cert which, enum chan_cert_type type,
                            const struct wr *w)
{
    peer_must(wr_end(w) == OK);
    p->certs[which] =
        (struct chan_cert){.type = (uint8_t)type, .len = (uint16_t)w->len, .body = w->base};
}

static inline void peer_rsa_cert(struct peer *p, enum peer_cert which, const struct rsa_key *key,
                                 int64_t until_s)
{
    struct wr w = wr_over(p->bytes[which], sizeof p->bytes[which]);
    peer_must(rsa_id_cert_make(key, until_s - 2 * PEER_A_DAY_S, until_s, &w) == OK);
    peer_put(p, which, CHAN_CERT_RSA_ID, &w);
}

static inline void peer_ed_cert(struct peer *p, enum peer_cert which, const struct ed_cert *cert,
                                const struct ed_secret *signer)
{
    struct wr w = wr_over(p->bytes[which], sizeof p->bytes[which]);
    peer_must(ed_cert_make(cert, signer, &w) == OK);
    peer_put(p, which, (enum chan_cert_type)cert->type, &w);
}

static inline void peer_cross(struct peer *p, enum peer_cert which, const struct ed_id *ed,
                              uint32_t until_h, const struct rsa_key *rsa)
{
    struct wr w = wr_over(p->bytes[which], sizeof p->bytes[which]);
    peer_must(rsa_crosscert_make(ed, until_h, rsa, &w) == OK);
    peer_put(p, which, CHAN_CERT_RSA_ED_CROSS, &w);
}

static inline void peer_make_rsa(struct env *env, struct peer *p, const struct ed_id *ed,
                                 const struct ed_id *other, uint32_t until_h)
{
    struct rsa_key *rsa, *large;
    peer_must(rsa_key_generate_from(env, 1024, &rsa) == OK);
    peer_must(rsa_key_generate_from(env, 2048, &large) == OK);
    rsa_pub_id(rsa_key_public(rsa), &p->rsa_id);
    peer_rsa_cert(p, PEER_RSA_ID, rsa, PEER_NOW_S + PEER_A_DAY_S);
    peer_rsa_cert(p, PEER_RSA_ID_OVER, rsa, PEER_NOW_S - 3 * PEER_A_DAY_S);
    peer_rsa_cert(p, PEER_RSA_ID_LARGE, large, PEER_NOW_S + PEER_A_DAY_S);
    peer_cross(p, PEER_CROSS, ed, until_h, rsa);
    peer_cross(p, PEER_CROSS_OVER, ed, until_h - 48, rsa);
    peer_cross(p, PEER_CROSS_OTHER_ED, other, until_h, rsa);
    rsa_key_free(rsa);
    rsa_key_free(large);
}

static inline void peer_make_ed(struct peer *p, const struct ed_secret *id,
                                const struct ed_secret *signing, uint32_t until_h)
{
    struct ed_cert by_id = {.type = CERT_IDENTITY_V_SIGNING,
                            .key_type = CERT_KEY_ED25519,
                            .expires_h = until_h,
                            .has_signer = true};
    struct ed_cert link = {
        .type = CERT_SIGNING_V_TLS_CERT, .key_type = CERT_KEY_X509_SHA256, .expires_h = until_h};
    struct ed_cert auth = {
        .type = CERT_SIGNING_V_LINK_AUTH, .key_type = CERT_KEY_ED25519, .expires_h = until_h};
    memcpy(auth.key, id->pub.b, sizeof auth.key); /* any key */
    peer_ed_cert(p, PEER_AUTH, &auth, signing);
    memcpy(by_id.key, signing->pub.b, sizeof by_id.key);
    memcpy(link.key, p->tls_cert.b, sizeof link.key);
    peer_ed_cert(p, PEER_SIGNING, &by_id, id);
    peer_ed_cert(p, PEER_LINK, &link, signing);
    peer_ed_cert(p, PEER_LINK_BY_IDENTITY, &link, id);
    by_id.has_signer = false;
    peer_ed_cert(p, PEER_SIGNING_BARE, &by_id, id);
    by_id.has_signer = true;
    by_id.expires_h = link.expires_h = until_h - 48;
    peer_ed_cert(p, PEER_SIGNING_OVER, &by_id, id);
    peer_ed_cert(p, PEER_LINK_OVER, &link, signing);
    link.expires_h = until_h;
    link.key[0] ^= 1;
    peer_ed_cert(p, PEER_LINK_OTHER_TLS, &link, signing);
}

static inline void peer_make(struct peer *p)
{
    uint64_t seed = 4711;
    struct env env = {.random = peer_random, .random_arg = &seed};
    struct ed_secret id, signing, other;
    const uint32_t until_h = (PEER_NOW_S + PEER_A_DAY_S) / 3600;
    ed25519_keypair(&env, &id);
    ed25519_keypair(&env, &signing);
    ed25519_keypair(&env, &other);
    p->ed_id = id.pub;
    memset(p->tls_cert.b, 0x5a, sizeof p->tls_cert.b);
    peer_make_rsa(&env, p, &id.pub, &other.pub, until_h);
    peer_make_ed(p, &id, &signing, until_h);
    p->good.n = PEER_GOOD_CERTS;
    memcpy(p->good.c, p->certs, PEER_GOOD_CERTS * sizeof p->certs[0]);
    p->initiator = p->good;
    p->initiator.c[PEER_LINK] = p->certs[PEER_AUTH];
}

/* ---- what it says ---- */

static inline void peer_say_certs(struct wr *w, size_t id_len, const struct chan_certs *certs)
{
    size_t mark = chan_cell_open(w, id_len, 0, CELL_CERTS);
    peer_must(chan_certs_encode(w, certs) == OK);
    peer_must(chan_cell_close(w, id_len, mark) == OK);
}

static inline void peer_say_versions(struct wr *w, unsigned version)
{
    const struct chan_versions m = {.n = 2, .v = {3, (uint16_t)version}};
    size_t mark = chan_cell_open(w, 2, 0, CELL_VERSIONS);
    peer_must(chan_versions_encode(w, &m) == OK);
    peer_must(chan_cell_close(w, 2, mark) == OK);
}

static inline void peer_say_challenge(struct wr *w, size_t id_len)
{
    const struct chan_auth_challenge m = {.n_methods = 1,
                                          .methods = {CHAN_AUTH_ED25519_SHA256_RFC5705}};
    size_t mark = chan_cell_open(w, id_len, 0, CELL_AUTH_CHALLENGE);
    peer_must(chan_auth_challenge_encode(w, &m) == OK);
    peer_must(chan_cell_close(w, id_len, mark) == OK);
}

static inline void peer_say_authenticate(struct wr *w, size_t id_len)
{
    static const uint8_t proof[352];
    const struct chan_authenticate m = {
        .type = CHAN_AUTH_ED25519_SHA256_RFC5705, .len = sizeof proof, .auth = proof};
    size_t mark = chan_cell_open(w, id_len, 0, CELL_AUTHENTICATE);
    peer_must(chan_authenticate_encode(w, &m) == OK);
    peer_must(chan_cell_close(w, id_len, mark) == OK);
}

static inline void peer_say_netinfo(struct wr *w, size_t id_len)
{
    const struct chan_netinfo m = {.timestamp = PEER_NOW_S,
                                   .other = {.family = IP_V4, .b = {127, 0, 0, 1}},
                                   .n_mine = 1,
                                   .mine = {{.family = IP_V4, .b = {127, 0, 0, 2}}}};
    size_t mark = chan_cell_open(w, id_len, 0, CELL_NETINFO);
    peer_must(chan_netinfo_encode(w, &m) == OK);
    peer_must(chan_cell_close(w, id_len, mark) == OK);
}

static inline void peer_say_padding_negotiate(struct wr *w, size_t id_len)
{
    const struct chan_padding_negotiate m = {
        .command = CHAN_PADDING_START, .ito_low_ms = 2000, .ito_high_ms = 3000};
    size_t mark = chan_cell_open(w, id_len, 0, CELL_PADDING_NEGOTIATE);
    peer_must(chan_padding_negotiate_encode(w, &m) == OK);
    peer_must(chan_cell_close(w, id_len, mark) == OK);
}

#endif
