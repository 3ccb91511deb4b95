/* One GET, against a server of the test's own on loopback. */
#include "app/fetch/httpget.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

enum { HEAD_MAX = 1024, BODY_MAX = 4096, TURNS = 2000, PIECE_WHOLE = 1 << 20 };

#define REQUEST "GET /tor/x HTTP/1.0\r\nHost: there\r\nAccept-Encoding: identity\r\n\r\n"

static struct log quiet_log = {.least = LOG_ERR};
static struct net *net;
static struct httpget *get;
static int listener, peer;

/* What its owner was told. */
static struct {
    char head[1024], body[BODY_MAX + 1], asked[1024];
    size_t body_len, asked_len;
    unsigned sent, pieces, ends;
    const char *refuses; /* a header's name, or "" for the body */
    struct httpget_end end;
} told;

static void on_sent(void *arg)
{
    (void)arg;
    told.sent++;
}

static void on_bytes(void *arg)
{
    (void)arg;
    told.pieces++;
}

static err_t on_status(void *arg, int status, const char *reason)
{
    (void)arg;
    snprintf(told.head, sizeof told.head, "%d %s;", status, reason);
    return OK;
}

static err_t on_header(void *arg, const char *name, const char *value)
{
    size_t len = strlen(told.head);
    (void)arg;
    if (told.refuses && strcmp(told.refuses, name) == 0)
        return ERR_UNSUPPORTED;
    snprintf(told.head + len, sizeof told.head - len, "%s=%s;", name, value);
    return OK;
}

static err_t on_body_begin(void *arg)
{
    (void)arg;
    strcat(told.head, "|");
    return OK;
}

static err_t on_body(void *arg, const void *bytes, size_t len)
{
    (void)arg;
    if (told.refuses && !*told.refuses)
        return ERR_BOMB;
    ck_assert_uint_le(told.body_len + len, BODY_MAX);
    memcpy(told.body + told.body_len, bytes, len);
    told.body_len += len;
    return OK;
}

/* It may be freed there. */
static void on_end(void *arg, const struct httpget_end *end)
{
    (void)arg;
    told.ends++;
    told.end = *end;
}

static const struct httpget_ops ops = {.on_sent = on_sent,
                                       .on_bytes = on_bytes,
                                       .on_status = on_status,
                                       .on_header = on_header,
                                       .on_body_begin = on_body_begin,
                                       .on_body = on_body,
                                       .on_end = on_end};

static void setup(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    memset(&told, 0, sizeof told);
    ck_ok(net_new(&quiet_log, NULL, &net));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    const uint8_t here[] = {127, 0, 0, 1};
    const struct httpget_wish wish = {.to = {ip_v4(here), ntohs(at.sin_port)},
                                      .path = "/tor/x",
                                      .host = "there",
                                      .accept = "identity",
                                      .head_max = HEAD_MAX,
                                      .body_max = BODY_MAX};
    peer = -1;
    get = httpget_new(net, &wish, &ops, NULL);
    ck_assert_ptr_nonnull(get);
    ck_assert_uint_eq(told.ends, 0);
}

static void teardown(void)
{
    httpget_free(get);
    if (peer >= 0)
        close(peer);
    close(listener);
    net_free(net);
}

static void turn(void)
{
    ck_ok(net_turn(net, false));
    if (told.ends == 0)
        usleep(100);
}

static void hear_request(void)
{
    for (int i = 0; i < TURNS && told.asked_len < strlen(REQUEST); i++) {
        turn();
        if (peer < 0)
            peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        ssize_t n = peer < 0 ? -1
                             : read(peer, told.asked + told.asked_len,
                                    sizeof told.asked - 1 - told.asked_len);
        told.asked_len += n > 0 ? (size_t)n : 0;
    }
    ck_assert_str_eq(told.asked, REQUEST);
    ck_assert_uint_eq(told.sent, 1);
}

/* The server says ANSWER, in pieces of so many bytes, and hangs up or not; until the end. */
static void answer(const char *text, size_t piece, bool hangs_up)
{
    hear_request();
    for (size_t at = 0, len = strlen(text); at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (send(peer, text + at, n, MSG_NOSIGNAL) < 0) /* nobody wants the rest */
            break;
        turn();
    }
    if (hangs_up) {
        close(peer);
        peer = -1;
    }
    for (int i = 0; i < TURNS && !told.ends; i++)
        turn();
    for (int i = 0; i < 10; i++) /* once only */
        turn();
    ck_assert_uint_eq(told.ends, 1);
}

START_TEST(test_httpget_answer_comes_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 7, PIECE_WHOLE};
    static const struct {
        const char *text;
        bool hangs_up;
    } rows[] = {
        {"HTTP/1.0 200 All right\r\nA: 1\r\nContent-Length: 5\r\nb: x y\r\n\r\nhello", false},
        {"HTTP/1.0 200 All right\r\nA: 1\r\nContent-Length: 5\r\nb: x y\r\n\r\nhello", true},
        {"HTTP/1.0 200 All right\r\nA: 1\r\nContent-Length: 5\r\nb: x y\r\n\r\nhello more", false}};
    for (size_t i = 0; i < 9; i++) {
        setup();
        answer(rows[i / 3].text, pieces[i % 3], rows[i / 3].hangs_up);
        ck_err(told.end.why, OK);
        ck_assert_str_eq(told.head, "200 All right;A=1;Content-Length=5;b=x y;|");
        ck_assert_str_eq(told.body, "hello");
        teardown();
    }
}
END_TEST

START_TEST(test_httpget_body_without_a_length_ends_with_the_connection)
{
    setup();
    answer("HTTP/1.0 404 Not found\r\n\r\nno", PIECE_WHOLE, true);
    ck_err(told.end.why, OK);
    ck_assert_str_eq(told.head, "404 Not found;|");
    ck_assert_str_eq(told.body, "no");
    teardown();
}
END_TEST

START_TEST(test_httpget_says_what_is_wrong_with_an_answer)
{
    static const struct {
        const char *text;
        err_t why;
        const char *first;
    } rows[] = {
        {"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello", ERR_TRUNCATED, "HTTP/1.0"},
        {"HTTP/1.0 200 OK\r\nContent-Le", ERR_TRUNCATED, "HTTP/1.0"},
        {"HT", ERR_TRUNCATED, "HT"},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", ERR_MALFORMED, "SSH-2.0-"},
        {"HTTP/1.0 200 OK\r\nno colon\r\n\r\nhello", ERR_MALFORMED, "HTTP/1.0"},
        {"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\nhello", ERR_MALFORMED, "HTTP/1.0"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 9999\r\n\r\nhello", ERR_LIMIT, "HTTP/1.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup();
        answer(rows[i].text, PIECE_WHOLE, true);
        ck_assert_msg(told.end.why == rows[i].why, "%s: %s", rows[i].text, err_name(told.end.why));
        ck_assert(text_is(httpget_first(get), rows[i].first));
        teardown();
    }
}
END_TEST

/* BYTES of X behind HEAD. */
static void answer_long(const char *head, size_t bytes)
{
    static char text[64 * 1024];
    int n = snprintf(text, sizeof text, "%s", head);
    memset(text + n, 'x', bytes);
    strcpy(text + n + bytes, "\r\n\r\n");
    answer(text, PIECE_WHOLE, true);
}

START_TEST(test_httpget_endless_answers_are_cut)
{
    setup();
    answer_long("HTTP/1.0 200 OK\r\nA: ", 2 * HEAD_MAX);
    ck_err(told.end.why, ERR_MALFORMED);
    teardown();
    setup();
    answer_long("HTTP/1.0 200 OK\r\n\r\n", 2 * BODY_MAX);
    ck_err(told.end.why, ERR_LIMIT);
    ck_assert_uint_le(told.body_len, BODY_MAX);
    teardown();
}
END_TEST

START_TEST(test_httpget_ends_with_what_its_owner_said)
{
    static const struct {
        const char *refuses;
        err_t why;
    } rows[] = {{"A", ERR_UNSUPPORTED}, {"", ERR_BOMB}};
    for (size_t i = 0; i < 2; i++) {
        setup();
        told.refuses = rows[i].refuses;
        answer("HTTP/1.0 200 OK\r\nA: 1\r\n\r\nhello", PIECE_WHOLE, false);
        ck_err(told.end.why, rows[i].why);
        ck_assert_uint_eq(told.body_len, 0);
        teardown();
    }
}
END_TEST

START_TEST(test_httpget_no_answer_is_an_error_of_the_socket)
{
    setup();
    answer("", 1, true);
    ck_err(told.end.why, ERR_IO);
    ck_assert_int_eq(told.end.errno_, 0);
    ck_assert_uint_eq(httpget_first(get).len, 0);
    teardown();
    setup();
    close(listener);
    for (int i = 0; i < TURNS && !told.ends; i++)
        turn();
    ck_err(told.end.why, ERR_IO);
    ck_assert(told.end.errno_ == ECONNREFUSED || told.end.errno_ == ECONNRESET);
    teardown();
}
END_TEST

START_TEST(test_httpget_silence_is_waited_for)
{
    setup();
    hear_request();
    for (int i = 0; i < 100; i++)
        turn();
    ck_assert_uint_eq(told.ends, 0);
    teardown();
}
END_TEST

TESTS("app/httpget", test_httpget_answer_comes_in_pieces_of_any_size,
      test_httpget_body_without_a_length_ends_with_the_connection,
      test_httpget_says_what_is_wrong_with_an_answer, test_httpget_endless_answers_are_cut,
      test_httpget_ends_with_what_its_owner_said, test_httpget_no_answer_is_an_error_of_the_socket,
      test_httpget_silence_is_waited_for)
