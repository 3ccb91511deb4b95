/* Rules for extra-info documents (dir-spec 2.1.2). */
#include "docs/json_relay.h"

static json_t *v_extra_info(const struct doc_item *item)
{
    struct text a[2];
    json_t *out = json_object();
    bool ok = doc_args(item, a, 2) && json_give(out, "nickname", json_text(a[0])) &&
              json_give(out, "fingerprint", json_text(a[1]));
    return json_done(out, ok);
}

static bool w_extra_info(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    static const char *const members[] = {"nickname", "fingerprint", NULL};
    return json_w_members(w, rule, value, members);
}

static const char *const ratelimits[] = {"rate-limit", "burst-limit", "read-overload-count",
                                         "write-overload-count", NULL};

static json_t *v_overload_ratelimits(const struct doc_item *item)
{
    struct doc_item tail = *item;
    json_t *out = json_object();
    bool ok = json_give_overload(out, item, &tail.args) && json_give_words(out, &tail, ratelimits);
    return json_done(out, ok);
}

static bool w_overload_ratelimits(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_put_overload(w, rule, value) && json_put_members(w, value, ratelimits) &&
           json_end_line(w);
}

/* Where the tokens behind "YYYY-MM-DD HH:MM:SS (NSEC s)" begin. */
static struct doc_item behind_interval(const struct doc_item *item)
{
    struct doc_item tail = *item;
    struct text word;
    for (size_t i = 0; i < 4; i++)
        (void)text_token(&tail.args, &word);
    tail.args = text_strip(tail.args);
    return tail;
}

static const char *const directions[] = {"below", "read", "write", "both", NULL};

static json_t *v_bi_direct(const struct doc_item *item)
{
    struct doc_item tail = behind_interval(item);
    json_t *out = json_v_interval(item);
    struct text word;
    bool ok = out != NULL;
    for (size_t i = 0; ok && directions[i]; i++)
        ok = text_split(&tail.args, ',', &word) && word.len &&
             json_give(out, directions[i], json_scalar(word));
    return json_done(out, ok && !tail.args.len);
}

static bool w_bi_direct(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    if (!json_begin_line(w, rule) || !json_put_interval(w, value))
        return false;
    for (size_t i = 0; directions[i]; i++) {
        docw_add(w, i ? TEXT_LIT(",") : TEXT_LIT(" "));
        if (!json_put_number(w, json_object_get(value, directions[i])))
            return false;
    }
    return json_end_line(w);
}

static json_t *v_padding_counts(const struct doc_item *item)
{
    struct doc_item tail = behind_interval(item);
    json_t *out = json_v_interval(item);
    return json_done(out, out && json_give(out, "counts", json_v_map(&tail)));
}

static bool w_padding_counts(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_interval(w, value) &&
           json_put_map(w, json_object_get(value, "counts"), ' ', -1) && json_end_line(w);
}

/* A number, and "key=value" behind it. */
static json_t *v_hidserv(const struct doc_item *item)
{
    struct doc_item tail = *item;
    struct text word;
    json_t *out = json_object();
    bool ok = text_token(&tail.args, &word) && json_give(out, "value", json_scalar(word)) &&
              json_give(out, "parameters", json_v_map(&tail));
    return json_done(out, ok);
}

/* C tor: "delta_f=%d epsilon=%.2f bin_size=%d" */
static bool w_hidserv(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "value")) &&
           json_put_map(w, json_object_get(value, "parameters"), ' ', 2) && json_end_line(w);
}

static json_t *v_transport(const struct doc_item *item)
{
    struct text rest = item->args, name, at;
    json_t *out = json_object();
    bool ok = text_token(&rest, &name) && json_give(out, "name", json_text(name));
    if (ok && text_token(&rest, &at))
        ok = json_give(out, "address", json_text(at));
    if (ok && text_strip(rest).len)
        ok = json_give(out, "arguments", json_text(text_strip(rest)));
    return json_done(out, ok);
}

static bool w_transport(struct docw *w, const struct json_rule *rule, const json_t *value)
{
    const json_t *at = json_object_get(value, "address");
    const json_t *arguments = json_object_get(value, "arguments");
    return json_begin_line(w, rule) && json_put_scalar(w, json_object_get(value, "name")) &&
           (!at || json_put_scalar(w, at)) && (!arguments || json_put_scalar(w, arguments)) &&
           json_end_line(w);
}

const struct json_rule json_rules_extra[] = {
    {"extra-info", v_extra_info, w_extra_info, false, NULL, NULL},
    JSON_RULES_SIGNED,
    {"ipv6-read-history", JSON_FORM(history), false, NULL, NULL},
    {"ipv6-write-history", JSON_FORM(history), false, NULL, NULL},
    {"geoip-db-digest", JSON_FORM(word), false, NULL, NULL},
    {"geoip6-db-digest", JSON_FORM(word), false, NULL, NULL},
    {"geoip-start-time", JSON_FORM(time), false, NULL, NULL},
    {"geoip-client-origins", JSON_FORM(comma_map), false, NULL, NULL},
    {"bridge-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"bridge-ips", JSON_FORM(comma_map), false, NULL, NULL},
    {"bridge-ip-versions", JSON_FORM(comma_map), false, NULL, NULL},
    {"bridge-ip-transports", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"dirreq-v2-ips", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v3-ips", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v2-reqs", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v3-reqs", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v2-share", JSON_FORM(word), false, NULL, NULL},
    {"dirreq-v3-share", JSON_FORM(word), false, NULL, NULL},
    {"dirreq-v2-resp", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v3-resp", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v2-direct-dl", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v3-direct-dl", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v2-tunneled-dl", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-v3-tunneled-dl", JSON_FORM(comma_map), false, NULL, NULL},
    {"dirreq-read-history", JSON_FORM(history), false, NULL, NULL},
    {"dirreq-write-history", JSON_FORM(history), false, NULL, NULL},
    {"entry-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"entry-ips", JSON_FORM(comma_map), false, NULL, NULL},
    {"cell-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"cell-processed-cells", JSON_FORM(commas), false, NULL, NULL},
    {"cell-queued-cells", JSON_FORM(commas), false, NULL, NULL},
    {"cell-time-in-queue", JSON_FORM(commas), false, NULL, NULL},
    {"cell-circuits-per-decile", JSON_FORM(int), false, NULL, NULL},
    {"conn-bi-direct", v_bi_direct, w_bi_direct, false, NULL, NULL},
    {"ipv6-conn-bi-direct", v_bi_direct, w_bi_direct, false, NULL, NULL},
    {"exit-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"exit-kibibytes-written", JSON_FORM(comma_map), false, NULL, NULL},
    {"exit-kibibytes-read", JSON_FORM(comma_map), false, NULL, NULL},
    {"exit-streams-opened", JSON_FORM(comma_map), false, NULL, NULL},
    {"hidserv-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"hidserv-rend-relayed-cells", v_hidserv, w_hidserv, false, NULL, NULL},
    {"hidserv-dir-onions-seen", v_hidserv, w_hidserv, false, NULL, NULL},
    {"hidserv-v3-stats-end", JSON_FORM(interval), false, NULL, NULL},
    {"hidserv-rend-v3-relayed-cells", v_hidserv, w_hidserv, false, NULL, NULL},
    {"hidserv-dir-v3-onions-seen", v_hidserv, w_hidserv, false, NULL, NULL},
    {"transport", v_transport, w_transport, true, NULL, NULL},
    {"padding-counts", v_padding_counts, w_padding_counts, false, NULL, NULL},
    {"overload-ratelimits", v_overload_ratelimits, w_overload_ratelimits, false, NULL, NULL},
    {"overload-fd-exhausted", JSON_FORM(overload), false, NULL, NULL},
    {NULL, NULL, NULL, false, NULL, NULL},
};
