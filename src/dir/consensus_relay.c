#include <string.h>

#include "crypto/encode.h"
#include "dir/consensus_int.h"

enum { SEEN_S = 1, SEEN_M = 2, SEEN_W = 4, SEEN_PR = 8 };

const char *const router_flag_names[ROUTER_FLAG_N] = {
#define X(name, text) text,
    ROUTER_FLAG_LIST(X)
#undef X
};

err_t parse_key_value(struct text t, struct text *key, int32_t *value)
{
    uint64_t x;
    if (!memchr(t.s, '=', t.len) || !text_split(&t, '=', key) || !key->len)
        return ERR_MALFORMED;
    bool minus = t.len && t.s[0] == '-';
    if (minus) {
        t.s++;
        t.len--;
    }
    if (text_to_u64(t, (uint64_t)INT32_MAX + (minus ? 1 : 0), &x) != OK)
        return ERR_MALFORMED;
    *value = (int32_t)(minus ? -(int64_t)x : (int64_t)x);
    return OK;
}

static err_t parse_v4(struct text t, uint8_t out[4])
{
    struct ip ip;
    TRY(doc_ip(t, IP_V4, &ip));
    memcpy(out, ip.b, 4);
    return OK;
}

/* 0.0.0.0 is no address, though the system would take it for this computer: a relay that claims it
 * has no ORPort, and so is of no use (netdir.h). */
static void forget_nowhere(struct router *r)
{
    struct ip ip = ip_v4(r->v4);
    if (ip_is_unspecified(&ip))
        r->orport = r->dirport = 0;
}

err_t row_begin(const struct doc_item *r, enum consensus_kind kind, struct router *out)
{
    /* dir-spec 3.4.1: "r" SP nickname SP identity SP digest SP publication SP IP SP ORPort SP
     * DirPort; publication is two words and means nothing since consensus method 33. In the
     * microdesc flavor there is no digest. */
    struct text a[8];
    uint8_t sha1[20];
    const size_t at = kind == CONSENSUS_MICRODESC ? 4 : 5;
    memset(out, 0, sizeof *out);
    if (!doc_args(r, a, at + 3) || !nickname_copy(a[0], out->nickname))
        return ERR_MALFORMED;
    TRY(base64_decode_exact(a[1], BASE64_EITHER, out->rsa.b, sizeof out->rsa.b));
    if (kind != CONSENSUS_MICRODESC)
        TRY(base64_decode_exact(a[2], BASE64_EITHER, sha1, sizeof sha1));
    TRY(parse_v4(a[at], out->v4));
    TRY(doc_port(a[at + 1], &out->orport));
    TRY(doc_port(a[at + 2], &out->dirport));
    forget_nowhere(out);
    return OK;
}

/* The first IPv6 address counts. One that we can't read is no reason to lose the consensus. */
static void take_address(const struct doc_item *item, struct router *relay)
{
    struct text word;
    struct ipport ap;
    if (relay->orport6 || !doc_args(item, &word, 1) || doc_ipport(word, &ap) != OK ||
        ap.ip.family != IP_V6 || ip_is_unspecified(&ap.ip))
        return;
    memcpy(relay->v6, ap.ip.b, sizeof relay->v6);
    relay->orport6 = ap.port;
}

static void take_flags(const struct doc_item *item, struct router *relay)
{
    struct text rest = item->args, word;
    while (text_token(&rest, &word))
        for (unsigned i = 0; i < ROUTER_FLAG_N; i++)
            if (text_is(word, router_flag_names[i]))
                relay->flags = (uint16_t)(relay->flags | 1u << i);
}

static err_t take_weights(const struct doc_item *item, struct router *relay)
{
    struct text rest = item->args, word, key;
    while (text_token(&rest, &word)) {
        int32_t value;
        if (!text_starts(word, "Bandwidth=") && !text_starts(word, "Unmeasured="))
            continue;
        TRY(parse_key_value(word, &key, &value));
        if (value < 0)
            return ERR_MALFORMED;
        if (text_is(key, "Bandwidth"))
            relay->bandwidth = (uint32_t)value;
        else
            relay->unmeasured = value == 1;
    }
    return OK;
}

static err_t take_digest(const struct doc_item *item, struct router *relay)
{
    struct text word;
    if (!doc_args(item, &word, 1))
        return ERR_MALFORMED;
    return base64_decode_exact(word, BASE64_EITHER, relay->md_digest.b, sizeof relay->md_digest.b);
}

/* A vote's "m" lines, of which there are many, say what microdescriptors might be like. */
static unsigned item_bit(const struct doc_item *item, enum consensus_kind kind)
{
    if (doc_is(item, "s"))
        return SEEN_S;
    if (doc_is(item, "m"))
        return kind == CONSENSUS_MICRODESC ? SEEN_M : 0;
    if (doc_is(item, "w"))
        return SEEN_W;
    return doc_is(item, "pr") ? SEEN_PR : 0;
}

static uint32_t protos_of(struct text list, struct last_protos *last)
{
    if (last->text.s && text_equal(list, last->text))
        return last->bits;
    last->text = list;
    /* protocol-map 2c: "an unparsable list counts as empty". */
    if (protover_parse(list, &last->bits) != OK)
        last->bits = 0;
    return last->bits;
}

err_t row_item(const struct doc_item *item, enum consensus_kind kind, struct router *relay,
               unsigned *seen, struct last_protos *last)
{
    unsigned bit = item_bit(item, kind);
    if (*seen & bit)
        return ERR_MALFORMED;
    *seen |= bit;
    if (doc_is(item, "a"))
        take_address(item, relay);
    if (bit == SEEN_S)
        take_flags(item, relay);
    if (bit == SEEN_M)
        return take_digest(item, relay);
    if (bit == SEEN_W)
        return take_weights(item, relay);
    if (bit == SEEN_PR)
        relay->protos = protos_of(item->args, last);
    return OK;
}

err_t row_end(enum consensus_kind kind, unsigned seen)
{
    const unsigned must = kind == CONSENSUS_MICRODESC ? SEEN_S | SEEN_M : SEEN_S;
    return (seen & must) == must ? OK : ERR_MALFORMED;
}

struct ipport router_orport(const struct router *r)
{
    return (struct ipport){ip_v4(r->v4), r->orport};
}

struct ipport router_orport6(const struct router *r)
{
    struct ipport none = {{IP_NONE, {0}}, 0};
    return r->orport6 ? (struct ipport){ip_v6(r->v6), r->orport6} : none;
}
