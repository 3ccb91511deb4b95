#include "measure/survey.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "measure/agree.h"
#include "support/test.h"

enum { NOW = 1796040000 }; /* 2026-11-30 12:00:00 UTC */

#define FP(byte) byte byte byte byte byte byte byte byte byte byte
#define A        FP("0101")
#define B        FP("0202")
#define GOOD(bw)                                                                                  \
    ",\"began\":1796029965,\"mode\":\"flashflow\",\"ok\":true,\"bw\":" bw                         \
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
    line(s, "{\"t\":\"begin\",\"id\":3,\"ts\":1796029965,\"alloc\":{\"m1\":3000000,"
            "\"m2\":1500000}}");
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
static const char *written(struct survey *s, enum survey_file file, struct docw *w)
{
    docw_free(w);
    survey_write(s, file, true, w);
    docw_add(w, (struct text){"", 1});
    ck_ok(w->err);
    return docw_text(w).s;
}

START_TEST(test_survey_of_a_consensus_that_nobody_has_verified)
{
    struct docw w = {.len = 0};
    struct survey *s = some();
    ck_assert_ptr_null(strstr(written(s, SURVEY_PAGE, &w), "verified:"));
    survey_unverified(s, "of <b>");
    ck_assert_ptr_nonnull(
        strstr(written(s, SURVEY_PAGE, &w), "The consensus was NOT verified: of &lt;b&gt;."));
    docw_free(&w);
    survey_free(s);
}
END_TEST

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
                     "time,began,id,relay,mode,ok,bytes_per_s,background,allotted,limited_by,why\n"
                     "1796030000,1796029965,3," A ",flashflow,1,3000000,200000,4500000,relay,\n"
                     "1796031000,1796029965,4," B ",flashflow,1,9000000,200000,0,relay,\n"
                     "1796032000,0,5," A ",,0,0,0,0,,refused\n"
                     "1796033000,0,6,203.0.113.7:9001,,0,0,0,0,,timeout\n");
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

START_TEST(test_survey_other_tables)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    /* m1 had 2,000,001 of 2,800,003 where 3,000,000 of 4,500,000 were its part. */
    ck_assert_str_eq(written(s, SURVEY_MEASURERS, &w),
                     "measurer,runs,p10,p25,median,p75,p90,rtt_ms,disagrees\n"
                     "m1,1,107,107,107,107,107,0,no\nm2,1,86,86,86,86,86,0,no\n");
    ck_assert_str_eq(written(s, SURVEY_DAYS, &w),
                     "date,tried,measured,with_a_figure_of_7_days,percent_of_the_consensus\n"
                     "2026-11-30,3,2,2,100.0\n");
    ck_assert_str_eq(written(s, SURVEY_AGES, &w),
                     "hours,figures_younger,percent\n0,0,0.0\n1,0,0.0\n2,0,0.0\n3,2,100.0\n"
                     "6,2,100.0\n9,2,100.0\n12,2,100.0\n18,2,100.0\n24,2,100.0\n");
    /* From the first run on to the end of the last: what went on in which minute. */
    const char *slots = written(s, SURVEY_SLOTS, &w);
    ck_assert_ptr_nonnull(strstr(slots, "planned\n1796029920,0.0000,2,2,0,0,0\n"
                                        "1796029980,0.0167,0,0,4500000,3000000,0\n"));
    ck_assert_ptr_nonnull(strstr(slots, "\n1796030940,0.2833,0,0,0,9000000,0\n"
                                        "1796031000,0.3000,0,0,0,0,0\n"));
    ck_assert_ptr_null(strstr(slots, "\n1796031060,"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* A figure counts for seven days, its own with them. */
START_TEST(test_survey_days)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    line(s, "{\"t\":\"end\",\"id\":1,\"ts\":1795262400,\"fp\":\"" A "\",\"ok\":true,\"bw\":9}");
    line(s, "{\"t\":\"end\",\"id\":2,\"ts\":1795953600,\"fp\":\"" A "\",\"why\":\"timeout\"}");
    ck_assert_str_eq(written(s, SURVEY_DAYS, &w),
                     "date,tried,measured,with_a_figure_of_7_days,percent_of_the_consensus\n"
                     "2026-11-21,1,1,1,\n2026-11-22,0,0,1,\n2026-11-23,0,0,1,\n"
                     "2026-11-24,0,0,1,\n2026-11-25,0,0,1,\n2026-11-26,0,0,1,\n"
                     "2026-11-27,0,0,1,\n2026-11-28,0,0,0,\n2026-11-29,1,0,0,\n"
                     "2026-11-30,0,0,0,\n");
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* Half of the sum of |w/W - c/C|: weights of 1/4 and 3/4 where 1/2 and 1/2 are true are a quarter
 * off. A relay without a figure has no weight. */
START_TEST(test_survey_beside_the_truth)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    unsigned bad;
    ck_assert(!survey_has(s, SURVEY_TRUTH));
    ck_ok(survey_truth(s,
                       TEXT_LIT("# what they carry\n\n" A " 6000000\n$" B " 6000000 and more\n" A
                                "\n" A " many\n" A " -1\nguard1 5\n203.0.113.7:9001 0\n"),
                       &bad));
    ck_assert_uint_eq(bad, 4);
    json_t *all = json_loads(written(s, SURVEY_SUMMARY, &w), JSON_REJECT_DUPLICATES, NULL);
    const json_t *errors = json_object_get(all, "network_weight_error");
    double ours = json_real_value(json_object_get(errors, "our figures"));
    double weights = json_real_value(json_object_get(errors, "consensus weights"));
    ck_assert_double_eq_tol(ours, .25, 1e-9);
    ck_assert_double_eq_tol(weights, .5, 1e-9);
    json_decref(all);
    ck_assert_str_eq(written(s, SURVEY_TRUTH, &w),
                     "relay,truth,ours,weight,advertised,error_percent\n" B
                     ",6000000,9000000,0,0,50.00\n" A ",6000000,3000000,1000000,900000,-50.00\n"
                     "203.0.113.7:9001,0,0,0,0,\n");
    ck_assert_ptr_nonnull(
        strstr(written(s, SURVEY_PAGE, &w), "our figures</td><td class=\"n\">25.00%"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PLOTS, &w), "set output 'truth.svg'"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

START_TEST(test_survey_page_and_plots)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    const char *page = written(s, SURVEY_PAGE, &w);
    ck_assert_ptr_nonnull(strstr(page, "3 relays were tried in 4 runs; 2 have a figure"));
    ck_assert_ptr_nonnull(strstr(page, "Of the 1 relays of the consensus <b>1 (100%)</b>"));
    ck_assert_ptr_nonnull(strstr(page, "<td>refused: &lt;b&gt;,&quot;no&quot;</td>"));
    ck_assert_ptr_null(strstr(page, "<b>,"));
    ck_assert_ptr_nonnull(strstr(page, "<img src=\"slots.svg\""));
    ck_assert_ptr_null(strstr(page, "http")); /* it asks no network for anything */
    docw_free(&w);
    survey_write(s, SURVEY_PAGE, false, &w);
    docw_add(&w, (struct text){"", 1});
    ck_assert_ptr_null(strstr(docw_text(&w).s, "<img"));
    ck_assert_ptr_nonnull(strstr(docw_text(&w).s, "<code>gnuplot-nox</code>"));
    const char *plots = written(s, SURVEY_PLOTS, &w);
    ck_assert_ptr_nonnull(strstr(plots, "set output 'seconds.svg'\nset multiplot layout 1,2 "));
    ck_assert_ptr_nonnull(strstr(plots, "set output 'slots.png'"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

START_TEST(test_survey_names_who_disagrees)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    char text[400];
    for (unsigned i = 1; i <= AGREE_LEAST; i++) {
        snprintf(text, sizeof text,
                 "{\"t\":\"begin\",\"id\":%u,\"ts\":1796030000,\"alloc\":{\"far\":5,\"m2\":5,"
                 "\"near\":5}}",
                 i);
        line(s, text);
        snprintf(text, sizeof text,
                 "{\"t\":\"end\",\"id\":%u,\"ts\":1796030040,\"began\":1796030000,\"fp\":\"" A
                 "\",\"ok\":true,\"bw\":9,\"rtt_ms\":{\"far\":250,\"near\":3},"
                 "\"sec\":{\"m\":{\"far\":[1],\"m2\":[9],\"near\":[9]},\"trusted\":[0]}}",
                 i);
        line(s, text);
    }
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PAGE, &w), "Measurer far disagrees"));
    ck_assert_ptr_null(strstr(written(s, SURVEY_PAGE, &w), "Measurer near"));
    ck_assert_ptr_nonnull(
        strstr(written(s, SURVEY_MEASURERS, &w), "far,5,16,16,16,16,16,250,yes\n"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* Nothing of it has a tag, a quote, an order to gnuplot or to a shell in it. */
static void is_tame(struct survey *s, enum survey_file file)
{
    static const char *const wild[] = {"<script", "`", "$(", "\x1b", "';", "=cmd", "\",\""};
    struct docw w = {.err = OK};
    const char *text = written(s, file, &w);
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++)
        if (file != SURVEY_JSON && (file != SURVEY_PAGE || i < 1 || i == 3))
            ck_assert_msg(!strstr(text, wild[i]), "%s has %s", survey_file_name(file), wild[i]);
    docw_free(&w);
}

/* Results, the consensus and names of measurers may be anybody's. */
START_TEST(test_survey_of_strangers)
{
#define WILD "<script>'; system('x'); `x`$(x)\\u001b[2J\\\",\\\"=cmd|"
    struct survey *s = survey_new(NOW);
    struct router row = {.bandwidth = 1, .nickname = "<script>';`x`"};
    struct consensus c = {.relays = &row, .n_relays = 1};
    line(s, "{\"t\":\"begin\",\"id\":3,\"ts\":1796029000,\"alloc\":{\"" WILD "\":5,\"m2\":6}}");
    line(s, "{\"t\":\"end\",\"id\":3,\"ts\":1796030000,\"began\":1796029000,\"fp\":\"" A
            "\",\"ok\":true,\"bw\":9,\"mode\":\"" WILD "\",\"limited_by\":\"" WILD
            "\",\"sec\":{\"m\":{\"" WILD "\":[5],\"m2\":[6]},\"trusted\":[0]}}");
    line(s, "{\"t\":\"end\",\"id\":4,\"ts\":1796030000,\"fp\":\"" A
            "\",\"ok\":false,\"why\":\"" WILD "\",\"detail\":\"" WILD "\"}");
    line(s, "{\"t\":\"end\",\"id\":4,\"ts\":1796030000,\"fp\":\"" WILD "\",\"addr\":\"" WILD "\"}");
    memset(row.rsa.b, 1, sizeof row.rsa.b);
    survey_consensus(s, &c);
    for (int file = 0; file < SURVEY_FILES_N; file++)
        is_tame(s, (enum survey_file)file);
    survey_free(s);
}
END_TEST

/* The one that was asked for is the first, however little it carries, and has its runs apart. */
START_TEST(test_survey_of_one_relay)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    struct ipport at;
    ck_assert(!survey_has(s, SURVEY_HISTORY));
    ck_assert_ptr_null(strstr(written(s, SURVEY_PLOTS, &w), "history"));
    ck_ok(ipport_parse("203.0.113.7:9001", &at));
    ck_assert(!survey_focus(s, FP("0303"), &at));
    ck_assert(survey_focus(s, "", &at));
    ck_assert_str_eq(written(s, SURVEY_HISTORY, &w),
                     "time,mode,ok,bytes_per_s,background,limited_by,why\n"
                     "1796033000,,0,0,0,,timeout\n");
    ck_assert(survey_focus(s, A, &at));
    ck_assert_str_eq(written(s, SURVEY_HISTORY, &w),
                     "time,mode,ok,bytes_per_s,background,limited_by,why\n"
                     "1796030000,flashflow,1,3000000,200000,relay,\n"
                     "1796032000,,0,0,0,,refused\n");
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_SECONDS, &w), "figure\n" A ",1,"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PLOTS, &w), "set output 'history.svg'"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* With the plan slots are its own, from its beginning on; the newest line of a relay holds, and
 * another plan drops what was. */
START_TEST(test_survey_of_a_plan)
{
    struct survey *s = some();
    struct docw w = {.err = OK};
    ck_ok(survey_schedule(
        s, TEXT_LIT("{\"t\":\"relay\",\"fp\":\"" A "\",\"slot\":9,\"given\":7}\n"
                    "torn {\n"
                    "{\"t\":\"plan\",\"begins_us\":1795996800000000,"
                    "\"slot_s\":60,\"capacity\":6000000}\n"
                    "{\"t\":\"relay\",\"fp\":\"" A "\",\"slot\":9,\"given\":7}\n"
                    "{\"t\":\"relay\",\"fp\":\"" A "\",\"slot\":2,\"given\":5000000}\n"
                    "{\"t\":\"relay\",\"fp\":\"" B "\",\"slot\":4294967295,\"given\":5}\n"
                    "{\"t\":\"relay\",\"fp\":\"" FP("0303") "\",\"slot\":2,"
                                                            "\"given\":9}\n")));
    const char *slots = written(s, SURVEY_SLOTS, &w);
    ck_assert_ptr_nonnull(strstr(slots, "planned\n1795996800,0.0000,0,0,0,0,0\n"));
    ck_assert_ptr_nonnull(strstr(slots, "\n1795996920,0.0333,0,0,0,0,5000009\n"));
    ck_assert_ptr_nonnull(strstr(slots, "\n1795997340,0.1500,0,0,0,0,0\n"));
    ck_assert_ptr_nonnull(strstr(slots, "\n1796029980,9.2167,0,0,4500000,3000000,0\n"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PLOTS, &w), "plot 48 with lines dt 2"));
    ck_ok(survey_schedule(s, TEXT_LIT("{\"t\":\"plan\",\"begins_us\":1795996800000000}")));
    ck_assert_ptr_null(strstr(written(s, SURVEY_SLOTS, &w), ",5000009\n"));
    /* After now there is nothing yet. */
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_SLOTS, &w), "\n1796040000,"));
    ck_assert_ptr_null(strstr(written(s, SURVEY_SLOTS, &w), "\n1796040060,"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* Of very many runs and kinds of words there is an end. */
START_TEST(test_survey_is_bounded)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    char text[200];
    for (unsigned i = 1; i <= 300; i++) {
        snprintf(text, sizeof text,
                 "{\"t\":\"end\",\"id\":%u,\"ts\":%u,\"fp\":\"" A "\",\"why\":\"why%u\"}", i, i, i);
        line(s, text);
    }
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_RUNS, &w), ",why63\n"));
    ck_assert_ptr_null(strstr(written(s, SURVEY_RUNS, &w), ",why64\n"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_CSV, &w), ",300,why300\n"));
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

TESTS("measure/survey", test_survey_of_a_consensus_that_nobody_has_verified, test_survey_tables,
      test_survey_json, test_survey_other_tables, test_survey_days, test_survey_beside_the_truth,
      test_survey_page_and_plots, test_survey_names_who_disagrees, test_survey_of_strangers,
      test_survey_of_one_relay, test_survey_of_a_plan, test_survey_is_bounded,
      test_survey_of_nothing)
