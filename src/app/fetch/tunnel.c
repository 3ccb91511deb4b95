#include "app/fetch/tunnel.h"

#include <stdlib.h>

#include "base/later.h"
#include "cell/reason.h"
#include "client/tunnel.h"
#include "lib/lib.h"

struct dirtunnel {
    struct env *env;
    struct tunnel *tunnel; /* NULL once it has ended */
    char *request;
    size_t len, sent;
    struct http *http;
    const struct http_ops *ops;
    void *arg;
    bool connected, settled;
    struct tunic_error error;
    struct later tell;
};

static void settle(struct dirtunnel *d)
{
    d->settled = true;
    if (d->tunnel)
        tunnel_close(d->tunnel, END_DONE);
    d->tunnel = NULL;
    later_ask(d->env, &d->tell);
}

static void send_more(struct dirtunnel *d)
{
    if (d->settled || !d->tunnel)
        return;
    d->sent += tunnel_write(d->tunnel, (const uint8_t *)d->request + d->sent, d->len - d->sent);
}

static void on_connected(void *arg, const struct ip *addr)
{
    struct dirtunnel *d = arg;
    (void)addr;
    d->connected = true;
    d->ops->progress(d->arg);
    send_more(d);
}

static void on_writable(void *arg)
{
    send_more(arg);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct dirtunnel *d = arg;
    if (d->settled)
        return;
    d->ops->progress(d->arg);
    bool over = http_feed(d->http, bytes, len, &d->error);
    if (d->tunnel)
        tunnel_consumed(d->tunnel, len);
    if (over)
        settle(d);
}

static enum tunic_stage stage_of(enum tunnel_stage stage)
{
    return stage == TUNNEL_STAGE_NETWORK   ? TUNIC_STAGE_LINK
           : stage == TUNNEL_STAGE_CIRCUIT ? TUNIC_STAGE_CIRCUIT
                                           : TUNIC_STAGE_STREAM;
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct dirtunnel *d = arg;
    d->tunnel = NULL;
    if (d->settled)
        return;
    if (end->stage == TUNNEL_STAGE_NONE && d->http->n_first)
        http_end(d->http, &d->error);
    else
        lib_error(&d->error, end->stage == TUNNEL_STAGE_TIMEOUT ? TUNIC_TIMEOUT : TUNIC_NETWORK,
                  stage_of(end->stage), "%s", end->text);
    settle(d);
}

static const struct tunnel_ops tunnel_ops = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

static void tell(void *arg)
{
    struct dirtunnel *d = arg;
    const struct tunic_error error = d->error;
    d->ops->settled(d->arg, &error);
}

static err_t write_request(struct dirtunnel *d, const struct http_ask *ask)
{
    const struct dirhttp_options o = {
        .host = ask->host, .accept = ask->accept, .anonymous = ask->anonymous};
    d->request = malloc(DIRHTTP_REQUEST_MAX);
    return d->request ? dirhttp_get(ask->path, &o, d->request, &d->len) : ERR_NOMEM;
}

struct dirtunnel *dirtunnel_new(struct env *env, struct client *client,
                                const struct dirtunnel_wish *wish, struct http *h,
                                const struct http_ops *ops, void *arg)
{
    const struct tunnel_request req = {.kind = wish->authority ? TUNNEL_DIR_AUTHORITY : TUNNEL_DIR,
                                       .isolation = {.session = wish->session},
                                       .ipv4_ok = true};
    struct dirtunnel *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    *d = (struct dirtunnel){.env = env, .http = h, .ops = ops, .arg = arg};
    later_init(&d->tell, tell, d);
    if (write_request(d, wish->ask) == OK)
        d->tunnel = tunnel_open(client, &req, &tunnel_ops, d);
    if (d->tunnel)
        return d;
    dirtunnel_free(d);
    return NULL;
}

void dirtunnel_free(struct dirtunnel *d)
{
    if (!d)
        return;
    later_cancel(d->env, &d->tell);
    if (d->tunnel)
        tunnel_close(d->tunnel, END_DONE);
    free(d->request);
    free(d);
}

bool dirtunnel_is_connected(const struct dirtunnel *d)
{
    return d->connected;
}
