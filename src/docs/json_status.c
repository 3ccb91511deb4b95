/* Consensuses and votes (dir-spec 3.4.1). */
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

static bool w_version(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    const json_t *flavor = json_object_get(value, "flavor");
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "version")) &&
           (!flavor || json_put_scalar(w, flavor)) && json_end_line(w);
}

static json_t *v_delay(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "vote", json_scalar(a[0])) &&
              json_give(out, "dist", json_scalar(a[1]));
    return json_done(out, ok);
}

static bool w_delay(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"vote", "dist", NULL};
    return json_w_members(w, rule, value, members);
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

static bool w_versions(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_w_commas(w, rule, value);
}

static json_t *v_shared_random(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "reveals", json_scalar(a[0])) &&
              json_give(out, "value", json_text(a[1]));
    return json_done(out, ok);
}

static bool w_shared_random(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"reveals", "value", NULL};
    return json_w_members(w, rule, value, members);
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

static bool w_dir_source(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"nickname", "identity", "hostname", "address",
                                          "dir-port", "or-port",  NULL};
    return json_w_members(w, rule, value, members);
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

/* hex_of() the other way round. */
static bool put_id(struct docw *w, const json_t *hex)
{
    uint8_t bytes[20];
    const char *text = json_string_value(hex);
    if (!text || hex_decode_exact(text_of(text), bytes, sizeof bytes) != OK)
        return false;
    docw_add(w, TEXT_LIT(" "));
    docw_base64(w, bytes, sizeof bytes);
    return true;
}

static bool w_r(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const name[] = {"nickname", NULL};
    static const char *const at[] = {"address", "or-port", "dir-port", NULL};
    const json_t *digest = json_object_get(value, "digest");
    return json_begin_line(w, rule) && json_put_members(w, value, name) &&
           put_id(w, json_object_get(value, "identity")) && (!digest || put_id(w, digest)) &&
           json_put_time(w, json_object_get(value, "published")) &&
           json_put_members(w, value, at) && json_end_line(w);
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

static bool w_m(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    if (json_is_string(value))
        return json_w_word(w, rule, value);
    return json_begin_line(w, rule) && json_put_list(w, json_object_get(value, "methods"), ',') &&
           json_put_map(w, json_object_get(value, "digests"), ' ', -1) && json_end_line(w);
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

static bool w_commit(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"version", "algorithm", "identity", "commit", NULL};
    const json_t *reveal = json_object_get(value, "reveal");
    return json_begin_line(w, rule) && json_put_members(w, value, members) &&
           (!reveal || json_put_scalar(w, reveal)) && json_end_line(w);
}

/* C tor: "wfu=%.6f tk=%lu mtbf=%.0f" */
static bool w_stats(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_map(w, value, ' ', 6) && json_end_line(w);
}

/* What speaks of the whole, before and behind the relays. */
const struct json_rule json_rules_status[] = {
    {"network-status-version", v_version, w_version, false, NULL, NULL},
    {"vote-status", JSON_FORM(word), false, NULL, NULL},
    {"consensus-methods", JSON_FORM(ints), false, NULL, NULL},
    {"consensus-method", JSON_FORM(int), false, NULL, NULL},
    {"published", JSON_FORM(time), false, NULL, NULL},
    {"valid-after", JSON_FORM(time), false, NULL, NULL},
    {"fresh-until", JSON_FORM(time), false, NULL, NULL},
    {"valid-until", JSON_FORM(time), false, NULL, NULL},
    {"voting-delay", v_delay, w_delay, false, NULL, NULL},
    {"client-versions", v_versions, w_versions, false, NULL, NULL},
    {"server-versions", v_versions, w_versions, false, NULL, NULL},
    {"package", JSON_FORM(text), true, NULL, NULL},
    {"known-flags", JSON_FORM(words), false, NULL, NULL},
    {"flag-thresholds", JSON_FORM(map), false, NULL, NULL},
    {"recommended-client-protocols", JSON_FORM(map), false, NULL, NULL},
    {"recommended-relay-protocols", JSON_FORM(map), false, NULL, NULL},
    {"required-client-protocols", JSON_FORM(map), false, NULL, NULL},
    {"required-relay-protocols", JSON_FORM(map), false, NULL, NULL},
    {"params", JSON_FORM(map), false, NULL, NULL},
    {"shared-rand-previous-value", v_shared_random, w_shared_random, false, NULL, NULL},
    {"shared-rand-current-value", v_shared_random, w_shared_random, false, NULL, NULL},
    {"bandwidth-file-headers", JSON_FORM(map), false, NULL, NULL},
    {"bandwidth-file-digest", JSON_FORM(map), false, NULL, NULL},
    {"directory-footer", JSON_FORM(flag), false, NULL, NULL},
    {"bandwidth-weights", JSON_FORM(map), false, NULL, NULL},
    {"directory-signature", JSON_FORM(signature), true, NULL, "SIGNATURE"},
    {NULL, NULL, NULL, false, NULL, NULL},
};

static const struct json_rule rules_authority[] = {
    {"dir-source", v_dir_source, w_dir_source, false, NULL, NULL},
    {"contact", JSON_FORM(text), false, NULL, NULL},
    {"vote-digest", JSON_FORM(word), false, NULL, NULL},
    {"legacy-dir-key", JSON_FORM(word), false, NULL, NULL},
    {"shared-rand-participate", JSON_FORM(flag), false, NULL, NULL},
    {"shared-rand-commit", v_commit, w_commit, true, NULL, NULL},
    {"shared-rand-previous-value", v_shared_random, w_shared_random, false, NULL, NULL},
    {"shared-rand-current-value", v_shared_random, w_shared_random, false, NULL, NULL},
    {NULL, NULL, NULL, false, NULL, NULL},
};

static const struct json_rule rules_relay[] = {
    {"r", v_r, w_r, false, NULL, NULL},          {"a", JSON_FORM(word), true, NULL, NULL},
    {"s", JSON_FORM(words), false, NULL, NULL},  {"v", JSON_FORM(text), false, NULL, NULL},
    {"pr", JSON_FORM(map), false, NULL, NULL},   {"w", JSON_FORM(map), false, NULL, NULL},
    {"p", JSON_FORM(policy), false, NULL, NULL}, {"m", v_m, w_m, true, NULL, NULL},
    {"id", JSON_FORM(id), true, NULL, NULL},     {"stats", json_v_map, w_stats, false, NULL, NULL},
    {NULL, NULL, NULL, false, NULL, NULL},
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
        *s = (struct status){s->whole, s->whole, json_rules_status};
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
    struct status s = {to, to, json_rules_status};
    struct doc_item item;
    bool well, ok = true;
    while (ok && json_next_item(&d, &item, &well)) {
        struct text raw = {item.begin, (size_t)(item.end - item.begin)};
        ok = well ? put_status_item(&s, &item) : json_put_raw(s.at, raw);
    }
    return ok;
}

const struct json_rule *json_rules_inside(const struct json_rule *rules, const char *member,
                                          bool *list)
{
    static const struct {
        const char *member;
        const struct json_rule *in, *rules;
        bool list;
    } rows[] = {
        {"authorities", json_rules_status, rules_authority, true},
        {"relays", json_rules_status, rules_relay, true},
        {"key-certificate", rules_authority, json_rules_key_cert, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].in == rules && strcmp(rows[i].member, member) == 0) {
            *list = rows[i].list;
            return rows[i].rules;
        }
    return NULL;
}
