#include "testnet/plan.h"

#include <string.h>

#include "support/test.h"

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
        {{.authorities = 1, .relays = 3, .exits = 1, .protos = "Relay"}, "the protocols"},
        {{.authorities = 1, .relays = 3, .exits = 1, .protos = "Relay=2\nLink=3"}, "the protocols"},
        {{.authorities = 1, .relays = 3, .exits = 1, .base_port = 65535}, "port"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[PLAN_WHY_MAX] = "";
        ck_err(plan_make(&cases[i].wish, &p, why), ERR_ARG);
        ck_assert_msg(strstr(why, cases[i].why) != NULL, "%s: %s", cases[i].why, why);
    }
}
END_TEST

TESTS("testnet/plan", test_plan_gives_every_node_a_place, test_plan_refuses_what_cannot_be)
