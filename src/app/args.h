/* Options of a command, "--name value" or "--name=value", and what is wrong with them. Each command
 * has a table of its own; here is what is the same for all. */
#ifndef TUNIC_APP_ARGS_H
#define TUNIC_APP_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ARG_WHY = 640 };

/* What an option's parser sees. */
struct arg {
    const char *option; /* NULL: it is about the line as a whole */
    const char *value;  /* NULL: it has none */
    char *why;          /* ARG_WHY bytes */
};

/* The first member of each row of a command's table. */
struct arg_name {
    const char *text;
    bool has_value;
};

/* Says what is wrong, after the option and the beginning of its value: ERR_ARG. */
err_t arg_wrong(const struct arg *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST_USE err_t arg_u64(const struct arg *a, uint64_t least, uint64_t most, uint64_t *out);
MUST_USE err_t arg_u32(const struct arg *a, uint32_t least, uint32_t most, uint32_t *out);

/* The row of ARGV[*I], which begins with "-", among N that are STRIDE bytes apart, from FIRST on.
 * A's option and value are set, and *I is where the value was. ERR_ARG: there is none such, or it
 * lacks a value, or has one that it should not. */
MUST_USE err_t args_take(const struct arg_name *first, size_t n, size_t stride, int argc,
                         char *const *argv, int *i, struct arg *a, size_t *row);
#define ARGS_TAKE(table, argc, argv, i, a, row)                                             \
    args_take(&(table)[0].name, sizeof(table) / sizeof(table)[0], sizeof(table)[0], (argc), \
              (argv), (i), (a), (row))

#endif
