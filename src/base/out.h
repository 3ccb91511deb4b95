/* Out: a text that grows while it is written, up to a bound. What does not fit, or finds no memory,
 * fails the text once and for all, and what follows is not written; out_end() tells. */
#ifndef TUNIC_BASE_OUT_H
#define TUNIC_BASE_OUT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct text_out {
    char *s; /* ends in NUL once something was written; else NULL */
    size_t len, size, most;
    err_t err;
};

/* MOST bytes may be written; nothing is allocated yet. */
struct text_out text_out(size_t most);
void out_free(struct text_out *o); /* leaves an empty text with the same bound */

void out_add(struct text_out *o, const void *bytes, size_t len);
void out_str(struct text_out *o, const char *cstr);
void out_char(struct text_out *o, char c);
void out_printf(struct text_out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
void out_vprintf(struct text_out *o, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Cuts the text to its first LEN bytes, as if the rest had never been written. */
void out_cut(struct text_out *o, size_t len);

/* What was written; "" if nothing. Good until the next call. */
const char *out_text(const struct text_out *o);
/* What was written as memory that the caller frees; NULL: the text failed, or there is no memory. O
 * is empty then. */
char *out_take(struct text_out *o);
/* OK; ERR_FULL: over the bound; ERR_NOMEM. */
MUST_USE err_t out_end(const struct text_out *o);

#endif
