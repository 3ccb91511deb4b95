/* Documents of relays: dir-spec 2.1, and microdescriptors, 3.3. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "dir/microdesc.h"
#include "docs/docs_int.h"

#define SIGNATURE_PREFIX "Tor router descriptor signature v1"

enum { HOUR_S = 3600 };

/* The lines that matter here, each at most once; dir-spec 2.1.1. */
enum field {
    ROUTER, /* or extra-info */
    IDENTITY_ED,
    MASTER_KEY,
    PUBLISHED,
    FINGERPRINT,
    BANDWIDTH,
    ONION_KEY,
    ONION_CC,
    NTOR_KEY,
    NTOR_CC,
    SIGNING_KEY,
    SIG_ED,
    SIG_RSA,
    FIELDS
};

static const char *const names[FIELDS] = {
    [ROUTER] = "router",
    [IDENTITY_ED] = "identity-ed25519",
    [MASTER_KEY] = "master-key-ed25519",
    [PUBLISHED] = "published",
    [FINGERPRINT] = "fingerprint",
    [BANDWIDTH] = "bandwidth",
    [ONION_KEY] = "onion-key",
    [ONION_CC] = "onion-key-crosscert",
    [NTOR_KEY] = "ntor-onion-key",
    [NTOR_CC] = "ntor-onion-key-crosscert",
    [SIGNING_KEY] = "signing-key",
    [SIG_ED] = "router-sig-ed25519",
    [SIG_RSA] = "router-signature",
};

struct check {
    struct docs_item *doc;
    int64_t now_s;
    struct doc_item f[FIELDS]; /* .begin is NULL for one that is not there */
    size_t place[FIELDS];      /* 0 is the first item */
    size_t n;                  /* items */
    struct ed_id ed;           /* identity, once its certificate was read */
    struct ed_id signing;
};

static bool bad(const struct check *c, const char *text)
{
    docs_bad(c->doc, "%s", text);
    return false;
}

static bool bad_line(const struct check *c, enum field f, const char *text)
{
    docs_bad(c->doc, "its %s line %s", names[f], text);
    return false;
}

static bool has(const struct check *c, enum field f)
{
    return c->f[f].begin != NULL;
}

static bool collect(struct check *c, const char *first)
{
    struct doc_lines d = doc_over(c->doc->text.s, c->doc->text.len);
    struct doc_item item;
    for (; doc_next(&d, &item); c->n++) {
        for (size_t i = 0; i < FIELDS; i++) {
            if (!doc_is(&item, i == ROUTER ? first : names[i]))
                continue;
            if (c->f[i].begin)
                return bad_line(c, (enum field)i, "is there twice");
            c->f[i] = item;
            c->place[i] = c->n;
        }
    }
    if (d.err != OK) {
        docs_bad(c->doc, "its line %zu is malformed, or the document is cut short", c->n + 1);
        return false;
    }
    return true;
}

static bool collect_in_order(struct check *c, const char *first, const enum field *must, size_t n)
{
    if (!collect(c, first))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!has(c, must[i]))
            return bad_line(c, must[i], "is missing");
    /* dir-spec 2.1.1: identity-ed25519 is "second position in document", router-sig-ed25519 "the
     * second-to-last item", router-signature "At end". */
    if (c->place[ROUTER] != 0 || c->place[IDENTITY_ED] != 1)
        return bad_line(c, IDENTITY_ED, "is not the second one");
    if (c->place[SIG_ED] != c->n - 2 || c->place[SIG_RSA] != c->n - 1)
        return bad(c, "its signatures are not at the end");
    return true;
}

static bool read_cert(const struct check *c, enum field f, uint8_t bytes[ED_CERT_MAX],
                      struct ed_cert *out)
{
    size_t len;
    if (docs_object(&c->f[f], "ED25519 CERT", bytes, ED_CERT_MAX, &len) != OK ||
        ed_cert_parse(bytes, len, out) != OK)
        return bad_line(c, f, "has no Ed25519 certificate that can be read");
    return true;
}

static bool verify_cert(const struct check *c, enum field f, const struct ed_cert *cert,
                        const struct ed_id *signer)
{
    char date[DOC_TIME_TEXT_MAX];
    if (ed_cert_check_signature(cert, signer) != OK)
        return bad_line(c, f, "has a certificate whose signature does not verify");
    if (cert_check_expiry(cert->expires_h, c->now_s) == OK)
        return true;
    docs_bad(c->doc, "the certificate of its %s line expired at %s UTC", names[f],
             doc_time_text((int64_t)cert->expires_h * HOUR_S, date));
    return false;
}

static bool check_identity_cert(struct check *c)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    if (!read_cert(c, IDENTITY_ED, bytes, &cert))
        return false;
    if (cert.type != CERT_IDENTITY_V_SIGNING || cert.key_type != CERT_KEY_ED25519 ||
        !cert.has_signer)
        return bad_line(c, IDENTITY_ED, "has a certificate of the wrong type");
    c->ed = c->doc->ed = cert.signer;
    memcpy(c->signing.b, cert.key, sizeof c->signing.b);
    return verify_cert(c, IDENTITY_ED, &cert, NULL);
}

/* dir-spec 2.1.1, master-key-ed25519: "must match the key in the identity-ed25519 certificate". */
static bool check_master_key(const struct check *c)
{
    struct ed_id key;
    struct text arg;
    if (!has(c, MASTER_KEY))
        return true;
    if (!doc_args(&c->f[MASTER_KEY], &arg, 1) ||
        base64_decode_exact(arg, BASE64_EITHER, key.b, sizeof key.b) != OK)
        return bad_line(c, MASTER_KEY, "is malformed");
    return ed_id_equal(&key, &c->ed) ||
           bad_line(c, MASTER_KEY, "is not the key of the certificate");
}

/* dir-spec 2.1.1: "the SHA256 digest of a prefix and the entire document, from the first character
 * after the first space after 'router-sig-ed25519'". */
static bool check_ed_signature(const struct check *c)
{
    struct sha256_running s;
    struct text arg;
    uint8_t digest[SHA256_LEN], sig[ED25519_SIG_LEN];
    const struct doc_item *item = &c->f[SIG_ED];
    if (!doc_args(item, &arg, 1) || base64_decode_exact(arg, BASE64_EITHER, sig, sizeof sig) != OK)
        return bad_line(c, SIG_ED, "is malformed");
    sha256_init(&s);
    sha256_add(&s, SIGNATURE_PREFIX, strlen(SIGNATURE_PREFIX));
    sha256_add(&s, c->doc->text.s, (size_t)(item->args.s - c->doc->text.s));
    sha256_peek(&s, digest);
    return ed25519_verify(&c->signing, digest, sizeof digest, sig) == OK ||
           bad(c, "its Ed25519 signature does not verify");
}

static bool check_rsa_signature(const struct check *c, const struct rsa_pub *key)
{
    uint8_t sig[RSA_SIG_MAX];
    size_t len;
    if (docs_object(&c->f[SIG_RSA], "SIGNATURE", sig, sizeof sig, &len) != OK)
        return bad_line(c, SIG_RSA, "has no signature that can be read");
    /* What was hashed ends at this line, and at none like it inside of another item. */
    if (docs_signed_len(c->doc->text, names[SIG_RSA], '\n') !=
        (size_t)(c->f[SIG_RSA].args.s + 1 - c->doc->text.s))
        return bad_line(c, SIG_RSA, "is not where its signed part ends");
    return rsa_verify_digest(key, c->doc->digest, SHA1_LEN, sig, len) == OK ||
           bad(c, "its RSA signature does not verify");
}

/* ---- server descriptors ---- */

static bool read_key(const struct check *c, enum field f, struct rsa_pub **out)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    *out = NULL;
    if (docs_object(&c->f[f], "RSA PUBLIC KEY", der, sizeof der, &len) != OK ||
        rsa_pub_from_der(der, len, out) != OK || rsa_pub_bits(*out) != RSA_ID_BITS)
        return bad_line(c, f, "has no RSA key of 1024 bits");
    return true;
}

static bool check_fingerprint(const struct check *c)
{
    struct text rest = c->f[FINGERPRINT].args, group;
    char hex[HEX_SIZE(20)] = "";
    size_t len = 0;
    struct rsa_id id;
    if (!has(c, FINGERPRINT))
        return true;
    while (text_token(&rest, &group)) {
        if (group.len > sizeof hex - 1 - len)
            return bad_line(c, FINGERPRINT, "is malformed");
        memcpy(hex + len, group.s, group.len);
        len += group.len;
    }
    if (hex_decode_exact((struct text){hex, len}, id.b, sizeof id.b) != OK)
        return bad_line(c, FINGERPRINT, "is malformed");
    return rsa_id_equal(&id, &c->doc->id) ||
           bad_line(c, FINGERPRINT, "is not that of the signing key");
}

/* dir-spec 2.1.1, onion-key-crosscert: the TAP key signs the RSA identity and the Ed25519 one. */
static bool check_tap_crosscert(const struct check *c)
{
    uint8_t both[sizeof c->doc->id.b + sizeof c->ed.b], sig[RSA_SIG_MAX];
    struct rsa_pub *key;
    size_t len;
    if (has(c, ONION_KEY) != has(c, ONION_CC))
        return bad(c, "of its onion-key and onion-key-crosscert lines one is missing");
    if (!has(c, ONION_KEY))
        return true;
    memcpy(both, c->doc->id.b, sizeof c->doc->id.b);
    memcpy(both + sizeof c->doc->id.b, c->ed.b, sizeof c->ed.b);
    bool ok = read_key(c, ONION_KEY, &key);
    if (ok && (docs_object(&c->f[ONION_CC], "CROSSCERT", sig, sizeof sig, &len) != OK ||
               rsa_verify_digest(key, both, sizeof both, sig, len) != OK))
        ok = bad_line(c, ONION_CC, "does not verify");
    rsa_pub_free(key);
    return ok;
}

static bool check_ntor_crosscert(const struct check *c)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    struct text arg;
    struct x25519_pub ntor;
    struct ed_id as_ed;
    if (!doc_args(&c->f[NTOR_KEY], &arg, 1) ||
        base64_decode_exact(arg, BASE64_EITHER, ntor.b, sizeof ntor.b) != OK)
        return bad_line(c, NTOR_KEY, "is malformed");
    if (!doc_args(&c->f[NTOR_CC], &arg, 1) || arg.len != 1 || (arg.s[0] != '0' && arg.s[0] != '1'))
        return bad_line(c, NTOR_CC, "has no bit of 0 or 1");
    if (ed25519_from_x25519(&ntor, (unsigned)(arg.s[0] - '0'), &as_ed) != OK)
        return bad_line(c, NTOR_KEY, "has a key that is none");
    if (!read_cert(c, NTOR_CC, bytes, &cert))
        return false;
    if (cert.type != CERT_NTOR_CC_IDENTITY || memcmp(cert.key, c->ed.b, sizeof c->ed.b) != 0)
        return bad_line(c, NTOR_CC, "has a certificate of something else");
    return verify_cert(c, NTOR_CC, &cert, &as_ed);
}

static bool check_router_line(const struct check *c)
{
    struct text args[5];
    char address[IP_TEXT_MAX];
    struct ip ip;
    uint64_t port;
    if (!doc_args(&c->f[ROUTER], args, 5) || !docs_is_nickname(args[0]) ||
        args[1].len >= sizeof address)
        return bad_line(c, ROUTER, "is malformed");
    (void)snprintf(address, sizeof address, "%.*s", TEXT_ARG(args[1]));
    if (ip_parse(address, false, &ip) != OK || ip.family != IP_V4)
        return bad_line(c, ROUTER, "has no IPv4 address");
    return (text_to_u64(args[2], UINT16_MAX, &port) == OK &&
            text_to_u64(args[4], UINT16_MAX, &port) == OK) ||
           bad_line(c, ROUTER, "has a port that is none");
}

static bool check_published(const struct check *c)
{
    struct text args[2];
    int64_t t;
    return (doc_args(&c->f[PUBLISHED], args, 2) && doc_time(args[0], args[1], &t) == OK) ||
           bad_line(c, PUBLISHED, "is malformed");
}

void docs_verify_server(struct docs_item *doc, int64_t now_s)
{
    static const enum field must[] = {ROUTER,  IDENTITY_ED, PUBLISHED, BANDWIDTH, NTOR_KEY,
                                      NTOR_CC, SIGNING_KEY, SIG_ED,    SIG_RSA};
    struct check c = {.doc = doc, .now_s = now_s};
    struct rsa_pub *key = NULL;
    doc->verdict = DOCS_GOOD;
    /* Each says itself what is wrong. */
    (void)(collect_in_order(&c, "router", must, sizeof must / sizeof must[0]) &&
           check_router_line(&c) && check_published(&c) && read_key(&c, SIGNING_KEY, &key) &&
           check_fingerprint(&c) && check_identity_cert(&c) && check_master_key(&c) &&
           check_tap_crosscert(&c) && check_ntor_crosscert(&c) && check_ed_signature(&c) &&
           check_rsa_signature(&c, key));
    rsa_pub_free(key);
}

/* ---- extra-info documents ---- */

static bool check_extra_line(const struct check *c)
{
    struct text args[2];
    return (doc_args(&c->f[ROUTER], args, 2) && docs_is_nickname(args[0]) && c->doc->has_id) ||
           bad(c, "its extra-info line is malformed");
}

void docs_verify_extra(struct docs_item *doc, const struct docs_servers *servers, int64_t now_s)
{
    static const enum field must[] = {ROUTER, IDENTITY_ED, PUBLISHED, SIG_ED, SIG_RSA};
    struct check c = {.doc = doc, .now_s = now_s};
    doc->verdict = DOCS_GOOD;
    if (!collect_in_order(&c, "extra-info", must, sizeof must / sizeof must[0]) ||
        !check_extra_line(&c) || !check_published(&c) || !check_identity_cert(&c) ||
        !check_ed_signature(&c))
        return;
    struct rsa_pub *key = docs_servers_key(servers, &doc->id);
    if (key)
        (void)check_rsa_signature(&c, key);
    else
        docs_unproven(doc, "its Ed25519 signature verifies; its RSA signature, and whether that "
                           "Ed25519 key is the relay's, could not be checked without the "
                           "relay's server descriptor");
    rsa_pub_free(key);
}

/* ---- microdescriptors ---- */

void docs_verify_micro(struct docs_item *doc)
{
    struct microdesc md;
    struct text rest = doc->text;
    doc->verdict = DOCS_GOOD;
    if (microdesc_next(&rest, &md) != OK || rest.len)
        docs_bad(doc, "it is malformed");
    else if (!md.has_ntor)
        docs_bad(doc, "its ntor-onion-key line is missing");
}
