#include "testbed/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "net/conn.h"
#include "net/listen.h"

enum { HEAD_MOST = 8192, ROOM = 16384, CHUNK = 32768, VISITORS_MOST = 4096, ANSWER_MAX = 512 };

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of a ClientHello's record */

#define BYTES_MOST ((uint64_t)1 << 50)

enum visit_state { VISIT_HEAD, VISIT_BODY, VISIT_ANSWER, VISIT_OVER };

/* One request. */
struct visit {
    struct testbed_page *page;
    struct ip from;
    struct conn *conn;
    enum visit_state state;
    char head[HEAD_MOST + 1];
    size_t head_len;
    uint8_t room[ROOM];
    uint64_t body_left, body_len; /* of a POST */
    struct sha256_running digest;
    char answer[ANSWER_MAX];
    size_t answer_len, answer_sent;
    struct aes_ctr *stream; /* of /bytes/N; or NULL */
    uint64_t stream_left;
    uint8_t chunk[CHUNK];
    size_t chunk_at, chunk_len;
    struct timer reap;
    struct visit *prev, *next;
};

struct testbed_page {
    struct net *net;
    const struct plan *plan;
    struct listener *listener;
    struct visit *visits;
    size_t n_visits;
};

static void visit_free(struct visit *v)
{
    DL_DELETE(v->page->visits, v);
    v->page->n_visits--;
    env_disarm(net_env(v->page->net), &v->reap);
    v->state = VISIT_OVER;
    if (v->conn)
        conn_close(v->conn);
    aes_ctr_free(v->stream);
    free(v);
}

static void reap(void *arg)
{
    visit_free(arg);
}

static void end_soon(struct visit *v)
{
    v->state = VISIT_OVER;
    env_arm_ms(net_env(v->page->net), &v->reap, 0);
}

/* ---- answers ---- */

static void PRINTF_LIKE(3, 4) answer(struct visit *v, const char *status, const char *fmt, ...)
{
    char body[ANSWER_MAX / 2];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(body, sizeof body, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof body)
        len = (int)strlen(body);
    int n = snprintf(v->answer, sizeof v->answer,
                     "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                     status, len, body);
    v->answer_len = n > 0 ? (size_t)n : 0;
    v->state = VISIT_ANSWER;
}

static void answer_hello(struct visit *v)
{
    char ip[IP_TEXT_MAX];
    const struct plan *p = v->page->plan;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (ip_equal(&p->node[i].or_port.ip, &v->from)) {
            answer(v, "200 OK", "Hello! This came through three relays; the exit was %s (%s).\n",
                   p->node[i].nickname, ip_text(&v->from, ip));
            return;
        }
    answer(v, "200 OK", "Hello! This did not come through Tor, but straight from %s.\n",
           ip_text(&v->from, ip));
}

static void answer_bytes(struct visit *v, struct text number)
{
    static const uint8_t zero_key[16];
    uint64_t n;
    if (text_to_u64(number, BYTES_MOST, &n) != OK) {
        answer(v, "404 Not Found", "/bytes/N wants a number.\n");
        return;
    }
    v->stream = aes_ctr_new(zero_key, 128, NULL);
    if (!v->stream) {
        answer(v, "503 Service Unavailable", "Out of memory.\n");
        return;
    }
    v->stream_left = n;
    int len = snprintf(v->answer, sizeof v->answer,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                       "Content-Length: %llu\r\nConnection: close\r\n\r\n",
                       (unsigned long long)n);
    v->answer_len = (size_t)len;
    v->state = VISIT_ANSWER;
}

static void answer_post(struct visit *v)
{
    uint8_t digest[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    sha256_peek(&v->digest, digest);
    for (size_t i = 0; i < SHA256_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    answer(v, "200 OK", "%llu bytes, sha256 %s\n", (unsigned long long)v->body_len, hex);
}

/* ---- the request ---- */

/* The value of the header line NAME (with its colon); empty if it is not there. */
static struct text header(struct text rest, const char *name)
{
    struct text line;
    size_t len = strlen(name);
    while (text_line(&rest, &line))
        if (line.len >= len && text_is_nocase((struct text){line.s, len}, name))
            return text_strip((struct text){line.s + len, line.len - len});
    return (struct text){"", 0};
}

static void begin_post(struct visit *v, struct text headers)
{
    struct text length = header(headers, "Content-Length:");
    if (text_to_u64(length, BYTES_MOST, &v->body_left) != OK) {
        answer(v, "411 Length Required", "A POST wants a Content-Length.\n");
        return;
    }
    v->body_len = v->body_left;
    sha256_init(&v->digest);
    v->state = VISIT_BODY;
    if (text_is_nocase(header(headers, "Expect:"), "100-continue"))
        v->answer_len =
            (size_t)snprintf(v->answer, sizeof v->answer, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void take_head(struct visit *v, size_t len)
{
    struct text rest = {v->head, len}, line, method, path;
    static const char bytes[] = "/bytes/";
    (void)text_line(&rest, &line);
    if (!text_token(&line, &method) || !text_token(&line, &path))
        answer(v, "400 Bad Request", "This is no HTTP request.\n");
    else if (text_is(method, "POST"))
        begin_post(v, rest);
    else if (!text_is(method, "GET") && !text_is(method, "HEAD"))
        answer(v, "405 Method Not Allowed", "GET, HEAD and POST are served here.\n");
    else if (text_is(path, "/"))
        answer_hello(v);
    else if (text_starts(path, bytes))
        answer_bytes(v, (struct text){path.s + sizeof bytes - 1, path.len - (sizeof bytes - 1)});
    else
        answer(v, "404 Not Found", "There are / and /bytes/N here.\n");
    if (v->state == VISIT_ANSWER && text_is(method, "HEAD")) {
        char *end = strstr(v->answer, "\r\n\r\n");
        v->answer_len = end ? (size_t)(end - v->answer) + 4 : v->answer_len;
        v->stream_left = 0;
    }
}

static void take_body(struct visit *v, const void *bytes, size_t len)
{
    if (len > v->body_left)
        len = (size_t)v->body_left;
    sha256_add(&v->digest, bytes, len);
    v->body_left -= len;
    if (v->body_left)
        return;
    v->answer_sent = 0;
    answer_post(v);
}

/* Where the header ends, behind its empty line; 0: not yet. */
static size_t head_end(const struct visit *v)
{
    const char *end = strstr(v->head, "\r\n\r\n");
    return end ? (size_t)(end - v->head) + 4 : 0;
}

static void feed(struct visit *v, const uint8_t *bytes, size_t len)
{
    if (v->state == VISIT_HEAD && !v->head_len && len && bytes[0] == TLS_HANDSHAKE) {
        end_soon(v); /* https: there is no TLS here, and silence would be a riddle */
        return;
    }
    if (v->state == VISIT_HEAD) {
        size_t had = v->head_len, part = HEAD_MOST - had < len ? HEAD_MOST - had : len;
        memcpy(v->head + had, bytes, part);
        v->head_len += part;
        v->head[v->head_len] = 0;
        size_t end = head_end(v);
        if (!end && v->head_len == HEAD_MOST)
            answer(v, "431 Request Header Fields Too Large", "That is too much of a header.\n");
        if (!end)
            return;
        take_head(v, end);
        bytes += end - had;
        len -= end - had;
    }
    if (v->state == VISIT_BODY)
        take_body(v, bytes, len);
}

/* ---- the socket's side ---- */

static uint8_t *in_room(void *visit, size_t *room)
{
    struct visit *v = visit;
    *room = ROOM;
    return v->state == VISIT_OVER ? NULL : v->room;
}

static void in_done(void *visit, size_t len)
{
    struct visit *v = visit;
    feed(v, v->room, len);
    conn_output(v->conn);
}

static void in_end(void *visit, int errno_)
{
    (void)errno_;
    end_soon(visit);
}

static void fill_chunk(struct visit *v)
{
    size_t len = v->stream_left < CHUNK ? (size_t)v->stream_left : CHUNK;
    memset(v->chunk, 0, len);
    if (aes_ctr_xor(v->stream, v->chunk, len) != OK)
        len = 0, v->stream_left = 0;
    v->stream_left -= len;
    v->chunk_at = 0;
    v->chunk_len = len;
}

static const uint8_t *out(void *visit, size_t *len)
{
    struct visit *v = visit;
    if (v->state == VISIT_OVER)
        return NULL;
    *len = v->answer_len - v->answer_sent;
    if (*len)
        return (const uint8_t *)v->answer + v->answer_sent;
    if (v->state != VISIT_ANSWER)
        return NULL;
    if (v->chunk_at == v->chunk_len && v->stream_left)
        fill_chunk(v);
    *len = v->chunk_len - v->chunk_at;
    return *len ? v->chunk + v->chunk_at : NULL;
}

static void sent(void *visit, size_t len)
{
    struct visit *v = visit;
    if (v->answer_sent < v->answer_len)
        v->answer_sent += len;
    else
        v->chunk_at += len;
    if (v->state == VISIT_ANSWER && v->answer_sent == v->answer_len && !v->stream_left &&
        v->chunk_at == v->chunk_len)
        end_soon(v);
}

static const struct conn_machine visit_machine = {
    .in_room = in_room, .in_done = in_done, .in_end = in_end, .out = out, .sent = sent};

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    struct testbed_page *p = arg;
    struct visit *v =
        ip_is_loopback(&peer->ip) && p->n_visits < VISITORS_MOST ? calloc(1, sizeof *v) : NULL;
    if (!v) {
        close(fd);
        return;
    }
    v->page = p;
    v->from = peer->ip;
    timer_init(&v->reap, reap, v);
    DL_APPEND(p->visits, v);
    p->n_visits++;
    v->conn = conn_new(p->net, fd, &visit_machine, v);
    if (!v->conn)
        visit_free(v);
}

err_t testbed_page_open(struct net *n, const struct plan *plan, struct testbed_page **out_)
{
    const struct listen_at at = {.tcp.ip = {.family = IP_V4, .b = {127, 0, 0, 1}}};
    struct testbed_page *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    *p = (struct testbed_page){.net = n, .plan = plan};
    err_t e = listener_open(n, "test page", &at, on_accept, p, &p->listener);
    if (e != OK) {
        free(p);
        return e;
    }
    *out_ = p;
    return OK;
}

void testbed_page_close(struct testbed_page *p)
{
    if (!p)
        return;
    while (p->visits)
        visit_free(p->visits);
    listener_close(p->listener);
    free(p);
}

uint16_t testbed_page_port(const struct testbed_page *p)
{
    return listener_port(p->listener);
}
