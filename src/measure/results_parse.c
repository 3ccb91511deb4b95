#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/jsontext.h"
#include "measure/results.h"

enum { DAY_S = 24 * 3600 };

/* The member NAME, without what is not printable ASCII; "" if it is no text. */
static void take_text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(object, name));
    size_t len = s ? strlen(s) : 0;
    len = len < size ? len : size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
    out[len] = 0;
}

static uint64_t take_u64(const json_t *object, const char *name)
{
    json_int_t x = json_integer_value(json_object_get(object, name));
    return x > 0 ? (uint64_t)x : 0;
}

static void take_ed(const json_t *object, struct result *out)
{
    struct ed_id id;
    take_text(object, "ed", out->ed, sizeof out->ed);
    if (base64_decode_exact(text_of(out->ed), BASE64_UNPADDED, id.b, sizeof id.b) != OK)
        out->ed[0] = 0;
}

static void take_relay(const json_t *object, struct result *out)
{
    const char *fp = json_string_value(json_object_get(object, "fp"));
    const char *at = json_string_value(json_object_get(object, "addr"));
    struct rsa_id id;
    if (fp && hex_decode_exact(text_of(fp), id.b, sizeof id.b) == OK)
        (void)hex_upper(id.b, sizeof id.b, out->fp);
    if (!at || ipport_parse(at, &out->at) != OK)
        out->at = (struct ipport){.port = 0};
    take_ed(object, out);
}

static err_t take_line(const json_t *object, struct result *out)
{
    const char *t = json_string_value(json_object_get(object, "t"));
    uint64_t id = take_u64(object, "id");
    if (!t || (strcmp(t, "begin") != 0 && strcmp(t, "end") != 0) || !id || id > UINT32_MAX)
        return ERR_MALFORMED;
    out->is_end = *t == 'e';
    out->id = (uint32_t)id;
    out->ts = (int64_t)take_u64(object, "ts");
    out->began = (int64_t)take_u64(object, "began");
    out->ok = json_is_true(json_object_get(object, "ok"));
    take_relay(object, out);
    out->bw = take_u64(object, "bw");
    out->x = take_u64(object, "x");
    out->bg = take_u64(object, "bg");
    out->clamped = take_u64(object, "clamped");
    out->bytes = take_u64(object, "bytes");
    out->counted = take_u64(object, "counted");
    take_text(object, "mode", out->mode, sizeof out->mode);
    take_text(object, "limited_by", out->limited_by, sizeof out->limited_by);
    take_text(object, "why", out->why, sizeof out->why);
    take_text(object, "detail", out->detail, sizeof out->detail);
    return OK;
}

bool results_replaces(const struct result *newer, const struct result *older)
{
    bool is_short =
        newer->counted && newer->counted < older->counted / 4 + (older->counted % 4 != 0);
    return !is_short || newer->ts - older->ts > DAY_S;
}

err_t results_read(struct text line, struct result *out, json_t **object)
{
    json_t *all;
    char why[JSON_WHY_MAX];
    *out = (struct result){.id = 0};
    *object = NULL;
    if (line.len > RESULTS_LINE_MOST)
        return ERR_MALFORMED;
    TRY(jsontext_read(line, &all, why));
    err_t e = take_line(all, out);
    if (e == OK)
        *object = all;
    else
        json_decref(all);
    return e;
}

/* ---- without seconds ---- */

/* How long the object at the beginning of TEXT is; 0: it has no end, or what is not looked at here
 * (a "\\" in it). */
static size_t object_len(struct text text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len && text.s[i] != '\\'; i++) {
        char c = text.s[i];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '{')
            depth++;
        else if (!quoted && c == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* LINE but for its seconds, which are nearly all of it; *OUT is the caller's, and NULL: it has none
 * that can be told from the rest. A quotation mark inside of a text has a "\\" before it, so what
 * is found is a member. */
static err_t cut_seconds(struct text line, struct text *rest, char **out)
{
    static const char name[] = ",\"sec\":";
    const char *at = memmem(line.s, line.len, name, sizeof name - 1);
    size_t before = at ? (size_t)(at - line.s) : 0, object = before + sizeof name - 1;
    size_t len = at && object < line.len && line.s[object] == '{'
                     ? object_len((struct text){line.s + object, line.len - object})
                     : 0;
    *rest = line;
    *out = NULL;
    if (!len)
        return OK;
    size_t behind = line.len - object - len;
    *out = malloc(before + behind + 1);
    if (!*out)
        return ERR_NOMEM;
    memcpy(*out, line.s, before);
    memcpy(*out + before, line.s + object + len, behind);
    *rest = (struct text){*out, before + behind};
    return OK;
}

err_t results_parse(struct text line, struct result *out)
{
    json_t *object;
    struct text rest;
    char *copy;
    *out = (struct result){.id = 0};
    if (line.len > RESULTS_LINE_MOST)
        return ERR_MALFORMED;
    TRY(cut_seconds(line, &rest, &copy));
    err_t e = results_read(rest, out, &object);
    free(copy);
    if (e == OK)
        json_decref(object);
    return e;
}
