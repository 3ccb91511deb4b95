/* Args: the grammar of commands (control-spec 2.2), as tor reads it: words by position, then words
 * and KEY=VALUE, then the body of a command that begins with "+". Each command says which of them
 * it takes; what does not fit is refused in tor's words before its handler runs. */
#ifndef TUNIC_CONTROL_ARGS_H
#define TUNIC_CONTROL_ARGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { ARGS_ANY = UINT_MAX };

/* What the words behind the last position may be. */
enum args_flag {
    ARGS_KEYWORDS = 1,      /* KEY=VALUE; without this flag none may follow */
    ARGS_OMIT_KEYS = 2,     /* VALUE alone: its key is "" */
    ARGS_OMIT_VALUES = 4,   /* KEY alone: its value is ""; not with ARGS_OMIT_KEYS */
    ARGS_QUOTED = 8,        /* "VALUE" with C's escapes */
    ARGS_QUOTED_STRING = 16 /* "VALUE" in which a backslash means the next byte as it is */
};

struct args_syntax {
    unsigned least, most; /* words by position; ARGS_ANY */
    unsigned flags;
    const char *const *keywords; /* NULL at the end; NULL: any */
    bool body;                   /* its name begins with "+" */
};

struct arg {
    const char *key, *value; /* neither is NULL */
};

struct args {
    const char *command; /* as it was written */
    const char *line;    /* all that stands behind it on its line */
    const char **word;   /* by position */
    size_t n;
    struct arg *keyword;
    size_t n_keywords;
    char *body; /* its lines end in "\n"; ends in NUL */
    size_t body_len;
    char *storage; /* of all the above but the body */
    size_t storage_size;
};

enum { ARGS_WHY_MAX = 160 };

/* COMMAND is the word, TEXT (ends in NUL at LEN) what stands behind it; both are only looked at.
 * ERR_MALFORMED: WHY says it in tor's words, "Need at least 1 argument(s)"; ERR_NOMEM. */
MUST_USE err_t args_parse(const struct args_syntax *syntax, const char *command, const char *text,
                          size_t len, struct args *out, char why[ARGS_WHY_MAX]);
/* Wipes and frees. Harmless on one that is all zero. */
void args_free(struct args *a);

/* The value of the first that is called KEY, in any case; or NULL. */
const char *args_keyword(const struct args *a, const char *key);
/* Whether the word KEY stands there without a value. */
bool args_has_flag(const struct args *a, const char *key);

#endif
