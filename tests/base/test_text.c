#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

START_TEST(test_text_compares_by_length_and_bytes)
{
    struct text none = {NULL, 0}, nul = {"a\0b", 3};
    ck_assert(text_equal(TEXT_LIT("ab"), text_of("ab")));
    ck_assert(!text_equal(TEXT_LIT("ab"), TEXT_LIT("abc")));
    ck_assert(!text_equal(TEXT_LIT("ab"), TEXT_LIT("aB")));
    ck_assert(text_equal(none, TEXT_LIT("")));
    ck_assert(text_is(none, ""));
    ck_assert(!text_is(nul, "a"));
    ck_assert(!text_is(TEXT_LIT("abc"), "ab"));
}
END_TEST

START_TEST(test_text_nocase_is_of_ascii_and_whole)
{
    ck_assert(text_is_nocase(TEXT_LIT("ExitPolicy"), "exitpolicy"));
    ck_assert(!text_is_nocase(TEXT_LIT("ExitPolicy"), "exitpolic"));
    ck_assert(!text_is_nocase(TEXT_LIT("ExitPolic"), "exitpolicy"));
    ck_assert(!text_is_nocase(TEXT_LIT("a@"), "a`")); /* 0x40 and 0x60 */
}
END_TEST

START_TEST(test_text_starts_with_a_prefix_it_is_long_enough_for)
{
    ck_assert(text_starts(TEXT_LIT("<torS0X>0"), "<torS0X>"));
    ck_assert(text_starts(TEXT_LIT("ab"), "ab"));
    ck_assert(!text_starts((struct text){"abc", 2}, "abc"));
    ck_assert(text_starts(TEXT_LIT("ab"), ""));
}
END_TEST

START_TEST(test_text_lines_of_both_endings_and_a_last_one_without)
{
    struct text rest = TEXT_LIT("one\r\ntwo\n\n\r\nfi\rve\r"), line;
    static const char *const want[] = {"one", "two", "", "", "fi\rve"};
    for (size_t i = 0; i < 5; i++) {
        ck_assert(text_line(&rest, &line));
        ck_assert_msg(text_is(line, want[i]), "line %zu is '%.*s'", i, TEXT_ARG(line));
    }
    ck_assert(!text_line(&rest, &line));
}
END_TEST

START_TEST(test_text_newline_at_the_end_makes_no_extra_line)
{
    struct text rest = TEXT_LIT("a\n"), line;
    ck_assert(text_line(&rest, &line));
    ck_assert(!text_line(&rest, &line));
    rest = TEXT_LIT("\n");
    ck_assert(text_line(&rest, &line));
    ck_assert_uint_eq(line.len, 0);
    ck_assert(!text_line(&rest, &line));
}
END_TEST

START_TEST(test_text_tokens_over_spaces_and_tabs)
{
    struct text rest = TEXT_LIT(" \tone  two\t three "), token;
    ck_assert(text_token(&rest, &token) && text_is(token, "one"));
    ck_assert(text_token(&rest, &token) && text_is(token, "two"));
    ck_assert(text_token(&rest, &token) && text_is(token, "three"));
    ck_assert(!text_token(&rest, &token));
    ck_assert_uint_eq(token.len, 0);
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(!text_token(&rest, &token));
}
END_TEST

START_TEST(test_text_split_keeps_empty_parts_between)
{
    struct text rest = TEXT_LIT(",a,,b"), part;
    static const char *const want[] = {"", "a", "", "b"};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(text_split(&rest, ',', &part));
        ck_assert(text_is(part, want[i]));
    }
    ck_assert(!text_split(&rest, ',', &part));
}
END_TEST

START_TEST(test_text_strip_takes_blanks_off_both_ends)
{
    ck_assert(text_is(text_strip(TEXT_LIT(" \ta b\t ")), "a b"));
    ck_assert_uint_eq(text_strip(TEXT_LIT(" \t ")).len, 0);
    ck_assert_uint_eq(text_strip((struct text){NULL, 0}).len, 0);
    ck_assert(text_is(text_strip(TEXT_LIT("\ra\n")), "\ra\n"));
}
END_TEST

START_TEST(test_text_u64_takes_decimal_digits_only)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1a", "1.0", "\xd9\xa1"};
    uint64_t x = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_err(text_u64(bad[i], UINT64_MAX, &x), ERR_MALFORMED);
    ck_assert_uint_eq(x, 77);
    ck_err(text_to_u64((struct text){"1\0002", 3}, UINT64_MAX, &x), ERR_MALFORMED);
    ck_ok(text_to_u64((struct text){"123", 2}, UINT64_MAX, &x));
    ck_assert_uint_eq(x, 12);
    ck_ok(text_u64("007", 9, &x));
    ck_assert_uint_eq(x, 7);
}
END_TEST

START_TEST(test_text_u64_keeps_to_its_limit)
{
    static const struct {
        const char *text;
        uint64_t most;
        bool fits;
    } cases[] = {{"0", 0, true},
                 {"1", 0, false},
                 {"00", 0, true},
                 {"5", 3, false},
                 {"65535", 65535, true},
                 {"65536", 65535, false},
                 {"655350", 65535, false},
                 {"18446744073709551615", UINT64_MAX, true},
                 {"18446744073709551616", UINT64_MAX, false},
                 {"18446744073709551620", UINT64_MAX, false},
                 {"99999999999999999999999", UINT64_MAX, false},
                 {"19", 19, true},
                 {"20", 19, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t x = 77;
        err_t e = text_u64(cases[i].text, cases[i].most, &x);
        ck_assert_msg(e == (cases[i].fits ? OK : ERR_LIMIT), "%s: %s", cases[i].text, err_name(e));
        if (cases[i].fits)
            ck_assert_uint_eq(x, strtoull(cases[i].text, NULL, 10));
        else
            ck_assert_uint_eq(x, 77);
    }
}
END_TEST

START_TEST(test_text_dup_ends_in_nul)
{
    char *copy = text_dup((struct text){"abc", 2});
    ck_assert_str_eq(copy, "ab");
    free(copy);
    copy = text_dup((struct text){NULL, 0});
    ck_assert_str_eq(copy, "");
    free(copy);
}
END_TEST

START_TEST(test_text_printf_takes_what_it_needs)
{
    char many[1000];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = 0;
    char *out = text_printf("%d%s", 7, many);
    ck_assert_uint_eq(strlen(out), 1000);
    ck_assert_str_eq(out + 1, many);
    free(out);
}
END_TEST

START_TEST(test_text_duration_is_for_people)
{
    static const struct {
        int64_t s;
        const char *text;
    } rows[] = {
        {-5, "0 s"},           {0, "0 s"},
        {119, "119 s"},        {120, "2 min"},
        {7199, "119 min"},     {7200, "2 h 0 min"},
        {11520, "3 h 12 min"}, {172799, "47 h 59 min"},
        {172800, "2 d 0 h"},   {INT64_MAX, "106751991167300 d 15 h"},
    };
    char out[TEXT_DURATION_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(text_duration(rows[i].s, out), rows[i].text);
}
END_TEST

TESTS("base/text", test_text_compares_by_length_and_bytes, test_text_nocase_is_of_ascii_and_whole,
      test_text_starts_with_a_prefix_it_is_long_enough_for,
      test_text_lines_of_both_endings_and_a_last_one_without,
      test_text_newline_at_the_end_makes_no_extra_line, test_text_tokens_over_spaces_and_tabs,
      test_text_split_keeps_empty_parts_between, test_text_strip_takes_blanks_off_both_ends,
      test_text_u64_takes_decimal_digits_only, test_text_u64_keeps_to_its_limit,
      test_text_dup_ends_in_nul, test_text_printf_takes_what_it_needs,
      test_text_duration_is_for_people)
