#include "base/ids.h"

#include <string.h>

#include "support/test.h"

START_TEST(test_ids_nicknames_are_letters_and_digits_and_not_long)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {{"a", true},
                {"Unnamed", true},
                {"0123456789abcdefghi", true},
                {"", false},
                {"0123456789abcdefghij", false},
                {"a-b", false},
                {"a b", false},
                {"\xc3\xa4", false},
                {"a\n", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char copy[NICKNAME_MAX + 1] = "before";
        struct text t = text_of(rows[i].text);
        ck_assert_int_eq(nickname_valid(t), rows[i].valid);
        ck_assert_int_eq(nickname_copy(t, copy), rows[i].valid);
        ck_assert_str_eq(copy, rows[i].valid ? rows[i].text : "before");
    }
    ck_assert(!nickname_valid((struct text){"a\0b", 3}));
}
END_TEST

TESTS("base/ids", test_ids_nicknames_are_letters_and_digits_and_not_long)
