/* What a relay publishes about itself (dir-spec 2.1), and what authorities make of it for clients
 * (dir-spec 3.3). */
#include "testnet/docs_int.h"

#include <stdio.h>
#include <string.h>

#include "base/wr.h"
#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "testnet/exitpolicy.h"

#define SIGNATURE_PREFIX "Tor router descriptor signature v1"

enum {
    HOUR_S = 3600,
    CERT_LIFE_H = 365 * 24,
    CERT_ROOM = 256,
    FINGERPRINT_GROUPS = 10,
};

struct publisher {
    const struct docs *docs;
    const struct plan_node *plan;
    const struct identity *id;
    const struct rsa_key *tap;
    int64_t now_s;
};

unsigned docs_relay_flags(const struct docs_relay *r)
{
    enum { PLAIN = RELAY_FAST | RELAY_RUNNING | RELAY_STABLE | RELAY_VALID };
    static const unsigned flags[] = {
        [PLAN_AUTHORITY] = RELAY_AUTHORITY | RELAY_RUNNING | RELAY_V2DIR | RELAY_VALID,
        [PLAN_GUARD] = PLAIN | RELAY_V2DIR | RELAY_GUARD,
        [PLAN_MIDDLE] = PLAIN | RELAY_V2DIR,
        [PLAN_EXIT] = PLAIN | RELAY_V2DIR | RELAY_EXIT,
    };
    return r->plan ? flags[r->plan->role] : PLAIN;
}

uint32_t docs_relay_bandwidth(const struct docs_relay *r)
{
    return r->plan ? r->plan->bandwidth_kb : 1;
}

void docs_write_policy(struct docw *w, const char *keyword, const struct docs_relay *r)
{
    char summary[EXITPOLICY_SUMMARY_MAX];
    const char *policy = r->plan && r->plan->role == PLAN_EXIT
                             ? exitpolicy_summary(r->plan->policy, summary)
                             : "reject 1-65535";
    docw_fmt(w, "%s %s\n", keyword, policy);
}

static void write_cert(struct docw *w, const struct ed_cert *cert, const struct ed_secret *signer)
{
    uint8_t bytes[CERT_ROOM];
    struct wr wr = wr_over(bytes, sizeof bytes);
    err_t err = ed_cert_make(cert, signer, &wr);
    if (err == OK)
        docw_object(w, "ED25519 CERT", bytes, wr.len);
    else
        docw_fail(w, err);
}

/* "identity-ed25519": the identity key vouches for the key that signs this document. */
static void write_signing_cert(struct docw *w, const struct publisher *p)
{
    struct ed_cert cert = {.type = CERT_IDENTITY_V_SIGNING,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(p->now_s / HOUR_S) + CERT_LIFE_H,
                           .has_signer = true,
                           .signer = p->id->ed.pub};
    memcpy(cert.key, p->id->signing.pub.b, sizeof cert.key);
    docw_add(w, TEXT_LIT("identity-ed25519\n"));
    write_cert(w, &cert, &p->id->ed);
}

/* The ntor key, seen as an Ed25519 key, vouches for the identity: whoever publishes it owns it. */
static void write_ntor_crosscert(struct docw *w, const struct publisher *p)
{
    struct ed_secret ntor;
    unsigned sign_bit;
    struct ed_cert cert = {.type = CERT_NTOR_CC_IDENTITY,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(p->now_s / HOUR_S) + CERT_LIFE_H};
    err_t err = ed25519_secret_from_x25519(&p->id->ntor, &ntor, &sign_bit);
    if (err != OK) {
        docw_fail(w, err);
        return;
    }
    memcpy(cert.key, p->id->ed.pub.b, sizeof cert.key);
    docw_fmt(w, "ntor-onion-key-crosscert %u\n", sign_bit);
    write_cert(w, &cert, &ntor);
    secret_wipe(&ntor, sizeof ntor);
}

/* dir-spec 2.1.1: the TAP key signs the SHA-1 of the RSA identity key and the Ed25519 identity. */
static void write_tap_crosscert(struct docw *w, const struct publisher *p)
{
    uint8_t both[sizeof p->id->rsa_id.b + sizeof p->id->ed.pub.b];
    memcpy(both, p->id->rsa_id.b, sizeof p->id->rsa_id.b);
    memcpy(both + sizeof p->id->rsa_id.b, p->id->ed.pub.b, sizeof p->id->ed.pub.b);
    docw_add(w, TEXT_LIT("onion-key-crosscert\n"));
    docw_rsa_sign(w, p->tap, both, sizeof both, "CROSSCERT");
}

/* Both signatures that end a document which begins at FROM. */
static void sign(struct docw *w, size_t from, const struct publisher *p, uint8_t sha1_out[20])
{
    docw_add(w, TEXT_LIT("router-sig-ed25519 "));
    docw_ed_sign_from(w, from, SIGNATURE_PREFIX, &p->id->signing);
    docw_add(w, TEXT_LIT("router-signature\n"));
    docw_rsa_sign_from(w, from, p->id->rsa, sha1_out);
}

static void write_extra_info(struct docw *w, const struct publisher *p, struct docs_relay *r)
{
    r->extra_info.at = w->len;
    docw_fmt(w, "extra-info %s ", p->plan->nickname);
    docw_hex(w, p->id->rsa_id.b, sizeof p->id->rsa_id.b);
    docw_add(w, TEXT_LIT("\n"));
    write_signing_cert(w, p);
    docw_date(w, "published", p->now_s);
    sign(w, r->extra_info.at, p, r->extra_info_sha1);
    r->extra_info.len = w->len - r->extra_info.at;
}

/* "fingerprint": in groups of four */
static void write_fingerprint(struct docw *w, const struct rsa_id *id)
{
    docw_add(w, TEXT_LIT("fingerprint"));
    for (size_t i = 0; i < FINGERPRINT_GROUPS; i++) {
        docw_add(w, TEXT_LIT(" "));
        docw_hex(w, id->b + 2 * i, 2);
    }
    docw_add(w, TEXT_LIT("\n"));
}

static void write_head(struct docw *w, const struct publisher *p)
{
    char address[IP_TEXT_MAX], ed[BASE64_SIZE(32)];
    uint32_t rate = p->plan->bandwidth_kb * 1000;
    docw_fmt(w, "router %s %s %u 0 %u\n", p->plan->nickname, ip_text(&p->plan->or_port.ip, address),
             p->plan->or_port.port, p->plan->dir_port);
    write_signing_cert(w, p);
    docw_fmt(w, "master-key-ed25519 %s\n",
             base64_encode(p->id->ed.pub.b, sizeof p->id->ed.pub.b, false, ed));
    docw_fmt(w, "platform %s on a test network\nproto %s\n", DOCS_VERSION, DOCS_PROTOS);
    docw_date(w, "published", p->now_s);
    write_fingerprint(w, &p->id->rsa_id);
    docw_fmt(w, "uptime 0\nbandwidth %u %u %u\n", rate, rate, rate);
}

/* "family": all of them, itself too */
static void write_family(struct docw *w, const struct publisher *p)
{
    const struct plan *plan = p->docs->plan;
    const struct identity *ids = p->id - (p->plan - plan->node);
    if (!p->plan->family)
        return;
    docw_add(w, TEXT_LIT("family"));
    for (size_t i = 0; i < plan->n_nodes; i++) {
        if (plan->node[i].family != p->plan->family)
            continue;
        docw_add(w, TEXT_LIT(" $"));
        docw_hex(w, ids[i].rsa_id.b, sizeof ids[i].rsa_id.b);
    }
    docw_add(w, TEXT_LIT("\n"));
}

static void write_keys(struct docw *w, const struct publisher *p)
{
    docw_add(w, TEXT_LIT("onion-key\n"));
    docw_rsa_key(w, rsa_key_public(p->tap));
    docw_add(w, TEXT_LIT("signing-key\n"));
    docw_rsa_key(w, rsa_key_public(p->id->rsa));
    write_tap_crosscert(w, p);
    write_ntor_crosscert(w, p);
    docw_add(w, TEXT_LIT("ntor-onion-key "));
    docw_base64(w, p->id->ntor_pub.b, sizeof p->id->ntor_pub.b);
    docw_add(w, TEXT_LIT("\n"));
}

/* Rules stand on lines of their own here, and end in one that leaves nothing open. */
static void write_rules(struct docw *w, const char *policy)
{
    struct text rest = text_of(policy), rule;
    while (text_split(&rest, ',', &rule)) {
        rule = text_strip(rule);
        docw_fmt(w, "%.*s\n", TEXT_ARG(rule));
    }
    docw_add(w, TEXT_LIT("reject *:*\n"));
}

static void write_descriptor(struct docw *w, const struct publisher *p, struct text extra_info,
                             struct docs_relay *r)
{
    uint8_t whole[SHA256_LEN];
    sha256(extra_info.s, extra_info.len, whole);
    r->descriptor.at = w->len;
    write_head(w, p);
    docw_add(w, TEXT_LIT("extra-info-digest "));
    docw_hex(w, r->extra_info_sha1, sizeof r->extra_info_sha1);
    docw_add(w, TEXT_LIT(" "));
    docw_base64(w, whole, sizeof whole);
    docw_add(w, TEXT_LIT("\ncaches-extra-info\n"));
    write_family(w, p);
    write_keys(w, p);
    write_rules(w, p->plan->policy);
    docs_write_policy(w, "ipv6-policy", r);
    docw_add(w, TEXT_LIT("tunnelled-dir-server\n"));
    sign(w, r->descriptor.at, p, r->descriptor_sha1);
    r->descriptor.len = w->len - r->descriptor.at;
}

/* As authorities with consensus method 35 make it of a descriptor. */
static void write_microdesc(struct docw *w, const struct publisher *p, const uint8_t *tap_der,
                            size_t tap_len, const uint8_t ntor[32], struct docs_relay *r)
{
    r->microdesc.at = w->len;
    docw_add(w, TEXT_LIT("onion-key\n"));
    docw_object(w, "RSA PUBLIC KEY", tap_der, tap_len);
    docw_add(w, TEXT_LIT("ntor-onion-key "));
    docw_base64(w, ntor, 32);
    docw_add(w, TEXT_LIT("\n"));
    if (p)
        write_family(w, p);
    if (docs_relay_flags(r) & RELAY_EXIT)
        docs_write_policy(w, "p", r);
    if (docs_relay_flags(r) & RELAY_EXIT) /* exits reach ::1 as they reach 127.0.0.1 */
        docs_write_policy(w, "p6", r);
    docw_add(w, TEXT_LIT("id ed25519 "));
    docw_base64(w, r->ed.b, sizeof r->ed.b);
    docw_add(w, TEXT_LIT("\n"));
    r->microdesc.len = w->len - r->microdesc.at;
    if (w->err == OK)
        sha256(w->s + r->microdesc.at, r->microdesc.len, r->microdesc_sha256);
}

err_t docs_make_relay(struct docs *d, const struct plan_node *plan, const struct identity *id,
                      struct docs_relay *out)
{
    const struct publisher p = {d, plan, id, d->tap, d->made_s};
    size_t der_len;
    const uint8_t *der = rsa_pub_der(rsa_key_public(d->tap), &der_len);
    *out = (struct docs_relay){.plan = plan, .rsa = id->rsa_id, .ed = id->ed.pub};
    write_extra_info(&d->extra_infos, &p, out);
    TRY(d->extra_infos.err);
    write_descriptor(&d->descriptors, &p, docw_part(&d->extra_infos, out->extra_info), out);
    write_microdesc(&d->microdescs, &p, der, der_len, id->ntor_pub.b, out);
    return d->descriptors.err != OK ? d->descriptors.err : d->microdescs.err;
}

err_t docs_make_phantom(struct docs *d, uint32_t number, struct docs_relay *out)
{
    /* An RSAPublicKey in DER around 128 bytes of modulus: nobody will ever use the key, and making
     * ten thousand real ones would take minutes. */
    enum { MODULUS_AT = 7, MODULUS_LEN = 128, DER_LEN = 140 };
    uint8_t der[DER_LEN] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
    static const uint8_t exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    uint8_t ntor[32];
    *out = (struct docs_relay){.number = number};
    env_random(d->env, der + MODULUS_AT, MODULUS_LEN);
    der[MODULUS_AT] |= 0x80;
    der[MODULUS_AT + MODULUS_LEN - 1] |= 1;
    memcpy(der + MODULUS_AT + MODULUS_LEN, exponent, sizeof exponent);
    env_random(d->env, ntor, sizeof ntor);
    env_random(d->env, out->rsa.b, sizeof out->rsa.b);
    env_random(d->env, out->ed.b, sizeof out->ed.b);
    env_random(d->env, out->descriptor_sha1, sizeof out->descriptor_sha1);
    write_microdesc(&d->microdescs, NULL, der, sizeof der, ntor, out);
    return d->microdescs.err;
}
