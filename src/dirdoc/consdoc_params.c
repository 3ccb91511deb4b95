/* The consensus's parameters: what the command line says, and ours where it says nothing. */
#include "dirdoc/consdoc.h"

#include <stdlib.h>
#include <string.h>

/* Parameters as the public network has them. */
static const char defaults[] = "ExtendByEd25519ID=1 UseOptimisticData=1 sendme_accept_min_version=1"
                               " sendme_emit_min_version=1";

enum { PARAMS_MOST = 256 };

struct param {
    struct text name, word; /* word: with "=value" */
};

static int by_name(const void *a, const void *b)
{
    const struct text *x = &((const struct param *)a)->name, *y = &((const struct param *)b)->name;
    int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static bool is_there(const struct param *p, size_t n, struct text name)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(p[i].name, name))
            return true;
    return false;
}

static size_t collect(struct text rest, struct param *p, size_t n)
{
    struct text word;
    while (n < PARAMS_MOST && text_token(&rest, &word)) {
        struct text value = word, name;
        if (text_split(&value, '=', &name) && !is_there(p, n, name))
            p[n++] = (struct param){name, word};
    }
    return n;
}

char *consdoc_params(const char *params)
{
    struct param p[PARAMS_MOST];
    struct docw w = {0};
    size_t n = params ? collect(text_of(params), p, 0) : 0;
    n = collect(text_of(defaults), p, n);
    /* dir-spec 3.4.1: "sorted in ascending order" */
    qsort(p, n, sizeof p[0], by_name);
    for (size_t i = 0; i < n; i++)
        docw_fmt(&w, "%s%.*s", i ? " " : "", TEXT_ARG(p[i].word));
    char *out = text_dup(docw_text(&w));
    if (w.err != OK) {
        free(out);
        out = NULL;
    }
    docw_free(&w);
    return out;
}

int32_t consdoc_param(const char *params, const char *name, int32_t fallback)
{
    struct text rest = text_of(params), word, key;
    while (text_token(&rest, &word))
        if (text_split(&word, '=', &key) && text_is(key, name)) {
            char number[16] = "";
            memcpy(number, word.s, word.len < sizeof number ? word.len : sizeof number - 1);
            return (int32_t)strtol(number, NULL, 10);
        }
    return fallback;
}
