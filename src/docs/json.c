#include "docs/json.h"

#include "docs/json_int.h"

/* Every item of TEXT by one set of rules. */
static bool put_all(json_t *to, const struct json_rule *rules, struct text text)
{
    struct doc_lines d = doc_over(text.s, text.len);
    struct doc_item item;
    bool well, ok = true;
    while (ok && json_next_item(&d, &item, &well)) {
        struct text raw = {item.begin, (size_t)(item.end - item.begin)};
        ok = well ? json_put_item(to, rules, &item) : json_put_raw(to, raw);
    }
    return ok;
}

static bool put_body(json_t *to, const struct docs_item *doc)
{
    switch (doc->kind) {
    case DOCS_CONSENSUS:
    case DOCS_VOTE:
        return json_put_status(to, doc->text);
    case DOCS_SIGNATURES:
        return put_all(to, json_rules_detached, doc->text);
    case DOCS_KEYS:
        return put_all(to, json_rules_key_cert, doc->text);
    case DOCS_SERVER:
        return put_all(to, json_rules_server, doc->text);
    case DOCS_EXTRA:
        return put_all(to, json_rules_extra, doc->text);
    case DOCS_MICRO:
        return put_all(to, json_rules_micro, doc->text);
    case DOCS_BANDWIDTH:
        return json_put_bandwidth(to, doc->text);
    case DOCS_OTHER:
        break;
    }
    return json_give(to, "text", json_text(doc->text));
}

/* "server-descriptor" of "@type server-descriptor 1.0" */
static json_t *type_of(const struct docs_item *doc)
{
    struct text rest = text_of(docs_item_type_line(doc)), word;
    bool typed = text_token(&rest, &word) && text_token(&rest, &word);
    return typed ? json_text(word) : json_string("document");
}

json_t *docs_item_json(const struct docs_item *doc)
{
    static const char *const verdicts[] = {
        [DOCS_GOOD] = "good", [DOCS_BAD] = "bad", [DOCS_UNPROVEN] = "unproven"};
    const char *verdict = verdicts[doc->verdict];
    json_t *out = json_object();
    bool ok =
        json_give(out, "type", type_of(doc)) && json_give(out, "digest", json_string(doc->name)) &&
        json_give(out, "verdict", verdict ? json_string(verdict) : json_null()) &&
        (!doc->why[0] || json_give(out, "why", json_text(text_of(doc->why)))) &&
        (!doc->annotations.len || json_give(out, "annotations", json_text(doc->annotations))) &&
        put_body(out, doc);
    return json_done(out, ok);
}
