#include "app/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

enum { SHOWN_MOST = 100 };

err_t arg_wrong(const struct arg *a, const char *fmt, ...)
{
    va_list args;
    int n = 0, shown = a->value ? (int)strcspn(a->value, "\r\n") : 0;
    if (a->option && a->value)
        n = snprintf(a->why, ARG_WHY, "%.100s \"%.*s\": ", a->option,
                     shown < SHOWN_MOST ? shown : SHOWN_MOST, a->value);
    else if (a->option)
        n = snprintf(a->why, ARG_WHY, "%.100s: ", a->option);
    va_start(args, fmt);
    vsnprintf(a->why + n, ARG_WHY - (size_t)n, fmt, args);
    va_end(args);
    return ERR_ARG;
}

err_t arg_u64(const struct arg *a, uint64_t least, uint64_t most, uint64_t *out)
{
    if (text_u64(a->value, UINT64_MAX, out) == OK && *out >= least && *out <= most)
        return OK;
    return arg_wrong(a, "must be a whole number from %llu to %llu", (unsigned long long)least,
                     (unsigned long long)most);
}

err_t arg_u32(const struct arg *a, uint32_t least, uint32_t most, uint32_t *out)
{
    uint64_t n;
    TRY(arg_u64(a, least, most, &n));
    *out = (uint32_t)n;
    return OK;
}

static const struct arg_name *name_at(const struct arg_name *first, size_t stride, size_t row)
{
    return (const struct arg_name *)(const void *)((const char *)first + row * stride);
}

static err_t no_such(const struct arg_name *first, size_t n, size_t stride, struct text word,
                     const struct arg *a)
{
    char name[NEAREST_NAME_MAX + 2];
    snprintf(name, sizeof name, "%.*s", TEXT_ARG(word));
    struct nearest near = nearest_begin(name);
    for (size_t row = 0; row < n; row++)
        nearest_try(&near, name_at(first, stride, row)->text);
    if (near.best)
        return arg_wrong(a, "there is no such option. Did you mean \"%s\"?", near.best);
    return arg_wrong(a, "there is no such option; see --help");
}

err_t args_take(const struct arg_name *first, size_t n, size_t stride, int argc, char *const *argv,
                int *i, struct arg *a, size_t *row)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct arg_name *name = NULL;
    for (*row = 0; *row < n; ++*row) {
        name = name_at(first, stride, *row);
        if (strlen(name->text) == len && memcmp(name->text, word, len) == 0)
            break;
    }
    a->option = word;
    if (*row == n)
        return no_such(first, n, stride, (struct text){word, len}, a);
    a->option = name->text;
    if (!name->has_value && equals)
        return arg_wrong(a, "takes no value");
    if (name->has_value && !equals && *i + 1 >= argc)
        return arg_wrong(a, "needs a value; see --help");
    if (name->has_value)
        a->value = equals ? equals + 1 : argv[++*i];
    return OK;
}
