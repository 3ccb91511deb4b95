/* Items of a document into JSON, by the rules that say which line has which value. */
#include "docs/json_int.h"

bool json_put_raw(json_t *to, struct text text)
{
    json_t *raw = json_object_get(to, "unrecognized");
    if (text.len && text.s[text.len - 1] == '\n')
        text.len--;
    if (!raw && !json_give(to, "unrecognized", json_array()))
        return false;
    return json_array_append_new(json_object_get(to, "unrecognized"), json_text(text)) == 0;
}

static bool put_value(json_t *to, const struct json_rule *rule, json_t *value)
{
    const char *member = rule->member ? rule->member : rule->keyword;
    if (!rule->many)
        return json_give(to, member, value);
    if (!json_object_get(to, member) && !json_give(to, member, json_array())) {
        json_decref(value);
        return false;
    }
    return json_array_append_new(json_object_get(to, member), value) == 0;
}

bool json_put_item(json_t *to, const struct json_rule *rules, const struct doc_item *item)
{
    struct text whole = {item->begin, (size_t)(item->end - item->begin)};
    for (; rules->keyword; rules++) {
        if (!doc_is(item, rules->keyword))
            continue;
        if (item->tag.len && !(rules->label && text_is(item->tag, rules->label)))
            break; /* another object than belongs there */
        if (!rules->many && json_object_get(to, rules->member ? rules->member : rules->keyword))
            break; /* a second line of a kind that comes once */
        json_t *value = rules->value(item);
        return value ? put_value(to, rules, value) : json_put_raw(to, whole);
    }
    return json_put_raw(to, whole);
}

bool json_next_item(struct doc_lines *d, struct doc_item *item, bool *well)
{
    struct doc_lines before = *d;
    struct text rest = {before.at, (size_t)(before.end - before.at)}, line;
    if (!rest.len)
        return false;
    *well = doc_next(d, item);
    if (*well)
        return true;
    (void)text_line(&rest, &line);
    *d = doc_over(rest.s, rest.len);
    *item = (struct doc_item){.begin = before.at, .end = rest.s};
    return true;
}
