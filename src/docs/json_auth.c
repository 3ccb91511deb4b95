/* Key certificates and detached signatures (dir-spec 3.1, 3.10). */
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
