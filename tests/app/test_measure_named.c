#include "app/measure/named.h"

#include <string.h>

#include "support/test.h"

#define FP "0101010101010101010101010101010101010101"

static err_t find(const char *word, char fp[41], struct ipport *at)
{
    struct router rows[] = {{.nickname = "guard1"}, {.nickname = "twin"}, {.nickname = "Twin"}};
    struct consensus c = {.relays = rows, .n_relays = 3};
    struct log quiet = {.least = LOG_ERR};
    memset(rows[0].rsa.b, 1, sizeof rows[0].rsa.b);
    return named_find(word, strcmp(word, "nobody") == 0 ? NULL : &c, &quiet, fp, at);
}

START_TEST(test_measure_named_relays)
{
    struct ipport at;
    char fp[41], text[IPPORT_TEXT_MAX];
    ck_ok(find("GUARD1", fp, &at));
    ck_assert_str_eq(fp, FP);
    ck_ok(find("$abababababababababababababababababababab", fp, &at));
    ck_assert_str_eq(fp, "ABABABABABABABABABABABABABABABABABABABAB");
    ck_ok(find("203.0.113.7:9001", fp, &at));
    ck_assert_str_eq(fp, "");
    ck_assert_str_eq(ipport_text(&at, text), "203.0.113.7:9001");
}
END_TEST

START_TEST(test_measure_named_nobody)
{
    struct ipport at;
    char fp[41];
    ck_err(find("twin", fp, &at), ERR_NOT_FOUND);
    ck_err(find("guard", fp, &at), ERR_NOT_FOUND);
    ck_err(find("nobody", fp, &at), ERR_NOT_FOUND);
    ck_err(find("", fp, &at), ERR_NOT_FOUND);
}
END_TEST

TESTS("app/measure_named", test_measure_named_relays, test_measure_named_nobody)
