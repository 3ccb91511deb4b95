/* Bandwidth files. */
#include <string.h>

#include "docs/docs_int.h"
#include "docs/json_int.h"

/* "key=value"; where the key is there already, or there is none, it's kept as it stands. */
static bool put_header(json_t *to, struct text line)
{
    struct text rest = line, key;
    bool has_value = line.len && memchr(line.s, '=', line.len) != NULL;
    if (has_value && text_split(&rest, '=', &key) && !text_is(key, "unrecognized") &&
        json_give_new(to, key, json_text(rest)))
        return true;
    return json_put_raw(to, line);
}

static bool put_relay(json_t *to, struct text line)
{
    struct doc_item item = {.args = line};
    json_t *relay = json_v_map(&item);
    return relay ? json_array_append_new(json_object_get(to, "relays"), relay) == 0
                 : json_put_raw(to, line);
}

static bool put_timestamp(json_t *to, struct text line)
{
    uint64_t t;
    return text_to_u64(line, INT64_MAX, &t) == OK
               ? json_give(to, "timestamp", json_integer((json_int_t)t))
               : json_put_raw(to, line);
}

bool json_put_bandwidth(json_t *to, struct text text)
{
    struct docs_bandwidth b = docs_bandwidth_over(text);
    enum docs_bandwidth_line kind;
    struct text line;
    bool ok = json_give(to, "headers", json_object()) && json_give(to, "relays", json_array());
    while (ok && docs_bandwidth_next(&b, &line, &kind)) {
        if (kind == BANDWIDTH_TIMESTAMP)
            ok = put_timestamp(to, line);
        else if (kind == BANDWIDTH_HEADER)
            ok = put_header(json_object_get(to, "headers"), line);
        else if (kind == BANDWIDTH_RELAY)
            ok = put_relay(to, line);
    }
    return ok;
}
