/* What server descriptors and extra-info documents share. */
#ifndef TUNIC_DOCS_JSON_RELAY_H
#define TUNIC_DOCS_JSON_RELAY_H

#include "docs/json_int.h"

/* The next words of ITEM as OUT's MEMBERS. */
MUST_USE bool json_give_words(json_t *out, const struct doc_item *item, const char *const *members);

/* "overload-general" and its like: version, time; *REST is what follows. */
MUST_USE bool json_give_overload(json_t *out, const struct doc_item *item, struct text *rest);
MUST_USE bool json_put_overload(struct docw *w, const struct json_rule *rule, const json_t *value);
json_value_fn json_v_overload;
json_line_fn json_w_overload;

/* Lines of both. */
/* clang-format off */
#define JSON_RULES_SIGNED                                              \
    {"identity-ed25519", JSON_FORM(object), false, NULL, "ED25519 CERT"}, \
    {"published", JSON_FORM(time), false, NULL, NULL},                 \
    {"read-history", JSON_FORM(history), false, NULL, NULL},           \
    {"write-history", JSON_FORM(history), false, NULL, NULL},          \
    {"router-sig-ed25519", JSON_FORM(word), false, NULL, NULL},        \
    {"router-signature", JSON_FORM(object), false, NULL, "SIGNATURE"}
/* clang-format on */

#endif
