#include "base/out.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

START_TEST(test_out_of_nothing_is_the_empty_text)
{
    struct text_out o = text_out(10);
    ck_assert_str_eq(out_text(&o), "");
    ck_ok(out_end(&o));
    out_str(&o, "");
    ck_assert_str_eq(out_text(&o), "");
    out_free(&o);
}
END_TEST

START_TEST(test_out_grows)
{
    struct text_out o = text_out(100000);
    for (int i = 0; i < 5000; i++)
        out_printf(&o, "%d ", i % 10);
    out_char(&o, '.');
    ck_ok(out_end(&o));
    ck_assert_uint_eq(o.len, 10001);
    ck_assert_uint_eq(strlen(out_text(&o)), 10001);
    ck_assert_str_eq(out_text(&o) + 9998, "9 .");
    out_free(&o);
}
END_TEST

START_TEST(test_out_prints_what_is_long)
{
    char word[1001];
    struct text_out o = text_out(2000);
    memset(word, 'x', 1000);
    word[1000] = 0;
    out_printf(&o, "<%s>", word);
    ck_ok(out_end(&o));
    ck_assert_uint_eq(o.len, 1002);
    ck_assert_int_eq(out_text(&o)[1001], '>');
    out_free(&o);
}
END_TEST

START_TEST(test_out_over_the_bound_fails_for_good)
{
    struct text_out o = text_out(4);
    out_str(&o, "abc");
    out_str(&o, "de");
    ck_err(out_end(&o), ERR_FULL);
    out_char(&o, 'd');
    ck_assert_str_eq(out_text(&o), "abc");
    out_free(&o);
    ck_ok(out_end(&o));
    out_str(&o, "abcd");
    ck_ok(out_end(&o));
    out_cut(&o, 2);
    ck_assert_str_eq(out_text(&o), "ab");
    out_free(&o);
}
END_TEST

START_TEST(test_out_is_taken_once)
{
    struct text_out o = text_out(4);
    char *taken = out_take(&o);
    ck_assert_str_eq(taken, "");
    free(taken);
    out_str(&o, "abc");
    taken = out_take(&o);
    ck_assert_str_eq(taken, "abc");
    free(taken);
    ck_assert_str_eq(out_text(&o), "");
    out_str(&o, "abcde");
    ck_assert_ptr_null(out_take(&o));
    ck_ok(out_end(&o));
}
END_TEST

TESTS("base/out", test_out_is_taken_once, test_out_of_nothing_is_the_empty_text, test_out_grows,
      test_out_prints_what_is_long, test_out_over_the_bound_fails_for_good)
