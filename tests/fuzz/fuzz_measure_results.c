/* Lines of results, as a coordinator reads them when it begins: whatever they are, nothing is
 * believed that is no line, and what is remembered can be found. Then what reports make of them: no
 * tag and no order to gnuplot comes from a line. */
#include <stdlib.h>
#include <string.h>

#include "measure/history.h"
#include "measure/report.h"
#include "measure/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look(const struct history *h, struct text line)
{
    struct result r;
    if (results_parse(line, &r) != OK)
        abort();
    if (!r.id || strlen(r.fp) > 40 || strlen(r.detail) >= sizeof r.detail)
        abort();
    if (r.is_end && !history_find(h, r.fp, &r.at))
        abort();
}

/* What is read without its seconds is the same. */
static void compare(struct text line)
{
    struct result some, all;
    json_t *object;
    if (results_read(line, &all, &object) != OK)
        return;
    json_decref(object);
    if (results_parse(line, &some) != OK || some.id != all.id || some.ts != all.ts ||
        some.bw != all.bw || some.ok != all.ok || strcmp(some.fp, all.fp) != 0 ||
        strcmp(some.why, all.why) != 0 || strcmp(some.detail, all.detail) != 0)
        abort();
}

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
    struct text rest = {(const char *)data, len}, line;
    struct polite *polite = polite_new(POLITE_BYTES_A_DAY);
    struct history h;
    if (!polite)
        return 0;
    history_init(&h);
    while (text_line(&rest, &line)) {
        compare(line);
        if (history_read(&h, line, polite) == OK)
            look(&h, line);
    }
    (void)!history_read_end(&h, polite);
    if (h.n_pending)
        abort();
    history_free(&h);
    polite_free(polite);
    return 0;
}
