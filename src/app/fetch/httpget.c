#include "app/fetch/httpget.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/later.h"
#include "net/net.h"

/* Libevent would give up by itself after 45 or 50 seconds. */
enum { NEVER_S = 365 * 24 * 60 * 60 };

struct httpget {
    struct net *net;
    struct evhttp_connection *conn;
    const struct httpget_ops *ops;
    void *arg;
    char first[HTTPGET_FIRST_MAX];
    size_t n_first;
    bool sent;
    err_t refused; /* what the owner said to a piece of the answer */
    enum evhttp_request_error error;
    struct httpget_end end;
    struct later tell;
};

static void end(struct httpget *g, err_t why, int errno_)
{
    g->end = (struct httpget_end){why, errno_};
    later_ask(net_env(g->net), &g->tell);
}

static void tell(void *arg)
{
    struct httpget *g = arg;
    const struct httpget_end said = g->end;
    g->ops->on_end(g->arg, &said);
}

/* ---- what evhttp says ---- */

static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
    struct httpget *g = arg;
    (void)out;
    if (g->sent || !info->n_deleted)
        return;
    net_touch(g->net);
    g->sent = true;
    g->ops->on_sent(g->arg);
}

/* Before evhttp looks at them, so all that has come is there until the first line is whole. */
static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
    struct httpget *g = arg;
    if (!info->n_added)
        return;
    net_touch(g->net);
    if (g->n_first < sizeof g->first) {
        ev_ssize_t n = evbuffer_copyout(in, g->first, sizeof g->first);
        g->n_first = n > 0 ? (size_t)n : 0;
    }
    g->ops->on_bytes(g->arg);
}

static int on_head(struct evhttp_request *req, void *arg)
{
    struct httpget *g = arg;
    struct evkeyval *h;
    const char *reason = evhttp_request_get_response_code_line(req);
    net_touch(g->net);
    g->refused =
        g->ops->on_status(g->arg, evhttp_request_get_response_code(req), reason ? reason : "");
    TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next)
    if (g->refused == OK)
        g->refused = g->ops->on_header(g->arg, h->key, h->value);
    if (g->refused == OK)
        g->refused = g->ops->on_body_begin(g->arg);
    return g->refused == OK ? 0 : -1;
}

static void on_body(struct evhttp_request *req, void *arg)
{
    struct httpget *g = arg;
    struct evbuffer *in = evhttp_request_get_input_buffer(req);
    net_touch(g->net);
    while (g->refused == OK && evbuffer_get_length(in)) {
        size_t n = evbuffer_get_contiguous_space(in);
        g->refused = g->ops->on_body(g->arg, evbuffer_pullup(in, (ev_ssize_t)n), n);
        (void)evbuffer_drain(in, n);
    }
    if (g->refused != OK)
        evhttp_cancel_request(req);
}

static void on_error(enum evhttp_request_error error, void *arg)
{
    struct httpget *g = arg;
    g->error = error;
    if (error == EVREQ_HTTP_REQUEST_CANCEL) /* evhttp calls nothing else then */
        end(g, g->refused, 0);
}

static err_t why_of(const struct httpget *g)
{
    if (g->refused != OK)
        return g->refused;
    if (!g->n_first)
        return ERR_IO;
    return g->error == EVREQ_HTTP_INVALID_HEADER  ? ERR_MALFORMED
           : g->error == EVREQ_HTTP_DATA_TOO_LONG ? ERR_LIMIT
                                                  : ERR_TRUNCATED;
}

/* What broke the connection. Libevent tells an end that was in order by the same call, and errno
 * may be of another time then. */
static int errno_of_socket(int errno_)
{
    switch (errno_) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ETIMEDOUT:
    case EACCES:
    case EPERM:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return errno_;
    default:
        return 0;
    }
}

/* REQ is NULL after on_error(). It is one without a status if connecting was refused, and then
 * evhttp has closed the socket already, and lost its error. */
static void on_done(struct evhttp_request *req, void *arg)
{
    int errno_ = EVUTIL_SOCKET_ERROR();
    struct httpget *g = arg;
    net_touch(g->net);
    if (!req)
        end(g, why_of(g), g->n_first ? 0 : errno_of_socket(errno_));
    else if (!evhttp_request_get_response_code(req))
        end(g, ERR_IO, ECONNREFUSED);
    else
        end(g, OK, 0);
}

/* ---- asking ---- */

static bool connect_to(struct httpget *g, const struct httpget_wish *wish)
{
    char address[IP_TEXT_MAX];
    g->conn = evhttp_connection_base_new(net_base(g->net), NULL, ip_text(&wish->to.ip, address),
                                         wish->to.port);
    if (!g->conn)
        return false;
    struct bufferevent *bev = evhttp_connection_get_bufferevent(g->conn);
    evhttp_connection_set_timeout(g->conn, NEVER_S);
    evhttp_connection_set_max_headers_size(g->conn, (ev_ssize_t)wish->head_max);
    evhttp_connection_set_max_body_size(g->conn, (ev_ssize_t)wish->body_max);
    return evbuffer_add_cb(bufferevent_get_input(bev), on_input, g) &&
           evbuffer_add_cb(bufferevent_get_output(bev), on_output, g);
}

static bool ask(struct httpget *g, const struct httpget_wish *wish)
{
    struct evhttp_request *req = evhttp_request_new(on_done, g);
    if (!req)
        return false;
    req->major = 1; /* directory servers speak HTTP/1.0 (dir-spec appendix B) */
    req->minor = 0;
    evhttp_request_set_header_cb(req, on_head);
    evhttp_request_set_chunked_cb(req, on_body);
    evhttp_request_set_error_cb(req, on_error);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    if (evhttp_add_header(headers, "Host", wish->host) != 0 ||
        evhttp_add_header(headers, "Accept-Encoding", wish->accept) != 0) {
        evhttp_request_free(req);
        return false;
    }
    return evhttp_make_request(g->conn, req, EVHTTP_REQ_GET, wish->path) == 0;
}

struct httpget *httpget_new(struct net *n, const struct httpget_wish *wish,
                            const struct httpget_ops *ops, void *arg)
{
    struct httpget *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    *g = (struct httpget){.net = n, .ops = ops, .arg = arg};
    later_init(&g->tell, tell, g);
    net_touch(n);
    if (connect_to(g, wish) && ask(g, wish))
        return g;
    httpget_free(g);
    return NULL;
}

void httpget_free(struct httpget *g)
{
    if (!g)
        return;
    later_cancel(net_env(g->net), &g->tell);
    if (g->conn)
        evhttp_connection_free(g->conn);
    free(g);
}

struct text httpget_first(const struct httpget *g)
{
    return (struct text){g->first, g->n_first};
}
