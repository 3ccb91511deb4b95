#include "support/test.h"

#include <string.h>

#include "dir/servers.h"

START_TEST(test_servers_public_lists)
{
    struct dir_servers s;
    size_t voters = 0;
    dir_servers_init(&s);
    ck_ok(dir_servers_add_public_authorities(&s));
    ck_assert_uint_eq(s.n, 10);
    for (size_t i = 0; i < s.n; i++)
        voters += s.list[i].is_authority;
    ck_assert_uint_eq(voters, 9);
    ck_assert_str_eq(s.list[1].nickname, "tor26");
    ck_assert_uint_eq(s.list[1].orport, 443);
    ck_assert_uint_eq(s.list[1].or6.port, 443);
    ck_assert_uint_eq(s.list[1].v3ident.b[0], 0x2f);
    ck_assert_uint_eq(s.list[1].rsa.b[0], 0xfa);
    ck_ok(dir_servers_add_public_fallbacks(&s));
    ck_assert_uint_eq(s.n, 210);
    for (size_t i = 10; i < s.n; i++)
        ck_assert(!s.list[i].is_authority && s.list[i].orport && s.list[i].ip.family == IP_V4);
    dir_servers_free(&s);
}
END_TEST

#define FP "FAA4 BCA4 A6AC 0FB4 CA2F 8AD5 A11D 9E12 2BA8 94F6"
#define V3 "2F3DF9CA0E5D36F2685A2DA67184EB8DCB8CBA8C"

START_TEST(test_servers_authority_line_with_everything)
{
    struct dir_server s;
    ck_ok(dir_server_parse_authority("tor26 orport=9001 no-v2 v3ident=" V3
                                     " ipv6=[2001:db8::1]:443 weight=2.5 10.0.0.1:80 " FP,
                                     &s, NULL));
    ck_assert_str_eq(s.nickname, "tor26");
    ck_assert_uint_eq(s.orport, 9001);
    ck_assert_uint_eq(s.dirport, 80);
    ck_assert_uint_eq(s.ip.b[0], 10);
    ck_assert_uint_eq(s.or6.port, 443);
    ck_assert(s.is_authority && !s.is_bridge);
    ck_assert(s.weight > 2.49 && s.weight < 2.51);
    ck_assert_uint_eq(s.rsa.b[19], 0xf6);
    ck_assert_uint_eq(s.v3ident.b[19], 0x8c);
}
END_TEST

START_TEST(test_servers_authority_line_without_a_nickname)
{
    struct dir_server s;
    ck_ok(dir_server_parse_authority("127.0.0.1:7000 faa4bca4a6ac0fb4ca2f8ad5a11d9e122ba894f6", &s,
                                     NULL));
    ck_assert_str_eq(s.nickname, "");
    ck_assert(!s.is_authority);
    ck_ok(dir_server_parse_authority("  orport=5 v3ident=" V3 " some-flag 127.0.0.1:7000 " FP, &s,
                                     NULL));
    ck_assert_str_eq(s.nickname, "");
    ck_assert(s.is_authority && s.orport == 5);
    ck_ok(
        dir_server_parse_authority("test000a bridge v3ident=" V3 " 127.0.0.1:7000 $" FP, &s, NULL));
    ck_assert(s.is_bridge && !s.is_authority);
}
END_TEST

START_TEST(test_servers_bad_authority_lines_say_why)
{
    static const char *const bad[] = {
        "",
        "nick",
        "nick orport=1",
        "nick orport=0 127.0.0.1:80 " FP,
        "nick orport=65536 127.0.0.1:80 " FP,
        "nick v3ident=12 127.0.0.1:80 " FP,
        "nick ipv6=1.2.3.4:5 127.0.0.1:80 " FP,
        "nick weight=x 127.0.0.1:80 " FP,
        "nick 127.0.0.1:80",
        "nick 127.0.0.1:80 FAA4",
        "nick 127.0.0.1:80 " FP " 00",
        "nick 127.0.0.256:80 " FP,
        "nick 127.0.0.1:70000 " FP,
        "nick [::1]:80 " FP,
        "nick ::1 " FP,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dir_server s;
        const char *why = NULL;
        ck_assert_msg(dir_server_parse_authority(bad[i], &s, &why) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

START_TEST(test_servers_fallback_lines)
{
    struct dir_server s;
    const char *why;
    ck_ok(dir_server_parse_fallback("10.1.2.3:80 orport=443 id=" V3 " weight=3 ipv6=[::1]:9001", &s,
                                    &why));
    ck_assert_ptr_null(why);
    ck_assert(!s.is_authority && s.orport == 443 && s.dirport == 80 && s.or6.port == 9001);
    ck_assert_uint_eq(s.rsa.b[0], 0x2f);
    ck_ok(dir_server_parse_fallback("10.1.2.3 id=" V3 " orport=443", &s, NULL));
    ck_assert_uint_eq(s.dirport, 0);
    ck_err(dir_server_parse_fallback("10.1.2.3 orport=443", &s, &why), ERR_MALFORMED);
    ck_assert_str_eq(why, "id= is missing");
    ck_err(dir_server_parse_fallback("10.1.2.3 id=" V3, &s, &why), ERR_MALFORMED);
    ck_assert_str_eq(why, "orport= is missing");
    ck_err(dir_server_parse_fallback("orport=443 id=" V3, &s, &why), ERR_MALFORMED);
    ck_assert_str_eq(why, "address is missing");
}
END_TEST

START_TEST(test_servers_lines_read_back_as_the_same_servers)
{
    struct dir_servers s;
    char line[DIR_SERVER_LINE_MAX];
    dir_servers_init(&s);
    ck_ok(dir_servers_add_public_authorities(&s));
    size_t authorities = s.n;
    ck_ok(dir_servers_add_public_fallbacks(&s));
    for (size_t i = 0; i < s.n; i++) {
        const struct dir_server *one = &s.list[i];
        struct dir_server back;
        if (i < authorities) {
            dir_server_authority_line(one, line);
            ck_ok(dir_server_parse_authority(line, &back, NULL));
            ck_assert_str_eq(back.nickname, one->nickname);
        } else {
            dir_server_fallback_line(one, line);
            ck_ok(dir_server_parse_fallback(line, &back, NULL));
        }
        ck_assert(ip_equal(&back.ip, &one->ip) && back.orport == one->orport);
        ck_assert_uint_eq(back.dirport, one->dirport);
        ck_assert_int_eq(back.or6.port, one->or6.port);
        ck_assert_mem_eq(back.rsa.b, one->rsa.b, sizeof one->rsa.b);
        ck_assert_mem_eq(back.v3ident.b, one->v3ident.b, sizeof one->v3ident.b);
        ck_assert(back.is_authority == one->is_authority && back.is_bridge == one->is_bridge);
    }
    dir_servers_free(&s);
}
END_TEST

TESTS("dir/servers", test_servers_public_lists, test_servers_authority_line_with_everything,
      test_servers_authority_line_without_a_nickname, test_servers_bad_authority_lines_say_why,
      test_servers_fallback_lines, test_servers_lines_read_back_as_the_same_servers)
