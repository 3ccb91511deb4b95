#include "forge/edit.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static const char DOCUMENT[] = "first 1\n"
                               "key\n-----BEGIN X-----\nAAAA\n-----END X-----\n"
                               "rule a\n"
                               "rule b\n"
                               "last 9\n";

/* The whole of DOCUMENT after edits: "+item" sets, "-keyword" drops. */
static void expect(const char *const *words, size_t n, const char *want)
{
    struct docw w = {0};
    struct edit edit[8];
    for (size_t i = 0; i < n; i++)
        ck_ok(words[i][0] == '+' ? edit_set(words[i] + 1, &edit[i])
                                 : edit_drop(words[i] + 1, &edit[i]));
    docw_add(&w, TEXT_LIT(DOCUMENT));
    edit_apply(edit, n, &w, 0, w.len);
    ck_ok(w.err);
    docw_add(&w, (struct text){"", 1});
    ck_assert_str_eq(w.s, want);
    docw_free(&w);
}
#define EXPECT(want, ...)                                       \
    do {                                                        \
        const char *const words_[] = {__VA_ARGS__};             \
        expect(words_, sizeof words_ / sizeof words_[0], want); \
    } while (0)

START_TEST(test_edit_replaces_in_place)
{
    EXPECT("first 2\nkey\n-----BEGIN X-----\nAAAA\n-----END X-----\nrule a\nrule b\nlast 9\n",
           "+first 2");
}
END_TEST

START_TEST(test_edit_replaces_the_object_too)
{
    EXPECT("first 1\nkey none\nrule a\nrule b\nlast 9\n", "+key none");
    EXPECT("first 1\nkey\n-----BEGIN Y-----\nBBBB\n-----END Y-----\nrule a\nrule b\nlast 9\n",
           "+key\n-----BEGIN Y-----\nBBBB\n-----END Y-----");
}
END_TEST

START_TEST(test_edit_gives_all_of_a_keyword_the_first_place)
{
    EXPECT("first 1\nkey\n-----BEGIN X-----\nAAAA\n-----END X-----\nrule x\nlast 9\n", "+rule x");
    EXPECT("first 1\nkey\n-----BEGIN X-----\nAAAA\n-----END X-----\nrule x\nrule y\nrule z\nlast "
           "9\n",
           "+rule x", "+rule y", "+rule z");
}
END_TEST

START_TEST(test_edit_adds_at_the_end_in_order)
{
    EXPECT("first 1\nkey\n-----BEGIN X-----\nAAAA\n-----END X-----\nrule a\nrule b\nlast 9\nnew "
           "1\nnew 2\nother\n",
           "+new 1", "+other", "+new 2");
}
END_TEST

START_TEST(test_edit_drops)
{
    EXPECT("first 1\nlast 9\n", "-rule", "-key", "-nothing");
}
END_TEST

START_TEST(test_edit_leaves_the_rest_of_the_writer)
{
    struct docw w = {0};
    struct edit edit;
    ck_ok(edit_set("a 2", &edit));
    docw_add(&w, TEXT_LIT("a 0\na 1\nb 1\na 3\n"));
    edit_apply(&edit, 1, &w, 4, 12);
    docw_add(&w, (struct text){"", 1});
    ck_ok(w.err);
    ck_assert_str_eq(w.s, "a 0\na 2\nb 1\na 3\n");
    docw_free(&w);
}
END_TEST

START_TEST(test_edit_refuses_what_is_not_one_item)
{
    static const char *const bad[] = {
        "",
        " a",
        "a\n",
        "a b\nc d",
        "-----BEGIN X-----",
        "a\n-----BEGIN X-----\nAAAA",
        "a\n-----BEGIN X-----\nAAAA\n-----END Y-----",
    };
    struct edit edit;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_err(edit_set(bad[i], &edit), ERR_MALFORMED);
    ck_err(edit_drop("a b", &edit), ERR_MALFORMED);
    ck_err(edit_drop("", &edit), ERR_MALFORMED);
}
END_TEST

TESTS("forge/edit", test_edit_replaces_in_place, test_edit_replaces_the_object_too,
      test_edit_gives_all_of_a_keyword_the_first_place, test_edit_adds_at_the_end_in_order,
      test_edit_drops, test_edit_leaves_the_rest_of_the_writer,
      test_edit_refuses_what_is_not_one_item)
