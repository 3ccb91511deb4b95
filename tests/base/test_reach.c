#include "base/reach.h"

#include <stdio.h>

#include "support/test.h"

static struct reach full(void)
{
    struct reach r = reach_at((struct ipport){ip_v4((const uint8_t[]){192, 0, 2, 1}), 443});
    snprintf(r.host, sizeof r.host, "bridge.example");
    snprintf(r.transport, sizeof r.transport, "obfs4");
    snprintf(r.arguments, sizeof r.arguments, "cert=a/b==;iat-mode=0");
    return r;
}

START_TEST(test_reach_is_the_same_only_in_all_its_parts)
{
    const struct reach one = full();
    struct reach other = full();
    ck_assert(reach_equal(&one, &other));
    other.addr.port++;
    ck_assert(!reach_equal(&one, &other));
    other = full();
    other.host[0] = 'f';
    ck_assert(!reach_equal(&one, &other));
    other = full();
    other.transport[4] = '3';
    ck_assert(!reach_equal(&one, &other));
    other = full();
    other.arguments[sizeof "cert=a/b==;iat-mode=0" - 2] = '1';
    ck_assert(!reach_equal(&one, &other));
}
END_TEST

START_TEST(test_reach_says_where_and_by_what_but_no_arguments)
{
    char text[REACH_TEXT_MAX];
    struct reach r = full();
    ck_assert_str_eq(reach_text(&r, text), "bridge.example:443 by obfs4");
    r.host[0] = 0;
    ck_assert_str_eq(reach_text(&r, text), "192.0.2.1:443 by obfs4");
    const struct reach bare = reach_at(r.addr);
    ck_assert_str_eq(reach_text(&bare, text), "192.0.2.1:443");
    r.addr.ip.family = IP_NONE;
    ck_assert_str_eq(reach_text(&r, text), "no address by obfs4");
}
END_TEST

TESTS("base/reach", test_reach_is_the_same_only_in_all_its_parts,
      test_reach_says_where_and_by_what_but_no_arguments)
