/* Routes: the document that a URL names (dir-spec appendix B), and whether it may be given. */
#include "testnet/dirserv_int.h"

#include <string.h>
#include <strings.h>

#include "crypto/encode.h"

enum {
    ALL_ENCODINGS = (1u << NETDOCS_ENCODINGS) - 1,
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

/* Whether START ("A1B2C3") begins the fingerprint of one of our authorities, who all sign. */
static bool is_signer(const struct netdocs *d, struct text start)
{
    for (size_t i = 0; i < netdocs_authority_count(d); i++) {
        char id[HEX_SIZE(20)];
        hex_upper(netdocs_v3_id(d, i), 20, id);
        if (start.len && start.len < sizeof id && strncasecmp(id, start.s, start.len) == 0)
            return true;
    }
    return false;
}

/* dir-spec 4.5, appendix B: "F1+F2+...": more than half of them; an empty list wants nobody. */
static bool is_signed_by_enough(const struct asked *a, struct text list)
{
    struct text part;
    size_t wanted = 0, have = 0;
    for (; text_split(&list, '+', &part); wanted++)
        have += is_signer(a->source->docs, part);
    return !wanted || have > wanted / 2;
}

static bool has_newest(const struct asked *a, enum consdoc_flavor flavor)
{
    for (size_t i = 0; i < a->request->n_diff_from; i++)
        if (netdocs_is_newest(a->source->docs, flavor, a->request->diff_from[i]))
            return true;
    return false;
}

static bool add_diff(const struct asked *a, enum consdoc_flavor flavor)
{
    for (size_t i = 0; i < a->request->n_diff_from; i++) {
        struct text diff = netdocs_diff(a->source->docs, flavor, a->request->diff_from[i]);
        add(a, diff);
        if (diff.len)
            return true;
    }
    return false;
}

static void add_whole(const struct asked *a, enum consdoc_flavor flavor)
{
    struct dirserv_answer *x = a->answer;
    x->stored_encoding = dirserv_best_encoding(a->request->accepts, true);
    if (netdocs_consensus_encoded(a->source->docs, flavor, x->stored_encoding, &x->stored) != OK)
        x->stored = (struct text){0};
}

/* What stands behind "consensus" in a URL: "", or "-FLAVOR"; then "/diff/HASH"; then "/F1+F2". A
 * flavor that we don't know is taken for the first one, as in C tor. */
struct wish {
    enum consdoc_flavor flavor;
    bool only_diff; /* from R's only digest */
    struct dirserv_request r;
    struct text signers;
};

static bool read_wish(struct text rest, const struct dirserv_request *r, struct wish *out)
{
    struct text name;
    *out = (struct wish){.flavor = CONSDOC_NS, .r = *r};
    if (skip_prefix(&rest, "-") && text_split(&rest, '/', &name) && text_is(name, "microdesc"))
        out->flavor = CONSDOC_MICRODESC;
    skip_prefix(&rest, "/");
    out->only_diff = skip_prefix(&rest, "diff/");
    if (out->only_diff) {
        out->r.n_diff_from = 1;
        if (!text_split(&rest, '/', &name) || hex_decode_exact(name, out->r.diff_from[0], 32) != OK)
            return false;
    }
    out->signers = rest;
    return true;
}

/* Why the newest consensus may not be given, though there is one; NULL: it may. */
static const char *unfit(const struct asked *a, const struct wish *w)
{
    const struct netdocs *d = a->source->docs;
    int64_t now = env_wall_s(a->source->env);
    if (netdocs_valid_after_s(d) > now + REASONABLY_LIVE_S)
        return "Consensus is too new";
    if (netdocs_valid_until_s(d) + REASONABLY_LIVE_S < now)
        return "Consensus is too old";
    if (!is_signed_by_enough(a, w->signers))
        return "Consensus not signed by sufficient number of requested authorities";
    return NULL;
}

static void give_consensus(const struct asked *a, const struct wish *w)
{
    struct dirserv_answer *x = a->answer;
    int64_t now = env_wall_s(a->source->env), fresh = netdocs_fresh_until_s(a->source->docs);
    bool diff = add_diff(a, w->flavor);
    if (w->only_diff && !diff) {
        refuse(a, 404, "No such diff available");
        return;
    }
    if (!diff)
        add_whole(a, w->flavor);
    const char *why = x->body.len || x->stored.len ? unfit(a, w) : "Not found";
    x->modified_s = netdocs_valid_after_s(a->source->docs);
    x->lifetime_s = fresh > now ? fresh - now : 0;
    x->vary = true;
    if (why)
        refuse(a, 404, why);
    else if (a->request->if_modified_since_s >= x->modified_s)
        refuse(a, 304, "Not modified");
    else
        x->status = 200;
}

static void consensus(const struct asked *a, struct text rest)
{
    struct wish w;
    struct asked b = *a;
    b.request = &w.r;
    if (!read_wish(rest, a->request, &w))
        refuse(a, 404, "Couldn't parse request");
    else if (has_newest(&b, w.flavor))
        refuse(a, 304, "Not modified");
    else
        give_consensus(&b, &w);
}

/* ---- votes ---- */

static void one_vote(const struct asked *a, const uint8_t *id)
{
    add(a, netdocs_vote(a->source->docs, id));
}

/* The vote of the authority that is asked; other relays have none. */
static void own_vote(const struct asked *a)
{
    const uint8_t *id = netdocs_v3_id_of(a->source->docs, &a->source->self);
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
    add(a, netdocs_key_cert(a->source->docs, id, NULL));
}

static void cert_by_signing_key(const struct asked *a, const uint8_t *sk)
{
    add(a, netdocs_key_cert(a->source->docs, NULL, sk));
}

/* "ID-SK+ID-SK" */
static void certs_by_both(const struct asked *a, struct text list)
{
    struct text pair, id;
    uint8_t x[20], y[20];
    while (text_split(&list, '+', &pair))
        if (text_split(&pair, '-', &id) && hex_decode_exact(id, x, sizeof x) == OK &&
            hex_decode_exact(pair, y, sizeof y) == OK)
            add(a, netdocs_key_cert(a->source->docs, x, y));
}

static void keys(const struct asked *a, struct text rest)
{
    int64_t published = netdocs_certs_published_s(a->source->docs);
    const uint8_t *own = netdocs_v3_id_of(a->source->docs, &a->source->self);
    if (text_is(rest, "all")) {
        add(a, netdocs_key_certs(a->source->docs));
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
    add(a, netdocs_descriptor(a->source->docs, &rsa));
}

static void one_server_by_digest(const struct asked *a, const uint8_t *digest)
{
    add(a, netdocs_descriptor_by_digest(a->source->docs, digest));
}

static void one_extra(const struct asked *a, const uint8_t *id)
{
    struct rsa_id rsa;
    memcpy(rsa.b, id, sizeof rsa.b);
    add(a, netdocs_extra_info(a->source->docs, &rsa));
}

static void one_extra_by_digest(const struct asked *a, const uint8_t *digest)
{
    add(a, netdocs_extra_info_by_digest(a->source->docs, digest));
}

typedef void (*add_one)(const struct asked *a, const uint8_t *bytes);

/* dir-spec 6.1: "Servers SHOULD disable caching of [...] multiple server descriptors." */
static int64_t lifetime_of(struct text list)
{
    return memchr(list.s, '+', list.len) ? 0 : DIGEST_LIFETIME_S;
}

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
        lifetime = lifetime_of(rest);
        each_hex(rest, a, 20, by_digest);
    } else if (skip_prefix(&rest, "fp/")) {
        lifetime = lifetime_of(rest);
        each_hex(rest, a, 20, by_id);
    } else {
        refuse(a, 404, "Not found");
        return;
    }
    finish(a, "Servers unavailable", lifetime);
}

static void server(const struct asked *a, struct text rest)
{
    descriptors(a, rest, netdocs_all_descriptors(a->source->docs), one_server,
                one_server_by_digest);
}

static void extra(const struct asked *a, struct text rest)
{
    descriptors(a, rest, netdocs_all_extra_infos(a->source->docs), one_extra, one_extra_by_digest);
}

/* ---- microdescriptors ---- */

/* "D1-D2-..." */
static void microdescs(const struct asked *a, struct text rest)
{
    struct text part;
    uint8_t digest[32];
    while (text_split(&rest, '-', &part))
        if (base64_decode_exact(part, BASE64_EITHER, digest, sizeof digest) == OK)
            add(a, netdocs_microdesc(a->source->docs, digest));
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
                   struct dirserv_answer *out)
{
    struct asked a = {source, r, out};
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
    /* The rows are in C tor's order. */
    static const enum dir_encoding order[] = {ENC_LZMA, ENC_ZSTD, ENC_DEFLATE, ENC_GZIP};
    for (size_t i = kept ? 0 : 1; i < sizeof order / sizeof order[0]; i++)
        if (set & 1u << order[i])
            return order[i];
    return ENC_IDENTITY;
}
