#include "base/addr.h"

#include <string.h>

#include "support/test.h"

static struct ip ip(const char *text)
{
    struct ip ip;
    err_t e = ip_parse(text, true, &ip);
    ck_assert_msg(e == OK, "%s: %s", text, err_name(e));
    return ip;
}

static struct ip_net net(const char *text)
{
    struct ip_net net;
    err_t e = ip_net_parse(text, &net);
    ck_assert_msg(e == OK, "%s: %s", text, err_name(e));
    return net;
}

START_TEST(test_addr_both_families_are_read_and_shown)
{
    static const char *const same[] = {
        "0.0.0.0",       "192.0.2.1",       "255.255.255.255", "::", "::1", "2001:db8::1",
        "fe80::1:2:3:4", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1"};
    char out[IP_TEXT_MAX];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct ip a = ip(same[i]);
        ck_assert_str_eq(ip_text(&a, out), same[i]);
        ck_assert_uint_eq(ip_len(&a), strchr(same[i], ':') ? 16 : 4);
    }
    struct ip long_form = ip("2001:0DB8:0:0:0:0:0:0001");
    ck_assert_str_eq(ip_text(&long_form, out), "2001:db8::1");
}
END_TEST

START_TEST(test_addr_unused_bytes_are_zero)
{
    struct ip a;
    memset(&a, 0xff, sizeof a);
    ck_ok(ip_parse("192.0.2.1", false, &a));
    struct ip b = ip_v4((const uint8_t[]){192, 0, 2, 1});
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert(ip_equal(&a, &b));
}
END_TEST

START_TEST(test_addr_brackets_only_where_allowed_and_only_on_v6)
{
    struct ip out;
    ck_ok(ip_parse("[2001:db8::1]", true, &out));
    ck_err(ip_parse("[2001:db8::1]", false, &out), ERR_MALFORMED);
    ck_err(ip_parse("[192.0.2.1]", true, &out), ERR_MALFORMED);
    ck_err(ip_parse("[2001:db8::1", true, &out), ERR_MALFORMED);
    ck_err(ip_parse("2001:db8::1]", true, &out), ERR_MALFORMED);
    ck_err(ip_parse("[[2001:db8::1]]", true, &out), ERR_MALFORMED);
    ck_err(ip_parse("[]", true, &out), ERR_MALFORMED);
}
END_TEST

START_TEST(test_addr_anything_else_is_malformed_and_changes_nothing)
{
    static const char *const bad[] = {
        "",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.-1",
        "0x7f.1",
        "127.1",
        "1.2.3.4a",
        ":",
        ":::",
        "1::2::3",
        "12345::",
        "fe80::1%lo",
        "localhost",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::1.2.3",
        "[",
        "]",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    struct ip out = ip("192.0.2.9"), before = out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err_t e = ip_parse(bad[i], true, &out);
        ck_assert_msg(e == ERR_MALFORMED, "'%s': %s", bad[i], err_name(e));
        ck_assert(ip_equal(&out, &before));
    }
}
END_TEST

START_TEST(test_addr_with_port_round_trip)
{
    static const char *const same[] = {"192.0.2.1:0", "192.0.2.1:65535", "[2001:db8::1]:80",
                                       "[::ffff:255.255.255.255]:65535"};
    char out[IPPORT_TEXT_MAX];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct ipport ap;
        ck_ok(ipport_parse(same[i], &ap));
        ck_assert_str_eq(ipport_text(&ap, out), same[i]);
    }
}
END_TEST

START_TEST(test_addr_with_bad_port_is_refused)
{
    static const char *const bad[] = {
        "",    ":",           "192.0.2.1",   "192.0.2.1:",    "192.0.2.1:-1",   "192.0.2.1: 1",
        ":80", "[::1]",       "::1:80",      "[::1]80",       "[192.0.2.1]:80", "[::1]:",
        "x:1", "[2001::1:80", "2001::1]:80", "192.0.2.1:1:2", "192.0.2.1:80x"};
    struct ipport ap = {ip("192.0.2.9"), 9}, before = ap;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(ipport_parse(bad[i], &ap) == ERR_MALFORMED, "'%s'", bad[i]);
    ck_err(ipport_parse("192.0.2.1:65536", &ap), ERR_LIMIT);
    ck_assert(ipport_equal(&ap, &before));
}
END_TEST

START_TEST(test_addr_no_address_is_shown_as_such)
{
    struct ip none = {.family = IP_NONE};
    char out[IP_TEXT_MAX];
    ck_assert_str_eq(ip_text(&none, out), "<none>");
    ck_assert_uint_eq(ip_len(&none), 0);
}
END_TEST

START_TEST(test_addr_equal_means_family_bytes_and_port)
{
    struct ip v4 = ip("0.0.0.0"), v6 = ip("::");
    ck_assert(!ip_equal(&v4, &v6));
    struct ipport a = {v4, 1}, b = {v4, 2};
    ck_assert(!ipport_equal(&a, &b));
    b.port = 1;
    ck_assert(ipport_equal(&a, &b));
}
END_TEST

START_TEST(test_addr_nets_hold_their_first_and_last_address)
{
    static const struct {
        const char *net, *in, *out;
    } cases[] = {{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                 {"10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
                 {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
                 {"192.0.2.4/30", "192.0.2.7", "192.0.2.8"},
                 {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
                 {"192.0.2.1/32", "192.0.2.1", "192.0.2.3"},
                 {"0.0.0.0/0", "255.255.255.255", "::"},
                 {"[2001:db8::]/32", "2001:db8:ffff::1", "2001:db9::"},
                 {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
                 {"::/0", "ff::1", "0.0.0.0"},
                 {"[::1]", "::1", "::"},
                 {"::1/128", "::1", "::3"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip_net n = net(cases[i].net);
        struct ip in = ip(cases[i].in), out = ip(cases[i].out);
        ck_assert_msg(ip_net_has(&n, &in), "%s in %s", cases[i].in, cases[i].net);
        ck_assert_msg(!ip_net_has(&n, &out), "%s not in %s", cases[i].out, cases[i].net);
    }
}
END_TEST

START_TEST(test_addr_star_holds_everything)
{
    struct ip_net all = net("*");
    struct ip v4 = ip("192.0.2.1"), v6 = ip("2001:db8::1");
    ck_assert(ip_net_has(&all, &v4) && ip_net_has(&all, &v6));
}
END_TEST

START_TEST(test_addr_bad_nets_are_refused)
{
    static const char *const bad[] = {"",           "/8",          "*/8",      "10.0.0.0/",
                                      "10.0.0.0/x", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/8/8",
                                      "[::/32",     "[10.0.0.0]/8"};
    struct ip_net n;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(ip_net_parse(bad[i], &n) == ERR_MALFORMED, "'%s'", bad[i]);
    ck_err(ip_net_parse("10.0.0.0/33", &n), ERR_LIMIT);
    ck_err(ip_net_parse("::/129", &n), ERR_LIMIT);
}
END_TEST

START_TEST(test_addr_internal_ranges_to_their_edges)
{
    static const char *const inside[] = {"0.0.0.0",
                                         "0.255.255.255",
                                         "10.0.0.0",
                                         "10.255.255.255",
                                         "100.64.0.0",
                                         "100.127.255.255",
                                         "127.0.0.1",
                                         "169.254.0.0",
                                         "169.254.255.255",
                                         "172.16.0.0",
                                         "172.31.255.255",
                                         "192.168.0.0",
                                         "192.168.255.255",
                                         "224.0.0.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fc00::",
                                         "fdff::1",
                                         "fe80::1",
                                         "febf::1",
                                         "fec0::1",
                                         "feff::1",
                                         "ff02::1",
                                         "::ffff:10.0.0.1",
                                         "::ffff:127.0.0.1"};
    static const char *const outside[] = {
        "1.0.0.0",     "9.255.255.255",   "11.0.0.0",   "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0",  "169.253.255.255",
        "169.255.0.0", "172.15.255.255",  "172.32.0.0", "192.167.255.255",
        "192.169.0.0", "223.255.255.255", "::2",        "2001:db8::1",
        "fbff::1",     "fe00::1",         "fe7f::1",    "::ffff:8.8.8.8"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        struct ip a = ip(inside[i]);
        ck_assert_msg(ip_is_internal(&a), "%s", inside[i]);
        bool nobodys =
            (a.family == IP_V4 && a.b[0] >= 224) || (a.family == IP_V6 && a.b[0] == 0xff);
        ck_assert_msg(ip_is_private(&a) == !nobodys, "%s", inside[i]);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct ip a = ip(outside[i]);
        ck_assert_msg(!ip_is_internal(&a) && !ip_is_private(&a), "%s", outside[i]);
    }
}
END_TEST

START_TEST(test_addr_loopback_and_unspecified)
{
    struct ip lo = ip("127.255.0.1"), lo6 = ip("::1"), mapped = ip("::ffff:127.0.0.1"),
              other = ip("128.0.0.1"), other6 = ip("::2"), any = ip("0.0.0.0"), any6 = ip("::");
    ck_assert(ip_is_loopback(&lo) && ip_is_loopback(&lo6) && ip_is_loopback(&mapped));
    ck_assert(!ip_is_loopback(&other) && !ip_is_loopback(&other6) && !ip_is_loopback(&any6));
    ck_assert(ip_is_unspecified(&any) && ip_is_unspecified(&any6));
    ck_assert(!ip_is_unspecified(&lo6) && !ip_is_unspecified(&lo));
}
END_TEST

TESTS("base/addr", test_addr_both_families_are_read_and_shown, test_addr_unused_bytes_are_zero,
      test_addr_brackets_only_where_allowed_and_only_on_v6,
      test_addr_anything_else_is_malformed_and_changes_nothing, test_addr_with_port_round_trip,
      test_addr_with_bad_port_is_refused, test_addr_no_address_is_shown_as_such,
      test_addr_equal_means_family_bytes_and_port, test_addr_nets_hold_their_first_and_last_address,
      test_addr_star_holds_everything, test_addr_bad_nets_are_refused,
      test_addr_internal_ranges_to_their_edges, test_addr_loopback_and_unspecified)
