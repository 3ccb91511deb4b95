#include "forge/desc.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"
#include "dirdoc/exitpolicy.h"
#include "dirdoc/relaydoc.h"

enum { BYTES_IN_KB = 1000, POLICY_MAX = 1 << 16 };

/* What was found so far. */
struct reading {
    struct forge_desc *d;
    uint8_t tap[RSA_DER_MAX];
    size_t tap_len;
    struct docw rules; /* "accept *:80,reject *:*" */
    struct text ipv6_policy, platform, protos;
    bool has_router, has_ed, has_ntor, has_identity, has_published, serves_directory;
};

void forge_desc_free(struct forge_desc *d)
{
    free(d->version);
    free(d->protos);
    free(d->policy);
    docw_free(&d->microdesc);
    *d = (struct forge_desc){.version = NULL};
}

/* ---- one reader a line ---- */

static bool copy_text(struct text t, char *out, size_t cap)
{
    if (t.len >= cap)
        return false;
    memcpy(out, t.s, t.len);
    out[t.len] = 0;
    return true;
}

static bool take_port(struct text t, uint16_t *out)
{
    uint64_t port = 0;
    bool good = text_to_u64(t, UINT16_MAX, &port) == OK;
    *out = (uint16_t)port;
    return good;
}

/* "router" nickname address ORPort SOCKSPort DirPort */
static bool r_router(struct reading *r, const struct doc_item *item)
{
    struct consdoc_relay *row = &r->d->row;
    struct text arg[5];
    char address[IP_TEXT_MAX];
    r->has_router = true;
    return doc_args(item, arg, 5) && copy_text(arg[0], row->nickname, sizeof row->nickname) &&
           copy_text(arg[1], address, sizeof address) &&
           ip_parse(address, false, &row->or_port.ip) == OK && row->or_port.ip.family == IP_V4 &&
           take_port(arg[2], &row->or_port.port) && take_port(arg[4], &row->dir_port);
}

/* The first one that is IPv6 counts. */
static bool r_or_address(struct reading *r, const struct doc_item *item)
{
    struct text arg;
    struct ipport at;
    char text[IPPORT_TEXT_MAX];
    if (!doc_args(item, &arg, 1) || !copy_text(arg, text, sizeof text) ||
        ipport_parse(text, &at) != OK)
        return false;
    if (at.ip.family == IP_V6 && r->d->row.or_port6.ip.family == IP_NONE)
        r->d->row.or_port6 = at;
    return true;
}

static bool r_ed(struct reading *r, const struct doc_item *item)
{
    struct text arg;
    r->has_ed = true;
    return doc_args(item, &arg, 1) &&
           base64_decode_exact(arg, BASE64_EITHER, r->d->row.ed.b, sizeof r->d->row.ed.b) == OK;
}

static bool r_ntor(struct reading *r, const struct doc_item *item)
{
    struct text arg;
    r->has_ntor = true;
    return doc_args(item, &arg, 1) &&
           base64_decode_exact(arg, BASE64_EITHER, r->d->ntor.b, sizeof r->d->ntor.b) == OK;
}

static bool r_platform(struct reading *r, const struct doc_item *item)
{
    r->platform = item->args;
    return true;
}

static bool r_proto(struct reading *r, const struct doc_item *item)
{
    r->protos = item->args;
    return true;
}

static bool r_published(struct reading *r, const struct doc_item *item)
{
    struct text arg[2];
    r->has_published = true;
    return doc_args(item, arg, 2) && doc_time(arg[0], arg[1], &r->d->row.published_s) == OK;
}

/* "bandwidth" average burst observed: the least of them */
static bool r_bandwidth(struct reading *r, const struct doc_item *item)
{
    struct text arg[3];
    uint64_t least = UINT64_MAX, n;
    if (!doc_args(item, arg, 3))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (text_to_u64(arg[i], UINT64_MAX, &n) != OK)
            return false;
        least = n < least ? n : least;
    }
    least /= BYTES_IN_KB;
    r->d->row.bandwidth_kb = least > INT32_MAX ? INT32_MAX : (uint32_t)least;
    return true;
}

static bool r_onion_key(struct reading *r, const struct doc_item *item)
{
    return base64_decode(item->object, BASE64_OBJECT, r->tap, sizeof r->tap, &r->tap_len) == OK;
}

static bool r_signing_key(struct reading *r, const struct doc_item *item)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    r->has_identity = true;
    if (base64_decode(item->object, BASE64_OBJECT, der, sizeof der, &len) != OK || !len)
        return false;
    sha1(der, len, r->d->row.rsa.b);
    return true;
}

static bool r_family(struct reading *r, const struct doc_item *item)
{
    if (item->args.len)
        r->d->family = (struct text){item->args.s - 1, item->args.len + 1};
    return true;
}

static bool r_rule(struct reading *r, const struct doc_item *item)
{
    struct exitpolicy_rule rule;
    size_t from = r->rules.len;
    char text[256];
    if (r->rules.len > POLICY_MAX || !copy_text(item->args, text, sizeof text - 16))
        return false;
    docw_fmt(&r->rules, "%s%.*s %s", from ? "," : "", TEXT_ARG(item->keyword), text);
    struct text rest = docw_text(&r->rules);
    rest = (struct text){rest.s + from + (from != 0), rest.len - from - (from != 0)};
    return r->rules.err == OK && exitpolicy_next(&rest, &rule) == OK;
}

static bool r_ipv6_policy(struct reading *r, const struct doc_item *item)
{
    r->ipv6_policy = item->args;
    return true;
}

static bool r_directory(struct reading *r, const struct doc_item *item)
{
    (void)item;
    r->serves_directory = true;
    return true;
}

static const struct line {
    const char *keyword;
    bool (*read)(struct reading *r, const struct doc_item *item);
    const char *why;
} lines[] = {
    {"router", r_router, "its \"router\" line is not \"router NICKNAME IPV4 ORPORT 0 DIRPORT\""},
    {"or-address", r_or_address, "its \"or-address\" is no address with a port"},
    {"master-key-ed25519", r_ed, "its \"master-key-ed25519\" is no key"},
    {"ntor-onion-key", r_ntor, "its \"ntor-onion-key\" is no key"},
    {"platform", r_platform, NULL},
    {"proto", r_proto, NULL},
    {"published", r_published, "its \"published\" is no date"},
    {"bandwidth", r_bandwidth, "its \"bandwidth\" is not three numbers"},
    {"onion-key", r_onion_key, "its \"onion-key\" is no key"},
    {"signing-key", r_signing_key, "its \"signing-key\" is no key"},
    {"family", r_family, NULL},
    {"accept", r_rule, "an \"accept\" line is not \"accept ADDRESS:PORTS\""},
    {"reject", r_rule, "a \"reject\" line is not \"reject ADDRESS:PORTS\""},
    {"ipv6-policy", r_ipv6_policy, NULL},
    {"tunnelled-dir-server", r_directory, NULL},
};

static bool read_item(struct reading *r, const struct doc_item *item, const char **why)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (doc_is(item, lines[i].keyword) && !lines[i].read(r, item)) {
            *why = lines[i].why;
            return false;
        }
    return true;
}

/* ---- what authorities make of it ---- */

static const char *what_is_missing(const struct reading *r)
{
    return !r->has_identity    ? "it has no \"signing-key\""
           : !r->has_ed        ? "it has no \"master-key-ed25519\""
           : !r->has_ntor      ? "it has no \"ntor-onion-key\""
           : !r->has_published ? "it has no \"published\""
                               : NULL;
}

/* "v": the platform without what it runs on */
static struct text version_of(struct text platform)
{
    static const char on[] = " on ";
    struct text rest = platform, word, version = {0};
    const char *end = platform.len ? memmem(platform.s, platform.len, on, strlen(on)) : NULL;
    if (end)
        return (struct text){platform.s, (size_t)(end - platform.s)};
    for (size_t i = 0; i < 2 && text_token(&rest, &word); i++)
        version = (struct text){platform.s, (size_t)(word.s + word.len - platform.s)};
    return version;
}

static unsigned flags_of(const struct reading *r)
{
    const unsigned plain = RELAY_FAST | RELAY_RUNNING | RELAY_STABLE | RELAY_VALID;
    const char *rules = r->rules.s ? r->rules.s : "";
    struct ipport web = {.port = 80}, tls = {.port = 443};
    const uint8_t anywhere[] = {192, 0, 2, 1};
    web.ip = tls.ip = ip_v4(anywhere);
    /* dir-spec 3.4.2: "allows exits to at least one /8 address space on each of ports 80 and 443"
     */
    bool exit = exitpolicy_allows(rules, &web) && exitpolicy_allows(rules, &tls);
    return plain | (exit ? RELAY_EXIT : RELAY_GUARD) |
           (r->serves_directory || r->d->row.dir_port ? RELAY_V2DIR : 0);
}

static err_t fill_row(struct reading *r)
{
    struct forge_desc *d = r->d;
    char summary[EXITPOLICY_SUMMARY_MAX];
    struct text version = version_of(r->platform);
    d->version = text_dup(version.len ? version : TEXT_LIT("unknown"));
    d->protos = text_dup(r->protos);
    d->policy = text_dup(
        text_of(exitpolicy_summary_public(r->rules.s ? r->rules.s : "reject *:*", summary)));
    if (!d->version || !d->protos || !d->policy)
        return ERR_NOMEM;
    d->row.version = d->version;
    d->row.protos = d->protos;
    d->row.policy = d->policy;
    d->row.flags = flags_of(r);
    sha1(d->body.s, d->body.len, d->row.descriptor_sha1);
    return OK;
}

/* dir-spec 3.3: a policy that lets nothing out is left out. */
static bool lets_out(const char *summary)
{
    return strcmp(summary, "reject 1-65535") != 0;
}

static err_t make_microdesc(struct reading *r)
{
    struct forge_desc *d = r->d;
    char *p6 = text_dup(r->ipv6_policy);
    if (!p6)
        return ERR_NOMEM;
    struct relaydoc_microdesc m = {.tap_der = r->tap_len ? r->tap : NULL,
                                   .tap_len = r->tap_len,
                                   .ntor = d->ntor.b,
                                   .family = d->family,
                                   .p = lets_out(d->policy) ? d->policy : NULL,
                                   .p6 = *p6 && lets_out(p6) ? p6 : NULL,
                                   .ed = &d->row.ed};
    relaydoc_write_microdesc(&d->microdesc, &m, d->row.microdesc_sha256);
    free(p6);
    return d->microdesc.err;
}

/* ---- one document ---- */

/* What a descriptor's digest is over ends with this line, without its object (dir-spec 2.1.1). */
static size_t signed_len(const struct doc_item *item, const char *begin)
{
    const char *line_end = memchr(item->begin, '\n', (size_t)(item->end - item->begin));
    return (size_t)(line_end + 1 - begin);
}

/* Reads up to "router-signature", or to where the next one begins. */
static err_t read_all(struct reading *r, struct doc_lines *in, const char **why)
{
    struct doc_item item;
    size_t digest_len = 0;
    while (doc_peek(in, &item)) {
        bool begins = doc_is(&item, "router"), annotation = text_starts(item.keyword, "@");
        if (r->has_router && (begins || annotation))
            break; /* the one before has no signature */
        (void)doc_next(in, &item);
        if (annotation)
            continue;
        if (!r->has_router && !begins) {
            *why = "it does not begin with a \"router\" line";
            return ERR_MALFORMED;
        }
        if (begins)
            r->d->body.s = item.begin;
        if (!read_item(r, &item, why))
            return ERR_MALFORMED;
        r->d->body.len = (size_t)(item.end - r->d->body.s);
        if (doc_is(&item, "router-signature")) {
            digest_len = signed_len(&item, r->d->body.s);
            break;
        }
    }
    if (in->err != OK || (!r->has_router && in->at != in->end)) {
        *why = "a line in it is malformed";
        return ERR_MALFORMED;
    }
    if (!r->has_router)
        return ERR_NOT_FOUND;
    struct text whole = r->d->body;
    if (digest_len)
        r->d->body.len = digest_len;
    *why = what_is_missing(r);
    TRY(*why ? ERR_MALFORMED : OK);
    TRY(fill_row(r));
    r->d->body = whole;
    return make_microdesc(r);
}

err_t forge_desc_next(struct text *rest, struct forge_desc *out, const char **why)
{
    struct reading r = {.d = out};
    struct doc_lines in = doc_over(rest->s, rest->len);
    *out = (struct forge_desc){.version = NULL};
    *why = "out of memory";
    err_t err = rest->len ? read_all(&r, &in, why) : ERR_NOT_FOUND;
    docw_free(&r.rules);
    *rest = (struct text){in.at, (size_t)(in.end - in.at)};
    if (err != OK)
        forge_desc_free(out);
    return err;
}
