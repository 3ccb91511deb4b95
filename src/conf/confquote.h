/* Values in double quotes, with C's escapes. */
#ifndef TUNIC_CONF_CONFQUOTE_H
#define TUNIC_CONF_CONFQUOTE_H

#include <stddef.h>

/* TEXT as it may stand behind an option's name in a file: in quotes if that is needed. The caller
 * frees it; NULL out of memory. */
char *conf_quote(const char *text);

/* Decodes the value that begins with the quote at TEXT into OUT, which has room for all that is
 * left of TEXT's line, and sets *LEN. Returns what is behind the closing quote; NULL: there is none
 * on this line, or an escape is none of C's, or it is a NUL, which no value can hold. */
const char *conf_unquote(const char *text, char *out, size_t *len);

#endif
