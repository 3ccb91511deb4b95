/* Who is let in through a whole session, and what is said to those who are not. */
#include <stdio.h>

#include "control/auth.h"
#include "control/speaker.h"
#include "crypto/encode.h"
#include "support/quietworld.h"

/* "0102...1f20" */
static const uint8_t cookie[COOKIE_LEN] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                           12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                           23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
#define COOKIE_31 "0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define COOKIE    COOKIE_31 "20"
#define REFUSED   "515 Authentication failed: "

static struct {
    struct env *env;
    struct quiet_world world;
    struct control *control;
    void *session;
} t;

static void setup(bool by_cookie)
{
    t.env = test_env(1);
    ck_assert(quiet_begin(&t.world));
    t.world.options->cookie_authentication = by_cookie;
    t.control = control_new(t.env, NULL, &quiet_ops, &t.world);
    if (by_cookie)
        control_set_cookie(t.control, cookie);
    t.session = speaker_new(t.control);
}

static void teardown(void)
{
    session_talk.free(t.session);
    control_free(t.control);
    quiet_end(&t.world);
    test_env_free(t.env);
}

static void again(void)
{
    session_talk.free(t.session);
    t.session = speaker_new(t.control);
}

/* COMMAND is the last one: WANT is said, and the connection closes. */
static void ends(const char *command, const char *want)
{
    speaker_says(t.session, command, want);
    ck_assert_msg(speaker_ended && !session_is_open(t.session), "%s: goes on", command);
    again();
}

static void lets_in(const char *command)
{
    speaker_says(t.session, command, "250 OK");
    ck_assert(!speaker_ended && session_is_open(t.session));
    again();
}

START_TEST(test_authenticate_by_the_whole_cookie_only)
{
    setup(true);
    lets_in("AUTHENTICATE " COOKIE);
    lets_in("authenticate 0102030405060708090A0b0C0d0e0f101112131415161718191a1b1c1d1e1f20");
    ends("AUTHENTICATE " COOKIE_31, REFUSED "Wrong length on authentication cookie.");
    ends("AUTHENTICATE " COOKIE "00", REFUSED "Wrong length on authentication cookie.");
    ends("AUTHENTICATE", REFUSED "Wrong length on authentication cookie.");
    ends("AUTHENTICATE " COOKIE_31 "21",
         REFUSED "Authentication cookie did not match expected value.");
    ends("AUTHENTICATE 1102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F20",
         REFUSED "Authentication cookie did not match expected value.");
    control_set_cookie(t.control, NULL); /* it could not be written */
    ends("AUTHENTICATE " COOKIE, REFUSED "Authentication cookie did not match expected value.");
    teardown();
}
END_TEST

START_TEST(test_authenticate_refuses_what_it_cannot_read)
{
    static const char hex[] = "551 Invalid hexadecimal encoding.  Maybe you tried a plain text "
                              "password?  If so, the standard requires that you put it in double "
                              "quotes.";
    static const char unread[] = "512 Bad arguments to AUTHENTICATE: Cannot parse keyword "
                                 "argument(s)";
    setup(true);
    ends("AUTHENTICATE 010", hex);
    ends("AUTHENTICATE foo", hex);
    ends("AUTHENTICATE 01 02", "512 Too many arguments to AUTHENTICATE.");
    ends("AUTHENTICATE a=01", "512 AUTHENTICATE does not accept keyword arguments.");
    speaker_says(t.session, "AUTHENTICATE \"01", unread);
    ck_assert(!session_is_open(t.session));
    teardown();
}
END_TEST

START_TEST(test_authenticate_by_a_password_in_quotes)
{
    static struct conf_line line = {
        .value = "16:3D0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD6E" /* of "foo" */};
    setup(false);
    t.world.options->hashed_password_lines = &line;
    lets_in("AUTHENTICATE \"foo\"");
    lets_in("AUTHENTICATE \"f\\oo\"");
    lets_in("AUTHENTICATE 666f6f");
    ends("AUTHENTICATE \"fooo\"",
         REFUSED "Password did not match HashedControlPassword value from configuration");
    t.world.options->hashed_password_lines = NULL;
    teardown();
}
END_TEST

START_TEST(test_protocolinfo_says_how_to_authenticate)
{
    setup(true);
    free(t.world.options->is.cookie_file);
    t.world.options->is.cookie_file = strdup("/var/lib/a \"b\"/cookie");
    char *said = speaker_ask(t.session, "PROTOCOLINFO 1");
    static const char begin[] = "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE "
                                "COOKIEFILE=\"/var/lib/a \\\"b\\\"/cookie\"\r\n250-VERSION Tor=\"";
    ck_assert_msg(strncmp(said, begin, sizeof begin - 1) == 0, "%s", said);
    ck_assert_str_eq(strstr(said, "\"\r\n250 OK"), "\"\r\n250 OK\r\n");
    free(said);
    again();
    ends("PROTOCOLINFO 1 x", "513 No such version \"x\"");
    ends("PROTOCOLINFO -1", "513 No such version \"-1\"");
    speaker_says(t.session, "AUTHENTICATE " COOKIE, "250 OK");
    speaker_says(t.session, "PROTOCOLINFO x", "513 No such version \"x\"");
    ck_assert(!speaker_ended); /* patience with those who have */
    free(speaker_ask(t.session, "PROTOCOLINFO +1"));
    said = speaker_ask(t.session, "PROTOCOLINFO"); /* and as often as they like */
    ck_assert_ptr_nonnull(strstr(said, "250 OK\r\n"));
    free(said);
    teardown();
}
END_TEST

/* ---- SAFECOOKIE ---- */

#define NONCE "00112233"

/* The answer to AUTHCHALLENGE; *OURS: what the controller has to say then. */
static void challenge(struct safecookie *hashes)
{
    const uint8_t nonce[] = {0x00, 0x11, 0x22, 0x33};
    uint8_t server[SHA256_LEN];
    char want[200], hash[HEX_SIZE(SHA256_LEN)], hex[HEX_SIZE(SHA256_LEN)];
    char *said = speaker_ask(t.session, "AUTHCHALLENGE SAFECOOKIE " NONCE);
    const char *at = strstr(said, "SERVERNONCE=");
    ck_assert_ptr_nonnull(at);
    at += strlen("SERVERNONCE=");
    ck_ok(hex_decode_exact((struct text){at, 64}, server, sizeof server));
    ck_ok(safecookie(cookie, nonce, sizeof nonce, server, hashes));
    snprintf(want, sizeof want, "250 AUTHCHALLENGE SERVERHASH=%s SERVERNONCE=%s\r\n",
             hex_upper(hashes->server, SHA256_LEN, hash), hex_upper(server, SHA256_LEN, hex));
    ck_assert_str_eq(said, want);
    free(said);
}

static const char *authenticate(const uint8_t *bytes, size_t len)
{
    static char command[200];
    char hex[HEX_SIZE(SHA256_LEN)];
    snprintf(command, sizeof command, "AUTHENTICATE %s", hex_upper(bytes, len, hex));
    return command;
}

START_TEST(test_authchallenge_lets_in_who_knows_the_cookie)
{
    static const char mismatch[] = REFUSED "Safe cookie response did not match expected value.";
    struct safecookie h, next;
    setup(true);
    challenge(&h);
    lets_in(authenticate(h.client, SHA256_LEN));
    challenge(&next);
    ck_assert_mem_ne(next.client, h.client, SHA256_LEN);
    ends(authenticate(h.client, SHA256_LEN), mismatch); /* another's, played again */
    challenge(&h);
    ends(authenticate(h.server, SHA256_LEN), mismatch);
    challenge(&h);
    ends("AUTHENTICATE " COOKIE, mismatch); /* which it has not shown to know in the open */
    challenge(&h);
    ends(authenticate(h.client, SHA256_LEN - 1), REFUSED "Wrong length for safe cookie response.");
    challenge(&h);
    h.client[SHA256_LEN - 1] ^= 1;
    ends(authenticate(h.client, SHA256_LEN), mismatch);
    challenge(&h);
    ends("AUTHCHALLENGE SAFECOOKIE " NONCE, "514 Authentication required.");
    challenge(&h);
    ends("PROTOCOLINFO", "514 Authentication required.");
    teardown();
}
END_TEST

START_TEST(test_authchallenge_refuses_in_tors_words)
{
    setup(true);
    ends("AUTHCHALLENGE COOKIE 00", "513 AUTHCHALLENGE only supports SAFECOOKIE authentication");
    ends("AUTHCHALLENGE SAFECOOKIE", "512 Wrong number of arguments for AUTHCHALLENGE");
    ends("AUTHCHALLENGE SAFECOOKIE 00 11", "512 Wrong number of arguments for AUTHCHALLENGE");
    ends("AUTHCHALLENGE SAFECOOKIE a=11", "512 AUTHCHALLENGE does not accept keyword arguments.");
    ends("AUTHCHALLENGE SAFECOOKIE 001", "513 Invalid base16 client nonce");
    t.world.options->cookie_authentication = false;
    ends("AUTHCHALLENGE SAFECOOKIE 00", "515 Cookie authentication is disabled");
    t.world.options->cookie_authentication = true;
    control_set_cookie(t.control, NULL);
    ends("AUTHCHALLENGE SAFECOOKIE 00", "515 Cookie authentication is disabled");
    teardown();
}
END_TEST

/* ---- once in ---- */

START_TEST(test_setevents_and_usefeature_take_old_words)
{
    setup(false);
    speaker_says(t.session, "AUTHENTICATE", "250 OK");
    speaker_says(t.session, "SETEVENTS extended CIRC AUTHDIR_NEWDESCS", "250 OK");
    ck_assert(control_wants(t.control, TOLD_CIRC) && !control_wants(t.control, TOLD_STREAM));
    speaker_says(t.session, "SETEVENTS STREAM CIRCS", "552 Unrecognized event \"CIRCS\"");
    ck_assert(control_wants(t.control, TOLD_CIRC) && !control_wants(t.control, TOLD_STREAM));
    speaker_says(t.session, "USEFEATURE verbose_names EXTENDED_EVENTS", "250 OK");
    speaker_says(t.session, "USEFEATURE VERBOSE_NAMES x", "552 Unrecognized feature \"x\"");
    teardown();
}
END_TEST

TESTS("control/cmd_auth", test_authenticate_by_the_whole_cookie_only,
      test_authenticate_refuses_what_it_cannot_read, test_authenticate_by_a_password_in_quotes,
      test_protocolinfo_says_how_to_authenticate, test_authchallenge_lets_in_who_knows_the_cookie,
      test_authchallenge_refuses_in_tors_words, test_setevents_and_usefeature_take_old_words)
