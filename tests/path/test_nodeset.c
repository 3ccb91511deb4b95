#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path/nodeset.h"
#include "support/test.h"

static struct router relay(void)
{
    struct router r = {.nickname = "MyRelay",
                       .orport = 9001,
                       .v4 = {192, 0, 2, 77},
                       .orport6 = 9001,
                       .v6 = {0x20, 0x01, 0x0d, 0xb8, 1, 2}};
    for (uint8_t i = 0; i < 20; i++)
        r.rsa.b[i] = (uint8_t)(0xa0 + i);
    return r;
}

#define FP       "A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3"
#define OTHER_FP "B0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3"

static bool matches(const char *list)
{
    struct nodeset *s;
    struct router r = relay();
    char why[NODESET_WHY_MAX] = "";
    err_t e = nodeset_parse(text_of(list), &s, why);
    ck_assert_msg(e == OK, "%s: %s", list, why);
    bool has = nodeset_has(s, &r);
    nodeset_free(&s);
    return has;
}

START_TEST(test_nodeset_fingerprints)
{
    ck_assert(matches(FP));
    ck_assert(matches("$" FP));
    ck_assert(matches("$a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"));
    ck_assert(matches("$" FP "~Whatever"));
    ck_assert(matches("$" FP "=MyRelay"));
    ck_assert(!matches(OTHER_FP));
    ck_assert(!matches("$" OTHER_FP "=MyRelay"));
    ck_assert(matches(OTHER_FP ", " FP ",$0000000000000000000000000000000000000000"));
}
END_TEST

START_TEST(test_nodeset_nicknames_in_any_case)
{
    ck_assert(matches("MyRelay"));
    ck_assert(matches("myrelay"));
    ck_assert(matches("aaa,MYRELAY,zzz"));
    ck_assert(!matches("MyRelay2"));
    ck_assert(!matches("MyRela"));
}
END_TEST

START_TEST(test_nodeset_addresses)
{
    ck_assert(matches("192.0.2.77"));
    ck_assert(matches("192.0.0.0/16"));
    ck_assert(!matches("192.0.2.78"));
    ck_assert(!matches("192.1.0.0/16"));
    ck_assert(matches("[2001:db8::]/32"));
    ck_assert(matches("[2001:db8:102::]/128"));
    ck_assert(!matches("[2001:db9::]/32"));
    ck_assert(matches("*"));
    ck_assert(matches("10.0.0.0/8,0.0.0.0/0"));
}
END_TEST

START_TEST(test_nodeset_relay_without_ipv6_matches_no_ipv6_pattern)
{
    struct router r = relay();
    struct nodeset *s;
    r.orport6 = 0;
    memset(r.v6, 0, sizeof r.v6);
    ck_ok(nodeset_parse(text_of("[::]/0"), &s, NULL));
    ck_assert(!nodeset_has(s, &r));
    nodeset_free(&s);
}
END_TEST

START_TEST(test_nodeset_countries_match_nothing_and_are_named)
{
    struct nodeset *s;
    struct router r = relay();
    ck_ok(nodeset_parse(text_of("{DE}, {??},{a1}"), &s, NULL));
    ck_assert(!nodeset_has(s, &r));
    ck_assert(!nodeset_is_empty(s));
    ck_assert_str_eq(nodeset_country(s, 0), "de");
    ck_assert_str_eq(nodeset_country(s, 1), "??");
    ck_assert_str_eq(nodeset_country(s, 2), "a1");
    ck_assert_ptr_null(nodeset_country(s, 3));
    ck_assert_ptr_null(nodeset_country(NULL, 0));
    nodeset_free(&s);
}
END_TEST

START_TEST(test_nodeset_empty_lists)
{
    static const char *const empty[] = {"", " ", ",", " , ,\t"};
    struct router r = relay();
    for (size_t i = 0; i < 4; i++) {
        struct nodeset *s;
        ck_ok(nodeset_parse(text_of(empty[i]), &s, NULL));
        ck_assert(nodeset_is_empty(s) && !nodeset_has(s, &r));
        nodeset_free(&s);
        ck_assert_ptr_null(s);
    }
    ck_assert(nodeset_is_empty(NULL) && !nodeset_has(NULL, &r));
}
END_TEST

START_TEST(test_nodeset_one_bad_entry_spoils_the_list_and_is_named)
{
    static const char *const bad[] = {
        "my-relay",
        "$MyRelay",
        "$" FP "~",
        "$" FP "#nick",
        "$" FP "0",
        "$A0A1",
        "nickthatistwentychars",
        "{d}",
        "{deu}",
        "{d?}",
        "192.0.2.0/33",
        "192.0.2",
        "[2001:db8::]/129",
        "a b",
        "!A",
        "192.0.2.1:80:90",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char list[128], why[NODESET_WHY_MAX] = "";
        struct nodeset *s = NULL;
        snprintf(list, sizeof list, "good, %s ,fine", bad[i]);
        ck_assert_msg(nodeset_parse(text_of(list), &s, why) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_ptr_null(s);
        char quoted[80];
        snprintf(quoted, sizeof quoted, "\"%s\"", bad[i]);
        ck_assert_msg(strstr(why, quoted) != NULL, "%s", why);
    }
}
END_TEST

START_TEST(test_nodeset_too_many_entries_are_refused)
{
    size_t len = 2 * (NODESET_ENTRIES_MAX + 1);
    char *list = malloc(len), why[NODESET_WHY_MAX];
    struct nodeset *s;
    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < len; i++)
        list[i] = i % 2 ? ',' : 'a';
    ck_err(nodeset_parse((struct text){list, len}, &s, why), ERR_LIMIT);
    ck_ok(nodeset_parse((struct text){list, 2 * NODESET_ENTRIES_MAX - 1}, &s, why));
    nodeset_free(&s);
    free(list);
}
END_TEST

START_TEST(test_nodeset_equal_in_any_order)
{
    static const char *const lists[] = {"",           "one,two",        "one",  "one,10.0.0.0/8",
                                        "10.0.0.0/9", "one,10.0.0.0/9", "{de}", "two, ONE,"};
    struct nodeset *s[8];
    for (size_t i = 0; i < 8; i++)
        ck_ok(nodeset_parse(text_of(lists[i]), &s[i], NULL));
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++)
            ck_assert(nodeset_equal(s[i], s[j]) == (i == j || (i + j == 8 && i % 6 == 1)));
    ck_assert(nodeset_equal(NULL, s[0]) && nodeset_equal(NULL, NULL) && !nodeset_equal(NULL, s[1]));
    for (size_t i = 0; i < 8; i++)
        nodeset_free(&s[i]);
}
END_TEST

/* MyRelay's address, 192.0.2.77, is 3221226061. */
static struct geoip *geoip_of(const char *text)
{
    struct geoip_reader r;
    struct geoip *g;
    ck_ok(geoip_begin(&r, IP_V4));
    ck_ok(geoip_piece(&r, text_of(text)));
    ck_ok(geoip_end(&r, &g));
    return g;
}

START_TEST(test_nodeset_countries)
{
    static const struct {
        const char *list, *geoip;
        bool has;
    } rows[] = {
        {"{de}", "3221226061,3221226061,DE\n", true},
        {"{DE}", "3221225472,3221226240,DE\n", true},
        {"{fr},{de}", "3221226061,3221226061,DE\n", true},
        {"{fr}", "3221226061,3221226061,DE\n", false},
        {"{de}", "3221226062,3221226063,DE\n", false},
        {"{??}", "3221226062,3221226063,DE\n", true},
        {"{??}", "3221226061,3221226061,DE\n", false},
        {"MyRelay,{fr}", "3221226061,3221226061,DE\n", true},
        {"de", "3221226061,3221226061,DE\n", false},
        {"{de},{??}", NULL, false},
    };
    struct router r = relay();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct geoip *g = rows[i].geoip ? geoip_of(rows[i].geoip) : NULL;
        struct nodeset *s;
        ck_ok(nodeset_parse(text_of(rows[i].list), &s, NULL));
        nodeset_locate(s, g);
        geoip_unref(&g);
        ck_assert_msg(nodeset_has(s, &r) == rows[i].has, "row %zu", i);
        nodeset_free(&s);
    }
}
END_TEST

TESTS("path/nodeset", test_nodeset_countries, test_nodeset_fingerprints,
      test_nodeset_nicknames_in_any_case, test_nodeset_addresses,
      test_nodeset_relay_without_ipv6_matches_no_ipv6_pattern,
      test_nodeset_countries_match_nothing_and_are_named, test_nodeset_empty_lists,
      test_nodeset_one_bad_entry_spoils_the_list_and_is_named,
      test_nodeset_too_many_entries_are_refused, test_nodeset_equal_in_any_order)
