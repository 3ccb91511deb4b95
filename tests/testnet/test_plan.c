#include "testnet/plan.h"

#include <string.h>

#include "support/test.h"
#include "testnet/exitpolicy.h"

static const struct plan_wish usual = {
    .authorities = 3, .relays = 8, .exits = 2, .base_port = 9001};

START_TEST(test_plan_gives_every_node_a_place)
{
    static struct plan p;
    char why[PLAN_WHY_MAX], text[IPPORT_TEXT_MAX];
    size_t roles[4] = {0};
    ck_ok(plan_make(&usual, &p, why));
    ck_assert_uint_eq(p.n_nodes, 11);
    ck_assert_uint_eq(p.n_authorities, 3);
    for (size_t i = 0; i < p.n_nodes; i++) {
        roles[p.node[i].role]++;
        ck_assert(ip_is_loopback(&p.node[i].or_port.ip));
        ck_assert_int_eq(p.node[i].role == PLAN_AUTHORITY, i < 3);
        ck_assert_int_eq(p.node[i].dir_port != 0, i < 3);
    }
    ck_assert_str_eq(ipport_text(&p.node[4].or_port, text), "127.15.0.1:9001");
    ck_assert_uint_eq(roles[PLAN_EXIT], 2);
    ck_assert_uint_eq(roles[PLAN_GUARD], 4);
    ck_assert_uint_eq(roles[PLAN_MIDDLE], 2);
    ck_assert_str_eq(p.node[10].nickname, "exit2");
    ck_assert_str_eq(p.node[10].policy, "accept *:*");
    ck_assert_str_eq(p.node[3].policy, "reject *:*");
}
END_TEST

START_TEST(test_plan_refuses_what_cannot_be)
{
    static struct plan p;
    const struct {
        struct plan_wish wish;
        const char *why;
    } cases[] = {
        {{.authorities = 0, .relays = 3, .exits = 1}, "needs an authority"},
        {{.authorities = 16, .relays = 3, .exits = 1}, "too many"},
        {{.authorities = 1, .relays = 2, .exits = 1}, "too few"},
        {{.authorities = 1, .relays = 120, .exits = 1}, "at most 119"},
        {{.authorities = 1, .relays = 3, .exits = 0}, "0 exits"},
        {{.authorities = 1, .relays = 3, .exits = 3}, "to be a guard"},
        {{.authorities = 1, .relays = 3, .exits = 1, .phantoms = 50001}, "phantoms"},
        {{.authorities = 1, .relays = 3, .exits = 1, .interval_s = 9}, "interval"},
        {{.authorities = 1, .relays = 3, .exits = 1, .params = "a"}, "\"a\" is no parameter"},
        {{.authorities = 1, .relays = 3, .exits = 1, .params = "a=2147483648"}, "no parameter"},
        {{.authorities = 1, .relays = 3, .exits = 1, .params = "a=1 b=-2 a=3"}, "given twice"},
        {{.authorities = 1, .relays = 3, .exits = 1, .params = "a=1\nr=2 x"}, "no parameter"},
        {{.authorities = 1, .relays = 3, .exits = 1, .exit_policy = "accept"}, "exit policy"},
        {{.authorities = 1, .relays = 3, .exits = 1, .exit_policy = ""}, "exit policy"},
        {{.authorities = 1, .relays = 3, .exits = 1, .base_port = 65535}, "port"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[PLAN_WHY_MAX] = "";
        ck_err(plan_make(&cases[i].wish, &p, why), ERR_ARG);
        ck_assert_msg(strstr(why, cases[i].why) != NULL, "%s: %s", cases[i].why, why);
    }
}
END_TEST

START_TEST(test_plan_policies_have_the_form_of_torrc)
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

START_TEST(test_plan_policy_takes_the_first_rule_that_fits)
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

START_TEST(test_plan_policy_has_a_summary)
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

START_TEST(test_plan_policy_of_the_public_network_has_a_summary)
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

TESTS("testnet/plan", test_plan_gives_every_node_a_place, test_plan_refuses_what_cannot_be,
      test_plan_policies_have_the_form_of_torrc, test_plan_policy_takes_the_first_rule_that_fits,
      test_plan_policy_has_a_summary, test_plan_policy_of_the_public_network_has_a_summary)
