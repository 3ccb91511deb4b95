/* What an operator's tor says on its control port of bytes a second. */
#include "measure/torbw.h"

#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "support/test.h"

static struct scene {
    struct env *env;
    struct torbw t;
    unsigned ready, n;
    uint64_t read, written;
    bool no_cookie;
    char path[TORBW_PATH_MAX];
} s;

static bool cookie(void *arg, const char *path, uint8_t out[TORBW_COOKIE_LEN])
{
    (void)arg;
    snprintf(s.path, sizeof s.path, "%s", path);
    memset(out, 0xab, TORBW_COOKIE_LEN);
    return !s.no_cookie;
}

static void on_ready(void *arg)
{
    (void)arg;
    s.ready++;
}

static void on_bw(void *arg, uint64_t read, uint64_t written)
{
    (void)arg;
    s.n++;
    s.read = read;
    s.written = written;
}

static const struct torbw_ops ops = {cookie, on_ready, on_bw};

static void said(const char *want)
{
    ck_assert_uint_eq(s.t.out.len, strlen(want));
    ck_assert_mem_eq(buf_at(&s.t.out), want, strlen(want));
    buf_drain(&s.t.out, s.t.out.len);
}

static void begin(void)
{
    test_env_free(s.env);
    s = (struct scene){.env = test_env(3)};
    torbw_init(&s.t, s.env, &ops, &s);
    said("PROTOCOLINFO 1\r\n");
}

static void feed(const char *text)
{
    ck_ok(torbw_feed(&s.t, text, strlen(text)));
}

static void fails(const char *text, err_t want, const char *says)
{
    ck_err(torbw_feed(&s.t, text, strlen(text)), want);
    ck_assert_msg(strstr(s.t.why, says) != NULL, "%s", s.t.why);
    ck_err(torbw_feed(&s.t, "250 OK\r\n", 8), ERR_STATE);
    torbw_free(&s.t);
}

#define HEAD "250-PROTOCOLINFO 1\r\n"
#define TAIL "250-VERSION Tor=\"0.4.9.11\"\r\n250 OK\r\n"

static void get_ready(void)
{
    begin();
    feed(HEAD "250-AUTH METHODS=NULL\r\n" TAIL);
    said("AUTHENTICATE\r\n");
    feed("250 OK\r\n");
    said("SETEVENTS BW\r\n");
    feed("250 OK\r\n");
    ck_assert_uint_eq(s.ready, 1);
}

START_TEST(test_torbw_tells_each_second)
{
    get_ready();
    feed("650 BW 1234 5678\r\n650 BW 1 ");
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(s.read, 1234);
    ck_assert_uint_eq(s.written, 5678);
    feed("2 MORE=3\r\n");
    ck_assert_uint_eq(s.n, 2);
    ck_assert_uint_eq(s.written, 2);
    ck_assert_uint_eq(s.t.out.len, 0);
    torbw_free(&s.t);
}
END_TEST

START_TEST(test_torbw_takes_bytes_one_by_one)
{
    static const char all[] =
        HEAD "250-AUTH METHODS=NULL\r\n" TAIL "250 OK\r\n250 OK\r\n650 BW 7 8\r\n";
    begin();
    for (const char *c = all; *c; c++)
        ck_ok(torbw_feed(&s.t, c, 1));
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(s.read, 7);
    torbw_free(&s.t);
}
END_TEST

#define WITH_COOKIE                                           \
    HEAD "250-AUTH METHODS=COOKIE,SAFECOOKIE,HASHEDPASSWORD " \
         "COOKIEFILE=\"/var/lib/tor \\\"x\\\"/cookie\"\r\n" TAIL

/* What the server answers to our challenge, of COOKIE; and what we have to say then. */
static void challenge(const uint8_t cookie[SAFECOOKIE_LEN], char answer[256], char ours[128])
{
    const uint8_t theirs[SAFECOOKIE_NONCE_LEN] = {9, 8, 7};
    char line[100] = "", hash[HEX_SIZE(SHA256_LEN)], nonce[HEX_SIZE(SHA256_LEN)];
    struct safecookie h;
    ck_ok(safecookie(cookie, s.t.nonce, sizeof s.t.nonce, theirs, &h));
    snprintf(line, sizeof line, "AUTHCHALLENGE SAFECOOKIE %s\r\n",
             hex_lower(s.t.nonce, sizeof s.t.nonce, hash));
    said(line);
    snprintf(answer, 256, "250 AUTHCHALLENGE SERVERHASH=%s SERVERNONCE=%s\r\n",
             hex_upper(h.server, sizeof h.server, hash), hex_upper(theirs, sizeof theirs, nonce));
    snprintf(ours, 128, "AUTHENTICATE %s\r\n", hex_lower(h.client, sizeof h.client, hash));
}

START_TEST(test_torbw_proves_that_it_knows_the_cookie)
{
    uint8_t right[SAFECOOKIE_LEN];
    char answer[256], ours[128];
    memset(right, 0xab, sizeof right);
    begin();
    feed(WITH_COOKIE);
    ck_assert_str_eq(s.path, "/var/lib/tor \"x\"/cookie");
    challenge(right, answer, ours);
    feed(answer);
    said(ours);
    feed("250 OK\r\n");
    said("SETEVENTS BW\r\n");
    torbw_free(&s.t);
}
END_TEST

/* Whoever listens there may name any file of 32 bytes: nothing of it is said. */
START_TEST(test_torbw_tells_the_cookie_to_nobody)
{
    const uint8_t wrong[SAFECOOKIE_LEN] = {1};
    char answer[256], ours[128];
    begin();
    feed(WITH_COOKIE);
    challenge(wrong, answer, ours);
    fails(answer, ERR_STATE, "does not know the cookie");
    begin();
    feed(WITH_COOKIE);
    buf_drain(&s.t.out, s.t.out.len);
    fails("250 OK\r\n", ERR_MALFORMED, "challenge");
    begin();
    fails(HEAD "250-AUTH METHODS=COOKIE COOKIEFILE=\"/x\"\r\n" TAIL, ERR_UNSUPPORTED, "password");
    ck_assert_str_eq(s.path, "");
}
END_TEST

START_TEST(test_torbw_says_why_not)
{
    begin();
    fails(HEAD "250-AUTH METHODS=HASHEDPASSWORD\r\n" TAIL, ERR_UNSUPPORTED, "password");
    begin();
    s.no_cookie = true;
    fails(HEAD "250-AUTH METHODS=SAFECOOKIE COOKIEFILE=\"/x\"\r\n" TAIL, ERR_STATE, "/x");
    begin();
    feed(HEAD "250-AUTH METHODS=NULL\r\n" TAIL);
    fails("515 Bad authentication\r\n", ERR_STATE, "515 Bad authentication");
    begin();
    fails("HTTP 400 Bad\r\n", ERR_MALFORMED, "no control port");
    begin();
    fails("\r\n", ERR_MALFORMED, "no control port");
}
END_TEST

START_TEST(test_torbw_is_bounded)
{
    static char vast[TORBW_LINE_MAX + 10];
    memset(vast, '6', sizeof vast - 1);
    get_ready();
    fails(vast, ERR_LIMIT, "too long a line");
}
END_TEST

/* Events that are none, numbers that are none: nothing is made of them. */
START_TEST(test_torbw_passes_over_what_it_does_not_know)
{
    get_ready();
    feed("650 CIRC 1 BUILT\r\n650 BW\r\n650 BW 1\r\n650 BW x y\r\n650 BW -1 2\r\n"
         "650 BW 99999999999999999999 1\r\n650-X\r\n650 OK\r\n");
    ck_assert_uint_eq(s.n, 0);
    torbw_free(&s.t);
}
END_TEST

TESTS("measure/torbw", test_torbw_tells_each_second, test_torbw_takes_bytes_one_by_one,
      test_torbw_proves_that_it_knows_the_cookie, test_torbw_tells_the_cookie_to_nobody,
      test_torbw_says_why_not, test_torbw_is_bounded, test_torbw_passes_over_what_it_does_not_know)
