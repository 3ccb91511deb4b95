#include "dirdoc/relaydoc.h"

#include <string.h>

#include "base/wr.h"
#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#define SIGNATURE_PREFIX "Tor router descriptor signature v1"

enum {
    HOUR_S = 3600,
    CERT_LIFE_H = 365 * 24,
    CERT_ROOM = 256,
    FINGERPRINT_GROUPS = 10,
};

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
static void write_signing_cert(struct docw *w, const struct relaydoc *r)
{
    struct ed_cert cert = {.type = CERT_IDENTITY_V_SIGNING,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(r->published_s / HOUR_S) + CERT_LIFE_H,
                           .has_signer = true,
                           .signer = r->id->ed.pub};
    memcpy(cert.key, r->id->signing.pub.b, sizeof cert.key);
    docw_add(w, TEXT_LIT("identity-ed25519\n"));
    write_cert(w, &cert, &r->id->ed);
}

/* The ntor key, seen as an Ed25519 key, vouches for the identity: whoever publishes it owns it. */
static void write_ntor_crosscert(struct docw *w, const struct relaydoc *r)
{
    struct ed_secret ntor;
    unsigned sign_bit;
    struct ed_cert cert = {.type = CERT_NTOR_CC_IDENTITY,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(r->published_s / HOUR_S) + CERT_LIFE_H};
    err_t err = ed25519_secret_from_x25519(&r->id->ntor, &ntor, &sign_bit);
    if (err != OK) {
        docw_fail(w, err);
        return;
    }
    memcpy(cert.key, r->id->ed.pub.b, sizeof cert.key);
    docw_fmt(w, "ntor-onion-key-crosscert %u\n", sign_bit);
    write_cert(w, &cert, &ntor);
    secret_wipe(&ntor, sizeof ntor);
}

/* dir-spec 2.1.1: the TAP key signs the SHA-1 of the RSA identity key and the Ed25519 identity. */
static void write_tap_crosscert(struct docw *w, const struct relaydoc *r)
{
    uint8_t both[sizeof r->id->rsa_id.b + sizeof r->id->ed.pub.b];
    memcpy(both, r->id->rsa_id.b, sizeof r->id->rsa_id.b);
    memcpy(both + sizeof r->id->rsa_id.b, r->id->ed.pub.b, sizeof r->id->ed.pub.b);
    docw_add(w, TEXT_LIT("onion-key-crosscert\n"));
    docw_rsa_sign(w, r->tap, both, sizeof both, "CROSSCERT");
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

static void write_head(struct docw *w, const struct relaydoc *r)
{
    char address[IP_TEXT_MAX], ed[BASE64_SIZE(32)];
    docw_fmt(w, "router %s %s %u 0 %u\n", r->nickname, ip_text(&r->or_port.ip, address),
             r->or_port.port, r->dir_port);
    write_signing_cert(w, r);
    docw_fmt(w, "master-key-ed25519 %s\n",
             base64_encode(r->id->ed.pub.b, sizeof r->id->ed.pub.b, false, ed));
    docw_fmt(w, "platform %s\nproto %s\n", r->platform, r->protos);
    docw_date(w, "published", r->published_s);
    write_fingerprint(w, &r->id->rsa_id);
    docw_fmt(w, "uptime 0\nbandwidth %u %u %u\n", r->bandwidth_bytes, r->bandwidth_bytes,
             r->bandwidth_bytes);
}

static void write_digests(struct docw *w, const struct relaydoc_digests *extra)
{
    docw_add(w, TEXT_LIT("extra-info-digest "));
    docw_hex(w, extra->sha1, sizeof extra->sha1);
    docw_add(w, TEXT_LIT(" "));
    docw_base64(w, extra->sha256, sizeof extra->sha256);
    docw_add(w, TEXT_LIT("\ncaches-extra-info\n"));
}

static void write_family(struct docw *w, struct text family)
{
    if (family.len)
        docw_fmt(w, "family%.*s\n", TEXT_ARG(family));
}

static void write_keys(struct docw *w, const struct relaydoc *r)
{
    docw_add(w, TEXT_LIT("onion-key\n"));
    docw_rsa_key(w, rsa_key_public(r->tap));
    docw_add(w, TEXT_LIT("signing-key\n"));
    docw_rsa_key(w, rsa_key_public(r->id->rsa));
    write_tap_crosscert(w, r);
    write_ntor_crosscert(w, r);
    docw_add(w, TEXT_LIT("ntor-onion-key "));
    docw_base64(w, r->id->ntor_pub.b, sizeof r->id->ntor_pub.b);
    docw_add(w, TEXT_LIT("\n"));
}

/* Rules stand on lines of their own here, and end in one that leaves nothing open. */
static void write_rules(struct docw *w, const char *policy)
{
    struct text rest = text_of(policy), rule = {0};
    while (text_split(&rest, ',', &rule)) {
        rule = text_strip(rule);
        docw_fmt(w, "%.*s\n", TEXT_ARG(rule));
    }
    if (!text_is(rule, "reject *:*") && !text_is(rule, "accept *:*"))
        docw_add(w, TEXT_LIT("reject *:*\n"));
}

void relaydoc_write_server(struct docw *w, const struct relaydoc *r,
                           const struct relaydoc_digests *extra)
{
    write_head(w, r);
    if (extra)
        write_digests(w, extra);
    write_family(w, r->family);
    if (r->contact)
        docw_fmt(w, "contact %s\n", r->contact);
    write_keys(w, r);
    write_rules(w, r->policy);
    if (r->ipv6_policy)
        docw_fmt(w, "ipv6-policy %s\n", r->ipv6_policy);
    docw_add(w, TEXT_LIT("tunnelled-dir-server\n"));
}

void relaydoc_write_extra_info(struct docw *w, const struct relaydoc *r)
{
    docw_fmt(w, "extra-info %s ", r->nickname);
    docw_hex(w, r->id->rsa_id.b, sizeof r->id->rsa_id.b);
    docw_add(w, TEXT_LIT("\n"));
    write_signing_cert(w, r);
    docw_date(w, "published", r->published_s);
}

void relaydoc_sign(struct docw *w, size_t from, const struct identity *id,
                   struct relaydoc_digests *out)
{
    docw_add(w, TEXT_LIT("router-sig-ed25519 "));
    docw_ed_sign_from(w, from, SIGNATURE_PREFIX, &id->signing);
    docw_add(w, TEXT_LIT("router-signature\n"));
    docw_rsa_sign_from(w, from, id->rsa, out->sha1);
    if (w->err == OK)
        sha256(w->s + from, w->len - from, out->sha256);
}

void relaydoc_write_microdesc(struct docw *w, const struct relaydoc_microdesc *m,
                              uint8_t sha256_out[32])
{
    size_t from = w->len;
    docw_add(w, TEXT_LIT("onion-key\n"));
    if (m->tap_der)
        docw_object(w, "RSA PUBLIC KEY", m->tap_der, m->tap_len);
    docw_add(w, TEXT_LIT("ntor-onion-key "));
    docw_base64(w, m->ntor, 32);
    docw_add(w, TEXT_LIT("\n"));
    write_family(w, m->family);
    if (m->family_ids.len)
        docw_fmt(w, "family-ids%.*s\n", TEXT_ARG(m->family_ids));
    if (m->p)
        docw_fmt(w, "p %s\n", m->p);
    if (m->p6)
        docw_fmt(w, "p6 %s\n", m->p6);
    docw_add(w, TEXT_LIT("id ed25519 "));
    docw_base64(w, m->ed->b, sizeof m->ed->b);
    docw_add(w, TEXT_LIT("\n"));
    if (w->err == OK)
        sha256(w->s + from, w->len - from, sha256_out);
}
