#include "dirdoc/exitpolicy.h"

#include "support/test.h"

START_TEST(test_exitpolicy_has_the_form_of_torrc)
{
    static const char *const bad[] = {"accept *",        "accept *:0",
                                      "accept *:80-",    "accept *:80-79",
                                      "allow *:80",      "accept *:80x",
                                      "accept 1.2.3:80", "accept *:1 *:2",
                                      "accept *:65536",  "accept *:*,,reject *:*"};
    ck_ok(exitpolicy_check("reject *:25,accept 127.0.0.0/8:80-90, accept [::1]:443,reject *:*"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(exitpolicy_check(bad[i]) == ERR_MALFORMED, "%s", bad[i]);
}
END_TEST

START_TEST(test_exitpolicy_takes_the_first_rule_that_fits)
{
    const char *policy = "reject 127.0.0.2:*,accept *:80-90,reject *:85";
    struct ipport to;
    ck_ok(ipport_parse("127.0.0.1:85", &to));
    ck_assert(exitpolicy_allows(policy, &to));
    ck_ok(ipport_parse("127.0.0.2:85", &to));
    ck_assert(!exitpolicy_allows(policy, &to));
    ck_ok(ipport_parse("127.0.0.1:91", &to));
    ck_assert(!exitpolicy_allows(policy, &to));
}
END_TEST

START_TEST(test_exitpolicy_has_a_summary)
{
    static const char *const cases[][2] = {
        {"accept *:*", "accept 1-65535"},
        {"reject *:*", "reject 1-65535"},
        {"accept *:80,accept *:443,reject *:*", "accept 80,443"},
        {"reject *:25,accept *:*", "reject 25"},
        {"accept 127.0.0.0/8:80-82,accept *:82-84,reject *:*", "accept 80-84"},
        {"accept 192.0.2.1:80,reject *:*", "reject 1-65535"},
        {"reject *:65535,accept *:*", "reject 65535"},
        {"accept *:2-65535", "reject 1"},
    };
    char out[EXITPOLICY_SUMMARY_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(exitpolicy_summary(cases[i][0], out), cases[i][1]);
}
END_TEST

START_TEST(test_exitpolicy_of_the_public_network_has_a_summary)
{
    static const char *const cases[][2] = {
        {"reject 0.0.0.0/8:*,reject 127.0.0.0/8:*,reject 10.0.0.0/8:*,accept *:80,accept *:443,"
         "reject *:*",
         "accept 80,443"},
        {"accept 192.0.2.0/24:22,reject *:*", "reject 1-65535"}, /* not for all */
        {"reject 192.0.2.1:80,accept *:*", "accept 1-65535"},    /* a small part */
        {"reject 128.0.0.0/1:80,accept *:*", "reject 80"},       /* a large one */
        {"reject [::]/0:80,accept *:*", "accept 1-65535"},       /* IPv4 is what counts */
    };
    char out[EXITPOLICY_SUMMARY_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(exitpolicy_summary_public(cases[i][0], out), cases[i][1]);
}
END_TEST

TESTS("dirdoc/exitpolicy", test_exitpolicy_has_the_form_of_torrc,
      test_exitpolicy_takes_the_first_rule_that_fits, test_exitpolicy_has_a_summary,
      test_exitpolicy_of_the_public_network_has_a_summary)
