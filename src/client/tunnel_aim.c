/* Where a tunnel's next attempt goes, if it is not where it was asked to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "client/tunnel_int.h"

const char *tunnel_asked_host(const struct tunnel *t)
{
    return t->asked_host ? t->asked_host : t->req.host;
}

/* False out of memory. */
static bool aim_at(struct tunnel *t, const char *host)
{
    if (!t->asked_host && !(t->asked_host = text_dup(text_of(t->req.host))))
        return false;
    memset(&t->req.ip, 0, sizeof t->req.ip);
    snprintf(t->req.host, sizeof t->req.host, "%s", host);
    tunnel_request_know(&t->req);
    return true;
}

void tunnel_redirect(struct tunnel *t, const char *host, uint16_t port)
{
    bool ok = t->req.kind == TUNNEL_RESOLVE_PTR || aim_at(t, host);
    if (port)
        t->req.port = t->out.port = port;
    if (ok && (t->state != WAITING || t->policy != t->set->pools))
        return;
    /* Others wait with it for what it wanted before. */
    if (!ok || !tunnel_wait_with(t, t->set->pools))
        tunnel_no_memory(t);
}
