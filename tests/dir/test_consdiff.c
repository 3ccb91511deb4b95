#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consdiff.h"
#include "support/test.h"

#define BASE "one\ntwo\nthree\nfour\nfive\n"

/* Applies SCRIPT to OLD; TO is what should come out, or NULL: that is not checked. */
static err_t apply(const char *old, const char *script, const char *to, char **out, size_t *len)
{
    struct consdiff d = {.script = text_of(script)};
    if (to)
        ck_ok(sha3_256(to, strlen(to), d.to));
    return consdiff_apply(text_of(old), &d, out, len);
}

START_TEST(test_consdiff_does_what_the_script_says)
{
    static const struct {
        const char *script, *to;
    } rows[] = {
        {"", BASE},
        {"5d\n", "one\ntwo\nthree\nfour\n"},
        {"1d\n", "two\nthree\nfour\nfive\n"},
        {"2,4d\n", "one\nfive\n"},
        {"3,$d\n", "one\ntwo\n"},
        {"1,$d\n", ""},
        {"5a\nsix\n.\n", BASE "six\n"},
        {"0a\nzero\n\n.\n", "zero\n\n" BASE},
        {"2c\nTWO\n2b\n.\n", "one\nTWO\n2b\nthree\nfour\nfive\n"},
        {"1,5c\n..\n.\n", "..\n"},
        {"5d\n4a\nx\n.\n3c\ny\n.\n1,2d\n", "y\nfour\nx\n"},
        {"2a\nb\n.\n2a\na\n.\n", "one\ntwo\na\nb\nthree\nfour\nfive\n"},
        {"3,$d\n2c\n2\n.\n", "one\n2\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *out;
        size_t len;
        ck_ok(apply(BASE, rows[i].script, rows[i].to, &out, &len));
        ck_assert(text_is((struct text){out, len}, rows[i].to));
        free(out);
    }
}
END_TEST

/* What C tor's apply_ed_diff() refuses. */
START_TEST(test_consdiff_refuses_what_is_no_script)
{
    static const char *const scripts[] = {
        "d\n",
        "x\n",
        "\n",
        "3\n",
        "3,d\n",
        "3dd\n",
        "3 d\n",
        "3e\n",
        "-1d\n",
        "6d\n",
        "3,6d\n",
        "4,3d\n",
        "3,3d\n",
        "5,$d\n",
        "6,$d\n",
        "2,$c\nx\n.\n",
        "2,$a\nx\n.\n",
        "2,3a\nx\n.\n",
        "0d\n",
        "0c\nx\n.\n",
        "3a\n.\n",
        "3c\n.\n",
        "3a\nx\n",
        "3a\nx\n.",
        "3d",
        "1d\n2d\n",
        "2d\n2d\n",
        "2,3d\n3d\n",
        "99999999999d\n",
        "$d\n",
        ("00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "000000000000000000000000000000000000000000000001d\n"),
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        char *out;
        size_t len;
        err_t e = apply(BASE, scripts[i], NULL, &out, &len);
        ck_assert_msg(e == ERR_MALFORMED || e == ERR_TRUNCATED, "%s: %s", scripts[i], err_name(e));
        ck_assert_ptr_null(out);
    }
}
END_TEST

START_TEST(test_consdiff_result_is_what_was_promised)
{
    char *out;
    size_t len;
    ck_err(apply(BASE, "5d\n", BASE, &out, &len), ERR_MALFORMED);
    ck_assert_ptr_null(out);
    /* Lines end, in what is kept and in what comes. */
    ck_err(apply("one\ntwo", "1d\n", "two", &out, &len), ERR_MALFORMED);
    ck_err(apply("", "0a\nx\n.\n", "x\n", &out, &len), ERR_MALFORMED);
}
END_TEST

START_TEST(test_consdiff_head_names_both_ends)
{
    char body[512], a[HEX_SIZE(32)], b[HEX_SIZE(32)];
    uint8_t from[32], to[32];
    struct consdiff d;
    memset(from, 0xa1, sizeof from);
    memset(to, 0x2b, sizeof to);
    int n = snprintf(body, sizeof body, "network-status-diff-version 1\nhash %s %s\n5d\n",
                     hex_upper(from, 32, a), hex_upper(to, 32, b));
    ck_assert(consdiff_is(text_of(body)));
    ck_assert(!consdiff_is(text_of("network-status-version 3 microdesc\n")));
    ck_ok(consdiff_read((struct text){body, (size_t)n}, &d));
    ck_assert(memcmp(d.from, from, 32) == 0 && memcmp(d.to, to, 32) == 0);
    ck_assert(text_is(d.script, "5d\n"));
    for (int cut = 0; cut < n - 4; cut++)
        ck_err(consdiff_read((struct text){body, (size_t)cut}, &d), ERR_MALFORMED);
}
END_TEST

START_TEST(test_consdiff_head_is_as_the_specification_has_it)
{
#define H "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
    static const char *const heads[] = {
        "network-status-diff-version 2\nhash " H " " H "\n",
        "network-status-diff-version 1\nhush " H " " H "\n",
        "network-status-diff-version 1\nhash " H "\n",
        "network-status-diff-version 1\nhash " H "00 " H "\n",
        "network-status-diff-version 1\nhash " H " " H " " H "\n",
        "network-status-diff-version 1\nhash " H " 0x" H "\n",
    };
    struct consdiff d;
    ck_ok(consdiff_read(text_of("network-status-diff-version 1\nhash " H " " H "\n"), &d));
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        ck_err(consdiff_read(text_of(heads[i]), &d), ERR_MALFORMED);
}
END_TEST

START_TEST(test_consdiff_digest_is_of_what_was_signed)
{
    static const char text[] = "network-status-version 3\nx\ndirectory-signature a\nS\n"
                               "directory-signature b\n";
    uint8_t got[32], want[32];
    ck_ok(consdiff_digest(text_of(text), got));
    ck_ok(sha3_256(text, strlen("network-status-version 3\nx\ndirectory-signature "), want));
    ck_assert(memcmp(got, want, 32) == 0);
    ck_err(consdiff_digest(text_of("network-status-version 3\n"), got), ERR_MALFORMED);
    ck_err(consdiff_digest((struct text){NULL, 0}, got), ERR_MALFORMED);
}
END_TEST

TESTS("dir/consdiff", test_consdiff_does_what_the_script_says,
      test_consdiff_refuses_what_is_no_script, test_consdiff_result_is_what_was_promised,
      test_consdiff_head_names_both_ends, test_consdiff_head_is_as_the_specification_has_it,
      test_consdiff_digest_is_of_what_was_signed)
