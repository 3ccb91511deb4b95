#include "base/port.h"

#include "support/test.h"

static struct port_at tcp(uint16_t port)
{
    return (struct port_at){.tcp = {ip_v4((const uint8_t[]){127, 0, 0, 1}), port}};
}

START_TEST(test_port_the_same_place_is_the_same_address_or_path)
{
    const struct port_at one = {.unix_path = "/a"}, other = {.unix_path = "/b"}, any = tcp(0);
    struct port_at wide = tcp(80);
    wide.tcp.ip = (struct ip){.family = IP_V4};
    const struct port_at here = tcp(80), there = tcp(81);
    ck_assert(port_at_equal(&one, &(struct port_at){.unix_path = (char[]){"/a"}}));
    ck_assert(!port_at_equal(&one, &other));
    ck_assert(!port_at_equal(&one, &any));
    ck_assert(!port_at_equal(&any, &one));
    ck_assert(!port_at_equal(&here, &wide));
    ck_assert(!port_at_equal(&here, &there));
    ck_assert(port_at_equal(&here, &(struct port_at){.tcp = here.tcp}));
}
END_TEST

TESTS("base/port", test_port_the_same_place_is_the_same_address_or_path)
