/* The consensus that authorities come to (dir-spec 3.4.1), as C tor's write it with method 35. */
#include "dirdoc/consdoc_int.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"
#include "dirdoc/bwweights.h"

enum {
    CONSENSUS_METHOD = 35,
};

/* The "r" lines of method 33 and later: "the published time is always 2038-01-01". */
#define PUBLISHED_NEVER_S INT64_C(2145916800)

/* C tor 0.4.9 dies of a consensus without these lines, if it uses the ns flavor; stem refuses empty
 * ones. Whoever has a newer version than all of these is told so, in passing. */
#define VERSIONS "0.4.7.7"

/* What the public network's authorities say, and C tor's have built in. Clients leave a network
 * that requires what they lack: none of this is new. */
#define CLIENTS_SHOULD                                                          \
    "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4 HSRend=2 Link=4-5" \
    " Microdesc=2 Relay=2-4"
#define CLIENTS_MUST "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2"
/* The authorities ask for more of relays; ours serve no onion services, and are no worse for it. */
#define RELAYS_SHOULD \
    "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=2 Relay=2-4"
#define RELAYS_MUST RELAYS_SHOULD

/* ---- parts that votes share ---- */

void consdoc_flags(struct docw *w, const char *keyword, unsigned flags)
{
    static const char *const names[] = {
#define X(name, text) text,
        ROUTER_FLAG_LIST(X)
#undef X
    };
    docw_add(w, text_of(keyword));
    for (size_t i = 0; i < ROUTER_FLAG_N; i++)
        if (flags & 1u << i)
            docw_fmt(w, " %s", names[i]);
    docw_add(w, TEXT_LIT("\n"));
}

void consdoc_times(struct docw *w, const struct consdoc *c)
{
    docw_date(w, "valid-after", c->valid_after_s);
    docw_date(w, "fresh-until", c->fresh_until_s);
    docw_date(w, "valid-until", c->valid_until_s);
    docw_fmt(w, "voting-delay %u %u\n", c->vote_s, c->dist_s);
    docw_add(w, TEXT_LIT("client-versions " VERSIONS "\nserver-versions " VERSIONS "\n"));
}

void consdoc_protocols(struct docw *w)
{
    docw_add(w, TEXT_LIT("recommended-client-protocols " CLIENTS_SHOULD "\n"
                         "recommended-relay-protocols " RELAYS_SHOULD "\n"
                         "required-client-protocols " CLIENTS_MUST "\n"
                         "required-relay-protocols " RELAYS_MUST "\n"));
}

void consdoc_source(struct docw *w, const struct consdoc_authority *a)
{
    char id[HEX_SIZE(20)], address[IP_TEXT_MAX];
    ip_text(&a->or_port.ip, address);
    docw_fmt(w, "dir-source %s %s %s %s %u %u\ncontact %s\n", a->nickname,
             hex_upper(a->identity.b, sizeof a->identity.b, id), address, address, a->dir_port,
             a->or_port.port, a->contact);
}

void consdoc_row(struct docw *w, const struct consdoc_relay *r, const uint8_t *digest,
                 int64_t published_s, bool nowhere)
{
    char id[BASE64_SIZE(20)], date[DOC_TIME_TEXT_MAX], address[IPPORT_TEXT_MAX];
    docw_fmt(w, "r %s %s ", r->nickname, base64_encode(r->rsa.b, sizeof r->rsa.b, false, id));
    if (digest) {
        docw_base64(w, digest, 20);
        docw_add(w, TEXT_LIT(" "));
    }
    docw_fmt(w, "%s %s %u %u\n", doc_time_text(published_s, date),
             nowhere ? "0.0.0.0" : ip_text(&r->or_port.ip, address), r->or_port.port, r->dir_port);
    if (r->or_port6.ip.family == IP_V6)
        docw_fmt(w, "a %s\n", ipport_text(&r->or_port6, address));
}

void consdoc_fact_lines(struct docw *w, const struct consdoc_relay *r)
{
    consdoc_flags(w, "s", r->flags);
    docw_fmt(w, "v %s\npr %s\n", r->version, r->protos);
}

/* ---- the consensus ---- */

static void write_preamble(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor)
{
    docw_fmt(w, "network-status-version 3%s\nvote-status consensus\nconsensus-method %d\n",
             flavor == CONSDOC_MICRODESC ? " microdesc" : "", CONSENSUS_METHOD);
    consdoc_times(w, c);
    consdoc_flags(w, "known-flags", ~0u);
    consdoc_protocols(w);
    docw_fmt(w, "params %s\n", c->params);
}

static int by_identity(const void *a, const void *b)
{
    const struct consdoc_authority *const *x = a, *const *y = b;
    return memcmp((*x)->identity.b, (*y)->identity.b, sizeof(*x)->identity.b);
}

/* "sorted in ascending order by authority identity digest" */
static void write_sources(struct docw *w, const struct consdoc *c)
{
    const struct consdoc_authority *sorted[CONSDOC_AUTHORITIES_MOST];
    for (size_t i = 0; i < c->n_authorities; i++)
        sorted[i] = &c->authority[i];
    qsort(sorted, c->n_authorities, sizeof sorted[0], by_identity);
    for (size_t i = 0; i < c->n_authorities; i++) {
        consdoc_source(w, sorted[i]);
        docw_add(w, TEXT_LIT("vote-digest "));
        docw_hex(w, sorted[i]->vote_digest, sizeof sorted[i]->vote_digest);
        docw_add(w, TEXT_LIT("\n"));
    }
}

static void write_relay(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor,
                        const struct consdoc_relay *r)
{
    bool micro = flavor == CONSDOC_MICRODESC;
    consdoc_row(w, r, micro ? NULL : r->descriptor_sha1, micro ? PUBLISHED_NEVER_S : r->published_s,
                c->nowhere);
    if (micro) {
        docw_add(w, TEXT_LIT("m "));
        docw_base64(w, r->microdesc_sha256, sizeof r->microdesc_sha256);
        docw_add(w, TEXT_LIT("\n"));
    }
    consdoc_fact_lines(w, r);
    docw_fmt(w, "w Bandwidth=%u\n", r->bandwidth_kb);
    if (!micro)
        docw_fmt(w, "p %s\n", r->policy);
}

static struct bwweights_totals totals(const struct consdoc *c)
{
    struct bwweights_totals t = {1, 1, 1, 1};
    for (size_t i = 0; i < c->n_relays; i++) {
        unsigned flags = c->relay[i]->flags & (ROUTER_GUARD | ROUTER_EXIT);
        if (c->relay[i]->flags & ROUTER_BADEXIT) /* nobody leaves there, so tor counts no exit */
            flags &= ROUTER_GUARD;
        int64_t *kind = flags == ROUTER_GUARD ? &t.g : flags == ROUTER_EXIT ? &t.e : &t.m;
        *(flags == (ROUTER_GUARD | ROUTER_EXIT) ? &t.d : kind) += c->relay[i]->bandwidth_kb;
    }
    return t;
}

static void write_weights(struct docw *w, const struct consdoc *c)
{
    struct bwweights_totals t = totals(c);
    struct bwweights b;
    int64_t scale = consdoc_param(c->params, "bwweightscale", BWWEIGHTS_SCALE);
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

void consdoc_write(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor,
                   size_t *head_len)
{
    write_preamble(w, c, flavor);
    *head_len = w->len;
    write_sources(w, c);
    for (size_t i = 0; i < c->n_relays; i++)
        write_relay(w, c, flavor, c->relay[i]);
    docw_add(w, TEXT_LIT("directory-footer\n"));
    write_weights(w, c);
}

/* dir-spec 3.4.1: SHA-1 in the ns flavor, where the algorithm has no name; else SHA-256. */
void consdoc_sign(struct docw *w, const struct consdoc *c, enum consdoc_flavor flavor,
                  const char *algorithm, size_t n, size_t *signed_len)
{
    bool micro = flavor == CONSDOC_MICRODESC;
    const char *name = algorithm ? algorithm : micro ? "sha256" : "";
    uint8_t digest[SHA256_LEN];
    docw_add(w, TEXT_LIT("directory-signature "));
    if (w->err != OK)
        return;
    *signed_len = w->len;
    (micro ? sha256 : sha1)(w->s, w->len, digest);
    for (size_t i = 0; i < n && i < c->n_authorities; i++) {
        const struct consdoc_authority *a = &c->authority[i];
        docw_fmt(w, "%s%s%s", i ? "directory-signature " : "", name, *name ? " " : "");
        consdoc_sign_one(w, a, digest, micro ? SHA256_LEN : SHA1_LEN);
    }
}

void consdoc_sign_one(struct docw *w, const struct consdoc_authority *a, const uint8_t *digest,
                      size_t len)
{
    docw_hex(w, a->identity.b, sizeof a->identity.b);
    docw_add(w, TEXT_LIT(" "));
    docw_hex(w, a->signing.b, sizeof a->signing.b);
    docw_add(w, TEXT_LIT("\n"));
    docw_rsa_sign(w, a->signing_key, digest, len, "SIGNATURE");
}
