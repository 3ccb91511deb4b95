#include "base/err.h"

#include <string.h>

#include "support/test.h"

START_TEST(test_err_every_error_has_its_own_name_and_text)
{
    for (int a = OK; a <= ERR_BUG; a++) {
        const char *name = err_name((err_t)a), *text = err_text((err_t)a);
        ck_assert_uint_gt(strlen(text), 0);
        ck_assert(text[strlen(text) - 1] != '.');
        ck_assert(a == OK || strncmp(name, "ERR_", 4) == 0);
        for (int b = OK; b < a; b++) {
            ck_assert_str_ne(name, err_name((err_t)b));
            ck_assert_str_ne(text, err_text((err_t)b));
        }
    }
}
END_TEST

START_TEST(test_err_class_says_what_dies)
{
    ck_assert_int_eq(err_class(OK), ERRC_OK);
    ck_assert_int_eq(err_class(ERR_MORE), ERRC_MORE);
    ck_assert_int_eq(err_class(ERR_TRUNCATED), ERRC_CALL);
    ck_assert_int_eq(err_class(ERR_STREAM_PROTO), ERRC_STREAM);
    ck_assert_int_eq(err_class(ERR_CIRC_SENDME), ERRC_CIRCUIT);
    ck_assert_int_eq(err_class(ERR_LINK_CERTS), ERRC_LINK);
    ck_assert_int_eq(err_class(ERR_CRYPTO), ERRC_BUG);
    ck_assert_int_eq(err_class(ERR_BUG), ERRC_BUG);
}
END_TEST

START_TEST(test_err_prefix_of_the_name_fits_the_class)
{
    for (int a = OK; a <= ERR_BUG; a++) {
        const char *name = err_name((err_t)a);
        enum err_class c = err_class((err_t)a);
        ck_assert_int_eq(c == ERRC_CIRCUIT, strncmp(name, "ERR_CIRC_", 9) == 0);
        ck_assert_int_eq(c == ERRC_LINK, strncmp(name, "ERR_LINK_", 9) == 0);
        ck_assert_int_eq(c == ERRC_STREAM, strncmp(name, "ERR_STREAM_", 11) == 0);
    }
}
END_TEST

START_TEST(test_err_what_is_no_error_of_ours_is_a_bug)
{
    ck_assert_str_eq(err_name((err_t)(ERR_BUG + 1)), "ERR_BUG");
    ck_assert_int_eq(err_class((err_t)1000000), ERRC_BUG);
    ck_assert_str_eq(err_text((err_t)-1), err_text(ERR_BUG));
}
END_TEST

static err_t twice(err_t first, int *calls)
{
    TRY((++*calls, first));
    TRY((++*calls, OK));
    return ERR_STATE;
}

START_TEST(test_err_try_returns_the_first_failure_and_evaluates_once)
{
    int calls = 0;
    ck_err(twice(ERR_FULL, &calls), ERR_FULL);
    ck_assert_int_eq(calls, 1);
    ck_err(twice(OK, &calls), ERR_STATE);
    ck_assert_int_eq(calls, 3);
}
END_TEST

TESTS("base/err", test_err_every_error_has_its_own_name_and_text, test_err_class_says_what_dies,
      test_err_prefix_of_the_name_fits_the_class, test_err_what_is_no_error_of_ours_is_a_bug,
      test_err_try_returns_the_first_failure_and_evaluates_once)
