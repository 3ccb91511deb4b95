#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/jsontext.h"
#include "measure/msg_fields.h"

static json_t *hex(const void *bytes, size_t len)
{
    char text[HEX_SIZE(32)];
    return len <= 32 ? json_string(hex_lower(bytes, len, text)) : NULL;
}

static json_t *ed(const struct ed_id *id)
{
    char text[BASE64_SIZE(sizeof id->b)];
    return json_string(base64_encode(id->b, sizeof id->b, false, text));
}

static json_t *addr(const struct ipport *at)
{
    char text[IPPORT_TEXT_MAX];
    return json_string(ipport_text(at, text));
}

static json_t *addrs(const struct meas_relay *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->n_addrs; i++)
        if (json_array_append_new(list, addr(&r->addrs[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static err_t put_fields(json_t *object, const struct msg_field *fields, const void *base);

static json_t *object_of(const struct msg_field *fields, const void *base)
{
    json_t *object = json_object();
    if (object && put_fields(object, fields, base) == OK)
        return object;
    json_decref(object);
    return NULL;
}

/* An object that is all zero was never filled in. */
static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Whether it is what a member that is missing would be. */
static bool is_absent(const struct msg_field *f, const void *base)
{
    const uint8_t *at = (const uint8_t *)base + f->at;
    if (f->needed)
        return false;
    if (f->flag)
        return !*((const bool *)base + f->flag);
    switch (f->kind) {
    case FIELD_U32:
        return !*(const uint32_t *)(const void *)at;
    case FIELD_U64:
        return !*(const uint64_t *)(const void *)at;
    case FIELD_ED:
        return ed_id_is_zero((const struct ed_id *)at);
    case FIELD_ADDR:
        return ((const struct ipport *)(const void *)at)->ip.family == IP_NONE;
    case FIELD_PROOF:
        return !((const struct text *)(const void *)at)->s;
    case FIELD_OBJECT:
        return is_zero(at, f->size);
    case FIELD_NAME:
    case FIELD_WORDS:
        return !*at;
    default:
        return false;
    }
}

static json_t *text(const struct text *t)
{
    return json_stringn(t->s, t->len);
}

static json_t *fp(const struct rsa_id *id)
{
    char text_[HEX_SIZE(sizeof id->b)];
    return json_string(hex_upper(id->b, sizeof id->b, text_));
}

/* Half a character of UTF-8 is no JSON, and nothing of the message could be sent. */
static json_t *words(const char *at)
{
    char clean[MEAS_INFO_MAX];
    size_t i = 0;
    for (; at[i] && i + 1 < sizeof clean; i++)
        clean[i] = (char)(at[i] >= ' ' && at[i] <= '~' ? at[i] : '?');
    clean[i] = 0;
    return json_string(clean);
}

static json_t *value(const struct msg_field *f, const void *base)
{
    const void *at = (const uint8_t *)base + f->at;
    switch (f->kind) {
    case FIELD_U32:
        return json_integer(*(const uint32_t *)at);
    case FIELD_U64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case FIELD_REAL:
        return json_real(*(const double *)at);
    case FIELD_NAME:
        return json_string(at);
    case FIELD_WORDS:
        return words(at);
    case FIELD_FP:
        return fp(at);
    case FIELD_HEX:
        return hex(at, f->size);
    case FIELD_ED:
        return ed(at);
    case FIELD_WORD:
        return json_string(f->words[*(const uint32_t *)at]);
    case FIELD_ADDR:
        return addr(at);
    case FIELD_ADDRS:
        return addrs(base);
    case FIELD_PROOF:
        return text(at);
    case FIELD_OBJECT:
        return object_of(f->fields, at);
    }
    return NULL;
}

/* ERR_NOMEM: or it is no UTF-8. */
static err_t put_fields(json_t *object, const struct msg_field *fields, const void *base)
{
    for (const struct msg_field *f = fields; f->name; f++)
        if (!is_absent(f, base) && json_object_set_new(object, f->name, value(f, base)) != 0)
            return ERR_NOMEM;
    return OK;
}

static err_t put_all(json_t *object, const struct msg *m)
{
    const struct msg_row *row = &msg_rows[m->type];
    if (json_object_set_new(object, "msg_type", json_string(row->name)) != 0)
        return ERR_NOMEM;
    if (m->meas_id && json_object_set_new(object, "meas_id", json_integer(m->meas_id)) != 0)
        return ERR_NOMEM;
    return row->fields ? put_fields(object, row->fields, m) : OK;
}

err_t msg_write(const struct msg *m, char **json, size_t *len)
{
    json_t *object = json_object();
    if (object && put_all(object, m) != OK) {
        json_decref(object);
        object = NULL;
    }
    char *text = jsontext_make(object, "");
    if (!text)
        return ERR_NOMEM;
    *json = text;
    *len = strlen(text);
    return OK;
}
