#include "app/fetch/client.h"

#include <stdlib.h>

static size_t count(const char *const *words)
{
    size_t n = 0;
    while (words && words[n])
        n++;
    return n;
}

static const char **add(const char **at, const char *name, const char *value)
{
    at[0] = name;
    at[1] = value;
    return at + 2;
}

static const char **add_each(const char **at, const char *name, char *const *values)
{
    for (; values && *values; values++)
        at = add(at, name, *values);
    return at;
}

static err_t options_of(const struct sources *s, const char *const *more, struct options **out,
                        struct conf_err *why)
{
    enum { OURS = 2 };
    size_t n = count((const char *const *)s->authority_lines) +
               count((const char *const *)s->fallback_lines) + OURS;
    const char **pairs = calloc(2 * n + count(more) + 1, sizeof *pairs), **at = pairs;
    if (!pairs)
        return conf_fail(why, ERR_NOMEM, "out of memory");
    at = add_each(at, "DirAuthority", s->authority_lines);
    at = add_each(at, "FallbackDir", s->fallback_lines);
    at = add(at, "SocksPort", "0");
    if (s->testing)
        at = add(at, "TestingTorNetwork", "1");
    for (; *more; more += 2)
        at = add(at, more[0], more[1]);
    err_t e = host_options_of(pairs, s->testing, out, why);
    free(pairs);
    return e;
}

err_t fetch_client_begin(struct net *net, const struct sources *s, const char *const *more,
                         struct host **out, struct conf_err *why)
{
    const struct host_place place = {.net = net};
    struct options *options;
    *out = NULL;
    err_t e = options_of(s, more, &options, why);
    if (e == OK)
        e = host_new(&place, options, out, why);
    if (e == OK)
        e = host_begin(*out, why);
    return e;
}
