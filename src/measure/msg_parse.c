#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/jsontext.h"
#include "measure/msg_fields.h"

/* Says what is wrong: ERR_MALFORMED. */
static err_t wrong(char why[MSG_WHY], const char *fmt, ...) PRINTF_LIKE(2, 3);
static err_t wrong(char why[MSG_WHY], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, MSG_WHY, fmt, args);
    va_end(args);
    return ERR_MALFORMED;
}

/* ---- values ---- */

static err_t take_number(const struct msg_field *f, const json_t *v, void *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return ERR_MALFORMED;
    uint64_t x = (uint64_t)json_integer_value(v);
    if (x < f->least || x > f->most)
        return ERR_MALFORMED;
    if (f->kind == FIELD_U32)
        *(uint32_t *)out = (uint32_t)x;
    else
        *(uint64_t *)out = x;
    return OK;
}

static err_t take_real(const struct msg_field *f, const json_t *v, double *out)
{
    double x = json_number_value(v);
    if (!json_is_number(v) || !(x >= 0) || x * 1000 > (double)f->most)
        return ERR_MALFORMED;
    *out = x;
    return OK;
}

static void take_words(const struct msg_field *f, struct text t, char *out)
{
    size_t len = t.len < f->size - 1 ? t.len : f->size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = t.s[i] >= ' ' && t.s[i] <= '~' ? t.s[i] : '?';
    out[len] = 0;
}

static err_t take_name(const struct msg_field *f, struct text t, char *out)
{
    if (!msg_name_valid(t) || t.len >= f->size)
        return ERR_MALFORMED;
    memcpy(out, t.s, t.len);
    out[t.len] = 0;
    return OK;
}

static err_t take_word(struct text t, const char *const *words, uint32_t *out)
{
    for (uint32_t i = 0; words[i]; i++)
        if (text_is(t, words[i])) {
            *out = i;
            return OK;
        }
    return ERR_MALFORMED;
}

static err_t take_text(const struct msg_field *f, const json_t *v, void *out)
{
    if (!json_is_string(v))
        return ERR_MALFORMED;
    struct text t = {json_string_value(v), json_string_length(v)};
    switch (f->kind) {
    case FIELD_NAME:
        return take_name(f, t, out);
    case FIELD_WORDS:
        take_words(f, t, out);
        return OK;
    case FIELD_HEX:
        return hex_decode_exact(t, out, f->size);
    case FIELD_FP:
        return hex_decode_exact(t, out, sizeof(struct rsa_id));
    case FIELD_ED:
        return base64_decode_exact(t, BASE64_EITHER, out, sizeof(struct ed_id));
    case FIELD_WORD:
        return take_word(t, f->words, out);
    case FIELD_ADDR:
        return ipport_parse(t.s, out);
    default:
        return ERR_BUG;
    }
}

static err_t take_addrs(const json_t *v, struct meas_relay *out)
{
    size_t n = json_array_size(v); /* 0 if it is no array */
    if (!n || n > MEAS_ADDRS_MOST)
        return ERR_MALFORMED;
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(v, i));
        if (!s || ipport_parse(s, &out->addrs[i]) != OK)
            return ERR_MALFORMED;
    }
    out->n_addrs = n;
    return OK;
}

/* ---- objects ---- */

/* What is read into. */
struct into {
    struct msg *msg;
    void *base; /* of the struct whose rows these are */
    char *why;
};

static err_t take_proof(const struct msg_field *f, const json_t *v, struct into *in)
{
    struct text *out = (struct text *)(void *)((uint8_t *)in->base + f->at);
    if (!json_is_string(v) || json_string_length(v) > f->size)
        return ERR_MALFORMED;
    char **copy = &in->msg->texts[in->msg->texts[0] != NULL];
    if (!(*copy = strdup(json_string_value(v))))
        return ERR_NOMEM;
    *out = text_of(*copy);
    return OK;
}

static err_t take_fields(const struct msg_field *fields, const json_t *object, struct into *in);

static err_t take(const struct msg_field *f, const json_t *v, struct into *in)
{
    uint8_t *out = (uint8_t *)in->base + f->at;
    struct into inside = {in->msg, out, in->why};
    switch (f->kind) {
    case FIELD_U32:
    case FIELD_U64:
        return take_number(f, v, out);
    case FIELD_REAL:
        return take_real(f, v, (double *)(void *)out);
    case FIELD_ADDRS:
        return take_addrs(v, in->base);
    case FIELD_PROOF:
        return take_proof(f, v, in);
    case FIELD_OBJECT:
        return json_is_object(v) ? take_fields(f->fields, v, &inside) : ERR_MALFORMED;
    default:
        return take_text(f, v, out);
    }
}

static err_t take_fields(const struct msg_field *fields, const json_t *object, struct into *in)
{
    for (const struct msg_field *f = fields; f->name; f++) {
        const json_t *v = json_object_get(object, f->name);
        bool there = v && !json_is_null(v);
        if (!there && f->needed)
            return wrong(in->why, "\"%s\" is missing", f->name);
        err_t e = there ? take(f, v, in) : OK;
        if (e == ERR_NOMEM)
            return e;
        if (e != OK && in->why[0]) /* inside of it */
            return ERR_MALFORMED;
        if (e != OK)
            return wrong(in->why, "\"%s\" is not right", f->name);
        if (there && f->flag)
            *((bool *)in->base + f->flag) = true;
    }
    return OK;
}

static err_t take_id(const struct msg_row *row, const json_t *object, uint32_t *out, char *why)
{
    const json_t *v = json_object_get(object, "meas_id");
    if (!row->has_id || (!row->needs_id && (!v || json_is_null(v))))
        return OK;
    json_int_t id = json_integer_value(v); /* 0 if it is none */
    if (id < 1 || id > UINT32_MAX)
        return wrong(why, "\"meas_id\" is not 1 to 4294967295");
    *out = (uint32_t)id;
    return OK;
}

/* The structs have it as a member, too. */
static void copy_id(struct msg *m)
{
    if (m->type == MSG_CONNECT_TO_RELAY)
        m->connect.meas_id = m->meas_id;
    else if (m->type == MSG_CONNECTED_TO_RELAY)
        m->connected.meas_id = m->meas_id;
    else if (m->type == MSG_BW_REPORT)
        m->report.meas_id = m->meas_id;
    else if (m->type == MSG_FAILURE)
        m->failure.meas_id = m->meas_id;
}

static err_t take_object(const json_t *object, struct msg *out, char why[MSG_WHY])
{
    const char *type = json_string_value(json_object_get(object, "msg_type"));
    if (!type)
        return wrong(why, "it is no object with a \"msg_type\"");
    for (size_t i = 0; i < MSG_TYPES; i++) {
        if (strcmp(msg_rows[i].name, type) != 0)
            continue;
        out->type = (enum msg_type)i;
        TRY(take_id(&msg_rows[i], object, &out->meas_id, why));
        copy_id(out);
        struct into in = {out, out, why};
        return msg_rows[i].fields ? take_fields(msg_rows[i].fields, object, &in) : OK;
    }
    snprintf(why, MSG_WHY, "a \"msg_type\" that is not known");
    return ERR_UNSUPPORTED;
}

/* Looked at before anything is built of it. */
static bool is_too_deep(struct text json)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.s[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > MSG_DEPTH_MOST)
            return true;
        else if (!quoted && (c == '}' || c == ']') && depth)
            depth--;
    }
    return false;
}

err_t msg_parse(struct text json, struct msg *out, char why[MSG_WHY])
{
    json_t *object;
    char bad[JSON_WHY_MAX];
    *out = (struct msg){.type = MSG_TYPES};
    why[0] = 0;
    if (is_too_deep(json))
        return wrong(why, "it is deeper than %d", MSG_DEPTH_MOST);
    err_t e = jsontext_read(json, &object, bad);
    if (e != OK)
        return e == ERR_NOMEM ? e : wrong(why, "it is no JSON: %.100s", bad);
    e = take_object(object, out, why);
    json_decref(object);
    if (e != OK)
        msg_free(out);
    return e;
}

void msg_free(struct msg *m)
{
    for (size_t i = 0; i < MSG_TEXTS_MOST; i++) {
        free(m->texts[i]);
        m->texts[i] = NULL;
    }
}
