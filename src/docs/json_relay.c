/* Rules for documents of relays (dir-spec 2.1, 3.3). */
#include "docs/json_relay.h"

bool json_give_words(json_t *out, const struct doc_item *item, const char *const *members)
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
    return json_done(out, json_give_words(out, item, members));
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

static bool w_router(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"nickname",   "address",  "or-port",
                                          "socks-port", "dir-port", NULL};
    return json_w_members(w, rule, value, members);
}

static const char *const bandwidths[] = {"average", "burst", "observed", NULL};

static json_t *v_bandwidth(const struct doc_item *item)
{
    return words_as(item, bandwidths);
}

static bool w_bandwidth(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_w_members(w, rule, value, bandwidths);
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

static bool w_extra_info_digest(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    const json_t *sha256 = json_object_get(value, "sha256");
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "sha1")) &&
           (!sha256 || json_put_scalar(w, sha256)) && json_end_line(w);
}

static json_t *v_ntor_crosscert(const struct doc_item *item)
{
    struct text a;
    json_t *out = json_object();
    bool ok = doc_args(item, &a, 1) && json_give(out, "sign-bit", json_scalar(a)) &&
              json_give(out, "certificate", json_v_object(item));
    return json_done(out, ok);
}

static bool w_ntor_crosscert(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "sign-bit")) &&
           json_end_line(w) &&
           json_put_object(w, rule->label, json_object_get(value, "certificate"));
}

/* "accept" and "reject" lines are one list, whose order matters. */
static json_t *v_rule(const struct doc_item *item)
{
    struct text whole = {item->keyword.s,
                         (size_t)(item->args.s + item->args.len - item->keyword.s)};
    return item->args.len ? json_text(whole) : NULL;
}

static bool w_rule(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    const char *text = json_string_value(value);
    (void)rule;
    if (!text || strchr(text, '\n'))
        return false;
    docw_fmt(w, "%s\n", text);
    return true;
}

/* version, time and what follows */
bool json_give_overload(json_t *out, const struct doc_item *item, struct text *rest)
{
    struct text a[3];
    *rest = item->args;
    for (size_t i = 0; i < 3; i++)
        if (!text_token(rest, &a[i]))
            return false;
    return json_give(out, "version", json_scalar(a[0])) &&
           json_give(out, "time", json_time(a[1], a[2]));
}

json_t *json_v_overload(const struct doc_item *item)
{
    struct text rest;
    json_t *out = json_object();
    return json_done(out, json_give_overload(out, item, &rest));
}

bool json_put_overload(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "version")) &&
           json_put_time(w, json_object_get(value, "time"));
}

bool json_w_overload(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_put_overload(w, rule, value) && json_end_line(w);
}

/* Since Microdesc=3 the line may stand alone. */
static json_t *v_onion_key(const struct doc_item *item)
{
    return item->tag.len ? json_v_object(item) : json_null();
}

static bool w_onion_key(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_end_line(w) &&
           (json_is_null(value) || json_put_object(w, rule->label, value));
}

const struct json_rule json_rules_server[] = {
    {"router", v_router, w_router, false, NULL, NULL},
    JSON_RULES_SIGNED,
    {"master-key-ed25519", JSON_FORM(word), false, NULL, NULL},
    {"or-address", JSON_FORM(word), true, NULL, NULL},
    {"bandwidth", v_bandwidth, w_bandwidth, false, NULL, NULL},
    {"platform", JSON_FORM(text), false, NULL, NULL},
    {"proto", JSON_FORM(map), false, NULL, NULL},
    {"protocols", JSON_FORM(text), false, NULL, NULL},
    {"fingerprint", JSON_FORM(hex_groups), false, NULL, NULL},
    {"hibernating", JSON_FORM(bool), false, NULL, NULL},
    {"uptime", JSON_FORM(int), false, NULL, NULL},
    {"extra-info-digest", v_extra_info_digest, w_extra_info_digest, false, NULL, NULL},
    {"caches-extra-info", JSON_FORM(flag), false, NULL, NULL},
    {"onion-key", JSON_FORM(object), false, NULL, "RSA PUBLIC KEY"},
    {"onion-key-crosscert", JSON_FORM(object), false, NULL, "CROSSCERT"},
    {"ntor-onion-key", JSON_FORM(word), false, NULL, NULL},
    {"ntor-onion-key-crosscert", v_ntor_crosscert, w_ntor_crosscert, false, NULL, "ED25519 CERT"},
    {"signing-key", JSON_FORM(object), false, NULL, "RSA PUBLIC KEY"},
    {"hidden-service-dir", JSON_FORM(words), false, NULL, NULL},
    {"contact", JSON_FORM(text), false, NULL, NULL},
    {"bridge-distribution-request", JSON_FORM(word), false, NULL, NULL},
    {"family", JSON_FORM(words), false, NULL, NULL},
    {"family-cert", JSON_FORM(object), true, NULL, "FAMILY CERT"},
    {"eventdns", JSON_FORM(bool), false, NULL, NULL},
    {"allow-single-hop-exits", JSON_FORM(flag), false, NULL, NULL},
    {"tunnelled-dir-server", JSON_FORM(flag), false, NULL, NULL},
    {"overload-general", JSON_FORM(overload), false, NULL, NULL},
    {"accept", v_rule, w_rule, true, "exit-policy", NULL},
    {"reject", v_rule, w_rule, true, "exit-policy", NULL},
    {"ipv6-policy", JSON_FORM(policy), false, NULL, NULL},
    {NULL, NULL, NULL, false, NULL, NULL},
};

const struct json_rule json_rules_micro[] = {
    {"ntor-onion-key", JSON_FORM(word), false, NULL, NULL},
    {"a", JSON_FORM(word), true, NULL, NULL},
    {"family", JSON_FORM(words), false, NULL, NULL},
    {"family-ids", JSON_FORM(words), false, NULL, NULL},
    {"p", JSON_FORM(policy), false, NULL, NULL},
    {"p6", JSON_FORM(policy), false, NULL, NULL},
    {"pr", JSON_FORM(map), false, NULL, NULL},
    {"id", JSON_FORM(id), true, NULL, NULL},
    {"onion-key", v_onion_key, w_onion_key, false, NULL, "RSA PUBLIC KEY"},
    {NULL, NULL, NULL, false, NULL, NULL},
};
