#include "conf/decimal.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"

static void check_both_ways(void)
{
    char *end, *text = decimal_text(0.6);
    ck_assert_str_eq(text, "0.600000");
    ck_assert(decimal_read("0.625x", &end) == 0.625);
    ck_assert_str_eq(end, "x");
    (void)decimal_read("none", &end);
    ck_assert_str_eq(end, "none");
    free(text);
}

START_TEST(test_decimal_has_a_point)
{
    check_both_ways();
}
END_TEST

START_TEST(test_decimal_has_a_point_in_a_program_with_a_comma)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8", "de_DE"};
    size_t i = 0;
    while (i < 4 && !setlocale(LC_ALL, names[i]))
        i++;
    if (i == 4) {
        printf("skipped: this system has no locale with a decimal comma\n");
        return;
    }
    check_both_ways();
    char comma[8];
    (void)snprintf(comma, sizeof comma, "%.1f", 0.5); /* and the program's own is as it was */
    ck_assert_str_eq(comma, "0,5");
    setlocale(LC_ALL, "C");
}
END_TEST

TESTS("conf/decimal", test_decimal_has_a_point, test_decimal_has_a_point_in_a_program_with_a_comma)
