#include "testbed/page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "net/sockaddr.h"
#include "testbed/page_bytes.h"

enum {
    BACKLOG = 1024,
    HEAD_MOST = 8192,
    POST_MOST = 128 << 20,
    REST_MOST = 4096, /* read of a visitor who has asked already, and is told that this was all */
};

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of a ClientHello's record */

struct testbed_page {
    struct net *net;
    const struct plan *plan;
    struct evhttp *http;
    struct evconnlistener *listener; /* until evhttp has it */
    uint16_t port;
};

/* ---- answers ---- */

static void PRINTF_LIKE(4, 5)
    answer(struct evhttp_request *req, int status, const char *reason, const char *fmt, ...)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    struct evbuffer *body = evbuffer_new();
    char length[24];
    va_list args;
    if (!body) {
        evhttp_send_error(req, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    va_start(args, fmt);
    evbuffer_add_vprintf(body, fmt, args);
    va_end(args);
    snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
    evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
    evhttp_add_header(headers, "Content-Length", length);
    if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
        evbuffer_drain(body, evbuffer_get_length(body));
    evhttp_send_reply(req, status, reason, body);
    evbuffer_free(body);
}

static void answer_hello(const struct plan *p, struct evhttp_request *req)
{
    char *from = NULL;
    uint16_t port;
    struct ip ip = {.family = IP_NONE};
    evhttp_connection_get_peer(evhttp_request_get_connection(req), &from, &port);
    if (from && ip_parse(from, false, &ip) == OK)
        for (size_t i = 0; i < p->n_nodes; i++)
            if (ip_equal(&p->node[i].or_port.ip, &ip)) {
                answer(req, HTTP_OK, "OK",
                       "Hello! This came through three relays; the exit was %s (%s).\n",
                       p->node[i].nickname, from);
                return;
            }
    answer(req, HTTP_OK, "OK", "Hello! This did not come through Tor, but straight from %s.\n",
           from ? from : "somewhere");
}

static void answer_bytes(struct evhttp_request *req, const char *number)
{
    uint64_t n;
    if (text_to_u64(text_of(number), PAGE_BYTES_MOST, &n) != OK)
        answer(req, HTTP_NOTFOUND, "Not Found", "/bytes/N wants a number.\n");
    else if (page_bytes_send(req, n) != OK)
        answer(req, HTTP_SERVUNAVAIL, "Service Unavailable", "Out of memory.\n");
}

static void answer_post(struct evhttp_request *req)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
    struct evbuffer *body = evhttp_request_get_input_buffer(req);
    size_t len = evbuffer_get_length(body);
    struct evbuffer_iovec part;
    struct sha256_running running;
    uint8_t digest[SHA256_LEN];
    char hex[HEX_SIZE(SHA256_LEN)];
    if (!evhttp_find_header(headers, "Content-Length") &&
        !evhttp_find_header(headers, "Transfer-Encoding")) {
        answer(req, 411, "Length Required", "A POST wants a Content-Length.\n");
        return;
    }
    sha256_init(&running);
    while (evbuffer_peek(body, -1, NULL, &part, 1) > 0) {
        sha256_add(&running, part.iov_base, part.iov_len);
        evbuffer_drain(body, part.iov_len);
    }
    sha256_peek(&running, digest);
    answer(req, HTTP_OK, "OK", "%zu bytes, sha256 %s\n", len, hex_lower(digest, SHA256_LEN, hex));
}

static void answer_get(const struct plan *plan, struct evhttp_request *req)
{
    static const char bytes[] = "/bytes/";
    const char *path = evhttp_request_get_uri(req);
    if (strcmp(path, "/") == 0)
        answer_hello(plan, req);
    else if (strncmp(path, bytes, sizeof bytes - 1) == 0)
        answer_bytes(req, path + sizeof bytes - 1);
    else
        answer(req, HTTP_NOTFOUND, "Not Found", "There are / and /bytes/N here.\n");
}

static void on_request(struct evhttp_request *req, void *page)
{
    struct testbed_page *p = page;
    struct evhttp_connection *c = evhttp_request_get_connection(req);
    enum evhttp_cmd_type method = evhttp_request_get_command(req);
    evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
    bufferevent_setwatermark(evhttp_connection_get_bufferevent(c), EV_READ, 0, REST_MOST);
    if (method == EVHTTP_REQ_POST)
        answer_post(req);
    else if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD)
        answer_get(p->plan, req);
    else
        answer(req, HTTP_BADMETHOD, "Method Not Allowed", "GET, HEAD and POST are served here.\n");
}

/* ---- visitors ---- */

/* https: there is no TLS here. evhttp would wait for a line's end, and silence would be a riddle;
 * so what came is dropped, and evhttp finds that the visitor has gone. */
static void on_first_bytes(struct evbuffer *in, const struct evbuffer_cb_info *info, void *visitor)
{
    uint8_t first = 0;
    if (!info->n_added)
        return;
    evbuffer_remove_cb(in, on_first_bytes, visitor);
    if (evbuffer_copyout(in, &first, 1) != 1 || first != TLS_HANDSHAKE)
        return;
    evbuffer_drain(in, evbuffer_get_length(in));
    shutdown(bufferevent_getfd(visitor), SHUT_RDWR);
}

static struct bufferevent *on_visitor(struct event_base *base, void *page)
{
    struct bufferevent *b = bufferevent_socket_new(base, -1, 0);
    (void)page;
    if (!b)
        return NULL; /* evhttp tries it, and then closes */
    bufferevent_setwatermark(b, EV_READ, 0, HEAD_MOST + POST_MOST);
    bufferevent_set_max_single_write(b, PAGE_BYTES_CHUNK);
    evbuffer_add_cb(bufferevent_get_input(b), on_first_bytes, b);
    return b;
}

/* Out of file descriptors, as a rule: the next turn of the loop tries again. (Without this libevent
 * would say so on standard error each time. It cannot tell us whose listener it is, for a pause.)
 */
static void on_accept_error(struct evconnlistener *l, void *http)
{
    (void)l, (void)http;
}

/* ---- its life ---- */

static err_t complain(struct testbed_page *p)
{
    log_warn(net_env(p->net)->log, "Could not bind to the test page's address: %s.",
             strerror(errno));
    return ERR_IO;
}

static err_t listen_on(struct testbed_page *p, const struct ipport *at)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(at, &ss);
    p->listener = evconnlistener_new_bind(net_base(p->net), NULL, NULL,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG,
                                          (struct sockaddr *)&ss, (int)len);
    if (!p->listener)
        return complain(p);
    evconnlistener_set_error_cb(p->listener, on_accept_error);
    if (getsockname(evconnlistener_get_fd(p->listener), (struct sockaddr *)&ss, &len) != 0)
        return complain(p);
    p->port = sockaddr_to_ipport(&ss).port;
    return OK;
}

static err_t serve(struct testbed_page *p)
{
    p->http = evhttp_new(net_base(p->net));
    if (!p->http)
        return ERR_NOMEM;
    evhttp_set_max_headers_size(p->http, HEAD_MOST);
    evhttp_set_max_body_size(p->http, POST_MOST);
    evhttp_set_flags(p->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_allowed_methods(p->http, UINT16_MAX); /* all are answered, most with "405" */
    evhttp_set_bevcb(p->http, on_visitor, p);
    evhttp_set_gencb(p->http, on_request, p);
    if (!evhttp_bind_listener(p->http, p->listener))
        return ERR_NOMEM;
    p->listener = NULL; /* evhttp's now */
    return OK;
}

err_t testbed_page_open(struct net *n, const struct plan *plan, struct testbed_page **out)
{
    static const struct ipport at = {.ip = {.family = IP_V4, .b = {127, 0, 0, 1}}};
    struct testbed_page *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    *p = (struct testbed_page){.net = n, .plan = plan};
    err_t e = listen_on(p, &at);
    if (e == OK)
        e = serve(p);
    if (e != OK) {
        testbed_page_close(p);
        return e;
    }
    log_notice(net_env(n)->log, "Opened test page listener connection (ready) on 127.0.0.1:%u",
               p->port);
    *out = p;
    return OK;
}

void testbed_page_close(struct testbed_page *p)
{
    if (!p)
        return;
    if (p->http)
        evhttp_free(p->http); /* frees its visitors too */
    if (p->listener)
        evconnlistener_free(p->listener);
    free(p);
}

uint16_t testbed_page_port(const struct testbed_page *p)
{
    return p->port;
}
