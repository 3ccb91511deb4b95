/* Values of lines as JSON, and the rules that say which line has which. */
#ifndef TUNIC_DOCS_JSON_INT_H
#define TUNIC_DOCS_JSON_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "dir/doc.h"
#include "dirdoc/docw.h"
#include "docs/json.h"

struct json_rule;

/* The value of a line; NULL: malformed, or out of memory. */
typedef json_t *json_value_fn(const struct doc_item *item);
/* The line of such a value. False: it is none. */
typedef bool json_line_fn(struct docw *w, const struct json_rule *rule, const json_t *value);

/* What a line says, and how it is written again. */
struct json_rule {
    const char *keyword;
    json_value_fn *value;
    json_line_fn *line;
    bool many;          /* a list, one element a line */
    const char *member; /* the member's name; NULL: the keyword */
    const char *label;  /* of the object behind the line; NULL: there is none */
};
/* The two functions of a value that several keywords have. */
#define JSON_FORM(name) json_v_##name, json_w_##name

/* Puts the line into TO by the rules (which end in a NULL keyword), or into TO's "unrecognized".
 * False: out of memory. */
MUST_USE bool json_put_item(json_t *to, const struct json_rule *rules, const struct doc_item *item);
/* TEXT as it stands into TO's "unrecognized", without its last newline. */
MUST_USE bool json_put_raw(json_t *to, struct text text);

/* Goes through all items of TEXT, malformed ones too: the next one, with *WELL telling whether it's
 * one (else only .begin and .end count). */
bool json_next_item(struct doc_lines *d, struct doc_item *item, bool *well);

/* Bytes that are no UTF-8 are taken for Latin-1. */
json_t *json_text(struct text t);
/* A number if it's one, else a string. */
json_t *json_scalar(struct text t);
/* "2026-01-01T00:00:00Z" */
json_t *json_time(struct text date, struct text time);
/* Sets TO's member to GIFT, which may be NULL: then false. */
bool json_give(json_t *to, const char *member, json_t *gift);
/* The same with a member called NAME, which must not be there yet. */
bool json_give_new(json_t *to, struct text name, json_t *gift);
/* TO if OK, else NULL, and TO is freed. */
json_t *json_done(json_t *to, bool ok);

/* ---- lines ---- */
json_value_fn json_v_flag;       /* true */
json_value_fn json_v_text;       /* all arguments */
json_value_fn json_v_word;       /* the first */
json_value_fn json_v_int;        /* the first */
json_value_fn json_v_bool;       /* the first, 0 or 1 */
json_value_fn json_v_time;       /* the first two */
json_value_fn json_v_words;      /* a list */
json_value_fn json_v_ints;       /* a list */
json_value_fn json_v_commas;     /* a list of what commas part */
json_value_fn json_v_hex_groups; /* a fingerprint in groups */
json_value_fn json_v_object;     /* the object's base64, in one line */
json_value_fn json_v_map;        /* "a=1 b=x" */
json_value_fn json_v_comma_map;  /* "a=1,b=2" */
json_value_fn json_v_policy;     /* {"policy": "accept", "ports": ["80", "443-444"]} */
json_value_fn json_v_id;         /* {"type": "ed25519", "key": "..."} */
json_value_fn json_v_history;    /* {"end": time, "interval": s, "values": [...]} */
json_value_fn json_v_interval;   /* {"end": time, "interval": s} */
json_value_fn json_v_signature;  /* directory-signature, additional-signature */

/* ---- the same lines, written ---- */
json_line_fn json_w_flag, json_w_text, json_w_word, json_w_int, json_w_bool, json_w_time,
    json_w_words, json_w_ints, json_w_commas, json_w_hex_groups, json_w_object, json_w_map,
    json_w_comma_map, json_w_policy, json_w_id, json_w_history, json_w_interval, json_w_signature;

/* A line of nothing but these members. */
MUST_USE bool json_w_members(struct docw *w, const struct json_rule *rule, const json_t *value,
                             const char *const *members);

/* Parts of a line, each with a space before it. False: VALUE is none. */
MUST_USE bool json_put_scalar(struct docw *w, const json_t *value);
MUST_USE bool json_put_number(struct docw *w, const json_t *value); /* without the space */
MUST_USE bool json_put_time(struct docw *w, const json_t *value);
MUST_USE bool json_put_members(struct docw *w, const json_t *object, const char *const *members);
/* "a=1 b=2" with SEP between; numbers that are not whole have DECIMALS of them, or as many as they
 * need (-1). */
MUST_USE bool json_put_map(struct docw *w, const json_t *object, char sep, int decimals);
/* A line that is nothing but such a map. */
MUST_USE bool json_put_words(struct docw *w, const json_t *object);
MUST_USE bool json_put_list(struct docw *w, const json_t *list, char sep);
/* "DATE TIME (N s)" of "end" and "interval" */
MUST_USE bool json_put_interval(struct docw *w, const json_t *value);
/* "-----BEGIN label-----" and so on. */
MUST_USE bool json_put_object(struct docw *w, const char *label, const json_t *base64);
/* The line's keyword; its end. Always true. */
bool json_begin_line(struct docw *w, const struct json_rule *rule);
bool json_end_line(struct docw *w);

/* ---- rules ---- */
extern const struct json_rule json_rules_server[];
extern const struct json_rule json_rules_extra[];
extern const struct json_rule json_rules_micro[];
extern const struct json_rule json_rules_key_cert[];
extern const struct json_rule json_rules_detached[];
extern const struct json_rule json_rules_status[]; /* of the whole; parts have their own */

/* The rules of the object, or of a *LIST of them, that is called MEMBER in one that follows RULES;
 * NULL: it is a line's. */
const struct json_rule *json_rules_inside(const struct json_rule *rules, const char *member,
                                          bool *list);

/* ---- documents that have parts ---- */
MUST_USE bool json_put_status(json_t *to, struct text text); /* consensus or vote */
MUST_USE bool json_put_bandwidth(json_t *to, struct text text);

#endif
