#include "dir/consensus.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consensus_int.h"

/* Where in the document we are; it only ever goes forward. */
enum section { HEADER, AUTHORITIES, RELAYS, FOOTER, SIGNATURES };

enum seen {
    SEEN_STATUS = 1 << 0,
    SEEN_METHOD = 1 << 1,
    SEEN_AFTER = 1 << 2,
    SEEN_FRESH = 1 << 3,
    SEEN_UNTIL = 1 << 4,
    SEEN_FLAGS = 1 << 5,
    SEEN_PARAMS = 1 << 6,
    SEEN_REQUIRED = 1 << 7,
    SEEN_RECOMMENDED = 1 << 8,
    SEEN_VERSIONS = 1 << 9,
    SEEN_PREVIOUS = 1 << 10,
    SEEN_CURRENT = 1 << 11,
    SEEN_WEIGHTS = 1 << 12,
    SEEN_DELAY = 1 << 13,
    SEEN_MUST = SEEN_STATUS | SEEN_AFTER | SEEN_FRESH | SEEN_UNTIL | SEEN_FLAGS,
};

struct parser {
    struct consensus *c;
    struct text text;
    enum consensus_kind kind;
    enum section section;
    unsigned seen;
    unsigned relay_seen;
    bool in_relay;
    size_t relays_cap;
    struct last_protos last_protos;
};

static const char *const weight_names[DIR_WEIGHT_N] = {
#define X(name) #name,
    DIR_WEIGHT_LIST(X)
#undef X
};

static err_t take_text(const struct doc_item *item, char **out)
{
    *out = text_dup(text_strip(item->args));
    return *out ? OK : ERR_NOMEM;
}

static err_t take_time(const struct doc_item *item, int64_t *out)
{
    struct text a[2];
    return doc_args(item, a, 2) ? doc_time(a[0], a[1], out) : ERR_MALFORMED;
}

static err_t take_method(const struct doc_item *item, int *out)
{
    struct text a;
    uint64_t x;
    if (!doc_args(item, &a, 1))
        return ERR_MALFORMED;
    TRY(text_to_u64(a, 10000, &x));
    *out = (int)x;
    return OK;
}

/* "voting-delay" SP VoteSeconds SP DistSeconds */
static err_t take_delay(const struct doc_item *item, uint32_t *dist_s)
{
    struct text a[2];
    uint64_t vote, dist;
    if (!doc_args(item, a, 2))
        return ERR_MALFORMED;
    TRY(text_to_u64(a[0], INT32_MAX, &vote));
    TRY(text_to_u64(a[1], INT32_MAX, &dist));
    *dist_s = (uint32_t)dist;
    return OK;
}

/* "shared-rand-current-value" SP NumReveals SP Value; kept only if we can read it. */
static err_t take_srv(const struct doc_item *item, struct dir_srv *srv)
{
    struct text a[2];
    uint64_t n;
    if (!doc_args(item, a, 2) || text_to_u64(a[0], UINT32_MAX, &n) != OK ||
        base64_decode_exact(a[1], BASE64_EITHER, srv->value, sizeof srv->value) != OK)
        return OK;
    srv->n_reveals = (uint32_t)n;
    srv->present = true;
    return OK;
}

static size_t count_tokens(struct text t)
{
    struct text word;
    size_t n = 0;
    while (text_token(&t, &word))
        n++;
    return n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dir_param *)a)->name, ((const struct dir_param *)b)->name);
}

static err_t take_params(const struct doc_item *item, struct consensus *c)
{
    struct text rest = item->args, word, key;
    size_t n = count_tokens(rest);
    if (n > CONSENSUS_PARAMS_MAX)
        return ERR_LIMIT;
    c->params = calloc(n ? n : 1, sizeof *c->params);
    if (!c->params)
        return ERR_NOMEM;
    while (text_token(&rest, &word)) {
        struct dir_param *p = &c->params[c->n_params];
        TRY(parse_key_value(word, &key, &p->value));
        p->name = text_dup(key);
        if (!p->name)
            return ERR_NOMEM;
        c->n_params++;
    }
    qsort(c->params, c->n_params, sizeof *c->params, by_name);
    for (size_t i = 1; i < c->n_params; i++)
        if (strcmp(c->params[i - 1].name, c->params[i].name) == 0)
            return ERR_MALFORMED;
    return OK;
}

/* "the signed part": dir-spec 1.3 and 3.4.1, from the beginning "up through ... directory-signature
 * and the space after it". */
static err_t first_signature(struct parser *p, const struct doc_item *item)
{
    if (!item->args.len || item->args.s[-1] != ' ')
        return ERR_MALFORMED;
    size_t len = (size_t)(item->args.s - p->text.s);
    sha1(p->text.s, len, p->c->sha1);
    sha256(p->text.s, len, p->c->sha256);
    p->section = SIGNATURES;
    return OK;
}

static err_t add_signature(struct consensus *c, const struct doc_item *item)
{
    struct sigline line;
    TRY(sigline_parse(item, &line));
    /* TROVE-2026-019: a digest we don't know is skipped before anything is done with it. */
    if (!line.known)
        return OK;
    if (c->n_sigs >= CONSENSUS_SIGS_MAX)
        return ERR_LIMIT;
    struct consensus_sig *sigs = realloc(c->sigs, (c->n_sigs + 1) * sizeof *sigs);
    if (!sigs)
        return ERR_NOMEM;
    c->sigs = sigs;
    sigs[c->n_sigs++] = line.sig;
    return OK;
}

static err_t take_signature(struct parser *p, const struct doc_item *item)
{
    if (p->section != SIGNATURES)
        TRY(first_signature(p, item));
    return add_signature(p->c, item);
}

static err_t take_authority(struct parser *p, const struct doc_item *item)
{
    struct consensus *c = p->c;
    struct text a[6];
    p->section = AUTHORITIES;
    if (!doc_args(item, a, 6))
        return ERR_MALFORMED;
    if (c->n_auths >= CONSENSUS_AUTHS_MAX)
        return ERR_LIMIT;
    struct rsa_id *auths = realloc(c->auths, (c->n_auths + 1) * sizeof *auths);
    if (!auths)
        return ERR_NOMEM;
    c->auths = auths;
    return hex_decode_exact(a[1], auths[c->n_auths++].b, sizeof auths->b);
}

static err_t take_bandwidth_weights(const struct doc_item *item, struct consensus *c)
{
    struct text rest = item->args, word, key;
    while (text_token(&rest, &word)) {
        int32_t value;
        TRY(parse_key_value(word, &key, &value));
        for (size_t i = 0; i < DIR_WEIGHT_N; i++)
            if (text_is(key, weight_names[i]))
                c->weights[i] = value < 0 ? -1 : value;
    }
    return OK;
}

static err_t end_relay(struct parser *p)
{
    struct consensus *c = p->c;
    if (!p->in_relay)
        return OK;
    p->in_relay = false;
    TRY(row_end(p->kind, p->relay_seen));
    /* dir-spec 3.4.1: router entries are "sorted in ascending order by identity digest"; twice the
     * same relay is an error too. */
    size_t last = c->n_relays - 1;
    if (last && memcmp(c->relays[last - 1].rsa.b, c->relays[last].rsa.b, 20) >= 0)
        return ERR_MALFORMED;
    return OK;
}

static size_t count_relays(struct text t)
{
    size_t n = 0;
    const char *at = t.s, *end = t.s + t.len;
    while ((at = memchr(at, '\n', (size_t)(end - at))) && ++at + 1 < end)
        n += at[0] == 'r' && (at[1] == ' ' || at[1] == '\t');
    return n;
}

static err_t take_relay(struct parser *p, const struct doc_item *item)
{
    struct consensus *c = p->c;
    TRY(end_relay(p));
    if (p->section != RELAYS) {
        p->relays_cap = count_relays(p->text);
        if (p->relays_cap > CONSENSUS_RELAYS_MAX)
            return ERR_LIMIT;
        c->relays = calloc(p->relays_cap, sizeof *c->relays);
        if (!c->relays)
            return ERR_NOMEM;
        p->section = RELAYS;
    }
    if (c->n_relays >= p->relays_cap)
        return ERR_MALFORMED;
    TRY(row_begin(item, p->kind, &c->relays[c->n_relays++]));
    p->relay_seen = 0;
    p->in_relay = true;
    return OK;
}

static err_t header_bit(struct parser *p, unsigned bit)
{
    if (p->seen & bit)
        return ERR_MALFORMED;
    p->seen |= bit;
    return OK;
}

static const struct {
    const char *keyword;
    unsigned bit;
} header_items[] = {
    {"vote-status", SEEN_STATUS},
    {"consensus-method", SEEN_METHOD},
    {"valid-after", SEEN_AFTER},
    {"fresh-until", SEEN_FRESH},
    {"valid-until", SEEN_UNTIL},
    {"voting-delay", SEEN_DELAY},
    {"known-flags", SEEN_FLAGS},
    {"params", SEEN_PARAMS},
    {"required-client-protocols", SEEN_REQUIRED},
    {"recommended-client-protocols", SEEN_RECOMMENDED},
    {"client-versions", SEEN_VERSIONS},
    {"shared-rand-previous-value", SEEN_PREVIOUS},
    {"shared-rand-current-value", SEEN_CURRENT},
};

static err_t header_value(const struct parser *p, unsigned bit, const struct doc_item *item)
{
    struct consensus *c = p->c;
    const char *status = p->kind == CONSENSUS_VOTE ? "vote" : "consensus";
    struct text a;
    switch (bit) {
    case SEEN_STATUS:
        return doc_args(item, &a, 1) && text_is(a, status) ? OK : ERR_UNSUPPORTED;
    case SEEN_METHOD:
        return take_method(item, &c->method);
    case SEEN_AFTER:
        return take_time(item, &c->valid_after_s);
    case SEEN_FRESH:
        return take_time(item, &c->fresh_until_s);
    case SEEN_UNTIL:
        return take_time(item, &c->valid_until_s);
    case SEEN_DELAY:
        return take_delay(item, &c->dist_s);
    case SEEN_PARAMS:
        return take_params(item, c);
    case SEEN_REQUIRED:
        return take_text(item, &c->required_client_protocols);
    case SEEN_RECOMMENDED:
        return take_text(item, &c->recommended_client_protocols);
    case SEEN_VERSIONS:
        return take_text(item, &c->client_versions);
    case SEEN_PREVIOUS:
        return take_srv(item, &c->srv_previous);
    case SEEN_CURRENT:
        return take_srv(item, &c->srv_current);
    default:
        return OK;
    }
}

static err_t take_header(struct parser *p, const struct doc_item *item)
{
    if (doc_is(item, "dir-source"))
        return take_authority(p, item);
    for (size_t i = 0; i < sizeof header_items / sizeof header_items[0]; i++) {
        if (!doc_is(item, header_items[i].keyword))
            continue;
        TRY(header_bit(p, header_items[i].bit));
        return header_value(p, header_items[i].bit, item);
    }
    return OK;
}

static err_t take_footer(struct parser *p, const struct doc_item *item)
{
    if (!doc_is(item, "bandwidth-weights"))
        return OK;
    TRY(header_bit(p, SEEN_WEIGHTS));
    return take_bandwidth_weights(item, p->c);
}

static err_t take_item(struct parser *p, const struct doc_item *item)
{
    if (doc_is(item, "directory-signature")) {
        TRY(end_relay(p));
        return take_signature(p, item);
    }
    /* Nothing behind the first signature is signed, so nothing else there is looked at. */
    if (p->section == SIGNATURES)
        return OK;
    if (doc_is(item, "directory-footer")) {
        if (p->section == FOOTER)
            return ERR_MALFORMED;
        TRY(end_relay(p));
        p->section = FOOTER;
        return OK;
    }
    if (doc_is(item, "r"))
        return p->section == FOOTER ? ERR_MALFORMED : take_relay(p, item);
    if (p->section == FOOTER)
        return take_footer(p, item);
    if (p->section == RELAYS)
        return row_item(item, p->kind, &p->c->relays[p->c->n_relays - 1], &p->relay_seen,
                        &p->last_protos);
    return take_header(p, item);
}

static err_t check_whole(const struct parser *p)
{
    const struct consensus *c = p->c;
    if (p->section != SIGNATURES)
        return ERR_TRUNCATED;
    /* A vote offers "consensus-methods", and speaks for one authority. */
    bool vote = p->kind == CONSENSUS_VOTE;
    unsigned must = SEEN_MUST | (vote ? 0 : SEEN_METHOD);
    if ((p->seen & must) != must || (vote && c->n_auths != 1))
        return ERR_MALFORMED;
    if (c->valid_after_s > c->fresh_until_s || c->fresh_until_s > c->valid_until_s)
        return ERR_MALFORMED;
    return OK;
}

/* "network-status-version" version [flavor]; "ns" has no name, or its own. */
static err_t check_version(const struct doc_item *item, enum consensus_kind kind)
{
    struct text a[2];
    bool named = doc_args(item, a, 2);
    if ((!named && !doc_args(item, a, 1)) || !text_is(a[0], "3"))
        return ERR_UNSUPPORTED;
    if (kind == CONSENSUS_MICRODESC)
        return named && text_is(a[1], "microdesc") ? OK : ERR_UNSUPPORTED;
    return !named || text_is(a[1], "ns") ? OK : ERR_UNSUPPORTED;
}

static err_t parse(struct parser *p)
{
    struct doc_lines d = doc_over(p->text.s, p->text.len);
    struct doc_item item;
    if (p->text.len > CONSENSUS_TEXT_MAX)
        return ERR_LIMIT;
    if (!doc_next(&d, &item) || !doc_is(&item, "network-status-version"))
        return ERR_MALFORMED;
    TRY(check_version(&item, p->kind));
    while (doc_next(&d, &item))
        TRY(take_item(p, &item));
    return d.err != OK ? d.err : check_whole(p);
}

err_t consensus_parse(struct text text, struct consensus **out)
{
    return consensus_parse_kind(text, CONSENSUS_MICRODESC, out);
}

err_t consensus_parse_kind(struct text text, enum consensus_kind kind, struct consensus **out)
{
    struct parser p = {.text = text, .kind = kind};
    *out = NULL;
    p.c = calloc(1, sizeof *p.c);
    if (!p.c)
        return ERR_NOMEM;
    for (size_t i = 0; i < DIR_WEIGHT_N; i++)
        p.c->weights[i] = -1;
    err_t err = parse(&p);
    if (err != OK)
        consensus_free(&p.c);
    *out = p.c;
    return err;
}

void consensus_free(struct consensus **consensus)
{
    struct consensus *c = *consensus;
    *consensus = NULL;
    if (!c)
        return;
    for (size_t i = 0; c->params && i < c->n_params; i++)
        free(c->params[i].name);
    free(c->params);
    free(c->auths);
    free(c->sigs);
    free(c->required_client_protocols);
    free(c->recommended_client_protocols);
    free(c->client_versions);
    free(c->relays);
    free(c);
}

int32_t consensus_param(const struct consensus *c, const char *name, int32_t fallback,
                        int32_t least, int32_t most)
{
    if (!c)
        return fallback;
    size_t low = 0, high = c->n_params;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(name, c->params[mid].name);
        if (order == 0) {
            int32_t v = c->params[mid].value;
            return v < least ? least : v > most ? most : v;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return fallback;
}

struct router *consensus_relay(const struct consensus *c, const struct rsa_id *rsa)
{
    size_t low = 0, high = c->n_relays;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = memcmp(rsa->b, c->relays[mid].rsa.b, sizeof rsa->b);
        if (order == 0)
            return &c->relays[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
