#include "app/fetch/suspect.h"

#include <stdlib.h>
#include <string.h>

#include "app/fetch/dirport.h"

enum { BODY_MOST = 1 << 20 };

struct suspect {
    struct net *net;
    struct http http;
    struct dirport *port;
    void (*is_http)(void *arg);
    void *arg;
};

static void progress(void *arg)
{
    (void)arg;
}

/* Any answer will do, and an error page is one. */
static void settled(void *arg, const struct tunic_error *error)
{
    static const char http[] = "HTTP/";
    struct suspect *p = arg;
    size_t len = sizeof http - 1;
    (void)error;
    if (p->http.n_first >= len && memcmp(p->http.first, http, len) == 0)
        p->is_http(p->arg);
}

static const struct http_ops port_ops = {.progress = progress, .settled = settled};

struct suspect *suspect_new(struct net *net, const struct ipport *to, void (*is_http)(void *arg),
                            void *arg)
{
    char host[IPPORT_TEXT_MAX];
    const struct http_ask ask = {
        .path = "/tor/server/authority", .host = ipport_text(to, host), .most = BODY_MOST};
    struct suspect *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct suspect){.net = net, .is_http = is_http, .arg = arg};
    if (http_init(&p->http, &ask) == OK)
        p->port = dirport_new(net, to, &ask, &p->http, &port_ops, p);
    if (p->port)
        return p;
    suspect_free(p);
    return NULL;
}

void suspect_free(struct suspect *p)
{
    if (!p)
        return;
    net_enter(p->net);
    dirport_free(p->port);
    http_free(&p->http);
    free(p);
}
