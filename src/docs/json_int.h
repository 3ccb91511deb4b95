/* Values of lines as JSON, and the rules that say which line has which. */
#ifndef TUNIC_DOCS_JSON_INT_H
#define TUNIC_DOCS_JSON_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "dir/doc.h"
#include "docs/json.h"

/* The value of a line; NULL: malformed, or out of memory. */
typedef json_t *json_value_fn(const struct doc_item *item);

struct json_rule {
    const char *keyword;
    json_value_fn *value;
    bool many;          /* a list, one element a line */
    const char *member; /* the member's name; NULL: the keyword */
};

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

/* ---- rules ---- */
extern const struct json_rule json_rules_server[];
extern const struct json_rule json_rules_extra[];
extern const struct json_rule json_rules_micro[];
extern const struct json_rule json_rules_key_cert[];
extern const struct json_rule json_rules_detached[];

/* ---- documents that have parts ---- */
MUST_USE bool json_put_status(json_t *to, struct text text); /* consensus or vote */
MUST_USE bool json_put_bandwidth(json_t *to, struct text text);

#endif
