#include "measure/survey.h"

#include <jansson.h>
#include <string.h>

#include "support/test.h"

enum { NOW = 1796040000 }; /* 2026-11-30 12:00:00 UTC */

#define FP(byte) byte byte byte byte byte byte byte byte byte byte
#define A        FP("0101")
#define B        FP("0202")
#define GOOD(bw)                                                                                  \
    ",\"began\":1,\"mode\":\"flashflow\",\"ok\":true,\"bw\":" bw                                  \
    ",\"x\":2800000,\"bg\":200000,\"p10\":2900000,\"p90\":3100000,\"limited_by\":\"relay\","      \
    "\"clamped\":2,\"sec\":{\"m\":{\"m1\":[2000000,1],\"m2\":[800000,2]},\"bg_sent\":[300000,5]," \
    "\"bg_recv\":[400000,6],\"trusted\":[200000,5]}}"

static void line(struct survey *s, const char *text)
{
    ck_ok(survey_line(s, text_of(text)));
}

static struct survey *some(void)
{
    struct survey *s = survey_new(NOW);
    struct router row = {.bandwidth = 1000, .nickname = "guard1", .unmeasured = true};
    struct consensus c = {.relays = &row, .n_relays = 1};
    struct descriptor d = {.has_rsa = true, .average = 2500000, .observed = 900000};
    line(s, "{\"t\":\"end\",\"id\":3,\"ts\":1796030000,\"fp\":\"" A "\"" GOOD("3000000"));
    line(s, "{\"t\":\"end\",\"id\":4,\"ts\":1796031000,\"fp\":\"" B "\"" GOOD("9000000"));
    line(s, "{\"t\":\"end\",\"id\":5,\"ts\":1796032000,\"fp\":\"" A
            "\",\"ok\":false,\"why\":\"refused\",\"detail\":\"<b>,\\\"no\\\"\"}");
    line(s, "{\"t\":\"end\",\"id\":6,\"ts\":1796033000,\"addr\":\"203.0.113.7:9001\",\"ok\":false,"
            "\"why\":\"timeout\"}");
    line(s, "{\"t\":\"begin\",\"id\":7,\"ts\":1796033000,\"fp\":\"" A "\"}");
    memset(row.rsa.b, 1, sizeof row.rsa.b);
    survey_consensus(s, &c);
    d.rsa = row.rsa;
    d.item[DESCRIPTOR_BANDWIDTH].begin = "bandwidth";
    survey_descriptor(s, &d);
    return s;
}

/* The file, with a NUL behind it. */
static const char *written(const struct survey *s, enum survey_file file, struct docw *w)
{
    docw_free(w);
    survey_write(s, file, w);
    docw_add(w, (struct text){"", 1});
    ck_ok(w->err);
    return docw_text(w).s;
}

START_TEST(test_survey_tables)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    ck_assert_str_eq(
        written(s, SURVEY_CSV, &w),
        "relay,nickname,bytes_per_s,measured,p10,p90,verified,background,clamped,limited_by,"
        "weight,advertised,limit,runs,why\n" B
        ",,9000000,1796031000,2900000,3100000,2800000,200000,2,relay,0,0,0,1,\n" A
        ",guard1,3000000,1796030000,2900000,3100000,2800000,200000,2,relay,1000000,900000,2500000,"
        "2,refused\n"
        "203.0.113.7:9001,,0,0,0,0,0,0,0,,0,0,0,1,timeout\n");
    ck_assert_str_eq(written(s, SURVEY_RUNS, &w),
                     "time,id,relay,mode,ok,bytes_per_s,background,limited_by,why\n"
                     "1796030000,3," A ",flashflow,1,3000000,200000,relay,\n"
                     "1796031000,4," B ",flashflow,1,9000000,200000,relay,\n"
                     "1796032000,5," A ",,0,0,0,,refused\n"
                     "1796033000,6,203.0.113.7:9001,,0,0,0,,timeout\n");
    ck_assert_str_eq(written(s, SURVEY_SECONDS, &w),
                     "relay,second,verified,trusted,untrusted,figure\n" B
                     ",1,2800000,200000,100000,9000000\n" B ",2,3,5,0,9000000\n" A
                     ",1,2800000,200000,100000,3000000\n" A ",2,3,5,0,3000000\n");
    docw_free(&w);
    survey_free(s);
}
END_TEST

START_TEST(test_survey_json)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    json_t *all = json_loads(written(s, SURVEY_JSON, &w), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_uint_eq(json_array_size(all), 3);
    const json_t *second = json_array_get(all, 1);
    ck_assert_str_eq(json_string_value(json_object_get(second, "nickname")), "guard1");
    ck_assert_int_eq(json_integer_value(json_object_get(second, "weight")), 1000000);
    ck_assert_str_eq(json_string_value(json_object_get(second, "detail")), "<b>,\"no\"");
    json_decref(all);
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* What a relay said is no part of the page's own language, nor of gnuplot's. */
START_TEST(test_survey_page_and_plots)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    const char *page = written(s, SURVEY_PAGE, &w);
    ck_assert_ptr_nonnull(strstr(page, "3 relays were tried, 2 have a figure: 1 of the 1 of the"));
    ck_assert_ptr_nonnull(strstr(page, "<td>refused: &lt;b&gt;,\"no\"</td>"));
    ck_assert_ptr_null(strstr(page, "<b>"));
    const char *plots = written(s, SURVEY_PLOTS, &w);
    ck_assert_ptr_nonnull(strstr(plots, "set output 'seconds.svg'\nset multiplot layout 1,2\n"));
    ck_assert_ptr_nonnull(strstr(plots, "set output 'day.png'"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

START_TEST(test_survey_of_nothing)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    ck_assert(survey_is_empty(s));
    ck_err(survey_line(s, TEXT_LIT("{\"t\":\"end\"")), ERR_MALFORMED);
    ck_assert_str_eq(written(s, SURVEY_JSON, &w), "[]\n");
    ck_assert_ptr_null(strstr(written(s, SURVEY_PLOTS, &w), "multiplot layout"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

TESTS("measure/survey", test_survey_tables, test_survey_json, test_survey_page_and_plots,
      test_survey_of_nothing)
