/* Documents of authorities: consensuses, votes, key certificates, detached signatures (dir-spec 3),
 * and bandwidth files. */
#include <string.h>

#include "crypto/encode.h"
#include "docs/json_int.h"

static json_t *v_version(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 1) && json_give(out, "version", json_scalar(a[0]));
    if (ok && doc_args(item, a, 2))
        ok = json_give(out, "flavor", json_text(a[1]));
    return json_done(out, ok);
}

static json_t *v_delay(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "vote", json_scalar(a[0])) &&
              json_give(out, "dist", json_scalar(a[1]));
    return json_done(out, ok);
}

static json_t *v_versions(const struct doc_item *item)
{
    json_t *out = json_array();
    struct text rest = text_strip(item->args), part;
    bool ok = out != NULL;
    while (ok && text_split(&rest, ',', &part))
        ok = json_array_append_new(out, json_text(part)) == 0;
    return json_done(out, ok);
}

static json_t *v_shared_random(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "reveals", json_scalar(a[0])) &&
              json_give(out, "value", json_text(a[1]));
    return json_done(out, ok);
}

static json_t *v_dir_source(const struct doc_item *item)
{
    struct text a[6];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 6) && json_give(out, "nickname", json_text(a[0])) &&
              json_give(out, "identity", json_text(a[1])) &&
              json_give(out, "hostname", json_text(a[2])) &&
              json_give(out, "address", json_text(a[3])) &&
              json_give(out, "dir-port", json_scalar(a[4])) &&
              json_give(out, "or-port", json_scalar(a[5]));
    return json_done(out, ok);
}

/* 20 bytes in base64 as hex. */
static json_t *hex_of(struct text base64)
{
    uint8_t bytes[20];
    char hex[HEX_SIZE(20)];
    if (base64_decode_exact(base64, BASE64_EITHER, bytes, sizeof bytes) != OK)
        return NULL;
    return json_string(hex_upper(bytes, sizeof bytes, hex));
}

/* "r" nickname identity [digest] date time address ORPort DirPort; the digest is not there in the
 * microdesc flavor. */
static json_t *v_r(const struct doc_item *item)
{
    struct text a[8];
    bool has_digest = doc_args(item, a, 8);
    const struct text *rest = a + (has_digest ? 3 : 2);
    json_t *out = json_object();
    bool ok = (has_digest || doc_args(item, a, 7)) && json_give(out, "nickname", json_text(a[0])) &&
              json_give(out, "identity", hex_of(a[1])) &&
              (!has_digest || json_give(out, "digest", hex_of(a[2]))) &&
              json_give(out, "published", json_time(rest[0], rest[1])) &&
              json_give(out, "address", json_text(rest[2])) &&
              json_give(out, "or-port", json_scalar(rest[3])) &&
              json_give(out, "dir-port", json_scalar(rest[4]));
    return json_done(out, ok);
}

/* In a microdesc consensus: a digest; in a vote: methods, then "sha256=digest". */
static json_t *v_m(const struct doc_item *item)
{
    struct doc_item tail = *item;
    struct text a[2], methods;
    if (!doc_args(item, a, 2))
        return json_v_word(item);
    json_t *out = json_object(), *list = json_array();
    (void)text_token(&tail.args, &methods);
    bool ok = list != NULL;
    while (ok && text_split(&methods, ',', &a[0]))
        ok = json_array_append_new(list, json_scalar(a[0])) == 0;
    ok = json_give(out, "methods", list) && ok && json_give(out, "digests", json_v_map(&tail));
    return json_done(out, ok);
}

static json_t *v_commit(const struct doc_item *item)
{
    struct text a[5];
    json_t *out = json_object();
    bool revealed = doc_args(item, a, 5);
    bool ok = (revealed || doc_args(item, a, 4)) && json_give(out, "version", json_scalar(a[0])) &&
              json_give(out, "algorithm", json_text(a[1])) &&
              json_give(out, "identity", json_text(a[2])) &&
              json_give(out, "commit", json_text(a[3])) &&
              (!revealed || json_give(out, "reveal", json_text(a[4])));
    return json_done(out, ok);
}

static json_t *v_digest(const struct doc_item *item)
{
    struct text a[3];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 3) && json_give(out, "flavor", json_text(a[0])) &&
              json_give(out, "algorithm", json_text(a[1])) &&
              json_give(out, "digest", json_text(a[2]));
    return json_done(out, ok);
}

/* What speaks of the whole, before and behind the relays. */
static const struct json_rule rules_whole[] = {
    {"network-status-version", v_version, false, NULL},
    {"vote-status", json_v_word, false, NULL},
    {"consensus-methods", json_v_ints, false, NULL},
    {"consensus-method", json_v_int, false, NULL},
    {"published", json_v_time, false, NULL},
    {"valid-after", json_v_time, false, NULL},
    {"fresh-until", json_v_time, false, NULL},
    {"valid-until", json_v_time, false, NULL},
    {"voting-delay", v_delay, false, NULL},
    {"client-versions", v_versions, false, NULL},
    {"server-versions", v_versions, false, NULL},
    {"package", json_v_text, true, NULL},
    {"known-flags", json_v_words, false, NULL},
    {"flag-thresholds", json_v_map, false, NULL},
    {"recommended-client-protocols", json_v_map, false, NULL},
    {"recommended-relay-protocols", json_v_map, false, NULL},
    {"required-client-protocols", json_v_map, false, NULL},
    {"required-relay-protocols", json_v_map, false, NULL},
    {"params", json_v_map, false, NULL},
    {"shared-rand-previous-value", v_shared_random, false, NULL},
    {"shared-rand-current-value", v_shared_random, false, NULL},
    {"bandwidth-file-headers", json_v_map, false, NULL},
    {"bandwidth-file-digest", json_v_map, false, NULL},
    {"directory-footer", json_v_flag, false, NULL},
    {"bandwidth-weights", json_v_map, false, NULL},
    {"directory-signature", json_v_signature, true, NULL},
    {NULL, NULL, false, NULL},
};

static const struct json_rule rules_authority[] = {
    {"dir-source", v_dir_source, false, NULL},
    {"contact", json_v_text, false, NULL},
    {"vote-digest", json_v_word, false, NULL},
    {"legacy-dir-key", json_v_word, false, NULL},
    {"shared-rand-participate", json_v_flag, false, NULL},
    {"shared-rand-commit", v_commit, true, NULL},
    {"shared-rand-previous-value", v_shared_random, false, NULL},
    {"shared-rand-current-value", v_shared_random, false, NULL},
    {NULL, NULL, false, NULL},
};

static const struct json_rule rules_relay[] = {
    {"r", v_r, false, NULL},           {"a", json_v_word, true, NULL},
    {"s", json_v_words, false, NULL},  {"v", json_v_text, false, NULL},
    {"pr", json_v_map, false, NULL},   {"w", json_v_map, false, NULL},
    {"p", json_v_policy, false, NULL}, {"m", v_m, true, NULL},
    {"id", json_v_id, true, NULL},     {"stats", json_v_map, false, NULL},
    {NULL, NULL, false, NULL},
};

const struct json_rule json_rules_key_cert[] = {
    {"dir-key-certificate-version", json_v_int, false, NULL},
    {"dir-address", json_v_word, false, NULL},
    {"fingerprint", json_v_word, false, NULL},
    {"dir-identity-key", json_v_object, false, NULL},
    {"dir-key-published", json_v_time, false, NULL},
    {"dir-key-expires", json_v_time, false, NULL},
    {"dir-signing-key", json_v_object, false, NULL},
    {"dir-key-crosscert", json_v_object, false, NULL},
    {"dir-key-certification", json_v_object, false, NULL},
    {NULL, NULL, false, NULL},
};

const struct json_rule json_rules_detached[] = {
    {"consensus-digest", json_v_word, false, NULL},
    {"valid-after", json_v_time, false, NULL},
    {"fresh-until", json_v_time, false, NULL},
    {"valid-until", json_v_time, false, NULL},
    {"additional-digest", v_digest, true, NULL},
    {"additional-signature", json_v_signature, true, NULL},
    {"directory-signature", json_v_signature, true, NULL},
    {NULL, NULL, false, NULL},
};

/* ---- consensuses and votes ---- */

/* Where we are: the object that lines go to, and their rules. */
struct status {
    json_t *whole, *at;
    const struct json_rule *rules;
};

/* A new object at the end of WHOLE's list MEMBER takes the lines from now on. */
static bool begin(struct status *s, const char *member, const struct json_rule *rules)
{
    if (!json_object_get(s->whole, member) && !json_give(s->whole, member, json_array()))
        return false;
    s->at = json_object();
    s->rules = rules;
    return json_array_append_new(json_object_get(s->whole, member), s->at) == 0;
}

/* The certificate inside of a vote stands in its authority's object. */
static bool begin_cert(struct status *s)
{
    json_t *cert = json_object();
    if (!json_give(s->at, "key-certificate", cert))
        return false;
    s->rules = json_rules_key_cert;
    return true;
}

static bool put_status_item(struct status *s, const struct doc_item *item)
{
    bool ok = true, in_authority = s->rules == rules_authority;
    if (doc_is(item, "dir-source"))
        ok = begin(s, "authorities", rules_authority);
    else if (doc_is(item, "r"))
        ok = begin(s, "relays", rules_relay);
    else if (doc_is(item, "directory-footer") || doc_is(item, "directory-signature"))
        *s = (struct status){s->whole, s->whole, rules_whole};
    else if (in_authority && doc_is(item, "dir-key-certificate-version") &&
             !json_object_get(s->at, "key-certificate"))
        ok = begin_cert(s);
    if (!ok || s->rules != json_rules_key_cert)
        return ok && json_put_item(s->at, s->rules, item);
    ok = json_put_item(json_object_get(s->at, "key-certificate"), s->rules, item);
    if (doc_is(item, "dir-key-certification"))
        s->rules = rules_authority;
    return ok;
}

bool json_put_status(json_t *to, struct text text)
{
    struct doc_lines d = doc_over(text.s, text.len);
    struct status s = {to, to, rules_whole};
    struct doc_item item;
    bool well, ok = true;
    while (ok && json_next_item(&d, &item, &well)) {
        struct text raw = {item.begin, (size_t)(item.end - item.begin)};
        ok = well ? put_status_item(&s, &item) : json_put_raw(s.at, raw);
    }
    return ok;
}

/* ---- bandwidth files ---- */

/* "key=value"; where the key is there already, or there is none, it's kept as it stands. */
static bool put_header(json_t *to, struct text line)
{
    struct text rest = line, key;
    bool has_value = line.len && memchr(line.s, '=', line.len) != NULL;
    if (has_value && text_split(&rest, '=', &key) && !text_is(key, "unrecognized") &&
        json_give_new(to, key, json_text(rest)))
        return true;
    return json_put_raw(to, line);
}

static bool put_relay(json_t *to, struct text line)
{
    struct doc_item item = {.args = line};
    json_t *relay = json_v_map(&item);
    return relay ? json_array_append_new(json_object_get(to, "relays"), relay) == 0
                 : json_put_raw(to, line);
}

bool json_put_bandwidth(json_t *to, struct text text)
{
    struct text line;
    bool ok = json_give(to, "headers", json_object()) && json_give(to, "relays", json_array());
    bool in_header = true;
    uint64_t t;
    for (size_t n = 0; ok && text_line(&text, &line); n++) {
        bool end = text_is(line, "=====") || text_is(line, "====");
        /* Header lines are one word; a file of version 1.0.0 has none, and no mark behind them. */
        in_header = in_header && !end && !(line.len && memchr(line.s, ' ', line.len));
        if (!n && text_to_u64(line, INT64_MAX, &t) == OK)
            ok = json_give(to, "timestamp", json_integer((json_int_t)t));
        else if (in_header)
            ok = put_header(json_object_get(to, "headers"), line);
        else if (!end)
            ok = put_relay(to, line);
    }
    return ok;
}
