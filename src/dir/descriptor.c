#include "dir/descriptor.h"

#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"

/* ---- one reader a line ---- */

/* "router" nickname address ORPort SOCKSPort DirPort */
static bool r_router(struct descriptor *d, const struct doc_item *item)
{
    struct text arg[5];
    uint16_t orport, dirport;
    struct ip ip;
    if (!doc_args(item, arg, 5) || !nickname_copy(arg[0], d->nickname) ||
        doc_ip(arg[1], IP_V4, &ip) != OK || doc_port(arg[2], &orport) != OK ||
        doc_port(arg[4], &dirport) != OK)
        return false;
    d->orport = (struct ipport){ip, orport};
    d->dirport = dirport;
    return true;
}

static bool read_ed_key(const struct doc_item *item, uint8_t key[32])
{
    struct text arg;
    return doc_args(item, &arg, 1) && base64_decode_exact(arg, BASE64_EITHER, key, 32) == OK;
}

/* Whether it proves anything is descriptor_verify()'s to say. */
static bool r_identity_ed(struct descriptor *d, const struct doc_item *item)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    size_t len;
    if (doc_object(item, "ED25519 CERT", bytes, sizeof bytes, &len) != OK ||
        ed_cert_parse(bytes, len, &cert) != OK)
        return false;
    if (cert.has_signer && !d->has_ed) {
        d->ed = cert.signer;
        d->has_ed = true;
    }
    return true;
}

static bool r_master_key(struct descriptor *d, const struct doc_item *item)
{
    if (!read_ed_key(item, d->ed.b))
        return false;
    d->has_ed = true;
    return true;
}

static bool r_ntor_key(struct descriptor *d, const struct doc_item *item)
{
    return read_ed_key(item, d->ntor.b);
}

static bool r_published(struct descriptor *d, const struct doc_item *item)
{
    struct text arg[2];
    return doc_args(item, arg, 2) && doc_time(arg[0], arg[1], &d->published_s) == OK;
}

static bool r_bandwidth(struct descriptor *d, const struct doc_item *item)
{
    struct text arg[3];
    return doc_args(item, arg, 3) && text_to_u64(arg[0], UINT64_MAX, &d->average) == OK &&
           text_to_u64(arg[1], UINT64_MAX, &d->burst) == OK &&
           text_to_u64(arg[2], UINT64_MAX, &d->observed) == OK;
}

/* A fingerprint in groups of four digits. */
static bool r_fingerprint(struct descriptor *d, const struct doc_item *item)
{
    char hex[HEX_SIZE(sizeof d->fingerprint.b)];
    size_t len = 0;
    struct text rest = item->args, group;
    while (text_token(&rest, &group)) {
        if (group.len > sizeof hex - 1 - len)
            return false;
        memcpy(hex + len, group.s, group.len);
        len += group.len;
    }
    return hex_decode_exact((struct text){hex, len}, d->fingerprint.b, sizeof d->fingerprint.b) ==
           OK;
}

static bool r_signing_key(struct descriptor *d, const struct doc_item *item)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    if (doc_object(item, "RSA PUBLIC KEY", der, sizeof der, &len) != OK || !len)
        return false;
    sha1(der, len, d->rsa.b);
    d->has_rsa = true;
    return true;
}

static bool r_onion_key(struct descriptor *d, const struct doc_item *item)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    (void)d;
    return doc_object(item, "RSA PUBLIC KEY", der, sizeof der, &len) == OK;
}

/* SHA-1 in hex; the SHA-256 that may follow is of use to nobody here. */
static bool r_extra_info_digest(struct descriptor *d, const struct doc_item *item)
{
    struct text arg;
    return doc_args(item, &arg, 1) &&
           hex_decode_exact(arg, d->extra_info_sha1, sizeof d->extra_info_sha1) == OK;
}

/* "extra-info" nickname fingerprint */
static bool r_extra_info(struct descriptor *d, const struct doc_item *item)
{
    struct text arg[2];
    d->has_rsa = doc_args(item, arg, 2) && nickname_copy(arg[0], d->nickname) &&
                 hex_decode_exact(arg[1], d->rsa.b, sizeof d->rsa.b) == OK;
    return d->has_rsa;
}

/* The first one that is IPv6 counts. */
static bool read_or_address(struct descriptor *d, const struct doc_item *item)
{
    struct text arg;
    struct ipport at;
    if (!doc_args(item, &arg, 1) || doc_ipport(arg, &at) != OK)
        return false;
    if (at.ip.family == IP_V6 && d->orport6.ip.family == IP_NONE)
        d->orport6 = at;
    return true;
}

static bool read_family(const struct doc_item *item, struct ed_id *family)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    size_t len;
    if (doc_object(item, "FAMILY CERT", bytes, sizeof bytes, &len) != OK ||
        ed_cert_parse(bytes, len, &cert) != OK || cert.type != CERT_FAMILY_V_IDENTITY ||
        !cert.has_signer)
        return false;
    *family = cert.signer;
    return true;
}

/* ---- all lines of one ---- */

static const char *const keywords[DESCRIPTOR_LINE_N] = {
#define X(name, keyword) [name] = (keyword),
    DESCRIPTOR_LINE_LIST(X)
#undef X
};

/* Lines whose text is all that is wanted of them have no reader. */
static bool (*const readers[DESCRIPTOR_LINE_N])(struct descriptor *, const struct doc_item *) = {
    [DESCRIPTOR_IDENTITY_ED] = r_identity_ed, [DESCRIPTOR_MASTER_KEY] = r_master_key,
    [DESCRIPTOR_PUBLISHED] = r_published,     [DESCRIPTOR_FINGERPRINT] = r_fingerprint,
    [DESCRIPTOR_BANDWIDTH] = r_bandwidth,     [DESCRIPTOR_EXTRA_INFO_DIGEST] = r_extra_info_digest,
    [DESCRIPTOR_ONION_KEY] = r_onion_key,     [DESCRIPTOR_SIGNING_KEY] = r_signing_key,
    [DESCRIPTOR_NTOR_KEY] = r_ntor_key,
};

/* A kind of document, by its first line. */
struct kind {
    const char *first;
    bool (*read)(struct descriptor *, const struct doc_item *);
};
static const struct kind server = {"router", r_router}, extra = {"extra-info", r_extra_info};

static bool find_line(const struct kind *kind, const struct doc_item *item,
                      enum descriptor_line *out)
{
    for (*out = 0; *out < DESCRIPTOR_LINE_N; ++*out)
        if (doc_is(item, *out == DESCRIPTOR_FIRST ? kind->first : keywords[*out]))
            return true;
    return false;
}

static void read_item(struct descriptor *d, const struct kind *kind, const struct doc_item *item)
{
    enum descriptor_line l;
    struct ed_id family;
    if (doc_is(item, "or-address") && !read_or_address(d, item))
        d->malformed |= DESCRIPTOR_BIT(DESCRIPTOR_OR_ADDRESS);
    if (doc_is(item, "family-cert") && !read_family(item, &family))
        d->malformed |= DESCRIPTOR_BIT(DESCRIPTOR_FAMILY_CERT);
    if (!find_line(kind, item, &l))
        return;
    if (d->item[l].begin) {
        d->repeated |= DESCRIPTOR_BIT(l);
        return;
    }
    d->item[l] = *item;
    bool (*read)(struct descriptor *, const struct doc_item *) =
        l == DESCRIPTOR_FIRST ? kind->read : readers[l];
    if (read && !read(d, item))
        d->malformed |= DESCRIPTOR_BIT(l);
}

static void take_digest(struct descriptor *d)
{
    const struct doc_item *sig = &d->item[DESCRIPTOR_SIG_RSA];
    struct text all = d->body;
    if (sig->begin) /* tokenized, so there is a newline */
        all.len = (size_t)(sig->args.s + sig->args.len + 1 - all.s);
    sha1(all.s, all.len, d->sha1);
}

static err_t read_body(struct descriptor *d, const struct kind *kind)
{
    struct doc_lines in = doc_over(d->body.s, d->body.len);
    struct doc_item item;
    for (; doc_next(&in, &item); d->n_items++)
        read_item(d, kind, &item);
    if (!d->has_rsa && descriptor_has(d, DESCRIPTOR_FINGERPRINT)) {
        d->rsa = d->fingerprint;
        d->has_rsa = true;
    }
    take_digest(d);
    return in.err;
}

/* ---- where one ends ---- */

static bool has_keyword(struct text line, const char *keyword)
{
    size_t len = strlen(keyword);
    return text_starts(line, keyword) &&
           (line.len == len || line.s[len] == ' ' || line.s[len] == '\t');
}

/* Takes all before the next first line off *REST; whether that was empty lines and annotations. */
static bool skip_to_first(struct text *rest, const char *first)
{
    struct text line, before = *rest;
    bool clean = true;
    for (; text_line(rest, &line); before = *rest) {
        if (has_keyword(line, first)) {
            *rest = before;
            return clean;
        }
        clean = clean && (!line.len || line.s[0] == '@');
    }
    return clean;
}

/* Takes one off *REST, which begins with its first line. What looks like its signature inside of
 * another item's object is none. */
static struct text take_one(struct text *rest, const char *first)
{
    struct text line, before, body = *rest;
    bool in_object = false, at_signature = false, ended = false;
    (void)text_line(rest, &line);
    for (before = *rest; !ended && text_line(rest, &line); before = *rest) {
        if (has_keyword(line, first) || text_starts(line, "@")) {
            *rest = before;
            break;
        }
        at_signature = at_signature || (!in_object && has_keyword(line, "router-signature"));
        if (text_starts(line, "-----"))
            in_object = text_starts(line, "-----BEGIN ");
        ended = at_signature && !in_object && text_starts(line, "-----");
    }
    body.len = (size_t)(rest->s - body.s);
    while (body.len > 2 && body.s[body.len - 1] == '\n' && body.s[body.len - 2] == '\n')
        body.len--;
    return body;
}

static err_t next(struct text *rest, const struct kind *kind, struct descriptor *out)
{
    *out = (struct descriptor){.n_items = 0};
    if (!skip_to_first(rest, kind->first))
        return ERR_MALFORMED;
    if (!rest->len)
        return ERR_NOT_FOUND;
    out->body = take_one(rest, kind->first);
    return read_body(out, kind);
}

err_t descriptor_next(struct text *rest, struct descriptor *out)
{
    return next(rest, &server, out);
}

err_t descriptor_next_extra(struct text *rest, struct descriptor *out)
{
    return next(rest, &extra, out);
}

bool descriptor_rule_next(struct doc_lines *at, struct doc_item *rule)
{
    while (doc_next(at, rule))
        if (doc_is(rule, "accept") || doc_is(rule, "reject"))
            return true;
    return false;
}

bool descriptor_family_next(struct doc_lines *at, struct ed_id *family)
{
    struct doc_item item;
    while (doc_next(at, &item))
        if (doc_is(&item, "family-cert") && read_family(&item, family))
            return true;
    return false;
}
