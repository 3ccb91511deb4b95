#include "monitor/visit.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static struct env *env;
static struct visits visits;
static bool welcome;
static size_t more; /* bytes that are said besides */
static bool told_output, ended;

static bool is_welcome(void *arg, const struct ipport *peer)
{
    (void)arg, (void)peer;
    return welcome;
}

static void write_text(void *arg, struct text_out *out)
{
    (void)arg;
    out_str(out, "# one line\n");
    for (size_t i = 0; i < more; i++)
        out_char(out, 'x');
}

static void on_output(void *holder)
{
    (void)holder;
    told_output = true;
}

static void on_end(void *holder)
{
    (void)holder;
    ended = true;
}

static const struct talk_ops ops = {.on_output = on_output, .on_end = on_end};

static void *visit_begin(void)
{
    static const struct ipport peer = {.ip = {.family = IP_V4, .b = {127, 0, 0, 1}}};
    told_output = ended = false;
    return visit_talk.make(&visits, &peer, &ops, NULL);
}

static void setup(void)
{
    env = test_env(1);
    visits = (struct visits){.env = env, .is_welcome = is_welcome, .write = write_text};
    welcome = true;
    more = 0;
}

static void teardown(void)
{
    ck_assert_uint_eq(visits.n, 0);
    test_env_free(env);
}

/* BYTES to V, STEP at a time, as long as it takes any. */
static size_t say(void *v, const char *bytes, size_t len, size_t step)
{
    size_t at = 0, room;
    uint8_t *to;
    while (at < len && (to = visit_talk.in_room(v, &room))) {
        size_t n = len - at < step ? len - at : step;
        n = n < room ? n : room;
        memcpy(to, bytes + at, n);
        visit_talk.in_done(v, n);
        at += n;
    }
    return at;
}

/* What V answers, taken 7 bytes at a time. */
static const char *hear(void *v)
{
    static char text[65536];
    size_t len = 0, n;
    const uint8_t *out;
    while ((out = visit_talk.out(v, &n))) {
        n = n < 7 ? n : 7;
        memcpy(text + len, out, n);
        len += n;
        visit_talk.sent(v, n);
    }
    text[len] = 0;
    return text;
}

static const char *exchange(const char *request, size_t step)
{
    void *v = visit_begin();
    ck_assert_ptr_nonnull(v);
    say(v, request, strlen(request), step);
    const char *text = hear(v);
    ck_assert(told_output == (text[0] != 0));
    visit_talk.free(v);
    return text;
}

START_TEST(test_visit_gets_the_figures)
{
    setup();
    for (size_t step = 1; step < 40; step++) {
        const char *text = exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", step);
        ck_assert_str_eq(text, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                               "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                               "Content-Length: 11\r\nConnection: close\r\n\r\n# one line\n");
        ck_assert(ended);
    }
    ck_assert_ptr_nonnull(strstr(exchange("GET /metrics HTTP/1.0\n\n", 99), "# one line"));
    ck_assert_str_eq(strstr(exchange("HEAD /metrics HTTP/1.1\r\n\r\n", 99), "\r\n\r\n"),
                     "\r\n\r\n");
    teardown();
}
END_TEST

START_TEST(test_visit_refuses_other_requests)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "404"},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", "404"},
        {"GET /metrics?x HTTP/1.1\r\n\r\n", "404"},
        {"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "405"},
        {"get /metrics HTTP/1.1\r\n\r\n", "400"},
        {"GET /metrics\r\n\r\n", "400"},
        {"GET /metrics HTTP/2\r\n\r\n", "400"},
        {"GET\r\n\r\n", "400"},
        {"\r\n\r\n", "400"},
        {"\x16\x03\x01", "400"},
    };
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = exchange(cases[i].request, 1);
        ck_assert_msg(strncmp(text + strlen("HTTP/1.1 "), cases[i].status, 3) == 0, "%s: %s",
                      cases[i].request, text);
        ck_assert(ended);
    }
    teardown();
}
END_TEST

START_TEST(test_visit_that_says_too_much)
{
    char request[2 * VISIT_HEAD_MOST];
    memset(request, 'G', sizeof request);
    setup();
    void *v = visit_begin();
    ck_assert_uint_eq(say(v, request, sizeof request, 1000), VISIT_HEAD_MOST);
    ck_assert_ptr_nonnull(strstr(hear(v), " 431 "));
    ck_assert(ended);
    visit_talk.free(v);
    teardown();
}
END_TEST

START_TEST(test_visit_that_says_nothing_is_not_waited_for)
{
    setup();
    void *v = visit_begin();
    say(v, "GET", 3, 3);
    test_env_advance_ms(env, VISIT_MS - 1);
    ck_assert(!ended);
    test_env_advance_ms(env, 1);
    ck_assert(ended);
    ck_assert_uint_eq(say(v, " /metrics", 9, 9), 0);
    ck_assert_str_eq(hear(v), "");
    visit_talk.free(v);
    teardown();
}
END_TEST

START_TEST(test_visits_are_few_and_welcome)
{
    void *v[VISITS_MOST];
    setup();
    welcome = false;
    ck_assert_ptr_null(visit_begin());
    welcome = true;
    for (size_t i = 0; i < VISITS_MOST; i++)
        ck_assert_ptr_nonnull(v[i] = visit_begin());
    ck_assert_ptr_null(visit_begin());
    visit_talk.free(v[3]);
    ck_assert_ptr_nonnull(v[3] = visit_begin());
    for (size_t i = 0; i < VISITS_MOST; i++)
        visit_talk.free(v[i]);
    teardown();
}
END_TEST

START_TEST(test_visit_when_there_are_too_many_figures)
{
    setup();
    more = (1 << 20) - strlen("# one line\n") + 1;
    ck_assert_ptr_nonnull(strstr(exchange("GET /metrics HTTP/1.1\r\n\r\n", 99), " 503 "));
    teardown();
}
END_TEST

TESTS("monitor/visit", test_visit_gets_the_figures, test_visit_refuses_other_requests,
      test_visit_that_says_too_much, test_visit_that_says_nothing_is_not_waited_for,
      test_visits_are_few_and_welcome, test_visit_when_there_are_too_many_figures)
