/* Streams of a client: tunnels, which find their circuits themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/tunnel.h"
#include "lib/client.h"
#include "lib/relay.h"
#include "lib/stream.h"

/* Streams of SocksPorts have sessions of their own. */
enum { SESSION = INT32_MIN };

/* ---- the flow ---- */

static size_t write_bytes(void *flow, const uint8_t *bytes, size_t len)
{
    return tunnel_write(flow, bytes, len);
}

static void consumed(void *flow, size_t len)
{
    tunnel_consumed(flow, len);
}

static void close_flow(void *flow, uint8_t reason)
{
    tunnel_close(flow, reason);
}

static const struct lib_flow tunnel_flow = {
    .write = write_bytes,
    .consumed = consumed,
    .close = close_flow,
};

/* ---- the tunnel's callbacks ---- */

static void on_begun(void *arg)
{
    lib_stream_begun(arg);
}

static void on_connected(void *arg, const struct ip *addr)
{
    lib_stream_connected(arg, addr);
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct tunic_error error;
    lib_error_of_tunnel(&error, end);
    lib_stream_over(arg, &error);
}

static const struct tunnel_ops tunnel_callbacks = {
    .on_begun = on_begun,
    .on_connected = on_connected,
    .on_resolved = lib_stream_resolved,
    .on_data = lib_stream_data,
    .on_writable = lib_stream_writable,
    .on_end = on_end,
};

/* ---- requests ---- */

/* "host:port", "[v6]:port". */
static err_t read_target(const char *target, struct tunnel_request *req)
{
    const char *colon = target ? strrchr(target, ':') : NULL;
    if (!colon)
        return ERR_ARG;
    struct text host = {target, (size_t)(colon - target)};
    uint64_t number;
    if (host.len >= 2 && host.s[0] == '[' && host.s[host.len - 1] == ']') {
        host.s++;
        host.len -= 2;
    }
    if (text_u64(colon + 1, UINT16_MAX, &number) != OK || !host.len || host.len > TUNNEL_HOST_MAX)
        return ERR_ARG;
    memcpy(req->host, host.s, host.len);
    req->port = (uint16_t)number;
    return OK;
}

static err_t read_name(const char *name, struct tunnel_request *req)
{
    size_t len = name ? strlen(name) : 0;
    if (!len || len > TUNNEL_HOST_MAX)
        return ERR_ARG;
    memcpy(req->host, name, len);
    req->kind = ip_parse(name, true, &req->ip) == OK ? TUNNEL_RESOLVE_PTR : TUNNEL_RESOLVE;
    return OK;
}

static err_t read_request(const struct tunic_stream_options *o, struct tunnel_request *req)
{
    *req = (struct tunnel_request){.kind = TUNNEL_CONNECT, .isolation = {.session = SESSION}};
    if (o->isolation)
        isolation_set_auth(&req->isolation, text_of(o->isolation), text_of(""));
    req->ipv4_ok = !(o->flags & TUNIC_BEGIN_IPV4_NOT_OK);
    req->ipv6_ok = o->flags & TUNIC_BEGIN_IPV6_OK;
    req->prefer_ipv6 = o->flags & TUNIC_BEGIN_IPV6_PREFERRED;
    req->optimistic = o->optimistic;
    if (o->kind == TUNIC_RESOLVE)
        return read_name(o->target, req);
    if (o->kind != TUNIC_BEGIN)
        return ERR_ARG;
    TRY(read_target(o->target, req));
    if (ip_parse(req->host, true, &req->ip) == OK && req->ip.family == IP_V6)
        req->ipv6_ok = true;
    return OK;
}

static struct tunic_stream *launch(struct tunic_client *c, const struct tunic_stream_options *o,
                                   const struct tunnel_request *req)
{
    struct tunic_stream *s = lib_stream_new(o);
    if (!s)
        return NULL;
    s->flow = tunnel_open(c->client, req, &tunnel_callbacks, s);
    s->ops = &tunnel_flow;
    if (!s->flow) {
        free(s);
        return NULL;
    }
    lib_stream_begin(s, c->h.t, &c->h, &c->open);
    return s;
}

struct tunic_stream *tunic_client_stream_start(struct tunic_client *client,
                                               const struct tunic_stream_options *options,
                                               struct tunic_error *error)
{
    static const struct tunic_stream_options none = TUNIC_STREAM_OPTIONS_INIT;
    struct tunic_stream_options o;
    struct tunnel_request req;
    if (!client || !lib_enter(client->h.t, error))
        return NULL;
    lib_options(&o, sizeof o, options ? options : &none);
    if (read_request(&o, &req) != OK) {
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_STREAM, "\"%.100s\" is no target for this",
                  o.target ? o.target : "");
        return NULL;
    }
    if (client->obsolete) {
        lib_error_copy(error, &client->error);
        return NULL;
    }
    struct tunic_stream *s = launch(client, &o, &req);
    if (!s)
        lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_STREAM,
                  "a new stream: out of memory, or too many");
    return s;
}

/* ---- for scripts ---- */

struct tunic_stream *tunic_client_connect(struct tunic_client *client, const char *host,
                                          uint16_t port, const char *isolation, int timeout_ms,
                                          struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    char target[TUNNEL_HOST_MAX + 16];
    host = host ? host : "";
    int n = snprintf(target, sizeof target, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    o.target = n < (int)sizeof target ? target : "";
    o.flags = TUNIC_BEGIN_IPV6_OK;
    o.isolation = isolation;
    return lib_stream_settled(tunic_client_stream_start(client, &o, error), timeout_ms, error);
}

int tunic_client_connect_socket(struct tunic_client *client, const char *host, uint16_t port,
                                const char *isolation, int timeout_ms, struct tunic_error *error)
{
    struct tunic_stream *s = tunic_client_connect(client, host, port, isolation, timeout_ms, error);
    int fd = s ? tunic_stream_to_socket(s, error) : -1;
    if (fd < 0)
        tunic_stream_free(s);
    return fd;
}

int tunic_client_resolve(struct tunic_client *client, const char *name, const char *isolation,
                         struct tunic_answer *out, int most, int timeout_ms,
                         struct tunic_error *error)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.kind = TUNIC_RESOLVE;
    o.target = name;
    o.flags = TUNIC_BEGIN_IPV6_OK;
    o.isolation = isolation;
    struct tunic_stream *s =
        lib_stream_settled(tunic_client_stream_start(client, &o, error), timeout_ms, error);
    return lib_stream_answers(s, out, most);
}
