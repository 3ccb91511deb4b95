/* JSON from text, and as text in one line, whole or not at all. jansson 2.14 itself is not to be
 * trusted when there is no memory: what it writes can lack a piece, and nobody is told; what it
 * reads makes it run over the end of a string of which it could not keep the end. */
#ifndef TUNIC_MEASURE_JSONTEXT_H
#define TUNIC_MEASURE_JSONTEXT_H

#include "base/err.h"
#include "base/text.h"

struct json_t;

enum { JSON_WHY_MAX = 160 };

/* Members that come twice are refused. The memory that it takes to read a string of that length is
 * looked for first. ERR_MALFORMED, and WHY; ERR_NOMEM. */
MUST_USE err_t jsontext_read(struct text json, struct json_t **gift_out, char why[JSON_WHY_MAX]);

/* OBJECT with the members of MORE, too; both references are taken. NULL: one is NULL, or no
 * memory. */
struct json_t *jsontext_with(struct json_t *gift_object, struct json_t *gift_more);

/* OBJECT, whose reference is taken, with END behind it; the caller frees it. NULL: there is no
 * object, or no memory. */
char *jsontext_make(struct json_t *gift_object, const char *end);

#endif
