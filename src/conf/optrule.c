#include "conf/optrule.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

err_t rule_reject(const struct checking *c, const char *text)
{
    return conf_fail(c->e, ERR_MALFORMED, "%s", text);
}

err_t rule_reject_opt(const struct checking *c, const char *name, const char *fmt, ...)
{
    char text[CONF_ERR_MAX / 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const struct opt *opt = opt_find(name);
    const char *where = opt ? c->o->where[opt_index(opt)] : NULL;
    return conf_fail(c->e, ERR_MALFORMED, "%s%s%s", where ? where : "", where ? ": " : "", text);
}

const char *rule_kept_value(const struct options *o, const char *name)
{
    const char *value = NULL;
    for (const struct conf_line *l = o->kept; l; l = l->next)
        if (strcasecmp(l->key, name) == 0)
            value = l->value;
    return value;
}
