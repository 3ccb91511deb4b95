#include "base/addrpat.h"

#include "support/test.h"

static bool has(const char *pattern, const char *address, uint16_t port)
{
    struct addr_pattern p;
    struct ip ip;
    err_t e = addr_pattern_parse(text_of(pattern), &p);
    ck_assert_msg(e == OK, "%s", pattern);
    ck_ok(ip_parse(address, false, &ip));
    return addr_pattern_has(&p, &ip, port);
}

START_TEST(test_addrpat_addresses)
{
    ck_assert(has("192.0.2.1", "192.0.2.1", 1));
    ck_assert(!has("192.0.2.1", "192.0.2.2", 1));
    ck_assert(has("192.0.2.0/24", "192.0.2.200", 1));
    ck_assert(!has("192.0.2.0/24", "192.0.3.1", 1));
    ck_assert(has("192.0.0.0/255.255.0.0", "192.0.200.1", 1));
    ck_assert(has("10.0.0.0/08", "10.200.0.1", 1));
    ck_assert(has("[2001:db8::]/32", "2001:db8:1::1", 1));
    ck_assert(has("2001:db8::/32", "2001:db8:1::1", 1));
    ck_assert(!has("[2001:db8::]/32", "2001:db9::1", 1));
    ck_assert(has("[192.0.2.1]", "192.0.2.1", 1));
    ck_assert(has("[::ffff:192.0.2.0]/24", "::ffff:192.0.2.9", 1));
    ck_assert(!has("[::ffff:192.0.2.0]/24", "::ffff:192.0.3.9", 1));
}
END_TEST

START_TEST(test_addrpat_wildcards)
{
    ck_assert(has("*", "192.0.2.1", 1) && has("*", "::1", 1));
    ck_assert(has("*4", "192.0.2.1", 1) && !has("*4", "::1", 1));
    ck_assert(!has("*6", "192.0.2.1", 1) && has("*6", "::1", 1));
    ck_assert(has("[*]:80", "::1", 80) && !has("[*]:80", "::1", 81));
}
END_TEST

START_TEST(test_addrpat_ports)
{
    ck_assert(has("*:80", "192.0.2.1", 80) && !has("*:80", "192.0.2.1", 81));
    ck_assert(has("192.0.2.0/24:80-90", "192.0.2.1", 90));
    ck_assert(!has("192.0.2.0/24:80-90", "192.0.2.1", 91));
    ck_assert(has("[2001:db8::]/32:443", "2001:db8::1", 443));
    ck_assert(has("*:*", "::1", 65535) && has("*:", "::1", 1) && has("*:+80", "::1", 80));
}
END_TEST

START_TEST(test_addrpat_refuses)
{
    static const char *const bad[] = {
        "",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4/33",
        "1.2.3.4/",
        "1.2.3.4/-1",
        "*/8",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]/129",
        "1.2.3.4:0",
        "1.2.3.4:90-80",
        "1.2.3.4:65536",
        "1.2.3.4:-",
        "1.2.3.4:80-",
        "1.2.3.4:1-*",
        "1.2.3.4:a",
        "1.2.3.4:80-90-100",
        "*5",
        "localhost",
        "1.2.3.4/255.0.255.0",
        "[::ffff:1.2.3.4]/40",
    };
    struct addr_pattern p;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(addr_pattern_parse(text_of(bad[i]), &p) != OK, "%s", bad[i]);
}
END_TEST

TESTS("base/addrpat", test_addrpat_addresses, test_addrpat_wildcards, test_addrpat_ports,
      test_addrpat_refuses)
