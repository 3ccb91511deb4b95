/* Who is let in, and in which words others are not. */
#include "control/auth.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/s2k.h"
#include "support/test.h"

static const uint8_t cookie[COOKIE_LEN] = "0123456789abcdef0123456789abcde";
static struct conf_line password = {
    .value = "16:3D0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD6E" /* of "foo" */};
static struct conf_line other = {
    .value = "16:E5230AD66E7CEAE360C0F61F6BA650C679A01438C63C4CF33228216B98" /* of "" */};

static void assert_refused(const struct options *o, const char *said, size_t len, bool quoted,
                           const char *why, const char *logged)
{
    const struct auth_offer offer = {(const uint8_t *)said, len, quoted};
    struct text_out log = text_out(1000);
    const char *refusal = auth_refusal(o, cookie, &offer, &log);
    if (why)
        ck_assert_str_eq(refusal, why);
    else
        ck_assert_ptr_null(refusal);
    ck_assert_str_eq(out_text(&log), logged);
    out_free(&log);
}

START_TEST(test_auth_of_nothing_lets_all_in)
{
    const struct options o = {.cookie_authentication = false};
    assert_refused(&o, "", 0, false, NULL, "");
    assert_refused(&o, "whatever", 8, true, NULL, "");
}
END_TEST

START_TEST(test_auth_by_cookie)
{
    const struct options o = {.cookie_authentication = true};
    const struct auth_offer good = {cookie, COOKIE_LEN, false};
    struct text_out log = text_out(1000);
    uint8_t wrong[COOKIE_LEN];
    assert_refused(&o, (const char *)cookie, COOKIE_LEN, false, NULL, "");
    assert_refused(&o, (const char *)cookie, COOKIE_LEN - 1, false,
                   "Wrong length on authentication cookie.",
                   "Got authentication cookie with wrong length (31)");
    assert_refused(&o, "", 0, false, "Wrong length on authentication cookie.",
                   "Got authentication cookie with wrong length (0)");
    for (size_t i = 0; i < COOKIE_LEN; i++) {
        memcpy(wrong, cookie, COOKIE_LEN);
        wrong[i] ^= 0x80;
        assert_refused(&o, (const char *)wrong, COOKIE_LEN, false,
                       "Authentication cookie did not match expected value.",
                       "Got mismatched authentication cookie");
    }
    /* One that was not written yet is nobody's. */
    ck_assert_ptr_nonnull(auth_refusal(&o, NULL, &good, &log));
    out_free(&log);
}
END_TEST

START_TEST(test_auth_by_password)
{
    struct options o = {.hashed_password_lines = &password};
    assert_refused(&o, "foo", 3, true, NULL, "");
    assert_refused(&o, "foo", 3, false, NULL, "");
    assert_refused(&o, "fo", 2, true,
                   "Password did not match HashedControlPassword value from configuration", "");
    assert_refused(&o, "", 0, false,
                   "Password did not match HashedControlPassword value from configuration. Maybe "
                   "you tried a plain text password? If so, the standard requires that you put it "
                   "in double quotes.",
                   "");
    o.hashed_session_password_lines = &other;
    assert_refused(&o, "", 0, false, NULL, "");
    assert_refused(&o, "foo", 3, true, NULL, "");
}
END_TEST

START_TEST(test_auth_by_either)
{
    const struct options o = {.cookie_authentication = true, .hashed_password_lines = &password};
    static const char both[] = "Password did not match HashedControlPassword *or* authentication "
                               "cookie.";
    static const char logged[] = "Bad password or authentication cookie on controller.";
    assert_refused(&o, (const char *)cookie, COOKIE_LEN, false, NULL, "");
    assert_refused(&o, "foo", 3, true, NULL, "");
    assert_refused(&o, "", 0, false, both, logged);
    assert_refused(&o, "ffffffffffffffffffffffffffffffff", COOKIE_LEN, false, both, logged);
}
END_TEST

START_TEST(test_auth_methods)
{
    static const struct {
        struct options o;
        const char *methods;
    } rows[] = {
        {{.cookie_authentication = false}, "NULL"},
        {{.cookie_authentication = true}, "COOKIE,SAFECOOKIE"},
        {{.hashed_password_lines = &password}, "HASHEDPASSWORD"},
        {{.hashed_session_password_lines = &password}, "HASHEDPASSWORD"},
        {{.cookie_authentication = true, .hashed_password_lines = &password},
         "COOKIE,SAFECOOKIE,HASHEDPASSWORD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text_out out = text_out(100);
        auth_methods(&rows[i].o, &out);
        ck_assert_str_eq(out_text(&out), rows[i].methods);
        out_free(&out);
    }
}
END_TEST

TESTS("control/auth", test_auth_of_nothing_lets_all_in, test_auth_by_cookie, test_auth_by_password,
      test_auth_by_either, test_auth_methods)
