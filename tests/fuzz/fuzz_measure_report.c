/* What reports make of lines of results, of votes, of a schedule and of what is said to be the
 * truth: no tag and no order to gnuplot comes from a line. */
#include <stdlib.h>
#include <string.h>

#include "measure/report.h"
#include "measure/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Tables and scripts have no character that a word could end with but the commas, quotes and lines
 * that are ours: one with a "`", a "<" or an escape is a line's own. */
static void is_tame(struct text t, const char *wild)
{
    for (size_t i = 0; i < t.len; i++)
        if (strchr(wild, t.s[i]) && t.s[i])
            abort();
}

static void survey(struct text rest)
{
    struct text line;
    struct survey *s = survey_new(1796040000);
    unsigned bad;
    struct text truth = rest;
    while (s && text_line(&rest, &line))
        if (survey_line(s, line) == ERR_LIMIT)
            abort();
    if (s && (survey_truth(s, truth, &bad) == ERR_LIMIT || survey_schedule(s, truth) == ERR_LIMIT))
        abort();
    for (int file = 0; s && file < SURVEY_FILES_N; file++) {
        struct docw w = {.err = OK};
        survey_write(s, (enum survey_file)file, true, &w);
        if (file == SURVEY_PAGE || file == SURVEY_JSON || file == SURVEY_SUMMARY)
            is_tame(docw_text(&w), "\033\r");
        else
            is_tame(docw_text(&w), file == SURVEY_PLOTS ? "`\033\r" : "`<'\"|=\033\r");
        docw_free(&w);
    }
    survey_free(s);
}

static void report(struct text rest)
{
    static const char fp[] = "0101010101010101010101010101010101010101";
    struct text line;
    char *text = NULL;
    struct report_begun begun = {.next = 0};
    struct report *r = report_new(fp, NULL);
    if (r)
        report_votes(r, rest);
    while (r && text_line(&rest, &line)) {
        struct docw w = {.err = OK};
        (void)!report_line(r, line);
        (void)!report_classic(&begun, line, &w);
        docw_free(&w);
    }
    if (r && report_text(r, 1796040000, &text) == OK)
        is_tame(text_of(text), "\033\r");
    free(text);
    report_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    survey((struct text){(const char *)data, len});
    report((struct text){(const char *)data, len});
    return 0;
}
