/* The writer of documents: what it writes is what the parser reads, and its first error stays. */
#include "dirdoc/docw.h"

#include <string.h>

#include "crypto/hash.h"
#include "dir/doc.h"
#include "dirdoc/identity.h"
#include "support/test.h"

static void check_text(const struct docw *w, const char *expected)
{
    struct text t = docw_text(w);
    ck_assert_msg(text_is(t, expected), "\"%.*s\"", TEXT_ARG(t));
}

START_TEST(test_docw_writes_lines)
{
    struct docw w = {0};
    docw_add(&w, TEXT_LIT("one "));
    docw_fmt(&w, "%d %s\n", 2, "three");
    docw_date(&w, "valid-after", 1767225600);
    docw_base64(&w, "\x01\x02\x03\x04", 4);
    docw_add(&w, TEXT_LIT(" "));
    docw_hex(&w, "\xab\xcd", 2);
    ck_ok(w.err);
    check_text(&w, "one 2 three\nvalid-after 2026-01-01 00:00:00\nAQIDBA ABCD");
    docw_free(&w);
}
END_TEST

START_TEST(test_docw_formats_text_of_any_length)
{
    static char word[3000];
    struct docw w = {0};
    memset(word, 'x', sizeof word - 1);
    docw_fmt(&w, "a %s", word);
    docw_fmt(&w, " %s\n", word);
    ck_ok(w.err);
    ck_assert_uint_eq(w.len, 2 * sizeof word + 2);
    ck_assert_mem_eq(w.s + 2, word, sizeof word - 1);
    ck_assert_mem_eq(w.s + sizeof word + 2, word, sizeof word - 1);
    docw_free(&w);
}
END_TEST

START_TEST(test_docw_parts_stay_right_when_it_grows)
{
    struct docw w = {0};
    docw_add(&w, TEXT_LIT("first\n"));
    struct docw_span span = {w.len, 0};
    docw_add(&w, TEXT_LIT("second\n"));
    span.len = w.len - span.at;
    for (int i = 0; i < 10000; i++)
        docw_fmt(&w, "line %d\n", i);
    ck_assert(text_is(docw_part(&w, span), "second\n"));
    docw_free(&w);
}
END_TEST

START_TEST(test_docw_objects_are_what_a_parser_reads)
{
    uint8_t bytes[100], read[128];
    struct docw w = {0};
    struct doc_item item;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    docw_add(&w, TEXT_LIT("key\n"));
    docw_object(&w, "SOME KEY", bytes, sizeof bytes);
    ck_ok(w.err);
    struct doc_lines lines = doc_over(w.s, w.len);
    ck_assert(doc_next(&lines, &item));
    size_t len = 0;
    ck_ok(doc_object(&item, "SOME KEY", read, sizeof read, &len));
    ck_assert_uint_eq(len, sizeof bytes);
    ck_assert_mem_eq(read, bytes, sizeof bytes);
    ck_assert(!doc_next(&lines, &item) && lines.err == OK);
    docw_free(&w);
}
END_TEST

START_TEST(test_docw_signs_what_stands_from_there_on)
{
    struct env *env = test_env(1);
    struct identity id;
    struct docw w = {0};
    struct doc_item item;
    uint8_t digest[20], expected[20], sig[RSA_SIG_MAX];
    size_t len;
    ck_ok(identity_make(env, &id));
    docw_add(&w, TEXT_LIT("before\n"));
    size_t from = w.len;
    docw_add(&w, TEXT_LIT("signed\n"));
    sha1("signed\n", strlen("signed\n"), expected);
    docw_rsa_sign_from(&w, from, id.rsa, digest);
    ck_ok(w.err);
    ck_assert_mem_eq(digest, expected, sizeof digest);
    struct doc_lines lines = doc_over(w.s + from, w.len - from);
    ck_assert(doc_next(&lines, &item));
    ck_ok(doc_object(&item, "SIGNATURE", sig, sizeof sig, &len));
    ck_ok(rsa_verify_digest(rsa_key_public(id.rsa), expected, sizeof expected, sig, len));
    identity_wipe(&id);
    test_env_free(env);
    docw_free(&w);
}
END_TEST

START_TEST(test_docw_keeps_its_first_error)
{
    struct docw w = {0};
    docw_add(&w, TEXT_LIT("text\n"));
    docw_fail(&w, ERR_CRYPTO);
    docw_fail(&w, ERR_NOMEM);
    docw_add(&w, TEXT_LIT("more\n"));
    ck_err(w.err, ERR_CRYPTO);
    ck_assert_uint_eq(docw_text(&w).len, 0);
    docw_free(&w);
    ck_ok(w.err);
}
END_TEST

TESTS("dirdoc/docw", test_docw_writes_lines, test_docw_formats_text_of_any_length,
      test_docw_parts_stay_right_when_it_grows, test_docw_objects_are_what_a_parser_reads,
      test_docw_signs_what_stands_from_there_on, test_docw_keeps_its_first_error)
