#include "faults/faults.h"

#include <stdlib.h>
#include <string.h>

static const struct fault_row {
    const char *name, *text;
    enum fault_kind kind;
} rows[FAULTS] = {
#define X(NAME, name, kind, what) [FAULT_##NAME] = {name, what, kind},
    FAULT_LIST(X)
#undef X
};

bool fault_now(struct faults *f, enum fault fault)
{
    uint32_t n = f->n[fault];
    if (!n)
        return false;
    uint32_t seen = ++f->seen[fault];
    return rows[fault].kind == FAULT_AT ? seen == n : seen >= n;
}

static err_t number(const char *text, uint32_t *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || !n || n > UINT32_MAX)
        return ERR_MALFORMED;
    *out = (uint32_t)n;
    return OK;
}

err_t fault_set(struct faults *f, const char *text)
{
    size_t len = strcspn(text, "=");
    uint32_t n = 1;
    if (text[len])
        TRY(number(text + len + 1, &n));
    for (size_t i = 0; i < FAULTS; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, text, len) == 0) {
            f->n[i] = n;
            f->seen[i] = 0;
            return OK;
        }
    return ERR_NOT_FOUND;
}

const char *fault_name(enum fault fault)
{
    return rows[fault].name;
}

const char *fault_text(enum fault fault)
{
    return rows[fault].text;
}
