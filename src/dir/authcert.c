#include "dir/authcert.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "dir/doc.h"

#define FIRST "dir-key-certificate-version"

struct authcert {
    struct rsa_id identity, signing;
    int64_t published_s, expires_s;
    struct rsa_pub *identity_key, *signing_key;
    char *text;
    size_t len;
};

/* The items of a certificate, each of which has to be there once; dir-spec 3.1. */
enum field {
    VERSION,
    FINGERPRINT,
    PUBLISHED,
    EXPIRES,
    IDENTITY,
    SIGNING,
    CROSSCERT,
    SELF,
    FIELD_N
};

static const char *const field_names[FIELD_N] = {
    [VERSION] = FIRST,
    [FINGERPRINT] = "fingerprint",
    [PUBLISHED] = "dir-key-published",
    [EXPIRES] = "dir-key-expires",
    [IDENTITY] = "dir-identity-key",
    [SIGNING] = "dir-signing-key",
    [CROSSCERT] = "dir-key-crosscert",
    [SELF] = "dir-key-certification",
};

/* The length of the first certificate in T: up to the next line that begins one. */
static size_t entry_len(struct text t)
{
    size_t at = 0;
    for (;;) {
        const char *nl = memchr(t.s + at, '\n', t.len - at);
        if (!nl)
            return t.len;
        at = (size_t)(nl - t.s) + 1;
        struct text rest = {t.s + at, t.len - at};
        if (!rest.len || text_starts(rest, FIRST " "))
            return at;
    }
}

static err_t collect(struct text text, struct doc_item fields[FIELD_N])
{
    struct doc_lines d = doc_over(text.s, text.len);
    struct doc_item item;
    bool ended = false;
    memset(fields, 0, sizeof fields[0] * FIELD_N);
    while (doc_next(&d, &item)) {
        /* dir-spec 3.1, dir-key-certification: "At end, exactly once." */
        if (ended)
            return ERR_TRAILING;
        for (size_t i = 0; i < FIELD_N; i++) {
            if (!doc_is(&item, field_names[i]))
                continue;
            if (fields[i].begin)
                return ERR_MALFORMED;
            fields[i] = item;
            ended = i == SELF;
        }
    }
    for (size_t i = 0; i < FIELD_N; i++)
        if (!fields[i].begin)
            return d.err != OK ? d.err : ERR_MALFORMED;
    return fields[VERSION].begin == text.s ? d.err : ERR_MALFORMED;
}

static err_t parse_key(const struct doc_item *item, struct rsa_pub **out)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    if (!text_is(item->tag, "RSA PUBLIC KEY"))
        return ERR_MALFORMED;
    TRY(base64_decode(item->object, BASE64_OBJECT, der, sizeof der, &len));
    return rsa_pub_from_der(der, len, out);
}

static err_t parse_date(const struct doc_item *item, int64_t *out)
{
    struct text args[2];
    return doc_args(item, args, 2) ? doc_time(args[0], args[1], out) : ERR_MALFORMED;
}

/* Whether the object of ITEM is KEY's signature of the 20 bytes of DIGEST. */
static err_t check_signature(const struct doc_item *item, const struct rsa_pub *key,
                             const uint8_t *digest)
{
    uint8_t sig[RSA_SIG_MAX];
    size_t len;
    TRY(base64_decode(item->object, BASE64_OBJECT, sig, sizeof sig, &len));
    return rsa_verify_digest(key, digest, SHA1_LEN, sig, len);
}

static err_t check(const struct authcert *c, const struct doc_item fields[FIELD_N])
{
    struct text version;
    struct rsa_id claimed;
    uint8_t digest[SHA1_LEN];
    struct text print;
    if (!doc_args(&fields[VERSION], &version, 1) || !text_is(version, "3"))
        return ERR_UNSUPPORTED;
    if (!doc_args(&fields[FINGERPRINT], &print, 1))
        return ERR_MALFORMED;
    TRY(hex_decode_exact(print, claimed.b, sizeof claimed.b));
    if (!rsa_id_equal(&claimed, &c->identity))
        return ERR_BAD_KEY;
    /* dir-spec 3.1: "Implementations MUST allow the "ID " portion to be omitted" and "MUST verify
     * that the signature is a correct signature of the hash of the identity key". */
    if (!text_is(fields[CROSSCERT].tag, "ID SIGNATURE") &&
        !text_is(fields[CROSSCERT].tag, "SIGNATURE"))
        return ERR_MALFORMED;
    TRY(check_signature(&fields[CROSSCERT], c->signing_key, c->identity.b));
    /* "...starting with dir-key-certificate-version, up through dir-key-certification and its
     * trailing newline". */
    if (!text_is(fields[SELF].tag, "SIGNATURE") || fields[SELF].args.len)
        return ERR_MALFORMED;
    const char *begin = fields[VERSION].begin;
    const char *end = fields[SELF].keyword.s + fields[SELF].keyword.len + 1;
    sha1(begin, (size_t)(end - begin), digest);
    return check_signature(&fields[SELF], c->identity_key, digest);
}

static err_t fill(struct text text, struct authcert *c)
{
    struct doc_item fields[FIELD_N];
    if (text.len > AUTHCERT_TEXT_MAX)
        return ERR_LIMIT;
    TRY(collect(text, fields));
    TRY(parse_date(&fields[PUBLISHED], &c->published_s));
    TRY(parse_date(&fields[EXPIRES], &c->expires_s));
    TRY(parse_key(&fields[IDENTITY], &c->identity_key));
    TRY(parse_key(&fields[SIGNING], &c->signing_key));
    rsa_pub_id(c->identity_key, &c->identity);
    rsa_pub_id(c->signing_key, &c->signing);
    TRY(check(c, fields));
    c->len = text.len;
    c->text = text_dup(text);
    return c->text ? OK : ERR_NOMEM;
}

err_t authcert_parse(struct text *rest, struct authcert **out)
{
    if (!rest->len)
        return ERR_NOT_FOUND;
    struct text text = {rest->s, entry_len(*rest)};
    rest->s += text.len;
    rest->len -= text.len;
    struct authcert *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    err_t err = fill(text, c);
    if (err != OK)
        authcert_free(&c);
    *out = c;
    return err;
}

void authcert_free(struct authcert **cert)
{
    struct authcert *c = *cert;
    *cert = NULL;
    if (!c)
        return;
    rsa_pub_free(c->identity_key);
    rsa_pub_free(c->signing_key);
    free(c->text);
    free(c);
}

const struct rsa_id *authcert_identity(const struct authcert *c)
{
    return &c->identity;
}

const struct rsa_id *authcert_signing(const struct authcert *c)
{
    return &c->signing;
}

int64_t authcert_published_s(const struct authcert *c)
{
    return c->published_s;
}

int64_t authcert_expires_s(const struct authcert *c)
{
    return c->expires_s;
}

struct text authcert_text(const struct authcert *c)
{
    return (struct text){c->text, c->len};
}

err_t authcert_check(const struct authcert *c, const uint8_t *digest, size_t digest_len,
                     const uint8_t *sig, size_t sig_len)
{
    return rsa_verify_digest(c->signing_key, digest, digest_len, sig, sig_len);
}

void authcert_set_init(struct authcert_set *set)
{
    *set = (struct authcert_set){0};
}

void authcert_set_clear(struct authcert_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        authcert_free(&set->certs[i]);
    free(set->certs);
    authcert_set_init(set);
}

static struct authcert **find(const struct authcert_set *set, const struct rsa_id *identity,
                              const struct rsa_id *signing)
{
    for (size_t i = 0; i < set->n; i++)
        if (rsa_id_equal(&set->certs[i]->identity, identity) &&
            rsa_id_equal(&set->certs[i]->signing, signing))
            return &set->certs[i];
    return NULL;
}

static err_t append(struct authcert_set *set, struct authcert *cert)
{
    if (set->n >= AUTHCERT_SET_MAX)
        return ERR_LIMIT;
    struct authcert **certs = realloc(set->certs, (set->n + 1) * sizeof *certs);
    if (!certs)
        return ERR_NOMEM;
    set->certs = certs;
    certs[set->n++] = cert;
    return OK;
}

err_t authcert_set_add(struct authcert_set *set, struct authcert *gift_cert)
{
    struct authcert **old = find(set, &gift_cert->identity, &gift_cert->signing);
    if (!old) {
        err_t err = append(set, gift_cert);
        if (err != OK)
            authcert_free(&gift_cert);
        return err;
    }
    if ((*old)->published_s < gift_cert->published_s) {
        struct authcert *loser = *old;
        *old = gift_cert;
        gift_cert = loser;
    }
    authcert_free(&gift_cert);
    return OK;
}

const struct authcert *authcert_set_find(const struct authcert_set *set,
                                         const struct rsa_id *identity,
                                         const struct rsa_id *signing)
{
    struct authcert **at = find(set, identity, signing);
    return at ? *at : NULL;
}

size_t authcert_set_expire(struct authcert_set *set, int64_t now_s)
{
    size_t kept = 0, n = set->n;
    for (size_t i = 0; i < n; i++) {
        if (set->certs[i]->expires_s < now_s)
            authcert_free(&set->certs[i]);
        else
            set->certs[kept++] = set->certs[i];
    }
    set->n = kept;
    return n - kept;
}
