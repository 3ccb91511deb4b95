/* Which document a URL names (dir-spec appendix B), and whether it may be given. */
#include "testnet/dirserv_int.h"

#include <string.h>

#include "crypto/encode.h"

enum {
    ALL_ENCODINGS = (1u << DOCS_ENCODINGS) - 1,
    CERT_LIFETIME_S = 60 * 60,
    VOTE_LIFETIME_S = 60,
    ALL_LIFETIME_S = 60 * 60,
    DIGEST_LIFETIME_S = 48 * 60 * 60,
    ROBOTS_LIFETIME_S = 24 * 60 * 60,
    REASONABLY_LIVE_S = 24 * 60 * 60,
};

struct asked {
    const struct dirserv_source *source;
    const struct dirserv_request *request;
    const struct dirserv_spoil *spoil;
    struct dirserv_answer *answer;
};

static void refuse(const struct asked *a, int status, const char *reason)
{
    a->answer->status = status;
    a->answer->reason = reason;
}

static bool skip_prefix(struct text *t, const char *prefix)
{
    if (!text_starts(*t, prefix))
        return false;
    t->s += strlen(prefix);
    t->len -= strlen(prefix);
    return true;
}

/* Calls ONE for each part of LIST that is LEN bytes in hex; what is something else is skipped. */
static void each_hex(struct text list, const struct asked *a, size_t len,
                     void (*one)(const struct asked *a, const uint8_t *bytes))
{
    struct text part;
    uint8_t bytes[32];
    while (text_split(&list, '+', &part))
        if (hex_decode_exact(part, bytes, len) == OK)
            one(a, bytes);
}

static void add(const struct asked *a, struct text t)
{
    docw_add(&a->answer->body, t);
}

/* 200, if anything was found. */
static void finish(const struct asked *a, const char *missing, int64_t lifetime_s)
{
    if (!a->answer->body.len) {
        refuse(a, 404, missing);
        return;
    }
    a->answer->status = 200;
    a->answer->lifetime_s = lifetime_s;
}

/* ---- consensuses ---- */

/* Whether more than half of the authorities in LIST ("F1+F2": beginnings of fingerprints) are
 * ours, who all signed. */
static bool is_signed_by_enough(const struct asked *a, struct text list, size_t authorities)
{
    struct text part;
    size_t wanted = 0, have = 0;
    while (text_split(&list, '+', &part)) {
        wanted++;
        for (size_t i = 0; i < authorities; i++) {
            char id[HEX_SIZE(20)];
            hex_upper(docs_v3_id(a->source->docs, i), 20, id);
            struct text start = {id, part.len < sizeof id ? part.len : 0};
            char copy[HEX_SIZE(20)] = "";
            memcpy(copy, part.s, start.len);
            if (start.len && text_is_nocase(start, copy)) {
                have++;
                break;
            }
        }
    }
    return !wanted || have > wanted / 2;
}

static bool has_newest(const struct asked *a, enum docs_flavor flavor)
{
    for (size_t i = 0; i < a->request->n_diff_from; i++)
        if (docs_is_newest(a->source->docs, flavor, a->request->diff_from[i]))
            return true;
    return false;
}

static bool add_diff(const struct asked *a, enum docs_flavor flavor)
{
    for (size_t i = 0; i < a->request->n_diff_from; i++) {
        struct text diff = docs_diff(a->source->docs, flavor, a->request->diff_from[i]);
        add(a, diff);
        if (diff.len)
            return true;
    }
    return false;
}

static void add_whole(const struct asked *a, enum docs_flavor flavor)
{
    struct dirserv_answer *x = a->answer;
    x->stored_encoding = dirserv_best_encoding(a->request->accepts, true);
    if (a->spoil->lie != DOCS_HONEST)
        add(a, docs_consensus(a->source->docs, flavor, a->spoil->lie));
    else if (docs_consensus_encoded(a->source->docs, flavor, x->stored_encoding, &x->stored) != OK)
        x->stored = (struct text){0};
}

/* ""; "-FLAVOR"; then "/F1+F2"; or "/diff/HASH" and that */
static void consensus(const struct asked *a, struct text rest)
{
    struct docs *d = a->source->docs;
    int64_t now = env_wall_s(a->source->env);
    enum docs_flavor flavor = DOCS_NS;
    struct text name;
    struct dirserv_request with_url = *a->request;
    struct asked b = *a;
    bool only_diff = false;
    if (skip_prefix(&rest, "-") && text_split(&rest, '/', &name) && text_is(name, "microdesc"))
        flavor = DOCS_MICRODESC;
    skip_prefix(&rest, "/");
    if (skip_prefix(&rest, "diff/")) {
        only_diff = true;
        text_split(&rest, '/', &name);
        b.request = &with_url;
        with_url.n_diff_from = 1;
        if (hex_decode_exact(name, with_url.diff_from[0], 32) != OK) {
            refuse(a, 404, "Couldn't parse request");
            return;
        }
    }
    if (has_newest(&b, flavor)) {
        refuse(a, 304, "Not modified");
        return;
    }
    bool honest = a->spoil->lie == DOCS_HONEST;
    if (!honest || !add_diff(&b, flavor)) {
        if (only_diff) {
            refuse(a, 404, "No such diff available");
            return;
        }
        add_whole(a, flavor);
    }
    int64_t after = docs_valid_after_s(d);
    if (!after || (!a->answer->body.len && !a->answer->stored.len))
        refuse(a, 404, "Not found");
    else if (after > now + REASONABLY_LIVE_S)
        refuse(a, 404, "Consensus is too new");
    else if (docs_valid_until_s(d) + REASONABLY_LIVE_S < now)
        refuse(a, 404, "Consensus is too old");
    else if (!is_signed_by_enough(a, rest, docs_authority_count(d)))
        refuse(a, 404, "Consensus not signed by sufficient number of requested authorities");
    else if (honest && a->request->if_modified_since_s >= after)
        refuse(a, 304, "Not modified");
    else
        a->answer->status = 200;
    int64_t fresh = docs_fresh_until_s(d);
    a->answer->lifetime_s = fresh > now ? fresh - now : 0;
    a->answer->modified_s = after;
    a->answer->vary = true;
}

/* ---- votes ---- */

static void one_vote(const struct asked *a, const uint8_t *id)
{
    add(a, docs_vote(a->source->docs, id));
}

/* The vote of the authority that is asked; other relays have none. */
static void own_vote(const struct asked *a)
{
    const uint8_t *id = docs_v3_id_of(a->source->docs, &a->source->self);
    if (id)
        one_vote(a, id);
}

static void vote(const struct asked *a, struct text rest)
{
    if (text_is(rest, "authority"))
        own_vote(a);
    else
        each_hex(rest, a, 20, one_vote);
    finish(a, "Not found", VOTE_LIFETIME_S);
    /* Kept by authorities in these two forms. */
    a->answer->encodings = 1u << ENC_IDENTITY | 1u << ENC_DEFLATE;
}

/* "/tor/status-vote/next/": there are no votings here during which there would be any. */
static void next(const struct asked *a, struct text rest)
{
    (void)rest;
    refuse(a, 404, "Not found");
}

/* ---- key certificates ---- */

static void cert_by_id(const struct asked *a, const uint8_t *id)
{
    add(a, docs_key_cert(a->source->docs, id, NULL));
}

static void cert_by_signing_key(const struct asked *a, const uint8_t *sk)
{
    add(a, docs_key_cert(a->source->docs, NULL, sk));
}

/* "ID-SK+ID-SK" */
static void certs_by_both(const struct asked *a, struct text list)
{
    struct text pair, id;
    uint8_t x[20], y[20];
    while (text_split(&list, '+', &pair))
        if (text_split(&pair, '-', &id) && hex_decode_exact(id, x, sizeof x) == OK &&
            hex_decode_exact(pair, y, sizeof y) == OK)
            add(a, docs_key_cert(a->source->docs, x, y));
}

static void keys(const struct asked *a, struct text rest)
{
    int64_t published = docs_certs_published_s(a->source->docs);
    const uint8_t *own = docs_v3_id_of(a->source->docs, &a->source->self);
    if (text_is(rest, "all")) {
        add(a, docs_key_certs(a->source->docs));
    } else if (text_is(rest, "authority")) {
        if (own)
            cert_by_id(a, own);
    } else if (skip_prefix(&rest, "fp/")) {
        each_hex(rest, a, 20, cert_by_id);
    } else if (skip_prefix(&rest, "sk/")) {
        each_hex(rest, a, 20, cert_by_signing_key);
    } else if (skip_prefix(&rest, "fp-sk/")) {
        certs_by_both(a, rest);
    } else {
        refuse(a, 400, "Bad request");
        return;
    }
    finish(a, "Not found", CERT_LIFETIME_S);
    a->answer->modified_s = published;
    if (a->answer->status == 200 && a->request->if_modified_since_s >= published)
        refuse(a, 304, "Not modified");
}

/* ---- descriptors ---- */

static void one_server(const struct asked *a, const uint8_t *id)
{
    struct rsa_id rsa;
    memcpy(rsa.b, id, sizeof rsa.b);
    add(a, docs_descriptor(a->source->docs, &rsa));
}

static void one_server_by_digest(const struct asked *a, const uint8_t *digest)
{
    add(a, docs_descriptor_by_digest(a->source->docs, digest));
}

static void one_extra(const struct asked *a, const uint8_t *id)
{
    struct rsa_id rsa;
    memcpy(rsa.b, id, sizeof rsa.b);
    add(a, docs_extra_info(a->source->docs, &rsa));
}

static void one_extra_by_digest(const struct asked *a, const uint8_t *digest)
{
    add(a, docs_extra_info_by_digest(a->source->docs, digest));
}

typedef void (*add_one)(const struct asked *a, const uint8_t *bytes);

static void descriptors(const struct asked *a, struct text rest, struct text all, add_one by_id,
                        add_one by_digest)
{
    int64_t lifetime = DIGEST_LIFETIME_S;
    if (text_is(rest, "all")) {
        add(a, all);
        lifetime = ALL_LIFETIME_S;
    } else if (text_is(rest, "authority")) {
        by_id(a, a->source->self.b);
    } else if (skip_prefix(&rest, "d/")) {
        each_hex(rest, a, 20, by_digest);
    } else if (skip_prefix(&rest, "fp/")) {
        each_hex(rest, a, 20, by_id);
    } else {
        refuse(a, 404, "Not found");
        return;
    }
    finish(a, "Servers unavailable", lifetime);
}

static void server(const struct asked *a, struct text rest)
{
    descriptors(a, rest, docs_all_descriptors(a->source->docs), one_server, one_server_by_digest);
}

static void extra(const struct asked *a, struct text rest)
{
    descriptors(a, rest, docs_all_extra_infos(a->source->docs), one_extra, one_extra_by_digest);
}

/* ---- microdescriptors ---- */

/* As many as were asked for, but others. */
static void wrong_microdescs(const struct asked *a, struct text asked_for, size_t n)
{
    for (size_t i = 0; n; i++) {
        struct sha256 digest;
        char name[BASE64_SIZE(32)];
        struct text t = docs_microdesc_at(a->source->docs, i, &digest);
        if (!t.len)
            return;
        base64_encode(digest.b, sizeof digest.b, false, name);
        if (memmem(asked_for.s, asked_for.len, name, strlen(name)))
            continue;
        add(a, t);
        n--;
    }
}

/* "D1-D2-..." */
static void microdescs(const struct asked *a, struct text rest)
{
    struct text list = rest, part;
    uint8_t digest[32];
    size_t n = 0;
    while (text_split(&list, '-', &part)) {
        n++;
        if (!a->spoil->wrong_microdescs &&
            base64_decode_exact(part, BASE64_EITHER, digest, sizeof digest) == OK)
            add(a, docs_microdesc(a->source->docs, digest));
    }
    if (a->spoil->wrong_microdescs)
        wrong_microdescs(a, rest, n);
    finish(a, "Not found", DIGEST_LIFETIME_S);
}

static void robots(const struct asked *a, struct text rest)
{
    if (rest.len) {
        refuse(a, 404, "Not found");
        return;
    }
    add(a, TEXT_LIT("User-agent: *\r\nDisallow: /\r\n"));
    finish(a, "Not found", ROBOTS_LIFETIME_S);
    a->answer->encodings = 1u << ENC_IDENTITY;
}

/* The first row that fits counts. */
static const struct row {
    const char *prefix;
    void (*serve)(const struct asked *a, struct text rest);
} rows[] = {
    {"/tor/status-vote/current/consensus", consensus},
    {"/tor/status-vote/current/", vote},
    {"/tor/status-vote/next/", next},
    {"/tor/keys/", keys},
    {"/tor/micro/d/", microdescs},
    {"/tor/server/", server},
    {"/tor/extra/", extra},
    {"/tor/robots.txt", robots},
};

void dirserv_route(const struct dirserv_source *source, const struct dirserv_request *r,
                   const struct dirserv_spoil *spoil, struct dirserv_answer *out)
{
    struct asked a = {source, r, spoil, out};
    struct text rest = r->url;
    *out = (struct dirserv_answer){
        .status = 404, .reason = "Not found", .encodings = ALL_ENCODINGS, .type = "text/plain"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (skip_prefix(&rest, rows[i].prefix)) {
            rows[i].serve(&a, rest);
            break;
        }
    if (out->body.err != OK)
        refuse(&a, 503, "Directory busy, try again later");
}

enum dir_encoding dirserv_best_encoding(unsigned set, bool kept)
{
    /* In C tor's order. */
    static const enum dir_encoding order[] = {ENC_LZMA, ENC_ZSTD, ENC_DEFLATE, ENC_GZIP};
    for (size_t i = kept ? 0 : 1; i < sizeof order / sizeof order[0]; i++)
        if (set & 1u << order[i])
            return order[i];
    return ENC_IDENTITY;
}
