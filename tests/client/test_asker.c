#include "client/asker.h"

#include <string.h>

#include "support/test.h"

START_TEST(test_asker_login_is_kept_until_the_last_lets_go)
{
    char user[] = "us", pass[] = "word";
    struct login *l = login_new(text_of(user), text_of(pass)), *other = login_hold(l);
    memset(user, 'x', sizeof user - 1); /* they were copied */
    login_release(&l);
    ck_assert_ptr_null(l);
    ck_assert(text_is(login_user(other), "us"));
    ck_assert(text_is(login_pass(other), "word"));
    login_release(&other);
    login_release(&other); /* harmless */
}
END_TEST

START_TEST(test_asker_who_said_nothing_has_no_login)
{
    const struct text nothing = {NULL, 0};
    ck_assert_ptr_null(login_new(nothing, nothing));
    ck_assert_uint_eq(login_user(NULL).len, 0);
    struct login *l = login_new(nothing, TEXT_LIT("p"));
    ck_assert_uint_eq(login_user(l).len, 0);
    ck_assert(text_is(login_pass(l), "p"));
    login_release(&l);
    ck_assert_ptr_null(login_hold(NULL));
}
END_TEST

TESTS("client/asker", test_asker_login_is_kept_until_the_last_lets_go,
      test_asker_who_said_nothing_has_no_login)
