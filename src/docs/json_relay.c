/* Rules for documents of relays (dir-spec 2.1, 3.3). */
#include "docs/json_int.h"

static bool put_words(json_t *out, const struct doc_item *item, const char *const *members)
{
    struct text rest = item->args, word;
    for (; *members; members++)
        if (!text_token(&rest, &word) || !json_give(out, *members, json_scalar(word)))
            return false;
    return true;
}

static json_t *words_as(const struct doc_item *item, const char *const *members)
{
    json_t *out = json_object();
    return json_done(out, put_words(out, item, members));
}

static json_t *v_router(const struct doc_item *item)
{
    struct text a[5];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 5) && json_give(out, "nickname", json_text(a[0])) &&
              json_give(out, "address", json_text(a[1])) &&
              json_give(out, "or-port", json_scalar(a[2])) &&
              json_give(out, "socks-port", json_scalar(a[3])) &&
              json_give(out, "dir-port", json_scalar(a[4]));
    return json_done(out, ok);
}

static json_t *v_extra_info(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "nickname", json_text(a[0])) &&
              json_give(out, "fingerprint", json_text(a[1]));
    return json_done(out, ok);
}

static json_t *v_bandwidth(const struct doc_item *item)
{
    static const char *const members[] = {"average", "burst", "observed", NULL};
    return words_as(item, members);
}

/* SHA-1 in hex, which may look like a number; then SHA-256 in base64, if it is there. */
static json_t *v_extra_info_digest(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 1) && json_give(out, "sha1", json_text(a[0]));
    if (ok && doc_args(item, a, 2))
        ok = json_give(out, "sha256", json_text(a[1]));
    return json_done(out, ok);
}

static json_t *v_ntor_crosscert(const struct doc_item *item)
{
    struct text a;
    json_t *out = json_object();
    bool ok = doc_args(item, &a, 1) && json_give(out, "sign-bit", json_scalar(a)) &&
              json_give(out, "certificate", json_v_object(item));
    return json_done(out, ok);
}

/* "accept" and "reject" lines are one list, whose order matters. */
static json_t *v_rule(const struct doc_item *item)
{
    struct text whole = {item->keyword.s,
                         (size_t)(item->args.s + item->args.len - item->keyword.s)};
    return item->args.len ? json_text(whole) : NULL;
}

/* version, time and what follows */
static bool put_overload(json_t *out, const struct doc_item *item, struct text *rest)
{
    struct text a[3];
    *rest = item->args;
    for (size_t i = 0; i < 3; i++)
        if (!text_token(rest, &a[i]))
            return false;
    return json_give(out, "version", json_scalar(a[0])) &&
           json_give(out, "time", json_time(a[1], a[2]));
}

static json_t *v_overload(const struct doc_item *item)
{
    struct text rest;
    json_t *out = json_object();
    return json_done(out, put_overload(out, item, &rest));
}

static json_t *v_overload_ratelimits(const struct doc_item *item)
{
    static const char *const members[] = {"rate-limit", "burst-limit", "read-overload-count",
                                          "write-overload-count", NULL};
    struct doc_item tail = *item;
    json_t *out = json_object();
    bool ok = put_overload(out, item, &tail.args) && put_words(out, &tail, members);
    return json_done(out, ok);
}

/* Where the tokens behind "YYYY-MM-DD HH:MM:SS (NSEC s)" begin. */
static struct doc_item behind_interval(const struct doc_item *item)
{
    struct doc_item tail = *item;
    struct text word;
    for (size_t i = 0; i < 4; i++)
        (void)text_token(&tail.args, &word);
    tail.args = text_strip(tail.args);
    return tail;
}

static json_t *v_bi_direct(const struct doc_item *item)
{
    static const char *const members[] = {"below", "read", "write", "both", NULL};
    struct doc_item tail = behind_interval(item);
    json_t *out = json_v_interval(item);
    struct text word;
    bool ok = out != NULL;
    for (size_t i = 0; ok && members[i]; i++)
        ok = text_split(&tail.args, ',', &word) && json_give(out, members[i], json_scalar(word));
    return json_done(out, ok);
}

static json_t *v_padding_counts(const struct doc_item *item)
{
    struct doc_item tail = behind_interval(item);
    json_t *out = json_v_interval(item);
    return json_done(out, out && json_give(out, "counts", json_v_map(&tail)));
}

/* A number, and "key=value" behind it. */
static json_t *v_hidserv(const struct doc_item *item)
{
    struct doc_item tail = *item;
    struct text word;
    json_t *out = json_object();
    bool ok = text_token(&tail.args, &word) && json_give(out, "value", json_scalar(word)) &&
              json_give(out, "parameters", json_v_map(&tail));
    return json_done(out, ok);
}

static json_t *v_transport(const struct doc_item *item)
{
    struct text rest = item->args, name, at;
    json_t *out = json_object();
    bool ok = text_token(&rest, &name) && json_give(out, "name", json_text(name));
    if (ok && text_token(&rest, &at))
        ok = json_give(out, "address", json_text(at));
    if (ok && text_strip(rest).len)
        ok = json_give(out, "arguments", json_text(text_strip(rest)));
    return json_done(out, ok);
}

/* Since Microdesc=3 the line may stand alone. */
static json_t *v_onion_key(const struct doc_item *item)
{
    return item->tag.len ? json_v_object(item) : json_null();
}

#define SIGNED                                                                                 \
    {"identity-ed25519", json_v_object, false, NULL}, {"published", json_v_time, false, NULL}, \
        {"read-history", json_v_history, false, NULL},                                         \
        {"write-history", json_v_history, false, NULL},                                        \
        {"router-sig-ed25519", json_v_word, false, NULL},                                      \
    {                                                                                          \
        "router-signature", json_v_object, false, NULL                                         \
    }

const struct json_rule json_rules_server[] = {
    {"router", v_router, false, NULL},
    SIGNED,
    {"master-key-ed25519", json_v_word, false, NULL},
    {"or-address", json_v_word, true, NULL},
    {"bandwidth", v_bandwidth, false, NULL},
    {"platform", json_v_text, false, NULL},
    {"proto", json_v_map, false, NULL},
    {"protocols", json_v_text, false, NULL},
    {"fingerprint", json_v_hex_groups, false, NULL},
    {"hibernating", json_v_bool, false, NULL},
    {"uptime", json_v_int, false, NULL},
    {"extra-info-digest", v_extra_info_digest, false, NULL},
    {"caches-extra-info", json_v_flag, false, NULL},
    {"onion-key", json_v_object, false, NULL},
    {"onion-key-crosscert", json_v_object, false, NULL},
    {"ntor-onion-key", json_v_word, false, NULL},
    {"ntor-onion-key-crosscert", v_ntor_crosscert, false, NULL},
    {"signing-key", json_v_object, false, NULL},
    {"hidden-service-dir", json_v_words, false, NULL},
    {"contact", json_v_text, false, NULL},
    {"bridge-distribution-request", json_v_word, false, NULL},
    {"family", json_v_words, false, NULL},
    {"family-cert", json_v_object, true, NULL},
    {"eventdns", json_v_bool, false, NULL},
    {"allow-single-hop-exits", json_v_flag, false, NULL},
    {"tunnelled-dir-server", json_v_flag, false, NULL},
    {"overload-general", v_overload, false, NULL},
    {"accept", v_rule, true, "exit-policy"},
    {"reject", v_rule, true, "exit-policy"},
    {"ipv6-policy", json_v_policy, false, NULL},
    {NULL, NULL, false, NULL},
};

const struct json_rule json_rules_extra[] = {
    {"extra-info", v_extra_info, false, NULL},
    SIGNED,
    {"ipv6-read-history", json_v_history, false, NULL},
    {"ipv6-write-history", json_v_history, false, NULL},
    {"geoip-db-digest", json_v_word, false, NULL},
    {"geoip6-db-digest", json_v_word, false, NULL},
    {"geoip-start-time", json_v_time, false, NULL},
    {"geoip-client-origins", json_v_comma_map, false, NULL},
    {"bridge-stats-end", json_v_interval, false, NULL},
    {"bridge-ips", json_v_comma_map, false, NULL},
    {"bridge-ip-versions", json_v_comma_map, false, NULL},
    {"bridge-ip-transports", json_v_comma_map, false, NULL},
    {"dirreq-stats-end", json_v_interval, false, NULL},
    {"dirreq-v2-ips", json_v_comma_map, false, NULL},
    {"dirreq-v3-ips", json_v_comma_map, false, NULL},
    {"dirreq-v2-reqs", json_v_comma_map, false, NULL},
    {"dirreq-v3-reqs", json_v_comma_map, false, NULL},
    {"dirreq-v2-share", json_v_word, false, NULL},
    {"dirreq-v3-share", json_v_word, false, NULL},
    {"dirreq-v2-resp", json_v_comma_map, false, NULL},
    {"dirreq-v3-resp", json_v_comma_map, false, NULL},
    {"dirreq-v2-direct-dl", json_v_comma_map, false, NULL},
    {"dirreq-v3-direct-dl", json_v_comma_map, false, NULL},
    {"dirreq-v2-tunneled-dl", json_v_comma_map, false, NULL},
    {"dirreq-v3-tunneled-dl", json_v_comma_map, false, NULL},
    {"dirreq-read-history", json_v_history, false, NULL},
    {"dirreq-write-history", json_v_history, false, NULL},
    {"entry-stats-end", json_v_interval, false, NULL},
    {"entry-ips", json_v_comma_map, false, NULL},
    {"cell-stats-end", json_v_interval, false, NULL},
    {"cell-processed-cells", json_v_commas, false, NULL},
    {"cell-queued-cells", json_v_commas, false, NULL},
    {"cell-time-in-queue", json_v_commas, false, NULL},
    {"cell-circuits-per-decile", json_v_int, false, NULL},
    {"conn-bi-direct", v_bi_direct, false, NULL},
    {"ipv6-conn-bi-direct", v_bi_direct, false, NULL},
    {"exit-stats-end", json_v_interval, false, NULL},
    {"exit-kibibytes-written", json_v_comma_map, false, NULL},
    {"exit-kibibytes-read", json_v_comma_map, false, NULL},
    {"exit-streams-opened", json_v_comma_map, false, NULL},
    {"hidserv-stats-end", json_v_interval, false, NULL},
    {"hidserv-rend-relayed-cells", v_hidserv, false, NULL},
    {"hidserv-dir-onions-seen", v_hidserv, false, NULL},
    {"hidserv-v3-stats-end", json_v_interval, false, NULL},
    {"hidserv-rend-v3-relayed-cells", v_hidserv, false, NULL},
    {"hidserv-dir-v3-onions-seen", v_hidserv, false, NULL},
    {"transport", v_transport, true, NULL},
    {"padding-counts", v_padding_counts, false, NULL},
    {"overload-ratelimits", v_overload_ratelimits, false, NULL},
    {"overload-fd-exhausted", v_overload, false, NULL},
    {NULL, NULL, false, NULL},
};

const struct json_rule json_rules_micro[] = {
    {"ntor-onion-key", json_v_word, false, NULL},
    {"a", json_v_word, true, NULL},
    {"family", json_v_words, false, NULL},
    {"family-ids", json_v_words, false, NULL},
    {"p", json_v_policy, false, NULL},
    {"p6", json_v_policy, false, NULL},
    {"pr", json_v_map, false, NULL},
    {"id", json_v_id, true, NULL},
    {"onion-key", v_onion_key, false, NULL},
    {NULL, NULL, false, NULL},
};
