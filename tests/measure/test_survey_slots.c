#include <stdio.h>
#include <string.h>

#include "measure/survey.h"
#include "support/test.h"

enum { NOW = 1796040000 }; /* 2026-11-30 12:00:00 UTC */

#define A "0101010101010101010101010101010101010101"

static void line(struct survey *s, const char *text)
{
    ck_ok(survey_line(s, text_of(text)));
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

static void run_of(struct survey *s, unsigned id, int64_t began, unsigned n)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"t\":\"begin\",\"id\":%u,\"ts\":%lld,\"alloc\":{\"m1\":5000,\"m2\":1000}}", id,
             (long long)began);
    line(s, text);
    snprintf(text, sizeof text,
             "{\"t\":\"end\",\"id\":%u,\"ts\":%lld,\"began\":%lld,\"fp\":\"" A
             "\",\"mode\":\"echo2\",\"ok\":true,\"bw\":3000,\"sec\":{\"m\":{},\"trusted\":[%s]}}",
             id, (long long)began + 3 + n, (long long)began, n == 2 ? "0,0" : "0,0,0,0,0");
    line(s, text);
}

/* Of a minute counts what ran at once, not what came one after the other, also if circuits of the
 * next were built meanwhile. Slots that are back to back have no times in the plan. */
START_TEST(test_survey_what_ran_at_once)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    ck_ok(survey_schedule(s,
                          TEXT_LIT("{\"t\":\"plan\",\"begins_us\":1796030400000000,\"slot_s\":60,"
                                   "\"compact\":true,\"capacity\":6000}\n"
                                   "{\"t\":\"relay\",\"fp\":\"" A "\",\"slot\":9,\"given\":7}\n")));
    run_of(s, 1, 1796030400, 5);
    run_of(s, 2, 1796030405, 5);
    run_of(s, 3, 1796030410, 5);
    run_of(s, 4, 1796030480, 5);
    run_of(s, 5, 1796030481, 2);
    ck_assert_str_eq(written(s, SURVEY_SLOTS, &w),
                     "time,hour,runs,measured,allotted,carried,planned\n"
                     "1796030400,0.0000,3,3,6000,3000,0\n"
                     "1796030460,0.0167,2,2,12000,6000,0\n");
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PLOTS, &w), "set xrange ['1796030398':"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

/* What clients had is not known of relays that do not tell; a key never covers points. */
START_TEST(test_survey_what_is_unknown)
{
    struct survey *s = survey_new(NOW);
    struct docw w = {.err = OK};
    run_of(s, 1, 1796030400, 5);
    ck_assert(survey_focus(s, A, NULL));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_PAGE, &w), "<td>unknown</td>"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_HISTORY, &w), ",echo2,1,3000,,,\n"));
    ck_assert_ptr_nonnull(strstr(written(s, SURVEY_JSON, &w), "\"background\":null"));
    ck_assert_ptr_null(strstr(written(s, SURVEY_PLOTS, &w), "opaque"));
    ck_assert_ptr_null(strstr(written(s, SURVEY_PLOTS, &w), "set yrange [0:0]"));
    docw_free(&w);
    survey_free(s);
}
END_TEST

TESTS("measure/survey_slots", test_survey_what_ran_at_once, test_survey_what_is_unknown)
