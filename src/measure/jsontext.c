#include "measure/jsontext.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

/* A string grows by doubling while it is read, and is copied then. */
enum { TIMES = 5, SPARE = 1024 };

err_t jsontext_read(struct text json, json_t **gift_out, char why[JSON_WHY_MAX])
{
    json_error_t error;
    void *room = malloc(TIMES * json.len + SPARE);
    *gift_out = NULL;
    why[0] = 0;
    if (!room)
        return ERR_NOMEM;
    free(room);
    *gift_out = json_loadb(json.s, json.len, JSON_REJECT_DUPLICATES, &error);
    if (*gift_out)
        return OK;
    snprintf(why, JSON_WHY_MAX, "%s", error.text);
    return json_error_code(&error) == json_error_out_of_memory ? ERR_NOMEM : ERR_MALFORMED;
}

json_t *jsontext_with(json_t *gift_object, json_t *gift_more)
{
    if (gift_object && gift_more && json_object_update(gift_object, gift_more) == 0) {
        json_decref(gift_more);
        return gift_object;
    }
    json_decref(gift_object);
    json_decref(gift_more);
    return NULL;
}

struct made {
    struct buf bytes;
    err_t err;
};

static int add(const char *bytes, size_t len, void *arg)
{
    struct made *m = arg;
    if (m->err == OK)
        m->err = buf_add(&m->bytes, bytes, len);
    return m->err == OK ? 0 : -1;
}

char *jsontext_make(json_t *gift_object, const char *end)
{
    struct made m = {.err = OK};
    char *text = NULL;
    buf_init(&m.bytes, SIZE_MAX / 4);
    if (gift_object &&
        json_dump_callback(gift_object, add, &m, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0 &&
        m.err == OK)
        text = text_printf("%.*s%s", (int)m.bytes.len, (const char *)buf_at(&m.bytes), end);
    json_decref(gift_object);
    buf_wipe(&m.bytes);
    return text;
}
