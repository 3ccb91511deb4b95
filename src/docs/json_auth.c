/* Key certificates, detached signatures (dir-spec 3.1, 3.10), and bandwidth files. */
#include <string.h>

#include "docs/docs_int.h"
#include "docs/json_int.h"

static json_t *v_digest(const struct doc_item *item)
{
    struct text a[3];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 3) && json_give(out, "flavor", json_text(a[0])) &&
              json_give(out, "algorithm", json_text(a[1])) &&
              json_give(out, "digest", json_text(a[2]));
    return json_done(out, ok);
}

static bool w_digest(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"flavor", "algorithm", "digest", NULL};
    return json_w_members(w, rule, value, members);
}

const struct json_rule json_rules_key_cert[] = {
    {"dir-key-certificate-version", JSON_FORM(int), false, NULL, NULL},
    {"dir-address", JSON_FORM(word), false, NULL, NULL},
    {"fingerprint", JSON_FORM(word), false, NULL, NULL},
    {"dir-identity-key", JSON_FORM(object), false, NULL, "RSA PUBLIC KEY"},
    {"dir-key-published", JSON_FORM(time), false, NULL, NULL},
    {"dir-key-expires", JSON_FORM(time), false, NULL, NULL},
    {"dir-signing-key", JSON_FORM(object), false, NULL, "RSA PUBLIC KEY"},
    {"dir-key-crosscert", JSON_FORM(object), false, NULL, "ID SIGNATURE"},
    {"dir-key-certification", JSON_FORM(object), false, NULL, "SIGNATURE"},
    {NULL, NULL, NULL, false, NULL, NULL},
};

const struct json_rule json_rules_detached[] = {
    {"consensus-digest", JSON_FORM(word), false, NULL, NULL},
    {"valid-after", JSON_FORM(time), false, NULL, NULL},
    {"fresh-until", JSON_FORM(time), false, NULL, NULL},
    {"valid-until", JSON_FORM(time), false, NULL, NULL},
    {"additional-digest", v_digest, w_digest, true, NULL, NULL},
    {"additional-signature", JSON_FORM(signature), true, NULL, "SIGNATURE"},
    {"directory-signature", JSON_FORM(signature), true, NULL, "SIGNATURE"},
    {NULL, NULL, NULL, false, NULL, NULL},
};

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

static bool put_timestamp(json_t *to, struct text line)
{
    uint64_t t;
    return text_to_u64(line, INT64_MAX, &t) == OK
               ? json_give(to, "timestamp", json_integer((json_int_t)t))
               : json_put_raw(to, line);
}

bool json_put_bandwidth(json_t *to, struct text text)
{
    struct docs_bandwidth b = docs_bandwidth_over(text);
    enum docs_bandwidth_line kind;
    struct text line;
    bool ok = json_give(to, "headers", json_object()) && json_give(to, "relays", json_array());
    while (ok && docs_bandwidth_next(&b, &line, &kind)) {
        if (kind == BANDWIDTH_TIMESTAMP)
            ok = put_timestamp(to, line);
        else if (kind == BANDWIDTH_HEADER)
            ok = put_header(json_object_get(to, "headers"), line);
        else if (kind == BANDWIDTH_RELAY)
            ok = put_relay(to, line);
    }
    return ok;
}
