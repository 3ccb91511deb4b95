#include "docs/fallbacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#define HEAD \
    "/* type=fallback */\n/* version=2.0.0 */\n/* timestamp=20170526090242 */\n/* ===== */\n"
#define ID1 "0756B7CD4DFC8182BE23143FAC0642F515182CEB"
#define ID2 "01A9258A46E97FF8B2CAC7910577862C14F2C524"
#define ONE                                                                                \
    "\"5.9.110.236:9030 orport=9001 id=" ID1 "\"\n\" ipv6=[2a01:4f8:162:51e2::2]:9001\"\n" \
    "/* nickname=rueckgrat */\n/* extrainfo=1 */\n/* ===== */\n,\n"
#define TWO "\"193.171.202.146 orport=9001 id=" ID2 "\"\n/* nickname=ins0 */\n/* ===== */\n,\n"

static struct fallbacks parsed(const char *text)
{
    struct fallbacks f;
    ck_ok(fallbacks_parse(text_of(text), &f));
    return f;
}

START_TEST(test_fallbacks_list_of_two)
{
    struct fallbacks f = parsed(HEAD ONE TWO);
    ck_assert_uint_eq(f.n_problems, 0);
    ck_assert_uint_eq(f.n, 2);
    ck_assert_uint_eq(f.n_headers, 3);
    ck_assert_str_eq(f.headers[1].name, "version");
    ck_assert_str_eq(f.headers[1].value, "2.0.0");
    const struct fallback *one = &f.list[0];
    ck_assert_str_eq(one->server.nickname, "rueckgrat");
    ck_assert_uint_eq(one->server.orport, 9001);
    ck_assert_uint_eq(one->server.dirport, 9030);
    ck_assert_uint_eq(one->server.or6.port, 9001);
    ck_assert(one->has_extrainfo && one->extrainfo);
    ck_assert_uint_eq(one->line, 5);
    ck_assert_uint_eq(f.list[1].server.dirport, 0);
    ck_assert_uint_eq(f.list[1].line, 11);
    ck_assert(!f.list[1].has_extrainfo);
    fallbacks_free(&f);
}
END_TEST

START_TEST(test_fallbacks_published_list_has_no_error)
{
    struct dir_servers built_in, read;
    struct fallbacks f;
    static char text[1 << 20];
    FILE *file = fopen("vectors/dir/fallback_dirs.inc", "rb");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    ck_ok(fallbacks_parse((struct text){text, len}, &f));
    ck_assert_uint_eq(f.n_errors, 0);
    dir_servers_init(&built_in);
    dir_servers_init(&read);
    ck_ok(dir_servers_add_public_fallbacks(&built_in));
    ck_ok(fallbacks_servers(&f, &read));
    ck_assert_uint_eq(read.n, built_in.n);
    for (size_t i = 0; i < read.n; i++) {
        ck_assert(rsa_id_equal(&read.list[i].rsa, &built_in.list[i].rsa));
        ck_assert(ip_equal(&read.list[i].ip, &built_in.list[i].ip));
        ck_assert(ipport_equal(&read.list[i].or6, &built_in.list[i].or6));
        ck_assert_str_eq(read.list[i].nickname, built_in.list[i].nickname);
    }
    dir_servers_free(&built_in);
    dir_servers_free(&read);
    fallbacks_free(&f);
}
END_TEST

START_TEST(test_fallbacks_written_list_reads_the_same)
{
    struct fallbacks f = parsed(HEAD ONE TWO);
    char *text = fallbacks_write(&f);
    ck_assert_ptr_nonnull(text);
    struct fallbacks again = parsed(text);
    ck_assert_uint_eq(again.n_problems, 0);
    ck_assert_uint_eq(again.n, f.n);
    ck_assert_uint_eq(again.n_headers, f.n_headers);
    char *same = fallbacks_write(&again);
    ck_assert_str_eq(same, text);
    ck_assert_ptr_nonnull(strstr(text, ONE));
    ck_assert_ptr_nonnull(strstr(text, TWO));
    free(text);
    free(same);
    fallbacks_free(&f);
    fallbacks_free(&again);
}
END_TEST

START_TEST(test_fallbacks_each_problem_has_its_line)
{
    static const struct {
        const char *text;
        unsigned line;
        bool warning;
        const char *says;
        size_t kept;
    } rows[] = {
        {"", 1, false, "no entry in the list", 0},
        {HEAD, 5, false, "no entry in the list", 0},
        {ONE, 1, false, "type=fallback", 1},
        {"/* type=authority */\n/* version=2.0.0 */\n" ONE, 1, false, "type=fallback", 1},
        {"/* type=fallback */\n" ONE, 1, false, "no version", 1},
        {"/* type=fallback */\n/* version=1.0.0 */\n" ONE, 1, false, "older than 2", 1},
        {"/* type=fallback */\n/* version=5.0.0 */\n" ONE, 1, true, "newer", 1},
        {HEAD ONE ONE, 11, false, "its id are those of the entry in line 5", 1},
        {HEAD ONE "\"5.9.110.236 orport=9001 id=" ID2 "\"\n/* nickname=a */\n,\n", 11, false,
         "address and ORPort are those of the entry in line 5", 1},
        {HEAD ONE "\"5.9.110.237 orport=9001 id=" ID2
                  " ipv6=[2a01:4f8:162:51e2::2]:9001\"\n/* nickname=a */\n,\n",
         11, false, "IPv6 address and port", 1},
        {HEAD "\"5.9.110.236 orport=9001\"\n,\n", 5, false, "id= is missing", 0},
        {HEAD "\"5.9.110.236 id=" ID1 "\"\n,\n", 5, false, "orport= is missing", 0},
        {HEAD "\"orport=1 id=" ID1 "\"\n,\n", 5, false, "address is missing", 0},
        {HEAD "\"5.9.110.999 orport=1 id=" ID1 "\"\n,\n", 5, false, "", 0},
        {HEAD "\"5.9.110.236 orport=0 id=" ID1 "\"\n,\n", 5, false, "", 0},
        {HEAD "\"5.9.110.236 orport=70000 id=" ID1 "\"\n,\n", 5, false, "", 0},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "0\"\n,\n", 5, false, "", 0},
        {HEAD "\"5.9.110.236 orport=1 orport=2 id=" ID1 "\"\n,\n", 5, false, "twice", 0},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 " x=y\"\n/* nickname=a */\n,\n", 5, true,
         "unknown keyword", 1},
        {HEAD "\"127.0.0.1 orport=1 id=" ID1 "\"\n/* nickname=a */\n,\n", 5, true,
         "cannot be reached", 1},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\"\n,\n", 5, true, "no nickname", 1},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\"\n/* nickname=a */\n", 5, true,
         "comma behind the last", 1},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\"\n/* nickname=a */\n/* extrainfo=2 */\n,\n", 7,
         true, "neither 0 nor 1", 1},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\"\n/* nickname=! */\n/* nickname=a */\n,\n", 6,
         true, "no nickname that a relay may have", 1},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\"\n/* nickname=a */\n" TWO, 7, false,
         "comma before this entry is missing", 2},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\n,\n", 5, false, "string does not end", 0},
        {HEAD "\"5.9.110.236 orport=1 id=" ID1 "\t\"\n,\n", 5, false, "does not belong", 0},
        {HEAD ONE ",\n", 11, false, "no entry before this comma", 1},
        {HEAD ONE "/* x\n", 11, false, "comment does not end", 1},
        {HEAD ONE "<html>\n", 11, false, "neither a string nor a comment", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fallbacks f = parsed(rows[i].text);
        bool found = false;
        for (size_t k = 0; k < f.n_problems; k++)
            found |= f.problems[k].line == rows[i].line &&
                     f.problems[k].warning == rows[i].warning &&
                     strstr(f.problems[k].text, rows[i].says);
        ck_assert_msg(found, "%zu: %zu problems, the first in line %u: %s", i, f.n_problems,
                      f.n_problems ? f.problems[0].line : 0,
                      f.n_problems ? f.problems[0].text : "");
        ck_assert_msg(f.n == rows[i].kept, "%zu: %zu kept", i, f.n);
        ck_assert(rows[i].warning || f.n_errors > 0);
        fallbacks_free(&f);
    }
}
END_TEST

START_TEST(test_fallbacks_comments_of_both_kinds_are_skipped)
{
    struct fallbacks f = parsed(HEAD "// \"1.2.3.4 , x=y\n/* more\n than one line=1 */\n" ONE);
    ck_assert_uint_eq(f.n_problems, 0);
    ck_assert_uint_eq(f.n, 1);
    ck_assert_uint_eq(f.n_headers, 3);
    ck_assert_uint_eq(f.list[0].line, 8);
    fallbacks_free(&f);
}
END_TEST

START_TEST(test_fallbacks_every_truncation_ends_well)
{
    const char *whole = HEAD ONE TWO;
    for (size_t len = 0; len < strlen(whole); len++) {
        struct fallbacks f;
        ck_ok(fallbacks_parse((struct text){whole, len}, &f));
        ck_assert(f.n_problems > 0 || f.n == 1 || len == strlen(whole) - 1);
        fallbacks_free(&f);
    }
}
END_TEST

START_TEST(test_fallbacks_bounds)
{
    char *text = malloc(2 << 20);
    struct fallbacks f;
    ck_assert_ptr_nonnull(text);
    size_t len = (size_t)sprintf(text, "%s", HEAD);
    for (unsigned i = 0; i < FALLBACKS_MAX + 1; i++)
        len += (size_t)sprintf(text + len, "\"5.9.%u.%u orport=1 id=%040x\"\n,\n", i / 256, i % 256,
                               i + 1);
    ck_err(fallbacks_parse((struct text){text, len}, &f), ERR_LIMIT);
    ck_assert_uint_eq(f.n, 0);
    memset(text, ',', 5000);
    ck_ok(fallbacks_parse((struct text){text, 5000}, &f));
    ck_assert_uint_eq(f.n_problems, FALLBACKS_PROBLEMS_MAX);
    ck_assert_uint_eq(f.n_errors, 5000 + 3);
    fallbacks_free(&f);
    free(text);
}
END_TEST

START_TEST(test_fallbacks_as_json)
{
    struct fallbacks f = parsed(HEAD ONE "!\n");
    json_t *j = fallbacks_json(&f);
    char *text = json_dumps(j, JSON_COMPACT);
    ck_assert_str_eq(text,
                     "{\"headers\":{\"type\":\"fallback\",\"version\":\"2.0.0\",\"timestamp\":"
                     "\"20170526090242\"},\"fallbacks\":[{\"address\":\"5.9.110.236\",\"or-port\":"
                     "9001,\"dir-port\":9030,\"fingerprint\":\"" ID1
                     "\",\"ipv6\":\"[2a01:4f8:162:51e2::2]:9001\",\"nickname\":\"rueckgrat\","
                     "\"extrainfo\":true,\"line\":5}],\"problems\":[{\"line\":11,\"severity\":"
                     "\"error\",\"text\":\"this is neither a string nor a comment\"}]}");
    free(text);
    json_decref(j);
    fallbacks_free(&f);
}
END_TEST

TESTS("fetch/fallbacks", test_fallbacks_list_of_two, test_fallbacks_published_list_has_no_error,
      test_fallbacks_written_list_reads_the_same, test_fallbacks_each_problem_has_its_line,
      test_fallbacks_comments_of_both_kinds_are_skipped, test_fallbacks_every_truncation_ends_well,
      test_fallbacks_bounds, test_fallbacks_as_json)
