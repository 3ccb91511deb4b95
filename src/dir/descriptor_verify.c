/* Server descriptors and extra-info documents held against dir-spec 2.1. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/descriptor.h"

#define SIGNATURE_PREFIX "Tor router descriptor signature v1"

enum { HOUR_S = 3600 };

struct check {
    const struct descriptor *d;
    int64_t now_s;
    char *why;
    struct ed_id ed, signing; /* identity and signing key, once the certificate was read */
};

static const char *const names[DESCRIPTOR_LINE_N] = {
#define X(name, keyword) [name] = (keyword),
    DESCRIPTOR_LINE_LIST(X)
#undef X
};

/* Says what is wrong, and returns ERR. */
PRINTF_LIKE(3, 4)
static err_t wrong(const struct check *c, err_t err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(c->why, DESCRIPTOR_WHY_MAX, fmt, args);
    va_end(args);
    return err;
}

static err_t bad_line(const struct check *c, enum descriptor_line l, const char *what)
{
    return wrong(c, ERR_MALFORMED, "its %s line %s", names[l], what);
}

static err_t unsigned_line(const struct check *c, enum descriptor_line l, const char *what)
{
    return wrong(c, ERR_BAD_SIGNATURE, "its %s line %s", names[l], what);
}

/* It has been looked at, and nothing was found out. */
static err_t no_memory(const struct check *c)
{
    return wrong(c, ERR_NOMEM, "memory ran out");
}

static bool is_there(const struct check *c, enum descriptor_line l)
{
    return c->d->item[l].begin != NULL;
}

static err_t must_be_readable(const struct check *c, enum descriptor_line l)
{
    return c->d->malformed & DESCRIPTOR_BIT(l) ? bad_line(c, l, "is malformed") : OK;
}

/* ---- form ---- */

static err_t check_lines(const struct check *c, const enum descriptor_line *must, size_t n)
{
    const struct doc_item *item = c->d->item;
    for (unsigned l = 0; l < DESCRIPTOR_LINE_N; l++)
        if (c->d->repeated & DESCRIPTOR_BIT(l))
            return bad_line(c, (enum descriptor_line)l, "is there twice");
    for (size_t i = 0; i < n; i++)
        if (!is_there(c, must[i]))
            return bad_line(c, must[i], "is missing");
    /* dir-spec 2.1.1: identity-ed25519 is "second position in document", router-sig-ed25519 "the
     * second-to-last item", router-signature "At end". */
    if (item[DESCRIPTOR_IDENTITY_ED].begin != item[DESCRIPTOR_FIRST].end)
        return bad_line(c, DESCRIPTOR_IDENTITY_ED, "is not the second one");
    if (item[DESCRIPTOR_SIG_RSA].begin != item[DESCRIPTOR_SIG_ED].end ||
        item[DESCRIPTOR_SIG_RSA].end != c->d->body.s + c->d->body.len)
        return wrong(c, ERR_MALFORMED, "its signatures are not at the end");
    return must_be_readable(c, DESCRIPTOR_PUBLISHED);
}

/* Says which part of the "router" line cannot be read. */
static err_t check_router_line(const struct check *c)
{
    struct text args[5];
    struct ip ip;
    if (descriptor_has(c->d, DESCRIPTOR_FIRST))
        return OK;
    if (!doc_args(&c->d->item[DESCRIPTOR_FIRST], args, 5) || !nickname_valid(args[0]))
        return bad_line(c, DESCRIPTOR_FIRST, "is malformed");
    if (doc_ip(args[1], IP_V4, &ip) != OK)
        return bad_line(c, DESCRIPTOR_FIRST, "has no IPv4 address");
    return bad_line(c, DESCRIPTOR_FIRST, "has a port that is none");
}

/* ---- certificates ---- */

static err_t read_cert(const struct check *c, enum descriptor_line l, uint8_t bytes[ED_CERT_MAX],
                       struct ed_cert *out)
{
    size_t len;
    if (doc_object(&c->d->item[l], "ED25519 CERT", bytes, ED_CERT_MAX, &len) != OK ||
        ed_cert_parse(bytes, len, out) != OK)
        return bad_line(c, l, "has no Ed25519 certificate that can be read");
    return OK;
}

static err_t verify_cert(const struct check *c, enum descriptor_line l, const struct ed_cert *cert,
                         const struct ed_id *signer)
{
    char date[DOC_TIME_TEXT_MAX];
    if (ed_cert_check_signature(cert, signer) != OK)
        return unsigned_line(c, l, "has a certificate whose signature does not verify");
    if (cert_check_expiry(cert->expires_h, c->now_s) == OK)
        return OK;
    return wrong(c, ERR_EXPIRED, "the certificate of its %s line expired at %s UTC", names[l],
                 doc_time_text((int64_t)cert->expires_h * HOUR_S, date));
}

static err_t check_identity_cert(struct check *c)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    TRY(read_cert(c, DESCRIPTOR_IDENTITY_ED, bytes, &cert));
    if (cert.type != CERT_IDENTITY_V_SIGNING || cert.key_type != CERT_KEY_ED25519 ||
        !cert.has_signer)
        return bad_line(c, DESCRIPTOR_IDENTITY_ED, "has a certificate of the wrong type");
    c->ed = cert.signer;
    memcpy(c->signing.b, cert.key, sizeof c->signing.b);
    return verify_cert(c, DESCRIPTOR_IDENTITY_ED, &cert, NULL);
}

/* dir-spec 2.1.1, master-key-ed25519: "must match the key in the identity-ed25519 certificate". */
static err_t check_master_key(const struct check *c)
{
    if (!is_there(c, DESCRIPTOR_MASTER_KEY))
        return OK;
    TRY(must_be_readable(c, DESCRIPTOR_MASTER_KEY));
    return ed_id_equal(&c->d->ed, &c->ed)
               ? OK
               : bad_line(c, DESCRIPTOR_MASTER_KEY, "is not the key of the certificate");
}

static err_t check_ntor_crosscert(const struct check *c)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    struct text arg;
    struct ed_id as_ed;
    TRY(must_be_readable(c, DESCRIPTOR_NTOR_KEY));
    if (!doc_args(&c->d->item[DESCRIPTOR_NTOR_CC], &arg, 1) || arg.len != 1 ||
        (arg.s[0] != '0' && arg.s[0] != '1'))
        return bad_line(c, DESCRIPTOR_NTOR_CC, "has no bit of 0 or 1");
    err_t e = ed25519_from_x25519(&c->d->ntor, (unsigned)(arg.s[0] - '0'), &as_ed);
    if (e == ERR_NOMEM)
        return no_memory(c);
    if (e != OK)
        return bad_line(c, DESCRIPTOR_NTOR_KEY, "has a key that is none");
    TRY(read_cert(c, DESCRIPTOR_NTOR_CC, bytes, &cert));
    if (cert.type != CERT_NTOR_CC_IDENTITY || memcmp(cert.key, c->ed.b, sizeof c->ed.b) != 0)
        return bad_line(c, DESCRIPTOR_NTOR_CC, "has a certificate of something else");
    return verify_cert(c, DESCRIPTOR_NTOR_CC, &cert, &as_ed);
}

/* Proposal 321: the family's key, which is inside, vouches for the identity. */
static err_t check_family_cert(const struct check *c, const struct doc_item *item)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    size_t len;
    if (doc_object(item, "FAMILY CERT", bytes, sizeof bytes, &len) != OK ||
        ed_cert_parse(bytes, len, &cert) != OK)
        return wrong(c, ERR_MALFORMED,
                     "a family-cert line of it has no certificate that can be "
                     "read");
    if (cert.type != CERT_FAMILY_V_IDENTITY || cert.key_type != CERT_KEY_ED25519 ||
        !cert.has_signer)
        return wrong(c, ERR_MALFORMED,
                     "a family-cert line of it has a certificate of the wrong "
                     "type");
    if (memcmp(cert.key, c->ed.b, sizeof c->ed.b) != 0)
        return wrong(c, ERR_MALFORMED, "a family-cert line of it is about another relay");
    return ed_cert_check_signature(&cert, NULL) == OK
               ? OK
               : wrong(c, ERR_BAD_SIGNATURE,
                       "the signature of a family-cert line of it does not "
                       "verify");
}

/* One that fails refuses the descriptor (C tor: check_family_certs()). */
static err_t check_families(const struct check *c)
{
    struct doc_lines at = doc_over(c->d->body.s, c->d->body.len);
    struct doc_item item;
    size_t n = 0;
    while (doc_next(&at, &item)) {
        if (!doc_is(&item, "family-cert"))
            continue;
        if (++n > DESCRIPTOR_FAMILIES_MAX)
            return wrong(c, ERR_MALFORMED, "it has more than %d family-cert lines",
                         DESCRIPTOR_FAMILIES_MAX);
        TRY(check_family_cert(c, &item));
    }
    return OK;
}

/* ---- RSA keys ---- */

static err_t read_rsa_key(const struct check *c, enum descriptor_line l, struct rsa_pub **out)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    *out = NULL;
    err_t e = doc_object(&c->d->item[l], "RSA PUBLIC KEY", der, sizeof der, &len);
    if (e == OK)
        e = rsa_pub_from_der(der, len, out);
    if (e == ERR_NOMEM)
        return no_memory(c);
    if (e != OK || rsa_pub_bits(*out) != RSA_ID_BITS)
        return bad_line(c, l, "has no RSA key of 1024 bits");
    return OK;
}

static err_t check_fingerprint(const struct check *c)
{
    if (!is_there(c, DESCRIPTOR_FINGERPRINT))
        return OK;
    TRY(must_be_readable(c, DESCRIPTOR_FINGERPRINT));
    return rsa_id_equal(&c->d->fingerprint, &c->d->rsa)
               ? OK
               : bad_line(c, DESCRIPTOR_FINGERPRINT, "is not that of the signing key");
}

/* dir-spec 2.1.1, onion-key-crosscert: the TAP key signs the RSA identity and the Ed25519 one. */
static err_t check_tap_signature(const struct check *c, const struct rsa_pub *key)
{
    uint8_t both[sizeof c->d->rsa.b + sizeof c->ed.b], sig[RSA_SIG_MAX];
    size_t len;
    memcpy(both, c->d->rsa.b, sizeof c->d->rsa.b);
    memcpy(both + sizeof c->d->rsa.b, c->ed.b, sizeof c->ed.b);
    err_t e = doc_object(&c->d->item[DESCRIPTOR_ONION_CC], "CROSSCERT", sig, sizeof sig, &len);
    if (e == OK)
        e = rsa_verify_digest(key, both, sizeof both, sig, len);
    if (e == ERR_NOMEM)
        return no_memory(c);
    return e == OK ? OK : unsigned_line(c, DESCRIPTOR_ONION_CC, "does not verify");
}

static err_t check_tap_crosscert(const struct check *c)
{
    struct rsa_pub *key;
    if (is_there(c, DESCRIPTOR_ONION_KEY) != is_there(c, DESCRIPTOR_ONION_CC))
        return wrong(c, ERR_MALFORMED,
                     "of its onion-key and onion-key-crosscert lines one is missing");
    if (!is_there(c, DESCRIPTOR_ONION_KEY))
        return OK;
    err_t err = read_rsa_key(c, DESCRIPTOR_ONION_KEY, &key);
    if (err == OK)
        err = check_tap_signature(c, key);
    rsa_pub_free(key);
    return err;
}

/* ---- signatures ---- */

/* dir-spec 2.1.1: "the SHA256 digest of a prefix and the entire document, from the first character
 * after the first space after 'router-sig-ed25519'". */
static err_t check_ed_signature(const struct check *c)
{
    struct sha256_running s;
    struct text arg;
    uint8_t digest[SHA256_LEN], sig[ED25519_SIG_LEN];
    const struct doc_item *item = &c->d->item[DESCRIPTOR_SIG_ED];
    if (!doc_args(item, &arg, 1) || base64_decode_exact(arg, BASE64_EITHER, sig, sizeof sig) != OK)
        return bad_line(c, DESCRIPTOR_SIG_ED, "is malformed");
    sha256_init(&s);
    sha256_add(&s, SIGNATURE_PREFIX, strlen(SIGNATURE_PREFIX));
    sha256_add(&s, c->d->body.s, (size_t)(item->args.s - c->d->body.s));
    sha256_peek(&s, digest);
    return ed25519_verify(&c->signing, digest, sizeof digest, sig) == OK
               ? OK
               : wrong(c, ERR_BAD_SIGNATURE, "its Ed25519 signature does not verify");
}

static err_t check_rsa_signature(const struct check *c, const struct rsa_pub *key)
{
    uint8_t sig[RSA_SIG_MAX];
    size_t len;
    const struct doc_item *item = &c->d->item[DESCRIPTOR_SIG_RSA];
    if (doc_object(item, "SIGNATURE", sig, sizeof sig, &len) != OK)
        return bad_line(c, DESCRIPTOR_SIG_RSA, "has no signature that can be read");
    /* dir-spec 2.1.1: what is hashed is "through the newline after router-signature" itself. */
    if (item->args.s != item->keyword.s + item->keyword.len)
        return bad_line(c, DESCRIPTOR_SIG_RSA, "is not where its signed part ends");
    err_t e = rsa_verify_digest(key, c->d->sha1, sizeof c->d->sha1, sig, len);
    if (e == ERR_NOMEM)
        return no_memory(c);
    return e == OK ? OK : wrong(c, ERR_BAD_SIGNATURE, "its RSA signature does not verify");
}

/* ---- whole documents ---- */

static err_t check_server_keys(struct check *c)
{
    TRY(check_fingerprint(c));
    TRY(check_identity_cert(c));
    TRY(check_master_key(c));
    TRY(check_tap_crosscert(c));
    TRY(check_ntor_crosscert(c));
    TRY(check_families(c));
    return check_ed_signature(c);
}

err_t descriptor_verify(const struct descriptor *d, int64_t now_s, char why[DESCRIPTOR_WHY_MAX])
{
    static const enum descriptor_line must[] = {
        DESCRIPTOR_FIRST,       DESCRIPTOR_IDENTITY_ED, DESCRIPTOR_PUBLISHED,
        DESCRIPTOR_BANDWIDTH,   DESCRIPTOR_NTOR_KEY,    DESCRIPTOR_NTOR_CC,
        DESCRIPTOR_SIGNING_KEY, DESCRIPTOR_SIG_ED,      DESCRIPTOR_SIG_RSA};
    struct check c = {.d = d, .now_s = now_s, .why = why};
    struct rsa_pub *key;
    TRY(check_lines(&c, must, sizeof must / sizeof must[0]));
    TRY(check_router_line(&c));
    TRY(must_be_readable(&c, DESCRIPTOR_BANDWIDTH));
    err_t err = read_rsa_key(&c, DESCRIPTOR_SIGNING_KEY, &key);
    if (err == OK)
        err = check_server_keys(&c);
    if (err == OK)
        err = check_rsa_signature(&c, key);
    rsa_pub_free(key);
    return err;
}

err_t descriptor_verify_extra(const struct descriptor *d, const struct rsa_pub *key, int64_t now_s,
                              char why[DESCRIPTOR_WHY_MAX])
{
    static const enum descriptor_line must[] = {DESCRIPTOR_FIRST, DESCRIPTOR_IDENTITY_ED,
                                                DESCRIPTOR_PUBLISHED, DESCRIPTOR_SIG_ED,
                                                DESCRIPTOR_SIG_RSA};
    struct check c = {.d = d, .now_s = now_s, .why = why};
    TRY(check_lines(&c, must, sizeof must / sizeof must[0]));
    if (!descriptor_has(d, DESCRIPTOR_FIRST))
        return wrong(&c, ERR_MALFORMED, "its extra-info line is malformed");
    TRY(check_identity_cert(&c));
    TRY(check_ed_signature(&c));
    return key ? check_rsa_signature(&c, key) : OK;
}
