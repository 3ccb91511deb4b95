/* Text: lines and tokens of documents, configuration and header lines. Views into the caller's
 * text; nothing is copied or changed. */
#ifndef TUNIC_BASE_TEXT_H
#define TUNIC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Bytes that need not end in NUL. */
struct text {
    const char *s;
    size_t len;
};

#define TEXT_LIT(literal) ((struct text){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", TEXT_ARG(t) */
#define TEXT_ARG(t) (int)(t).len, (t).s

struct text text_of(const char *cstr);
bool text_equal(struct text a, struct text b);
/* Documents are mostly asked for words that the compiler knows. */
static inline bool text_is(struct text a, const char *cstr)
{
    size_t len = strlen(cstr);
    return a.len == len && (!len || memcmp(a.s, cstr, len) == 0);
}
bool text_is_nocase(struct text a, const char *cstr); /* ASCII */
bool text_is_alnum(struct text a);                    /* ASCII letters and digits, one at least */
bool text_starts(struct text a, const char *prefix);

/* Takes the next line off *REST, without its "\n" or "\r\n"; false at the end. A last line without
 * a newline is a line. */
bool text_line(struct text *rest, struct text *line);

/* Takes the next token off *REST, over any number of spaces and tabs; false if there is none. */
bool text_token(struct text *rest, struct text *token);

/* Takes what stands before the next SEP (or all) off *REST, and SEP too; false if *REST is empty.
 */
bool text_split(struct text *rest, char sep, struct text *part);

/* The text without spaces and tabs at both ends. */
struct text text_strip(struct text t);

/* Decimal digits only, at most MOST. */
MUST_USE err_t text_u64(const char *cstr, uint64_t most, uint64_t *out);
MUST_USE err_t text_to_u64(struct text t, uint64_t most, uint64_t *out);

/* A NUL-terminated copy that the caller frees, or NULL out of memory. */
char *text_dup(struct text t);
/* For people: "95 s", "12 min", "3 h 5 min", "2 d 3 h"; "0 s" of what is negative. Returns OUT. */
enum { TEXT_DURATION_MAX = 32 };
const char *text_duration(int64_t seconds, char out[TEXT_DURATION_MAX]);
/* printf() into memory that the caller frees; NULL out of memory. */
char *text_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
