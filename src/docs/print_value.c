/* Lines of values: json_value.c the other way round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/json_int.h"

enum { OBJECT_LINE = 64, DECIMALS_MOST = 17, GROUP = 4 };

bool json_begin_line(struct docw *w, const struct json_rule *rule)
{
    docw_add(w, text_of(rule->keyword));
    return true;
}

bool json_end_line(struct docw *w)
{
    docw_add(w, TEXT_LIT("\n"));
    return true;
}

/* ---- parts ---- */

/* A string that does not end its line. */
static bool text_in_line(const json_t *value, struct text *out)
{
    if (!json_is_string(value))
        return false;
    *out = (struct text){json_string_value(value), json_string_length(value)};
    return !memchr(out->s, '\n', out->len);
}

/* As many decimals as it takes to read the same number again, one at least. */
static void put_real(struct docw *w, double x, int decimals)
{
    char text[512];
    for (int n = decimals < 0 ? 1 : decimals; n <= DECIMALS_MOST; n++) {
        (void)snprintf(text, sizeof text, "%.*f", n, x);
        if (decimals >= 0 || strtod(text, NULL) == x)
            break;
    }
    docw_add(w, text_of(text));
}

static bool put(struct docw *w, const json_t *value, int decimals)
{
    struct text t;
    if (json_is_integer(value))
        docw_fmt(w, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        put_real(w, json_real_value(value), decimals);
    else if (text_in_line(value, &t))
        docw_add(w, t);
    else
        return false;
    return true;
}

bool json_put_number(struct docw *w, const json_t *value)
{
    return put(w, value, -1);
}

bool json_put_scalar(struct docw *w, const json_t *value)
{
    docw_add(w, TEXT_LIT(" "));
    return put(w, value, -1);
}

/* "2026-01-02T03:04:05Z" */
bool json_put_time(struct docw *w, const json_t *value)
{
    struct text t;
    int64_t s;
    if (!text_in_line(value, &t) || t.len != DOC_TIME_TEXT_MAX || t.s[10] != 'T' || t.s[19] != 'Z')
        return false;
    struct text date = {t.s, 10}, time = {t.s + 11, 8};
    if (doc_time(date, time, &s) != OK)
        return false;
    docw_fmt(w, " %.*s %.*s", TEXT_ARG(date), TEXT_ARG(time));
    return true;
}

bool json_put_members(struct docw *w, const json_t *object, const char *const *members)
{
    for (; *members; members++)
        if (!json_put_scalar(w, json_object_get(object, *members)))
            return false;
    return true;
}

static bool put_map(struct docw *w, const json_t *object, char first, char sep, int decimals)
{
    char before[] = {first, 0};
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return false;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        docw_fmt(w, "%s%s=", before, key);
        if (strchr(key, '\n') || !put(w, value, decimals))
            return false;
        before[0] = sep;
    }
    return true;
}

bool json_put_map(struct docw *w, const json_t *object, char sep, int decimals)
{
    return put_map(w, object, ' ', sep, decimals);
}

bool json_put_words(struct docw *w, const json_t *object)
{
    return put_map(w, object, 0, ' ', -1) && json_end_line(w);
}

bool json_put_list(struct docw *w, const json_t *list, char sep)
{
    char before[] = {' ', 0};
    size_t i;
    json_t *value;
    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, value)
    {
        docw_add(w, text_of(before));
        if (!put(w, value, -1))
            return false;
        before[0] = sep;
    }
    return true;
}

bool json_put_object(struct docw *w, const char *label, const json_t *base64)
{
    struct text rest;
    if (!text_in_line(base64, &rest) || !label)
        return false;
    docw_fmt(w, "-----BEGIN %s-----\n", label);
    while (rest.len) {
        size_t n = rest.len < OBJECT_LINE ? rest.len : OBJECT_LINE;
        docw_fmt(w, "%.*s\n", (int)n, rest.s);
        rest = (struct text){rest.s + n, rest.len - n};
    }
    docw_fmt(w, "-----END %s-----\n", label);
    return true;
}

/* ---- lines ---- */

bool json_w_members(struct docw *w, const struct json_rule *rule, const json_t *value,
                    const char *const *members)
{
    return json_begin_line(w, rule) && json_put_members(w, value, members) && json_end_line(w);
}

bool json_w_flag(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_is_true(value) && json_begin_line(w, rule) && json_end_line(w);
}

bool json_w_word(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_scalar(w, value) && json_end_line(w);
}

bool json_w_text(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_w_word(w, rule, value);
}

bool json_w_int(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_is_integer(value) && json_w_word(w, rule, value);
}

bool json_w_bool(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    docw_fmt(w, "%s %d\n", rule->keyword, json_is_true(value));
    return json_is_boolean(value);
}

bool json_w_time(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_time(w, value) && json_end_line(w);
}

bool json_w_words(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_list(w, value, ' ') && json_end_line(w);
}

bool json_w_ints(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_w_words(w, rule, value);
}

/* C tor's lists of this kind are "keyword " and the list, which may be empty. */
static void put_space_if(struct docw *w, bool empty)
{
    if (empty)
        docw_add(w, TEXT_LIT(" "));
}

bool json_w_commas(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    json_begin_line(w, rule);
    put_space_if(w, !json_array_size(value));
    return json_put_list(w, value, ',') && json_end_line(w);
}

bool json_w_map(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    json_begin_line(w, rule);
    put_space_if(w, !json_object_size(value));
    return json_put_map(w, value, ' ', -1) && json_end_line(w);
}

bool json_w_comma_map(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    json_begin_line(w, rule);
    put_space_if(w, !json_object_size(value));
    return json_put_map(w, value, ',', -1) && json_end_line(w);
}

bool json_w_hex_groups(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    struct text t;
    if (!text_in_line(value, &t))
        return false;
    json_begin_line(w, rule);
    for (size_t i = 0; i < t.len; i += GROUP)
        docw_fmt(w, " %.*s", (int)(t.len - i < GROUP ? t.len - i : GROUP), t.s + i);
    return json_end_line(w);
}

bool json_w_object(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_end_line(w) && json_put_object(w, rule->label, value);
}

bool json_w_policy(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "policy")) &&
           json_put_list(w, json_object_get(value, "ports"), ',') && json_end_line(w);
}

bool json_w_id(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"type", "key", NULL};
    return json_begin_line(w, rule) && json_put_members(w, value, members) && json_end_line(w);
}

bool json_put_interval(struct docw *w, const json_t *value)
{
    const json_t *s = json_object_get(value, "interval");
    if (!json_is_integer(s) || !json_put_time(w, json_object_get(value, "end")))
        return false;
    docw_fmt(w, " (%lld s)", (long long)json_integer_value(s));
    return true;
}

bool json_w_interval(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_interval(w, value) && json_end_line(w);
}

bool json_w_history(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_interval(w, value) &&
           json_put_list(w, json_object_get(value, "values"), ',') && json_end_line(w);
}

/* SHA-1 is what has no name (dir-spec 3.4.1); in an additional-signature all have one. */
bool json_w_signature(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const ids[] = {"identity", "signing-key", NULL};
    const json_t *flavor = json_object_get(value, "flavor");
    const json_t *algorithm = json_object_get(value, "algorithm");
    struct text name;
    json_begin_line(w, rule);
    if (!text_in_line(algorithm, &name) || (flavor && !json_put_scalar(w, flavor)))
        return false;
    if ((flavor || !text_is(name, "sha1")) && !json_put_scalar(w, algorithm))
        return false;
    return json_put_members(w, value, ids) && json_end_line(w) &&
           json_put_object(w, rule->label, json_object_get(value, "signature"));
}
