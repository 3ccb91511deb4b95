#include "control/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static const struct args_syntax words = {.least = 1, .most = 2}, any = {.most = ARGS_ANY},
                                kv = {.most = 1, .flags = ARGS_KEYWORDS},
                                flags = {.least = 1,
                                         .most = 1,
                                         .flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES},
                                conf = {.flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES | ARGS_QUOTED},
                                secret = {.flags =
                                              ARGS_KEYWORDS | ARGS_OMIT_KEYS | ARGS_QUOTED_STRING},
                                body = {.least = 1, .most = 1, .body = true};

/* What was read, as one text: "word|word key=value; {body}", or "! WHY". */
static const char *read_as(const struct args_syntax *syntax, const char *text)
{
    static char shown[4096];
    struct args a = {0};
    char why[ARGS_WHY_MAX];
    char *copy = strdup(text);
    err_t e = args_parse(syntax, "X", copy, strlen(copy), &a, why);
    size_t n = 0;
    free(copy);
    if (e != OK) {
        ck_err(e, ERR_MALFORMED);
        snprintf(shown, sizeof shown, "! %s", why);
        return shown;
    }
    shown[0] = 0;
    for (size_t i = 0; i < a.n; i++)
        n += (size_t)snprintf(shown + n, sizeof shown - n, "%s|", a.word[i]);
    for (size_t i = 0; i < a.n_keywords; i++)
        n += (size_t)snprintf(shown + n, sizeof shown - n, "%s=%s;", a.keyword[i].key,
                              a.keyword[i].value);
    if (a.body)
        snprintf(shown + n, sizeof shown - n, "{%s}", a.body);
    args_free(&a);
    return shown;
}

START_TEST(test_args_by_position)
{
    ck_assert_str_eq(read_as(&any, "\r\n"), "");
    ck_assert_str_eq(read_as(&any, "  a  b\tc d \r\n"), "a|b\tc|d|");
    ck_assert_str_eq(read_as(&words, "a\n"), "a|");
    ck_assert_str_eq(read_as(&words, "\r\n"), "! Need at least 1 argument(s)");
    ck_assert_str_eq(read_as(&words, "a b c\r\n"), "! Cannot accept more than 2 argument(s)");
    ck_assert_str_eq(read_as(&words, "a\r\nb\r\n"), "! Unexpected body");
}
END_TEST

START_TEST(test_args_by_keyword)
{
    static const struct {
        const struct args_syntax *syntax;
        const char *text, *want;
    } cases[] = {
        {&kv, "a b=c d=", "a|b=c;d=;"},
        {&kv, "a b", "! Cannot parse keyword argument(s)"},
        {&kv, "a b=\"c\"", "! Cannot parse keyword argument(s)"},
        {&kv, "a =b", "! Cannot parse keyword argument(s)"},
        {&kv, "a b=c=d", "a|b=c=d;"},
        {&flags, "7 IfUnused x=y", "7|IfUnused=;x=y;"},
        {&flags, "7 \"q\"", "! Cannot parse keyword argument(s)"},
        {&conf, "A=\"b c\\\"\\n\" D E=f", "A=b c\"\n;D=;E=f;"},
        {&conf, "A=\"b", "! Cannot parse keyword argument(s)"},
        {&conf, "A=\"b\"C=d", "A=b;C=d;"},
        {&secret, "", ""},
        {&secret, "6f6b", "=6f6b;"},
        {&secret, "\"a \\\"b\\\\ c\"", "=a \"b\\ c;"},
        {&secret, "\"a\\", "! Cannot parse keyword argument(s)"},
        {&secret, "\"a\" b", "=a;=b;"},
        {&secret, "k=v", "k=v;"},
        {&secret, "\xc3\xbc", "=\xc3\xbc;"},
        {&conf, "A=\xc3\xbc", "A=\xc3\xbc;"},
        {&kv, "a b=\xc3\xbc", "! Cannot parse keyword argument(s)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(read_as(cases[i].syntax, cases[i].text), cases[i].want);
}
END_TEST

START_TEST(test_args_known_keywords_only)
{
    static const char *const known[] = {"hop", NULL};
    const struct args_syntax s = {.most = 1, .flags = ARGS_KEYWORDS, .keywords = known};
    ck_assert_str_eq(read_as(&s, "1 HOP=2"), "1|HOP=2;");
    ck_assert_str_eq(read_as(&s, "1 hops=2"), "! Unrecognized keyword argument \"hops\"");
}
END_TEST

START_TEST(test_args_with_a_body)
{
    ck_assert_str_eq(read_as(&body, "a\r\nb\r\n..c\nd\n"), "a|{b\n.c\nd\n}");
    ck_assert_str_eq(read_as(&body, "a\r\n"), "! Empty body");
    ck_assert_str_eq(read_as(&body, "a"), "! Empty body");
    ck_assert_str_eq(read_as(&body, "\r\nb\n"), "! Need at least 1 argument(s)");
}
END_TEST

START_TEST(test_args_found_by_key)
{
    struct args a = {0};
    char why[ARGS_WHY_MAX];
    ck_ok(args_parse(&flags, "X", "1 IfUnused a=b A=c", 18, &a, why));
    ck_assert_str_eq(args_keyword(&a, "A"), "b");
    ck_assert_ptr_null(args_keyword(&a, "x"));
    ck_assert(args_has_flag(&a, "ifunused"));
    ck_assert(!args_has_flag(&a, "a"));
    args_free(&a);
}
END_TEST

TESTS("control/args", test_args_by_position, test_args_by_keyword, test_args_known_keywords_only,
      test_args_with_a_body, test_args_found_by_key)
