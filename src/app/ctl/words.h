/* The words of a reply's or an event's line: "BUILT $FP~name PURPOSE=GENERAL SOCKS_USERNAME="a b"".
 * Views into the line; nothing is copied but by ctl_unquote(). */
#ifndef TUNIC_APP_CTL_WORDS_H
#define TUNIC_APP_CTL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct ctl_word {
    struct text key;   /* of KEY=VALUE; empty: a word by itself */
    struct text value; /* of a quoted string what is between the quotes, escapes and all */
    bool quoted;
};

/* Takes the next word off *REST; false at the end. A key is made of capitals, digits and "_", and
 * begins with a capital: all of control-spec's are, and fingerprints ("$FP=name") are not. A quoted
 * string without its end reaches to the end of the line. */
bool ctl_word(struct text *rest, struct ctl_word *out);

/* The value of KEY in LINE; empty if it has none. */
struct text ctl_value_of(struct text line, const char *key);

/* Writes QUOTED without its escapes (control-spec 2.1.1) to OUT, cut off where CAP ends. */
void ctl_unquote(struct text quoted, char *out, size_t cap);

/* VALUE as a quoted string that the caller frees; NULL out of memory, or where a line would end in
 * it: no quoted string can hold that. */
char *ctl_quote(struct text value);

/* Writes T to OUT as a terminal may see it: a byte that is no printable ASCII as "?", for names and
 * reasons are what strangers chose. Cut off where CAP ends. */
void ctl_printable(struct text t, char *out, size_t cap);

#endif
