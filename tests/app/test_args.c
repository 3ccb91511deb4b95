#include "app/args.h"

#include <string.h>

#include "support/test.h"

static char why[ARG_WHY];
static struct arg a;

static const struct {
    const char *before; /* rows may have anything else in them */
    struct arg_name name;
    int after;
} wide[] = {{"", {"--one", true}, 1}, {"", {"--two", false}, 2}};

static const struct {
    struct arg_name name;
    int what;
} table[] = {{{"--size", true}, 1}, {{"--flag", false}, 2}, {{"-o", true}, 3}};

static err_t take(int argc, const char *first, const char *second, int *i, size_t *row)
{
    char *argv[] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL};
    *i = 0;
    a = (struct arg){.why = why};
    return ARGS_TAKE(table, argc, argv, i, &a, row);
}

START_TEST(test_args_take_a_value_from_either_place)
{
    size_t row;
    int i;
    ck_ok(take(2, "--size", "5", &i, &row));
    ck_assert_int_eq(table[row].what, 1);
    ck_assert_str_eq(a.value, "5");
    ck_assert_int_eq(i, 1);
    ck_ok(take(2, "--size=a=b", "5", &i, &row));
    ck_assert_str_eq(a.value, "a=b");
    ck_assert_int_eq(i, 0);
    ck_ok(take(2, "--flag", "5", &i, &row));
    ck_assert_int_eq(table[row].what, 2);
    ck_assert_ptr_null(a.value);
    ck_assert_int_eq(i, 0);
    ck_ok(take(2, "-o", "", &i, &row));
    ck_assert_int_eq(table[row].what, 3);
    ck_assert_str_eq(a.value, "");
}
END_TEST

START_TEST(test_args_say_what_is_wrong)
{
    size_t row;
    int i;
    ck_err(take(1, "--size", NULL, &i, &row), ERR_ARG);
    ck_assert_str_eq(why, "--size: needs a value; see --help");
    ck_err(take(2, "--flag=1", "", &i, &row), ERR_ARG);
    ck_assert_str_eq(why, "--flag: takes no value");
    ck_err(take(2, "--siz", "5", &i, &row), ERR_ARG);
    ck_assert_str_eq(why, "--siz: there is no such option. Did you mean \"--size\"?");
    ck_err(take(2, "--other", "5", &i, &row), ERR_ARG);
    ck_assert_str_eq(why, "--other: there is no such option; see --help");
}
END_TEST

START_TEST(test_args_rows_of_any_kind)
{
    char *argv[] = {(char *)(uintptr_t) "--two", NULL};
    size_t row;
    int i = 0;
    a = (struct arg){.why = why};
    ck_ok(ARGS_TAKE(wide, 1, argv, &i, &a, &row));
    ck_assert_int_eq(wide[row].after, 2);
}
END_TEST

START_TEST(test_args_numbers)
{
    uint32_t n;
    a = (struct arg){"--size", "7", why};
    ck_ok(arg_u32(&a, 1, 7, &n));
    ck_assert_uint_eq(n, 7);
    ck_err(arg_u32(&a, 8, 9, &n), ERR_ARG);
    ck_assert_str_eq(why, "--size \"7\": must be a whole number from 8 to 9");
    a.value = "7x";
    ck_err(arg_u32(&a, 1, 9, &n), ERR_ARG);
}
END_TEST

/* One line, however long and many-lined the value is, and whatever option it is about. */
START_TEST(test_args_show_the_beginning_of_a_value)
{
    char longest[4000];
    memset(longest, 'v', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    a = (struct arg){"--size", "first\nsecond", why};
    ck_err(arg_wrong(&a, "no"), ERR_ARG);
    ck_assert_str_eq(why, "--size \"first\": no");
    a = (struct arg){longest, longest, why};
    ck_err(arg_wrong(&a, "%s", "no"), ERR_ARG);
    ck_assert_uint_lt(strlen(why), ARG_WHY);
    ck_assert_ptr_nonnull(strstr(why, "\": no"));
    a = (struct arg){NULL, NULL, why};
    ck_err(arg_wrong(&a, "which?"), ERR_ARG);
    ck_assert_str_eq(why, "which?");
}
END_TEST

TESTS("app/args", test_args_take_a_value_from_either_place, test_args_say_what_is_wrong,
      test_args_rows_of_any_kind, test_args_numbers, test_args_show_the_beginning_of_a_value)
