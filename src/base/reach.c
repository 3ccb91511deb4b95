#include "base/reach.h"

#include <stdio.h>
#include <string.h>

struct reach reach_at(struct ipport at)
{
    return (struct reach){.addr = at};
}

bool reach_equal(const struct reach *a, const struct reach *b)
{
    return ipport_equal(&a->addr, &b->addr) && strcmp(a->host, b->host) == 0 &&
           strcmp(a->transport, b->transport) == 0 && strcmp(a->arguments, b->arguments) == 0;
}

const char *reach_text(const struct reach *r, char out[REACH_TEXT_MAX])
{
    char addr[IPPORT_TEXT_MAX];
    const char *by = r->transport[0] ? " by " : "";
    if (r->host[0])
        snprintf(out, REACH_TEXT_MAX, "%s:%u%s%s", r->host, r->addr.port, by, r->transport);
    else if (r->addr.ip.family == IP_NONE)
        snprintf(out, REACH_TEXT_MAX, "no address%s%s", by, r->transport);
    else
        snprintf(out, REACH_TEXT_MAX, "%s%s%s", ipport_text(&r->addr, addr), by, r->transport);
    return out;
}
