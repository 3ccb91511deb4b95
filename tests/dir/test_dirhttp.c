#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "dir/dirhttp.h"

START_TEST(test_dirhttp_request)
{
    char out[DIRHTTP_REQUEST_MAX];
    size_t len;
    struct dirhttp_options o = {.host = "127.0.0.1:5000", .if_modified_since_s = 784111777};
    ck_ok(dirhttp_get("/tor/keys/all", &o, out, &len));
    ck_assert_str_eq(out, "GET /tor/keys/all HTTP/1.0\r\nHost: 127.0.0.1:5000\r\n"
                          "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                          "Accept-Encoding: x-tor-lzma, x-zstd, deflate, gzip, identity\r\n\r\n");
    ck_assert_uint_eq(len, strlen(out));
    o.anonymous = true;
    ck_ok(dirhttp_get("/tor/keys/all", &o, out, &len));
    ck_assert_str_eq(out, "GET /tor/keys/all HTTP/1.0\r\nHost: 127.0.0.1:5000\r\n\r\n");
}
END_TEST

START_TEST(test_dirhttp_request_names_the_consensus_that_is_here)
{
    struct dirhttp_options o = {.host = "h", .if_modified_since_s = 784111777, .diff_from = "AB12"};
    char out[DIRHTTP_REQUEST_MAX];
    size_t len;
    ck_ok(dirhttp_get("/tor/x", &o, out, &len));
    ck_assert_str_eq(out, "GET /tor/x HTTP/1.0\r\nHost: h\r\n"
                          "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                          "Accept-Encoding: " DIRHTTP_ACCEPT "\r\n"
                          "X-Or-Diff-From-Consensus: AB12\r\n\r\n");
    o.anonymous = true;
    ck_ok(dirhttp_get("/tor/x", &o, out, &len));
    ck_assert_str_eq(out, "GET /tor/x HTTP/1.0\r\nHost: h\r\n\r\n");
    o.diff_from = "AB\r\nX: y";
    ck_err(dirhttp_get("/tor/x", &o, out, &len), ERR_ARG);
}
END_TEST

START_TEST(test_dirhttp_request_takes_no_odd_urls)
{
    static char longest[DIRHTTP_URL_MAX + 2];
    char out[DIRHTTP_REQUEST_MAX];
    size_t len;
    struct dirhttp_options o = {.host = "h"};
    ck_err(dirhttp_get("", &o, out, &len), ERR_ARG);
    ck_err(dirhttp_get("tor", &o, out, &len), ERR_ARG);
    ck_err(dirhttp_get("/a b", &o, out, &len), ERR_ARG);
    ck_err(dirhttp_get("/a\r\nX: y", &o, out, &len), ERR_ARG);
    ck_err(dirhttp_get("/\x80", &o, out, &len), ERR_ARG);
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    ck_err(dirhttp_get(longest, &o, out, &len), ERR_ARG);
    longest[DIRHTTP_URL_MAX] = 0;
    ck_ok(dirhttp_get(longest, &o, out, &len));
    o.host = "h\r\nX: y";
    ck_err(dirhttp_get("/", &o, out, &len), ERR_ARG);
}
END_TEST

/* Feeds TEXT in pieces of STEP bytes. */
static err_t run(const char *text, size_t len, size_t step, size_t cap, bool anonymous,
                 struct dirhttp_reply *reply, char *body, size_t body_cap)
{
    struct dirhttp *h;
    ck_ok(dirhttp_new(cap, anonymous, &h));
    err_t err = OK;
    for (size_t at = 0; at < len && err == OK; at += step)
        err = dirhttp_feed(h, text + at, len - at < step ? len - at : step);
    if (err == OK)
        err = dirhttp_end(h, reply);
    if (err == OK) {
        ck_assert_uint_lt(reply->body.len, body_cap);
        memcpy(body, reply->body.s, reply->body.len);
        body[reply->body.len] = 0;
    }
    dirhttp_free(&h);
    return err;
}

static err_t answer(const char *text, struct dirhttp_reply *reply, char *body)
{
    return run(text, strlen(text), 4096, 1000, false, reply, body, 1000);
}

START_TEST(test_dirhttp_long_reason_is_cut)
{
    char text[200], want[64], body[100];
    struct dirhttp_reply reply;
    memset(want, 'a', sizeof want);
    snprintf(text, sizeof text, "HTTP/1.0 200 %.64s%.64s\r\nContent-Length: 5\r\n\r\nhello", want,
             want);
    ck_ok(answer(text, &reply, body));
    want[63] = 0;
    ck_assert_str_eq(reply.reason, want);
}
END_TEST

START_TEST(test_dirhttp_answer_in_pieces_of_any_size)
{
    const char *text = "HTTP/1.0 200 OK\r\nDate: Thu, 01 Jan 2026 12:00:00 GMT\r\n"
                       "Content-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello";
    for (size_t step = 1; step < strlen(text); step++) {
        struct dirhttp_reply reply;
        char body[100];
        ck_ok(run(text, strlen(text), step, 100, false, &reply, body, sizeof body));
        ck_assert_int_eq(reply.status, 200);
        ck_assert_str_eq(reply.reason, "OK");
        ck_assert_int_eq(reply.date_s, 1767268800);
        ck_assert_str_eq(body, "hello");
    }
}
END_TEST

START_TEST(test_dirhttp_every_truncation_of_a_known_length_is_seen)
{
    const char *text = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t len = 0; len < strlen(text); len++) {
        struct dirhttp_reply reply;
        char body[100];
        ck_err(run(text, len, 7, 100, false, &reply, body, sizeof body), ERR_TRUNCATED);
    }
}
END_TEST

START_TEST(test_dirhttp_body_without_a_length_ends_with_the_stream)
{
    struct dirhttp_reply reply;
    char body[1000];
    ck_ok(answer("HTTP/1.0 200 OK\n\nbody\n", &reply, body));
    ck_assert_str_eq(body, "body\n");
    ck_ok(answer("HTTP/1.1 304 Not modified\r\n\r\n", &reply, body));
    ck_assert_int_eq(reply.status, 304);
    ck_assert_str_eq(reply.reason, "Not modified");
    ck_ok(answer("HTTP/1.0 404\r\n\r\nNot found page", &reply, body));
    ck_assert_int_eq(reply.status, 404);
    ck_assert_str_eq(body, "");
}
END_TEST

START_TEST(test_dirhttp_complete_says_when_the_length_is_reached)
{
    struct dirhttp *h;
    ck_ok(dirhttp_new(100, false, &h));
    ck_ok(dirhttp_feed(h, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", 38));
    ck_assert(!dirhttp_complete(h) && !dirhttp_in_body(h));
    ck_ok(dirhttp_feed(h, "x", 1));
    ck_assert(!dirhttp_complete(h) && dirhttp_in_body(h));
    ck_ok(dirhttp_feed(h, "yzzz", 4));
    ck_assert(dirhttp_complete(h));
    ck_assert_uint_eq(dirhttp_received(h), 43);
    dirhttp_free(&h);
}
END_TEST

START_TEST(test_dirhttp_malformed_heads)
{
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.0 20 OK\r\n\r\n",
        "HTTP/1.0 2000 OK\r\n\r\n",
        "HTTP/1.0 abc OK\r\n\r\n",
        "HTTP/1.0 099 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.0 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dirhttp_reply reply;
        char body[1000];
        ck_assert_msg(answer(bad[i], &reply, body) == ERR_MALFORMED, "%s", bad[i]);
    }
}
END_TEST

START_TEST(test_dirhttp_limits)
{
    static char big[DIRHTTP_HEAD_MAX + 2000];
    struct dirhttp_reply reply;
    char body[2000];
    ck_err(answer("HTTP/1.0 200 OK\r\nContent-Length: 1001\r\n\r\n", &reply, body), ERR_LIMIT);
    memset(big, 'a', sizeof big);
    memcpy(big, "HTTP/1.0 200 OK\r\nX: ", 20);
    ck_err(run(big, sizeof big, 1000, 1000, false, &reply, body, sizeof body), ERR_LIMIT);
    memcpy(big, "HTTP/1.0 200 OK\r\n\r\n", 19);
    ck_err(run(big, 19 + 1001, 100, 1000, false, &reply, body, sizeof body), ERR_LIMIT);
    ck_ok(run(big, 19 + 1000, 100, 1000, false, &reply, body, sizeof body));
    ck_assert_uint_eq(reply.body.len, 1000);
}
END_TEST

/* "hello hello hello hello\n" with zlib. */
static const char zlib_body[] =
    "\x78\xda\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x70\xbe\x08\xbb";

START_TEST(test_dirhttp_encoded_bodies)
{
    char text[200];
    struct dirhttp_reply reply;
    char body[100];
    int n = snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\n");
    memcpy(text + n, zlib_body, sizeof zlib_body - 1);
    size_t len = (size_t)n + sizeof zlib_body - 1;
    ck_ok(run(text, len, 5, 90, false, &reply, body, sizeof body));
    ck_assert_str_eq(body, "hello hello hello hello\n");
    ck_ok(run(text, len, 5, 24, true, &reply, body, sizeof body));
    ck_err(run(text, len, 5, 23, false, &reply, body, sizeof body), ERR_LIMIT);
    ck_err(run(text, len - 1, 5, 90, false, &reply, body, sizeof body), ERR_TRUNCATED);
    /* Not labelled: recognized all the same. */
    n = snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\n\r\n");
    memcpy(text + n, zlib_body, sizeof zlib_body - 1);
    ck_ok(run(text, (size_t)n + sizeof zlib_body - 1, 5, 90, false, &reply, body, sizeof body));
    ck_assert_str_eq(body, "hello hello hello hello\n");
}
END_TEST

START_TEST(test_dirhttp_anonymous_answers_take_common_encodings_only)
{
    struct dirhttp_reply reply;
    char body[100];
    static const char *const refused[] = {
        "HTTP/1.0 200 OK\r\nContent-Encoding: x-zstd\r\n\r\nxxxx",
        "HTTP/1.0 200 OK\r\nContent-Encoding: x-tor-lzma\r\n\r\nxxxx",
        "HTTP/1.0 200 OK\r\n\r\n\x28\xb5\x2f\xfd",
        "HTTP/1.0 200 OK\r\nContent-Encoding: br\r\n\r\nxxxx",
    };
    for (size_t i = 0; i < 4; i++)
        ck_err(run(refused[i], strlen(refused[i]), 100, 90, true, &reply, body, sizeof body),
               ERR_UNSUPPORTED);
}
END_TEST

START_TEST(test_dirhttp_dates)
{
    int64_t t;
    char text[DIRHTTP_DATE_MAX];
    ck_ok(dirhttp_date(text_of("Sun, 06 Nov 1994 08:49:37 GMT"), &t));
    ck_assert_int_eq(t, 784111777);
    ck_assert_str_eq(dirhttp_date_text(t, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(dirhttp_date_text(0, text), "Thu, 01 Jan 1970 00:00:00 GMT");
    ck_assert_str_eq(dirhttp_date_text(1767268800, text), "Thu, 01 Jan 2026 12:00:00 GMT");
    ck_err(dirhttp_date(text_of("Sun, 06 Foo 1994 08:49:37 GMT"), &t), ERR_MALFORMED);
    ck_err(dirhttp_date(text_of("Sun, 06 Nov 1994 08:49:37 CET"), &t), ERR_MALFORMED);
    ck_err(dirhttp_date(text_of("Sun, 06 Nov 1994"), &t), ERR_MALFORMED);
    ck_err(dirhttp_date(text_of("Sun, 31 Feb 1994 08:49:37 GMT"), &t), ERR_MALFORMED);
}
END_TEST

TESTS("dir/dirhttp", test_dirhttp_request, test_dirhttp_request_names_the_consensus_that_is_here,
      test_dirhttp_request_takes_no_odd_urls, test_dirhttp_answer_in_pieces_of_any_size,
      test_dirhttp_long_reason_is_cut, test_dirhttp_every_truncation_of_a_known_length_is_seen,
      test_dirhttp_body_without_a_length_ends_with_the_stream,
      test_dirhttp_complete_says_when_the_length_is_reached, test_dirhttp_malformed_heads,
      test_dirhttp_limits, test_dirhttp_encoded_bodies,
      test_dirhttp_anonymous_answers_take_common_encodings_only, test_dirhttp_dates)
