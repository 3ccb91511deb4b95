#include "conf/optval.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/decimal.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* The units of tor's manual. */
static const struct unit SIZE_UNITS[] = {
    {"", 1},
    {"b", 1},
    {"byte", 1},
    {"bytes", 1},
    {"kb", 1u << 10},
    {"kbyte", 1u << 10},
    {"kbytes", 1u << 10},
    {"kilobyte", 1u << 10},
    {"kilobytes", 1u << 10},
    {"kbit", 1u << 7},
    {"kbits", 1u << 7},
    {"kilobit", 1u << 7},
    {"kilobits", 1u << 7},
    {"m", 1u << 20},
    {"mb", 1u << 20},
    {"mbyte", 1u << 20},
    {"mbytes", 1u << 20},
    {"megabyte", 1u << 20},
    {"megabytes", 1u << 20},
    {"mbit", 1u << 17},
    {"mbits", 1u << 17},
    {"megabit", 1u << 17},
    {"megabits", 1u << 17},
    {"gb", 1u << 30},
    {"gbyte", 1u << 30},
    {"gbytes", 1u << 30},
    {"gigabyte", 1u << 30},
    {"gigabytes", 1u << 30},
    {"gbit", 1u << 27},
    {"gbits", 1u << 27},
    {"gigabit", 1u << 27},
    {"gigabits", 1u << 27},
    {"tb", (uint64_t)1 << 40},
    {"tbyte", (uint64_t)1 << 40},
    {"tbytes", (uint64_t)1 << 40},
    {"terabyte", (uint64_t)1 << 40},
    {"terabytes", (uint64_t)1 << 40},
    {"tbit", (uint64_t)1 << 37},
    {"tbits", (uint64_t)1 << 37},
    {"terabit", (uint64_t)1 << 37},
    {"terabits", (uint64_t)1 << 37},
    {NULL, 0},
};

static const struct unit TIME_UNITS[] = {
    {"", 1},           {"second", 1},      {"seconds", 1},      {"minute", 60},  {"minutes", 60},
    {"hour", 3600},    {"hours", 3600},    {"day", 86400},      {"days", 86400}, {"week", 604800},
    {"weeks", 604800}, {"month", 2629728}, {"months", 2629728}, {NULL, 0},
};

static const struct unit TIME_MS_UNITS[] = {
    {"", 1},
    {"msec", 1},
    {"millisecond", 1},
    {"milliseconds", 1},
    {"second", 1000},
    {"seconds", 1000},
    {"minute", 60000},
    {"minutes", 60000},
    {"hour", 3600000},
    {"hours", 3600000},
    {"day", 86400000},
    {"days", 86400000},
    {"week", 604800000},
    {"weeks", 604800000},
    {NULL, 0},
};

static err_t bad(char why[OPTVAL_WHY_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);

static err_t bad(char why[OPTVAL_WHY_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, OPTVAL_WHY_MAX, fmt, ap);
    va_end(ap);
    return ERR_MALFORMED;
}

/* A number as strtoull() and strtol() read it: blanks before it, one sign. *REST is behind it. */
struct number {
    bool negative, digits, fits;
    uint64_t n;
};

static struct number read_number(const char *text, const char **rest)
{
    struct number r = {.fits = true};
    text += strspn(text, " \t\n\v\f\r");
    r.negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    for (; *text >= '0' && *text <= '9'; text++) {
        r.digits = true;
        r.fits = r.fits && !__builtin_mul_overflow(r.n, 10u, &r.n) &&
                 !__builtin_add_overflow(r.n, (unsigned)(*text - '0'), &r.n);
    }
    *rest = text;
    return r;
}

/* Blanks and comments, as eat_whitespace() does: a value in quotes may hold both. */
static const char *skip_blanks(const char *text)
{
    for (;;) {
        text += strspn(text, " \t\r\n");
        if (*text != '#')
            return text;
        text += strcspn(text, "\n");
    }
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    while (units->name && strcasecmp(units->name, name) != 0)
        units++;
    return units->name ? units : NULL;
}

/* "10", "1.5 hours", "20minutes", ".5 day"; the result fits into 63 bits. */
static err_t parse_units(const char *text, const struct unit *units, uint64_t *out,
                         char why[OPTVAL_WHY_MAX])
{
    static const char prefix[] = "Provided value is malformed or out of bounds";
    const char *rest;
    char *end = NULL;
    double x = 0;
    struct number whole = read_number(text, &rest);
    bool fraction = *rest == '.';
    if (fraction) {
        x = decimal_read(text, &end);
        rest = end;
    }
    if ((!fraction && !whole.digits) || end == text || (whole.negative && whole.n > 0) || x < 0)
        return bad(why, "%s: Unable to parse %s as a number", prefix, text);
    const struct unit *u = find_unit(units, skip_blanks(rest));
    if (!u)
        return bad(why, "%s: Unknown unit in %s", prefix, text);
    uint64_t n = 0;
    bool fits = whole.fits;
    if (fraction) {
        x *= (double)u->factor;
        fits = x < (double)INT64_MAX;
        n = fits ? (uint64_t)x : 0;
    } else {
        fits = fits && !__builtin_mul_overflow(whole.n, u->factor, &n) && n <= INT64_MAX;
    }
    if (!fits)
        return bad(why, "%s: Overflow while parsing %s %s", prefix, text, u->name);
    *out = n;
    return OK;
}

static err_t parse_units_int(const char *text, const struct unit *units, int *out,
                             char why[OPTVAL_WHY_MAX])
{
    uint64_t n = 0;
    TRY(parse_units(text, units, &n, why));
    if (n > INT_MAX)
        return bad(why, "Provided value %s is too large", text);
    *out = (int)n;
    return OK;
}

/* Only the first wait of a schedule "10, 20, 30" counts, as in C tor since it backs off by
 * itself. */
static err_t parse_schedule(const char *text, int *out, char why[OPTVAL_WHY_MAX])
{
    char *first = strndup(text, strcspn(text, ","));
    err_t err = first ? parse_units_int(first, TIME_UNITS, out, why) : ERR_NOMEM;
    free(first);
    return err;
}

static err_t parse_int(const char *text, int least, int *out, char why[OPTVAL_WHY_MAX])
{
    const char *rest;
    struct number r = read_number(text, &rest);
    bool fits = r.fits && r.n <= (uint64_t)INT_MAX + 1;
    int64_t value = !fits ? 0 : r.negative ? -(int64_t)r.n : (int64_t)r.n;
    if (!r.digits || *rest || !fits || value < least || value > INT_MAX)
        return bad(
            why, "Integer %s is malformed or out of bounds. Allowed values are between %d and %d.",
            text, least, INT_MAX);
    *out = (int)value;
    return OK;
}

/* A minus counts down from 2^64, as with strtoull(): tor says "no descriptor" by -1. */
static err_t parse_uint64(const char *text, uint64_t *out, char why[OPTVAL_WHY_MAX])
{
    const char *rest;
    struct number r = read_number(text, &rest);
    if (!r.digits || *rest || !r.fits)
        return bad(why, "Integer %s is malformed or out of bounds.", text);
    *out = r.negative ? 0 - r.n : r.n;
    return OK;
}

static err_t parse_double(const char *text, double *out, char why[OPTVAL_WHY_MAX])
{
    char *end = NULL;
    errno = 0;
    double x = decimal_read(text, &end);
    if (end == text || *end || isnan(x))
        return bad(why, "Could not convert \"%s\" to a number.", text);
    if (errno == ERANGE || isinf(x))
        return bad(why, "\"%s\" is too %s to express as a floating-point number.", text,
                   x > -.00001 && x < .00001 ? "small" : "large");
    *out = x;
    return OK;
}

static err_t parse_bool(const char *text, bool auto_ok, int *out, char why[OPTVAL_WHY_MAX])
{
    if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
        *out = text[0] - '0';
    else if (auto_ok && strcasecmp(text, "auto") == 0)
        *out = AUTO;
    else
        return bad(why, "Unrecognized value %s. Allowed values are 0%s 1%s.", text,
                   auto_ok ? "," : " and", auto_ok ? ", and auto" : "");
    return OK;
}

bool csv_next(struct text *rest, struct text *part)
{
    while (text_split(rest, ',', part)) {
        *part = text_strip(*part);
        if (part->len > 0)
            return true;
    }
    return false;
}

static err_t parse_csv(const char *text, char **out)
{
    char *joined = malloc(strlen(text) + 1), *at = joined;
    if (!joined)
        return ERR_NOMEM;
    struct text rest = text_of(text), part;
    while (csv_next(&rest, &part)) {
        if (at != joined)
            *at++ = ',';
        memcpy(at, part.s, part.len);
        at += part.len;
    }
    *at = 0;
    free(*out);
    *out = joined;
    return OK;
}

static err_t parse_string(const char *text, char **out)
{
    char *copy = strdup(text);
    if (!copy)
        return ERR_NOMEM;
    free(*out);
    *out = copy;
    return OK;
}

err_t optval_parse(enum opt_type type, const char *text, void *at, char why[OPTVAL_WHY_MAX])
{
    int flag = 0;
    switch (type) {
    case OPTT_BOOL:
        TRY(parse_bool(text, false, &flag, why));
        *(bool *)at = flag != 0;
        return OK;
    case OPTT_AUTOBOOL:
        return parse_bool(text, true, at, why);
    case OPTT_POSINT:
        return parse_int(text, 0, at, why);
    case OPTT_INT:
        return parse_int(text, INT_MIN, at, why);
    case OPTT_UINT64:
        return parse_uint64(text, at, why);
    case OPTT_DOUBLE:
        return parse_double(text, at, why);
    case OPTT_INTERVAL:
        return parse_units_int(text, TIME_UNITS, at, why);
    case OPTT_MSEC_INTERVAL:
        return parse_units_int(text, TIME_MS_UNITS, at, why);
    case OPTT_SIZE:
        return parse_units(text, SIZE_UNITS, at, why);
    case OPTT_CSV_INTERVAL:
        return parse_schedule(text, at, why);
    case OPTT_CSV:
    case OPTT_NODES:
        return parse_csv(text, at);
    case OPTT_STRING:
    case OPTT_FILENAME:
        return parse_string(text, at);
    case OPTT_LINES:
    case OPTT_VIRTUAL:
        break;
    }
    return bad(why, "Cannot assign directly to virtual option.");
}

err_t optval_text(enum opt_type type, const void *at, char **out)
{
    *out = NULL;
    switch (type) {
    case OPTT_BOOL:
        *out = text_printf("%d", *(const bool *)at);
        break;
    case OPTT_AUTOBOOL:
        *out = *(const int *)at == AUTO ? strdup("auto") : text_printf("%d", *(const int *)at);
        break;
    case OPTT_POSINT:
    case OPTT_INT:
    case OPTT_INTERVAL:
    case OPTT_MSEC_INTERVAL:
    case OPTT_CSV_INTERVAL:
        *out = text_printf("%d", *(const int *)at);
        break;
    case OPTT_UINT64:
    case OPTT_SIZE:
        *out = text_printf("%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case OPTT_DOUBLE:
        *out = decimal_text(*(const double *)at);
        break;
    case OPTT_STRING:
    case OPTT_FILENAME:
        if (!*(char *const *)at)
            return OK;
        *out = strdup(*(char *const *)at);
        break;
    case OPTT_CSV:
    case OPTT_NODES:
        *out = strdup(*(char *const *)at ? *(char *const *)at : "");
        break;
    case OPTT_LINES:
    case OPTT_VIRTUAL:
        return ERR_ARG;
    }
    return *out ? OK : ERR_NOMEM;
}

void optval_clear(enum opt_type type, void *at)
{
    switch (type) {
    case OPTT_BOOL:
        *(bool *)at = false;
        break;
    case OPTT_AUTOBOOL:
    case OPTT_POSINT:
    case OPTT_INT:
    case OPTT_INTERVAL:
    case OPTT_MSEC_INTERVAL:
    case OPTT_CSV_INTERVAL:
        *(int *)at = 0;
        break;
    case OPTT_UINT64:
    case OPTT_SIZE:
        *(uint64_t *)at = 0;
        break;
    case OPTT_DOUBLE:
        *(double *)at = 0;
        break;
    case OPTT_STRING:
    case OPTT_FILENAME:
    case OPTT_CSV:
    case OPTT_NODES:
        free(*(char **)at);
        *(char **)at = NULL;
        break;
    case OPTT_LINES:
    case OPTT_VIRTUAL:
        conf_lines_free(*(struct conf_line **)at);
        *(struct conf_line **)at = NULL;
        break;
    }
}
