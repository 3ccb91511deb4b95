/* The consensus that authorities come to (dir-spec 3.4.1), as C tor's write it with method 35. */
#include "testnet/docs_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"
#include "testnet/bwweights.h"

enum {
    CONSENSUS_METHOD = 35,
    VOTING_DELAY_S = 2, /* the least that clients take, for votes and for signatures */
};

/* The "r" lines of method 33 and later: "the published time is always 2038-01-01". */
#define PUBLISHED_NEVER_S INT64_C(2145916800)

/* What the public network's authorities say, and C tor's have built in. Clients leave a network
 * that requires what they lack: none of this is new. */
#define CLIENTS_SHOULD                                                          \
    "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4 HSRend=2 Link=4-5" \
    " Microdesc=2 Relay=2-4"
#define CLIENTS_MUST "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2"
/* Of relays they ask for more; ours have no onion services, and are no worse for it. */
#define RELAYS_SHOULD \
    "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=2 Relay=2-4"
#define RELAYS_MUST RELAYS_SHOULD

/* ---- parts that votes share ---- */

void docs_write_flags(struct docw *w, const char *keyword, unsigned flags)
{
    static const char *const names[] = {
#define X(name, text) text,
        RELAY_FLAG_LIST(X)
#undef X
    };
    docw_add(w, text_of(keyword));
    for (size_t i = 0; i < RELAY_FLAG_N; i++)
        if (flags & 1u << i)
            docw_fmt(w, " %s", names[i]);
    docw_add(w, TEXT_LIT("\n"));
}

void docs_write_times(struct docw *w, const struct docs_times *t)
{
    docw_date(w, "valid-after", t->valid_after_s);
    docw_date(w, "fresh-until", t->fresh_until_s);
    docw_date(w, "valid-until", t->valid_until_s);
    docw_fmt(w, "voting-delay %d %d\n", VOTING_DELAY_S, VOTING_DELAY_S);
}

void docs_write_protocols(struct docw *w)
{
    docw_add(w, TEXT_LIT("recommended-client-protocols " CLIENTS_SHOULD "\n"
                         "recommended-relay-protocols " RELAYS_SHOULD "\n"
                         "required-client-protocols " CLIENTS_MUST "\n"
                         "required-relay-protocols " RELAYS_MUST "\n"));
}

void docs_write_source(struct docw *w, const struct docs_authority *a)
{
    char id[HEX_SIZE(20)], address[IP_TEXT_MAX];
    const struct plan_node *n = a->plan;
    ip_text(&n->or_port.ip, address);
    docw_fmt(w, "dir-source %s %s %s %s %u %u\ncontact %s\n", n->nickname,
             hex_upper(a->identity.b, sizeof a->identity.b, id), address, address, n->dir_port,
             n->or_port.port, DOCS_VERSION);
}

static const char *phantom_address(const struct docs_relay *r, char out[IP_TEXT_MAX])
{
    uint32_t host = r->number + 1;
    const uint8_t b[4] = {10, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host};
    struct ip ip = ip_v4(b);
    return ip_text(&ip, out);
}

void docs_write_r(struct docw *w, const struct docs_relay *r, const uint8_t *digest,
                  int64_t published_s, bool nowhere)
{
    enum { PHANTOM_PORT = 9001 };
    char id[BASE64_SIZE(20)], descriptor[BASE64_SIZE(20) + 1] = "", date[DOC_TIME_TEXT_MAX];
    char name[PLAN_NICKNAME_MAX], address[IP_TEXT_MAX];
    snprintf(name, sizeof name, "phantom%u", r->number);
    if (digest) {
        char text[BASE64_SIZE(20)];
        snprintf(descriptor, sizeof descriptor, "%s ", base64_encode(digest, 20, false, text));
    }
    if (r->plan)
        ip_text(&r->plan->or_port.ip, address);
    else
        phantom_address(r, address);
    docw_fmt(w, "r %s %s %s%s %s %u %u\n", r->plan ? r->plan->nickname : name,
             base64_encode(r->rsa.b, sizeof r->rsa.b, false, id), descriptor,
             doc_time_text(published_s, date), nowhere ? "0.0.0.0" : address,
             r->plan ? r->plan->or_port.port : PHANTOM_PORT, r->plan ? r->plan->dir_port : 0);
}

/* ---- the consensus ---- */

static void write_preamble(const struct docs *d, enum docs_flavor flavor,
                           const struct docs_times *t, struct docw *w)
{
    docw_fmt(w, "network-status-version 3%s\nvote-status consensus\nconsensus-method %d\n",
             flavor == DOCS_MICRODESC ? " microdesc" : "", CONSENSUS_METHOD);
    docs_write_times(w, t);
    docs_write_flags(w, "known-flags", ~0u);
    docs_write_protocols(w);
    docw_fmt(w, "params %s\n", d->params);
}

static int by_identity(const void *a, const void *b)
{
    const struct docs_authority *const *x = a, *const *y = b;
    return memcmp((*x)->identity.b, (*y)->identity.b, sizeof(*x)->identity.b);
}

/* "sorted in ascending order by authority identity digest" */
static void write_sources(const struct docs *d, struct docw *w)
{
    const struct docs_authority *sorted[PLAN_AUTHORITIES_MOST];
    for (size_t i = 0; i < docs_authority_count(d); i++)
        sorted[i] = &d->authority[i];
    qsort(sorted, docs_authority_count(d), sizeof sorted[0], by_identity);
    for (size_t i = 0; i < docs_authority_count(d); i++) {
        docs_write_source(w, sorted[i]);
        docw_add(w, TEXT_LIT("vote-digest "));
        docw_hex(w, sorted[i]->vote_digest, sizeof sorted[i]->vote_digest);
        docw_add(w, TEXT_LIT("\n"));
    }
}

static void write_relay(const struct docs *d, enum docs_flavor flavor, bool nowhere,
                        const struct docs_relay *r, struct docw *w)
{
    if (flavor == DOCS_MICRODESC) {
        docs_write_r(w, r, NULL, PUBLISHED_NEVER_S, nowhere);
        docw_add(w, TEXT_LIT("m "));
        docw_base64(w, r->microdesc_sha256, sizeof r->microdesc_sha256);
        docw_add(w, TEXT_LIT("\n"));
    } else {
        docs_write_r(w, r, r->descriptor_sha1, d->made_s, nowhere);
    }
    docs_write_flags(w, "s", docs_relay_flags(r));
    docw_fmt(w, "v " DOCS_VERSION "\npr " DOCS_PROTOS "\nw Bandwidth=%u\n",
             docs_relay_bandwidth(r));
    if (flavor == DOCS_NS)
        docs_write_policy(w, "p", r);
}

static struct bwweights_totals totals(const struct docs *d)
{
    struct bwweights_totals t = {1, 1, 1, 1};
    for (size_t i = 0; i < d->n_relays; i++) {
        unsigned flags = docs_relay_flags(&d->relay[i]) & (RELAY_GUARD | RELAY_EXIT);
        int64_t *kind = flags == RELAY_GUARD ? &t.g : flags == RELAY_EXIT ? &t.e : &t.m;
        *(flags == (RELAY_GUARD | RELAY_EXIT) ? &t.d : kind) += docs_relay_bandwidth(&d->relay[i]);
    }
    return t;
}

static void write_weights(const struct docs *d, struct docw *w)
{
    struct bwweights_totals t = totals(d);
    struct bwweights b;
    int64_t scale = docs_param(d, "bwweightscale", BWWEIGHTS_SCALE);
    if (!bwweights_compute(&t, scale, &b))
        return; /* the line is optional: clients then weigh all places alike */
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"Wbd", b.md},  {"Wbe", b.me}, {"Wbg", b.mg}, {"Wbm", scale}, {"Wdb", scale},
        {"Web", scale}, {"Wed", b.ed}, {"Wee", b.ee}, {"Weg", b.ed},  {"Wem", b.ee},
        {"Wgb", scale}, {"Wgd", b.gd}, {"Wgg", b.gg}, {"Wgm", b.gg},  {"Wmb", scale},
        {"Wmd", b.md},  {"Wme", b.me}, {"Wmg", b.mg}, {"Wmm", scale},
    };
    docw_add(w, TEXT_LIT("bandwidth-weights"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        docw_fmt(w, " %s=%lld", rows[i].name, (long long)rows[i].value);
    docw_add(w, TEXT_LIT("\n"));
}

/* dir-spec 3.4.1: SHA-1 in the ns flavor, where the algorithm has no name; else SHA-256. */
static void sign(const struct docs *d, enum docs_flavor flavor, enum docs_lie lie, struct docw *w,
                 size_t *signed_len)
{
    const char *algorithm = lie == DOCS_UNKNOWN_DIGEST ? "sha3-512 "
                            : flavor == DOCS_MICRODESC ? "sha256 "
                                                       : "";
    uint8_t digest[SHA256_LEN];
    size_t digest_len = flavor == DOCS_MICRODESC ? SHA256_LEN : SHA1_LEN;
    docw_add(w, TEXT_LIT("directory-signature "));
    if (w->err != OK)
        return;
    *signed_len = w->len;
    (flavor == DOCS_MICRODESC ? sha256 : sha1)(w->s, w->len, digest);
    size_t n = lie == DOCS_ONE_SIGNATURE ? 1 : docs_authority_count(d);
    for (size_t i = 0; i < n; i++) {
        const struct docs_authority *a = &d->authority[i];
        docw_fmt(w, "%s%s", i ? "directory-signature " : "", algorithm);
        docw_hex(w, a->identity.b, sizeof a->identity.b);
        docw_add(w, TEXT_LIT(" "));
        docw_hex(w, a->signing.b, sizeof a->signing.b);
        docw_add(w, TEXT_LIT("\n"));
        docw_rsa_sign(w, a->signing_key, digest, digest_len, "SIGNATURE");
    }
}

/* Changes a digit of the last relay's weight, which stands before END. */
static void forge(struct docw *w, size_t end)
{
    struct text word = TEXT_LIT("w Bandwidth=");
    if (w->err != OK)
        return;
    char *at = w->s + end;
    while (memcmp(at, word.s, word.len) != 0)
        at--;
    at += word.len;
    *at = *at == '9' ? '8' : '9';
}

err_t docs_write_consensus(const struct docs *d, enum docs_flavor flavor, enum docs_lie lie,
                           const struct docs_times *t, struct docw *out, size_t *signed_len)
{
    write_preamble(d, flavor, t, out);
    write_sources(d, out);
    for (size_t i = 0; i < d->n_relays; i++)
        write_relay(d, flavor, lie == DOCS_EVIL_ADDRESS, &d->relay[i], out);
    docw_add(out, TEXT_LIT("directory-footer\n"));
    write_weights(d, out);
    sign(d, flavor, lie, out, signed_len);
    if (lie == DOCS_FORGED)
        forge(out, *signed_len);
    return out->err;
}
