#include "base/nearest.h"

#include <string.h>

#include "support/test.h"

static const char *nearest_of(const char *word)
{
    static const char *const names[] = {"testnet", "fetch", "check", "forge"};
    struct nearest n = nearest_begin(word);
    for (size_t i = 0; i < 4; i++)
        nearest_try(&n, names[i]);
    return n.best ? n.best : "";
}

START_TEST(test_nearest_finds_what_was_meant)
{
    ck_assert_str_eq(nearest_of("testnt"), "testnet");
    ck_assert_str_eq(nearest_of("CHEKC"), "check");
    ck_assert_str_eq(nearest_of("fetchh"), "fetch");
    ck_assert_str_eq(nearest_of("forge"), "forge");
}
END_TEST

START_TEST(test_nearest_another_word_is_near_to_none)
{
    ck_assert_str_eq(nearest_of("status"), "");
    ck_assert_str_eq(nearest_of(""), "");
    ck_assert_str_eq(nearest_of("ab"), "");
}
END_TEST

START_TEST(test_nearest_long_words_are_left_alone)
{
    char word[2 * NEAREST_NAME_MAX];
    memset(word, 'a', sizeof word);
    word[NEAREST_NAME_MAX + 1] = 0;
    struct nearest n = nearest_begin(word);
    nearest_try(&n, word);
    ck_assert_ptr_null(n.best);
    word[NEAREST_NAME_MAX] = 0;
    n = nearest_begin(word);
    nearest_try(&n, word);
    ck_assert_ptr_nonnull(n.best);
}
END_TEST

TESTS("base/nearest", test_nearest_finds_what_was_meant, test_nearest_another_word_is_near_to_none,
      test_nearest_long_words_are_left_alone)
