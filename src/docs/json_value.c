#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/sigline.h"
#include "docs/docs_int.h"
#include "docs/json_int.h"

enum { NUMBER_TEXT_MAX = 32, NAME_MAX_LEN = 128 };

/* ---- strings and numbers ---- */

static json_t *latin1(struct text t)
{
    char *utf8 = malloc(2 * t.len + 1);
    size_t n = 0;
    if (!utf8)
        return NULL;
    for (size_t i = 0; i < t.len; i++) {
        unsigned c = (unsigned char)t.s[i];
        if (c >= 0x80)
            utf8[n++] = (char)(0xc0 | c >> 6);
        utf8[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    json_t *out = json_stringn(utf8, n);
    free(utf8);
    return out;
}

json_t *json_text(struct text t)
{
    json_t *out = json_stringn(t.len ? t.s : "", t.len);
    return out ? out : latin1(t);
}

static bool is_number(struct text t, bool *real)
{
    size_t i = t.len && t.s[0] == '-', digits = 0;
    *real = false;
    for (; i < t.len; i++) {
        if (t.s[i] == '.' && !*real && digits && i + 1 < t.len)
            *real = true;
        else if (t.s[i] >= '0' && t.s[i] <= '9')
            digits++;
        else
            return false;
    }
    return digits > 0;
}

json_t *json_scalar(struct text t)
{
    char text[NUMBER_TEXT_MAX];
    bool real;
    if (!is_number(t, &real) || t.len > 18) /* 18 digits always fit */
        return json_text(t);
    (void)snprintf(text, sizeof text, "%.*s", TEXT_ARG(t));
    return real ? json_real(strtod(text, NULL)) : json_integer(strtoll(text, NULL, 10));
}

json_t *json_time(struct text date, struct text time)
{
    int64_t t;
    char text[DOC_TIME_TEXT_MAX], iso[DOC_TIME_TEXT_MAX + 1];
    if (doc_time(date, time, &t) != OK)
        return NULL;
    (void)snprintf(iso, sizeof iso, "%sZ", doc_time_text(t, text));
    iso[10] = 'T';
    return json_string(iso);
}

bool json_give(json_t *to, const char *member, json_t *gift)
{
    return json_object_set_new(to, member, gift) == 0; /* also if GIFT is NULL */
}

bool json_give_new(json_t *to, struct text name, json_t *gift)
{
    char key[NAME_MAX_LEN];
    json_t *utf8 = name.len && name.len < sizeof key && !memchr(name.s, 0, name.len)
                       ? json_stringn(name.s, name.len)
                       : NULL;
    bool ok = utf8 != NULL;
    (void)snprintf(key, sizeof key, "%.*s", ok ? (int)name.len : 0, name.s);
    json_decref(utf8);
    if (ok && !json_object_get(to, key))
        return json_give(to, key, gift);
    json_decref(gift);
    return false;
}

json_t *json_done(json_t *to, bool ok)
{
    if (ok)
        return to;
    json_decref(to);
    return NULL;
}

/* ---- simple lines ---- */

json_t *json_v_flag(const struct doc_item *item)
{
    (void)item;
    return json_true();
}

json_t *json_v_text(const struct doc_item *item)
{
    return json_text(item->args);
}

json_t *json_v_word(const struct doc_item *item)
{
    struct text a;
    return doc_args(item, &a, 1) ? json_text(a) : NULL;
}

json_t *json_v_int(const struct doc_item *item)
{
    struct text a;
    uint64_t x;
    return doc_args(item, &a, 1) && text_to_u64(a, INT64_MAX, &x) == OK
               ? json_integer((json_int_t)x)
               : NULL;
}

json_t *json_v_bool(const struct doc_item *item)
{
    struct text a;
    if (!doc_args(item, &a, 1) || a.len != 1 || (a.s[0] != '0' && a.s[0] != '1'))
        return NULL;
    return json_boolean(a.s[0] == '1');
}

json_t *json_v_time(const struct doc_item *item)
{
    struct text a[2];
    return doc_args(item, a, 2) ? json_time(a[0], a[1]) : NULL;
}

json_t *json_v_hex_groups(const struct doc_item *item)
{
    struct text rest = item->args, group;
    char hex[HEX_SIZE(20)] = "";
    uint8_t id[20];
    size_t len = 0;
    while (text_token(&rest, &group)) {
        if (group.len > sizeof hex - 1 - len)
            return NULL;
        memcpy(hex + len, group.s, group.len);
        len += group.len;
    }
    if (hex_decode_exact((struct text){hex, len}, id, sizeof id) != OK)
        return NULL;
    return json_string(hex_upper(id, sizeof id, hex));
}

static bool is_base64(struct text t)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    for (size_t i = 0; i < t.len; i++)
        if (!memchr(digits, t.s[i], sizeof digits - 1))
            return false;
    return true;
}

json_t *json_v_object(const struct doc_item *item)
{
    struct text rest = item->object, line;
    if (!item->tag.len)
        return NULL;
    char *all = malloc(rest.len + 1);
    size_t len = 0;
    if (!all)
        return NULL;
    bool ok = true;
    while (ok && text_line(&rest, &line)) {
        ok = is_base64(line);
        memcpy(all + len, line.s, line.len);
        len += line.len;
    }
    json_t *out = ok ? json_text((struct text){all, len}) : NULL;
    free(all);
    return out;
}

/* ---- lists and maps ---- */

static json_t *list(struct text rest, char sep, json_t *value(struct text))
{
    json_t *out = json_array();
    struct text word;
    bool ok = out != NULL;
    while (ok && (sep ? text_split(&rest, sep, &word) : text_token(&rest, &word)))
        ok = json_array_append_new(out, value(word)) == 0;
    return json_done(out, ok);
}

/* No number is a list's element unless all have to be. */
static json_t *number(struct text t)
{
    bool real;
    return is_number(t, &real) ? json_scalar(t) : NULL;
}

json_t *json_v_words(const struct doc_item *item)
{
    return list(item->args, 0, json_text);
}

json_t *json_v_ints(const struct doc_item *item)
{
    return list(item->args, 0, number);
}

json_t *json_v_commas(const struct doc_item *item)
{
    return list(text_strip(item->args), ',', json_scalar);
}

static json_t *map(struct text rest, char sep)
{
    json_t *out = json_object();
    struct text word, key;
    bool ok = out != NULL;
    while (ok && (sep ? text_split(&rest, sep, &word) : text_token(&rest, &word))) {
        bool has_value = memchr(word.s, '=', word.len) != NULL;
        ok =
            has_value && text_split(&word, '=', &key) && json_give_new(out, key, json_scalar(word));
    }
    return json_done(out, ok);
}

json_t *json_v_map(const struct doc_item *item)
{
    return map(item->args, 0);
}

json_t *json_v_comma_map(const struct doc_item *item)
{
    return map(text_strip(item->args), ',');
}

/* ---- lines with a form of their own ---- */

json_t *json_v_policy(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && (text_is(a[0], "accept") || text_is(a[0], "reject")) &&
              json_give(out, "policy", json_text(a[0])) &&
              json_give(out, "ports", list(a[1], ',', json_text));
    return json_done(out, ok);
}

json_t *json_v_id(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "type", json_text(a[0])) &&
              json_give(out, "key", json_text(a[1]));
    return json_done(out, ok);
}

/* "YYYY-MM-DD HH:MM:SS (NSEC s)"; *REST is what follows. */
static bool put_interval(json_t *out, const struct doc_item *item, struct text *rest)
{
    struct text a[4];
    uint64_t s;
    *rest = item->args;
    for (size_t i = 0; i < 4; i++)
        if (!text_token(rest, &a[i]))
            return false;
    if (a[2].len < 2 || a[2].s[0] != '(' || !text_is(a[3], "s)"))
        return false;
    struct text n = {a[2].s + 1, a[2].len - 1};
    return text_to_u64(n, INT64_MAX, &s) == OK && json_give(out, "end", json_time(a[0], a[1])) &&
           json_give(out, "interval", json_integer((json_int_t)s));
}

json_t *json_v_interval(const struct doc_item *item)
{
    struct text rest;
    json_t *out = json_object();
    return json_done(out, put_interval(out, item, &rest));
}

json_t *json_v_history(const struct doc_item *item)
{
    struct text rest;
    json_t *out = json_object();
    bool ok = put_interval(out, item, &rest) &&
              json_give(out, "values", list(text_strip(rest), ',', number));
    return json_done(out, ok);
}

static json_t *fingerprint(const struct rsa_id *id)
{
    char hex[HEX_SIZE(20)];
    return json_string(hex_upper(id->b, sizeof id->b, hex));
}

json_t *json_v_signature(const struct doc_item *item)
{
    struct sigline line;
    json_t *out = json_object();
    bool ok = sigline_parse(item, &line) == OK && line.known;
    if (ok && line.flavor.len)
        ok = json_give(out, "flavor", json_text(line.flavor));
    ok = ok && json_give(out, "algorithm", json_text(line.algorithm)) &&
         json_give(out, "identity", fingerprint(&line.sig.identity)) &&
         json_give(out, "signing-key", fingerprint(&line.sig.signing)) &&
         json_give(out, "signature", json_v_object(item));
    return json_done(out, ok);
}
