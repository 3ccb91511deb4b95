/* The page of a test network, asked over loopback. */
#include "testbed/page.h"

#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "support/test.h"

enum { ANSWER_MOST = 3 << 20, TURNS = 200000 };

static struct {
    struct log log;
    struct net *net;
    struct plan plan;
    struct testbed_page *page;
    uint8_t *answer;
    size_t len;
    int turns; /* that the last answer took */
} t;

static void setup(void)
{
    static const uint8_t exit_ip[4] = {127, 21, 0, 1};
    memset(&t, 0, sizeof t);
    signal(SIGPIPE, SIG_IGN); /* as in every program of ours */
    t.log.least = LOG_ERR;
    t.plan.n_nodes = 1;
    t.plan.node[0].or_port.ip = ip_v4(exit_ip);
    snprintf(t.plan.node[0].nickname, sizeof t.plan.node[0].nickname, "exit7");
    t.answer = malloc(ANSWER_MOST);
    ck_assert_ptr_nonnull(t.answer);
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_ok(testbed_page_open(t.net, &t.plan, &t.page));
}

static void teardown(void)
{
    testbed_page_close(t.page);
    net_free(t.net);
    free(t.answer);
}

static int dial(const char *from)
{
    struct sockaddr_storage ss;
    struct ipport at = {.port = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_ok(ip_parse(from, false, &at.ip));
    socklen_t len = sockaddr_of(&at, &ss);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
    ck_ok(ip_parse("127.0.0.1", false, &at.ip));
    at.port = testbed_page_port(t.page);
    len = sockaddr_of(&at, &ss);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
    return fd;
}

static void turn(void)
{
    event_base_loop(net_base(t.net), EVLOOP_NONBLOCK);
}

/* Sends REQUEST in pieces of PIECE bytes, reads to the end. */
static void ask_from(const char *from, const char *request, size_t len, size_t piece)
{
    int fd = dial(from);
    t.len = 0;
    for (size_t at = 0; at < len; at += piece) {
        size_t part = len - at < piece ? len - at : piece;
        ck_assert_int_eq(send(fd, request + at, part, MSG_NOSIGNAL), (ssize_t)part);
        turn();
    }
    for (t.turns = 0; t.turns < TURNS; t.turns++) {
        turn();
        ssize_t n = recv(fd, t.answer + t.len, ANSWER_MOST - 1 - t.len, MSG_DONTWAIT);
        if (n == 0)
            break;
        t.len += n > 0 ? (size_t)n : 0;
    }
    t.answer[t.len] = 0;
    close(fd);
    turn();
}

static void ask(const char *request)
{
    ask_from("127.0.0.1", request, strlen(request), SIZE_MAX);
}

static const char *text(void)
{
    return (const char *)t.answer;
}

static const uint8_t *body(size_t *len)
{
    const char *end = strstr(text(), "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    *len = t.len - (size_t)(end + 4 - text());
    return (const uint8_t *)end + 4;
}

START_TEST(test_page_names_the_exit)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n";
    setup();
    for (size_t piece = 1; piece < sizeof get; piece += 7) {
        ask_from("127.21.0.1", get, sizeof get - 1, piece);
        ck_assert(strncmp(text(), "HTTP/1.1 200 OK\r\n", 17) == 0);
        ck_assert_ptr_nonnull(strstr(text(), "the exit was exit7 (127.21.0.1)."));
    }
    ask(get);
    ck_assert_ptr_nonnull(strstr(text(), "not come through Tor, but straight from 127.0.0.1."));
    teardown();
}
END_TEST

START_TEST(test_page_bytes_are_the_keystream)
{
    /* FIPS 197 with a zero key: AES-128 of counter blocks 0 and 1. */
    static const uint8_t first[] = {0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c,
                                    0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e, 0x58, 0xe2, 0xfc, 0xce};
    size_t len;
    setup();
    ask("GET /bytes/20 HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text(), "Content-Length: 20\r\n"));
    const uint8_t *b = body(&len);
    ck_assert_uint_eq(len, 20);
    ck_assert_mem_eq(b, first, 20);
    ask("GET /bytes/2000001 HTTP/1.0\r\n\r\n");
    b = body(&len);
    ck_assert_uint_eq(len, 2000001);
    ck_assert_mem_eq(b, first, 20);
    ask("GET /bytes/0 HTTP/1.0\r\n\r\n");
    (void)body(&len);
    ck_assert_uint_eq(len, 0);
    teardown();
}
END_TEST

START_TEST(test_page_head_has_no_body)
{
    size_t len;
    setup();
    ask("HEAD /bytes/1000 HTTP/1.1\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text(), "Content-Length: 1000\r\n"));
    (void)body(&len);
    ck_assert_uint_eq(len, 0);
    ask("HEAD / HTTP/1.1\r\n\r\n");
    (void)body(&len);
    ck_assert_uint_eq(len, 0);
    teardown();
}
END_TEST

START_TEST(test_page_post_tells_what_came)
{
    static const char expect[] =
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx";
    static const char head[] = "POST /x HTTP/1.1\r\nHost: a\r\ncontent-length:  3\r\n\r\nabc";
    setup();
    for (size_t piece = 1; piece < sizeof head; piece += 11) {
        ask_from("127.0.0.1", head, sizeof head - 1, piece);
        ck_assert_ptr_nonnull(
            strstr(text(), "3 bytes, sha256 "
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"));
    }
    ask("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text(), "0 bytes, sha256 e3b0c442"));
    ask_from("127.0.0.1", expect, sizeof expect - 1, sizeof expect - 2);
    ck_assert(strncmp(text(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 41) == 0);
    teardown();
}
END_TEST

START_TEST(test_page_refuses_what_it_does_not_serve)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET /other HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /bytes/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /bytes/1x HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /bytes/99999999999999999999 HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"PUT / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
        {"POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 411 "},
        {"GET\r\n\r\n", "HTTP/1.1 400 "},
        {"\r\n\r\n", "HTTP/1.1 400 "},
    };
    char big[9000];
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(cases[i].request);
        ck_assert_msg(strncmp(text(), cases[i].status, strlen(cases[i].status)) == 0, "%s: %.40s",
                      cases[i].request, text());
    }
    /* Too much of a header: in one line, and in many. */
    memset(big, 'x', sizeof big);
    ask_from("127.0.0.1", big, sizeof big, SIZE_MAX);
    ck_assert(strncmp(text(), "HTTP/1.1 400 ", 13) == 0);
    size_t len = (size_t)snprintf(big, sizeof big, "GET / HTTP/1.1\r\n");
    while (len + 128 < sizeof big)
        len += (size_t)snprintf(big + len, sizeof big - len, "a: %0100d\r\n", 0);
    ask_from("127.0.0.1", big, len, SIZE_MAX);
    ck_assert(strncmp(text(), "HTTP/1.1 400 ", 13) == 0);
    teardown();
}
END_TEST

START_TEST(test_page_refuses_an_upload_that_is_too_long)
{
    static const char chunked[] =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8000001\r\n";
    setup();
    ask(chunked);
    ck_assert(strncmp(text(), "HTTP/1.1 413 ", 13) == 0);
    ask("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text(), "3 bytes, sha256 ba7816bf"));
    teardown();
}
END_TEST

/* Silence would leave a browser waiting for minutes. */
START_TEST(test_page_closes_on_tls)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01";
    setup();
    ask_from("127.0.0.1", hello, sizeof hello - 1, SIZE_MAX);
    ck_assert_uint_eq(t.len, 0);
    ck_assert_int_lt(t.turns, TURNS);
    teardown();
}
END_TEST

static size_t held(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* A visitor who does not read costs what a chunk costs, and no more. */
START_TEST(test_page_holds_little_for_who_does_not_read)
{
    enum { VISITORS = 8, MOST = VISITORS << 17 };
    int fd[VISITORS];
    setup();
    size_t before = held();
    for (size_t i = 0; i < VISITORS; i++) {
        fd[i] = dial("127.0.0.1");
        ck_assert_int_eq(send(fd[i], "GET /bytes/100000000 HTTP/1.0\r\n\r\n", 33, 0), 33);
    }
    for (int i = 0; i < 2000; i++)
        turn();
    ck_assert_uint_lt(held() - before, MOST);
    for (size_t i = 0; i < VISITORS; i++) /* they go in the middle of it */
        close(fd[i]);
    for (int i = 0; i < 20; i++)
        turn();
    ask("GET /bytes/20 HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text(), "Content-Length: 20\r\n"));
    teardown();
}
END_TEST

START_TEST(test_page_closes_with_visitors)
{
    setup();
    int fd = dial("127.0.0.1");
    ck_assert_int_eq(send(fd, "GET /bytes/100000000 HTTP/1.0\r\n\r\n", 33, 0), 33);
    for (int i = 0; i < 20; i++)
        turn();
    teardown();
    close(fd);
}
END_TEST

TESTS("testbed/page", test_page_names_the_exit, test_page_bytes_are_the_keystream,
      test_page_head_has_no_body, test_page_post_tells_what_came,
      test_page_refuses_what_it_does_not_serve, test_page_refuses_an_upload_that_is_too_long,
      test_page_closes_on_tls, test_page_holds_little_for_who_does_not_read,
      test_page_closes_with_visitors)
