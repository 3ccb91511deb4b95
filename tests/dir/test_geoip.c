#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "dir/geoip.h"

/* TEXT read in pieces of PIECE bytes. */
static struct geoip *read_by(const char *text, enum ip_family family, size_t piece, size_t *n_bad)
{
    struct geoip_reader r;
    struct geoip *g;
    size_t len = strlen(text);
    ck_ok(geoip_begin(&r, family));
    for (size_t at = 0; at < len; at += piece)
        ck_ok(geoip_piece(&r, (struct text){text + at, piece < len - at ? piece : len - at}));
    ck_ok(geoip_end(&r, &g));
    if (n_bad)
        *n_bad = r.n_bad;
    else
        ck_assert_uint_eq(r.n_bad, 0);
    return g;
}

static struct geoip *read_all(const char *text, enum ip_family family)
{
    return read_by(text, family, strlen(text) + 1, NULL);
}

static const char *country(const struct geoip *g, const char *address)
{
    static char cc[GEOIP_CC];
    struct ip ip;
    ck_ok(ip_parse(address, false, &ip));
    return geoip_country(g, &ip, cc);
}

/* 1.0.0.0 is 16777216. */
static const char v4[] = "# comment\n"
                         "16777216,16777471,AU\n"
                         "16777472,16778239,CN\n"
                         "\n"
                         "16778240,16779263,AU\n"
                         "3405803776,3405804031,??\n"
                         "4294967040,4294967295,Zz\n";

START_TEST(test_geoip_ranges)
{
    struct geoip *g = read_all(v4, IP_V4);
    static const struct {
        const char *address, *cc;
    } rows[] = {
        {"0.0.0.0", "??"},       {"0.255.255.255", "??"}, {"1.0.0.0", "au"},
        {"1.0.0.255", "au"},     {"1.0.1.0", "cn"},       {"1.0.3.255", "cn"},
        {"1.0.4.0", "au"},       {"1.0.7.255", "au"},     {"1.0.8.0", "??"},
        {"203.0.113.7", "??"},   {"255.255.255.0", "zz"}, {"255.255.255.255", "zz"},
        {"255.255.254.9", "??"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(strcmp(country(g, rows[i].address), rows[i].cc) == 0, "%s: %s",
                      rows[i].address, country(g, rows[i].address));
    ck_assert_str_eq(country(g, "::1"), "??");
    ck_assert_str_eq(country(NULL, "1.0.0.0"), "??");
    geoip_unref(&g);
    ck_assert_ptr_null(g);
}
END_TEST

START_TEST(test_geoip_ipv6)
{
    struct geoip *g = read_all("2001:4:112::,2001:4:112:ffff:ffff:ffff:ffff:ffff,US\n"
                               "2001:200:136::,2001:200:136:ffff:ffff:ffff:ffff:fffe,JP\r\n"
                               "ff00::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,A1",
                               IP_V6);
    ck_assert_str_eq(country(g, "2001:4:112::7"), "us");
    ck_assert_str_eq(country(g, "2001:4:113::"), "??");
    ck_assert_str_eq(country(g, "2001:4:111:ffff:ffff:ffff:ffff:ffff"), "??");
    ck_assert_str_eq(country(g, "2001:200:136:ffff:ffff:ffff:ffff:fffe"), "jp");
    ck_assert_str_eq(country(g, "2001:200:136:ffff:ffff:ffff:ffff:ffff"), "??");
    ck_assert_str_eq(country(g, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "a1");
    ck_assert_str_eq(country(g, "1.0.0.0"), "??");
    geoip_unref(&g);
}
END_TEST

/* C tor, geoip_parse_entry(): the other form of its lines. */
START_TEST(test_geoip_quoted_lines)
{
    struct geoip *g =
        read_all("\"16777216\",\"16777471\",\"AU\",\"AUS\",\"Australia, the\"\n", IP_V4);
    ck_assert_str_eq(country(g, "1.0.0.1"), "au");
    geoip_unref(&g);
}
END_TEST

START_TEST(test_geoip_may_be_cut_anywhere)
{
    for (size_t piece = 1; piece < sizeof v4; piece++) {
        struct geoip *g = read_by(v4, IP_V4, piece, NULL);
        ck_assert_uint_eq(geoip_rows(g), 5);
        ck_assert_str_eq(country(g, "1.0.1.0"), "cn");
        ck_assert_str_eq(country(g, "255.255.255.255"), "zz");
        geoip_unref(&g);
    }
}
END_TEST

/* Ranges of one country that follow each other are one row. */
START_TEST(test_geoip_rows_are_few)
{
    struct geoip *g = read_all("256,511,AU\n512,767,AU\n768,1023,AU\n1024,1279,NZ\n", IP_V4);
    ck_assert_uint_eq(geoip_rows(g), 3);
    ck_assert_str_eq(country(g, "0.0.3.255"), "au");
    ck_assert_str_eq(country(g, "0.0.4.0"), "nz");
    ck_assert_str_eq(country(g, "0.0.5.0"), "??");
    geoip_unref(&g);
}
END_TEST

START_TEST(test_geoip_any_order)
{
    struct geoip *g =
        read_all("1024,1279,NZ\n256,511,AU\n512,767,CN\n4096,4096,DE\n768,1023,AU\n", IP_V4);
    ck_assert_str_eq(country(g, "0.0.0.255"), "??");
    ck_assert_str_eq(country(g, "0.0.1.255"), "au");
    ck_assert_str_eq(country(g, "0.0.2.0"), "cn");
    ck_assert_str_eq(country(g, "0.0.3.0"), "au");
    ck_assert_str_eq(country(g, "0.0.4.0"), "nz");
    ck_assert_str_eq(country(g, "0.0.5.0"), "??");
    ck_assert_str_eq(country(g, "0.0.16.0"), "de");
    ck_assert_str_eq(country(g, "0.0.16.1"), "??");
    geoip_unref(&g);
}
END_TEST

START_TEST(test_geoip_bad_lines_cost_themselves)
{
    static const char *const bad[] = {
        "1",      "1,2",     "1,2,",   "1,2,USA",         "1,2,U",
        "2,1,US", "-1,2,US", "1,x,US", "1,4294967296,US", "1.0.0.0,1.0.0.1,US",
        ",,",     "1,2,U-",
    };
    char text[2000], lines[600];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n_bad;
        snprintf(text, sizeof text, "16777216,16777471,AU\n%s\n16777472,16778239,CN\n", bad[i]);
        struct geoip *g = read_by(text, IP_V4, 7, &n_bad);
        ck_assert_msg(n_bad == 1, "%s", bad[i]);
        ck_assert_str_eq(country(g, "1.0.1.0"), "cn");
        geoip_unref(&g);
    }
    memset(lines, 'x', sizeof lines);
    snprintf(text, sizeof text, "16777216,16777471,AU\n%.590s\n16777472,16778239,CN\n", lines);
    size_t n_bad;
    struct geoip *g = read_by(text, IP_V4, 100, &n_bad);
    ck_assert_uint_eq(n_bad, 1);
    ck_assert_str_eq(country(g, "1.0.1.0"), "cn");
    geoip_unref(&g);
}
END_TEST

START_TEST(test_geoip_knows_its_countries)
{
    struct geoip *g = read_all(v4, IP_V4), *empty = read_all("# nothing\n", IP_V4);
    ck_assert(geoip_knows(g, "au"));
    ck_assert(geoip_knows(g, "zz"));
    ck_assert(!geoip_knows(g, "de"));
    ck_assert(!geoip_knows(empty, "au"));
    ck_assert_uint_eq(geoip_rows(empty), 0);
    ck_assert_str_eq(country(empty, "1.0.0.1"), "??");
    geoip_unref(&g);
    geoip_unref(&empty);
}
END_TEST

TESTS("dir/geoip", test_geoip_ranges, test_geoip_ipv6, test_geoip_quoted_lines,
      test_geoip_may_be_cut_anywhere, test_geoip_rows_are_few, test_geoip_any_order,
      test_geoip_bad_lines_cost_themselves, test_geoip_knows_its_countries)
