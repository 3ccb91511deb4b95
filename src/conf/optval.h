/* The types of options: text to value and back. For options.c and its neighbours only. */
#ifndef TUNIC_CONF_OPTVAL_H
#define TUNIC_CONF_OPTVAL_H

#include "conf/options.h"

/* Room for a value of any type but OPTT_LINES. */
union optval {
    bool flag;
    int number;
    uint64_t size;
    double real;
    char *text;
};

enum { OPTVAL_WHY_MAX = 512 };

/* Puts TEXT into the value at AT, which has TYPE's C type (see enum opt_type; not LINES, VIRTUAL).
 * ERR_MALFORMED: WHY says what is wrong with it and the value is as it was. */
MUST_USE err_t optval_parse(enum opt_type type, const char *text, void *at,
                            char why[OPTVAL_WHY_MAX]);

/* The value as text that the caller frees; *OUT is NULL where there is none. */
MUST_USE err_t optval_text(enum opt_type type, const void *at, char **out);

/* Sets the value to zero, nothing or an empty list, and frees what it held. LINES too. */
void optval_clear(enum opt_type type, void *at);

/* The parts of a CSV one after the other, without blanks around them; empty ones are skipped. */
bool csv_next(struct text *rest, struct text *part);

#endif
