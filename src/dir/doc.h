/* Tokenizer of directory documents: the line format of dir-spec 1.2.
 *
 * A document is a list of items: a keyword line, which may be followed by an object
 * ("-----BEGIN X-----" ... "-----END X-----"). One pass, no allocation, views into the caller's
 * bytes. A copy of struct doc_lines is a bookmark: reading goes on from it as from the original. */
#ifndef TUNIC_DIR_DOC_H
#define TUNIC_DIR_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/text.h"

struct doc_item {
    struct text keyword;
    struct text args;   /* behind the keyword and its space; tokens come with text_token() */
    struct text tag;    /* of the object ("RSA PUBLIC KEY"), or empty */
    struct text object; /* base64 between the BEGIN and END lines, newlines included, or empty */
    const char *begin;  /* first byte of the keyword line */
    const char *end;    /* behind the last byte of the item, newline included */
};

struct doc_lines {
    const char *at;
    const char *end;
    err_t err; /* latched */
};

struct doc_lines doc_over(const void *bytes, size_t len);

/* Takes the next item; false at the end and at the first malformed line (then .err is set). A NUL
 * byte, an empty line, an object without its END line and a line without a newline are malformed.
 */
bool doc_next(struct doc_lines *d, struct doc_item *item);

/* The next item without taking it. */
bool doc_peek(const struct doc_lines *d, struct doc_item *item);

static inline bool doc_is(const struct doc_item *item, const char *keyword)
{
    return text_is(item->keyword, keyword);
}

/* The first argument tokens; false if there are fewer than N. Further ones are ignored, as dir-spec
 * 1.2 wants: "implementations MUST ignore extra arguments". */
bool doc_args(const struct doc_item *item, struct text *tokens, size_t n);

/* The bytes of an object that is labelled LABEL. ERR_MALFORMED, ERR_FULL. */
MUST_USE err_t doc_object(const struct doc_item *item, const char *label, void *out, size_t cap,
                          size_t *len);

/* Values of arguments: a port, 0 included; an address of that family; an address with its port. */
MUST_USE err_t doc_port(struct text t, uint16_t *out);
MUST_USE err_t doc_ip(struct text t, enum ip_family family, struct ip *out);
MUST_USE err_t doc_ipport(struct text t, struct ipport *out);

/* "YYYY-MM-DD HH:MM:SS" in UTC as seconds since 1970. */
MUST_USE err_t doc_time(struct text date, struct text time, int64_t *out);
enum { DOC_TIME_TEXT_MAX = 20 };
/* Returns OUT, always NUL-terminated. */
const char *doc_time_text(int64_t t, char out[DOC_TIME_TEXT_MAX]);

#endif
