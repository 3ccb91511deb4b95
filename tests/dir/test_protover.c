#include "support/test.h"

#include <string.h>

#include "dir/protover.h"

static uint32_t bits_of(const char *list)
{
    uint32_t bits;
    ck_ok(protover_parse(text_of(list), &bits));
    return bits;
}

START_TEST(test_protover_capabilities_are_single_flags)
{
    uint32_t bits = bits_of("Link=3-5 Relay=2,4 FlowCtrl=1");
    ck_assert_uint_eq(bits, PROTO_BIT(PROTO_LINK_3) | PROTO_BIT(PROTO_LINK_4) |
                                PROTO_BIT(PROTO_LINK_5) | PROTO_BIT(PROTO_RELAY_2) |
                                PROTO_BIT(PROTO_RELAY_4) | PROTO_BIT(PROTO_FLOWCTRL_1));
    ck_assert_uint_eq(bits_of(""), 0);
    ck_assert_uint_eq(bits_of("Unknown=0-63 Relay="), 0);
    ck_assert_uint_eq(bits_of("relay=2"), 0);
}
END_TEST

START_TEST(test_protover_unparsable_list_counts_as_empty)
{
    static const char *const bad[] = {
        "Link=3 Relay",    "Link=3 =4",          "Link=3 Relay=64",   "Link=3 Relay=4-2",
        "Link=3 Re_l=1",   "Link=3 Relay=a",     "Link=3 Relay=1,,2", "Link=3 Relay=1,",
        "Link=3 Relay=01", "Link=3 Relay=1-2-3", "Link=3 Relay=-1",   "Link=3 Relay=99999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t bits = 77;
        ck_assert_msg(protover_parse(text_of(bad[i]), &bits) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_uint_eq(bits, 0);
    }
    char name[128];
    memset(name, 'a', sizeof name);
    strcpy(name + 100, "=1");
    bits_of(name);
    strcpy(name + 101, "=1");
    name[100] = 'a';
    uint32_t bits;
    ck_err(protover_parse(text_of(name), &bits), ERR_MALFORMED);
}
END_TEST

START_TEST(test_protover_what_the_network_requires_today_is_supported)
{
    char missing[64];
    ck_assert(protover_all_supported(text_of("Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2"),
                                     missing, sizeof missing));
    ck_assert_str_eq(missing, "");
}
END_TEST

/* This list grows shorter with each of them that is built. */
START_TEST(test_protover_what_the_network_recommends_today_and_is_not_there_yet)
{
    char missing[128];
    ck_assert(!protover_all_supported(
        text_of("Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4 HSRend=2 Link=4-5 "
                "Microdesc=2 Relay=2-4"),
        missing, sizeof missing));
    ck_assert_str_eq(missing, "HSDir=2 HSIntro=4 HSRend=2");
    ck_assert(
        protover_all_known(text_of("Cons=2 FlowCtrl=1-2 HSIntro=4"), missing, sizeof missing));
    ck_assert(!protover_all_known(text_of("FlowCtrl=1-3 HSIntro=4"), missing, sizeof missing));
    ck_assert_str_eq(missing, "FlowCtrl=3");
}
END_TEST

START_TEST(test_protover_names_what_is_missing)
{
    char missing[64], tiny[8];
    ck_assert(!protover_all_supported(text_of("Link=4,62-63 Teleport=1"), missing, sizeof missing));
    ck_assert_str_eq(missing, "Link=62 Link=63 Teleport=1");
    ck_assert(!protover_all_supported(text_of("Teleport=1-63"), tiny, sizeof tiny));
    ck_assert_str_eq(tiny, "Telepor");
}
END_TEST

TESTS("dir/protover", test_protover_capabilities_are_single_flags,
      test_protover_unparsable_list_counts_as_empty,
      test_protover_what_the_network_requires_today_is_supported,
      test_protover_what_the_network_recommends_today_and_is_not_there_yet,
      test_protover_names_what_is_missing)
