#include "docs/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "docs/json_int.h"

struct print {
    struct docw *w;
    char *why;
};

/* Says what is wrong; false. */
PRINTF_LIKE(2, 3) static bool wrong(const struct print *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(p->why, DOCS_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

/* A string as it stands, which may be several lines. */
static bool put_raw(const struct print *p, const json_t *value, const char *name, const char *end)
{
    if (!json_is_string(value))
        return wrong(p, "\"%s\" is no string", name);
    docw_add(p->w, (struct text){json_string_value(value), json_string_length(value)});
    docw_add(p->w, text_of(end));
    return true;
}

static bool put_unrecognized(const struct print *p, const json_t *list)
{
    size_t i;
    json_t *value;
    if (!json_is_array(list))
        return wrong(p, "\"unrecognized\" is no list");
    json_array_foreach(list, i, value)
    {
        if (!put_raw(p, value, "unrecognized", "\n"))
            return false;
    }
    return true;
}

/* What is said of the document, and not by it. */
static bool is_about(const char *member)
{
    static const char *const members[] = {"type", "digest", "verdict", "why", "annotations"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (strcmp(member, members[i]) == 0)
            return true;
    return false;
}

static const struct json_rule *rule_of(const struct json_rule *rules, const char *member)
{
    for (; rules->keyword; rules++)
        if (strcmp(rules->member ? rules->member : rules->keyword, member) == 0)
            return rules;
    return NULL;
}

static bool put_one(const struct print *p, const struct json_rule *rule, const char *member,
                    const json_t *value)
{
    return rule->line(p->w, rule, value) ||
           wrong(p, "\"%s\" has not the form that such a line has", member);
}

static bool put_lines(const struct print *p, const struct json_rule *rule, const char *member,
                      const json_t *value)
{
    size_t i;
    json_t *one;
    if (!rule->many)
        return put_one(p, rule, member, value);
    if (!json_is_array(value))
        return wrong(p, "\"%s\" is no list", member);
    json_array_foreach(value, i, one)
    {
        if (!put_one(p, rule, member, one))
            return false;
    }
    return true;
}

static bool put_member(const struct print *p, const struct json_rule *rules, const char *member,
                       const json_t *value)
{
    const struct json_rule *rule = rule_of(rules, member);
    if (strcmp(member, "unrecognized") == 0)
        return put_unrecognized(p, value);
    return rule ? put_lines(p, rule, member, value)
                : wrong(p, "documents of this kind have no \"%s\"", member);
}

static bool put_object(const struct print *p, const json_t *form, const struct json_rule *rules,
                       bool whole);

static bool put_inner(const struct print *p, const struct json_rule *rules, bool list,
                      const json_t *value)
{
    size_t i;
    json_t *one;
    if (!list)
        return put_object(p, value, rules, false);
    json_array_foreach(value, i, one)
    {
        if (!put_object(p, one, rules, false))
            return false;
    }
    return json_is_array(value) || wrong(p, "\"authorities\" or \"relays\" is no list");
}

/* At most three deep: a vote, its authority, that one's certificate. */
static bool put_object(const struct print *p, const json_t *form, const struct json_rule *rules,
                       bool whole)
{
    const char *member;
    json_t *value;
    bool ok = json_is_object(form) || wrong(p, "something is no object that has to be one");
    json_object_foreach((json_t *)(uintptr_t)form, member, value)
    {
        bool list;
        const struct json_rule *inner = json_rules_inside(rules, member, &list);
        if (ok && !(whole && is_about(member)))
            ok = inner ? put_inner(p, inner, list, value) : put_member(p, rules, member, value);
    }
    return ok;
}

/* ---- bandwidth files ---- */

static bool put_headers(const struct print *p, const json_t *headers)
{
    const char *key;
    json_t *value;
    bool ok = true;
    json_object_foreach((json_t *)(uintptr_t)headers, key, value)
    {
        if (!ok)
            break;
        bool raw = strcmp(key, "unrecognized") == 0;
        if (!raw)
            docw_fmt(p->w, "%s=", key);
        ok = raw ? put_unrecognized(p, value) : put_raw(p, value, key, "\n");
    }
    /* bandwidth-file-spec 2.2: version 1.0.0 has no headers and no terminator. */
    if (json_object_get(headers, "version"))
        docw_add(p->w, TEXT_LIT("=====\n"));
    return ok;
}

static bool put_bandwidths(const struct print *p, const json_t *form)
{
    const json_t *timestamp = json_object_get(form, "timestamp");
    const json_t *more = json_object_get(form, "unrecognized");
    size_t i;
    json_t *relay;
    if (json_is_integer(timestamp))
        docw_fmt(p->w, "%lld\n", (long long)json_integer_value(timestamp));
    if (!put_headers(p, json_object_get(form, "headers")))
        return false;
    json_array_foreach(json_object_get(form, "relays"), i, relay)
    {
        if (!json_put_words(p->w, relay))
            return wrong(p, "\"relays\" has something else than words and numbers");
    }
    return !more || put_unrecognized(p, more);
}

static bool put_text(const struct print *p, const json_t *form)
{
    return put_raw(p, json_object_get(form, "text"), "text", "");
}

/* ---- kinds ---- */

static const struct {
    const char *type; /* as on "@type" lines */
    const struct json_rule *rules;
    bool (*put)(const struct print *p, const json_t *form);
} kinds[] = {
    {"network-status-consensus-3", json_rules_status, NULL},
    {"network-status-microdesc-consensus-3", json_rules_status, NULL},
    {"network-status-vote-3", json_rules_status, NULL},
    {"detached-signature-3", json_rules_detached, NULL},
    {"dir-key-certificate-3", json_rules_key_cert, NULL},
    {"server-descriptor", json_rules_server, NULL},
    {"extra-info", json_rules_extra, NULL},
    {"microdescriptor", json_rules_micro, NULL},
    {"bandwidth-file", NULL, put_bandwidths},
    {"document", NULL, put_text},
};

static bool put_document(const struct print *p, const json_t *form)
{
    const char *type = json_string_value(json_object_get(form, "type"));
    const json_t *annotations = json_object_get(form, "annotations");
    if (annotations && !put_raw(p, annotations, "annotations", ""))
        return false;
    for (size_t i = 0; type && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(type, kinds[i].type) == 0)
            return kinds[i].put ? kinds[i].put(p, form) : put_object(p, form, kinds[i].rules, true);
    return wrong(p, "its \"type\" is none of those that are known");
}

err_t docs_print(const json_t *form, struct docw *out, char why[DOCS_WHY_MAX])
{
    struct print p = {out, why};
    why[0] = 0;
    bool ok = put_document(&p, form);
    return out->err != OK ? out->err : ok ? OK : ERR_MALFORMED;
}
