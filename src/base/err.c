#include "base/err.h"

#include <stddef.h>

static const struct {
    enum err_class class;
    const char *name;
    const char *text;
} rows[] = {
#define X(name, class, text) {class, #name, text},
    ERR_LIST(X)
#undef X
};

static size_t row(err_t e)
{
    return (size_t)e < sizeof rows / sizeof rows[0] ? (size_t)e : (size_t)ERR_BUG;
}

enum err_class err_class(err_t e)
{
    return rows[row(e)].class;
}

const char *err_text(err_t e)
{
    return rows[row(e)].text;
}

const char *err_name(err_t e)
{
    return rows[row(e)].name;
}
