#include "app/measure/pages.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/measure/named.h"
#include "app/measure/reading.h"
#include "app/measure/tool.h"
#include "app/out.h"
#include "measure/survey.h"

struct paging {
    struct survey *survey;
    unsigned bad_lines;
};

static err_t on_line(void *arg, struct text line)
{
    struct paging *p = arg;
    err_t e = survey_line(p->survey, line);
    p->bad_lines += e == ERR_MALFORMED ? 1 : 0;
    return e == ERR_MALFORMED ? OK : e;
}

static void on_descriptor(void *arg, const struct descriptor *d)
{
    struct paging *p = arg;
    survey_descriptor(p->survey, d);
}

static err_t read_truth(struct paging *p, const char *path, struct log *log)
{
    struct blob blob;
    unsigned bad;
    if (!path)
        return OK;
    TRY(reading_file(path, log, &blob));
    err_t e = survey_truth(p->survey, blob.text, &bad);
    blob_drop(&blob);
    if (bad)
        log_warn(log, "%u lines of \"%s\" are no fingerprint and bytes a second.", bad, path);
    return e;
}

static err_t read_schedule(struct paging *p, const char *path, struct log *log)
{
    struct blob blob;
    if (!path)
        return OK;
    TRY(reading_file(path, log, &blob));
    err_t e = survey_schedule(p->survey, blob.text);
    blob_drop(&blob);
    return e;
}

static err_t focus(struct survey *s, const char *relay, const struct consensus *c, struct log *log)
{
    struct ipport at;
    char fp[41];
    TRY(named_find(relay, c, log, fp, &at));
    (void)survey_focus(s, fp, &at); /* one that has no runs is in its report alone */
    return OK;
}

static err_t gather(struct paging *p, const struct offline_options *o, int64_t now_s,
                    struct log *log)
{
    struct consensus *c;
    char unverified[VERIFIED_WHY];
    TRY(reading_results(o->results, now_s - o->max_age_s, log, on_line, p));
    if (p->bad_lines)
        log_warn(log, "%u lines of the results are torn, or none of ours.", p->bad_lines);
    TRY(read_truth(p, o->truth, log));
    TRY(read_schedule(p, o->schedule, log));
    TRY(reading_consensus(o, log, &c, unverified));
    if (c)
        survey_consensus(p->survey, c);
    if (*unverified)
        survey_unverified(p->survey, unverified);
    err_t e = o->relay ? focus(p->survey, o->relay, c, log) : OK;
    consensus_free(&c);
    TRY(e);
    return reading_descriptors(o, now_s, log, on_descriptor, p);
}

/* ---- files ---- */

static err_t write_file(struct survey *s, enum survey_file file, bool plotted, struct out *out)
{
    struct docw w = {.err = OK};
    survey_write(s, file, plotted, &w);
    err_t e = w.err;
    if (e == OK)
        e = out_file(out, survey_file_name(file), docw_text(&w), text_of(""));
    else
        snprintf(out->why, sizeof out->why, "%s", err_text(e));
    docw_free(&w);
    return e;
}

/* ---- plots ---- */

/* gnuplot's exit status; -1: there is none. */
static int run_gnuplot(const char *folder)
{
    char *argv[] = {"gnuplot", "plots.gp", NULL};
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t child;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    int e = posix_spawn_file_actions_addchdir_np(&actions, folder);
    e = e ? e : posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (e != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

/* Whether there are plots now. */
static bool plot(const char *folder, struct log *log)
{
    int status = run_gnuplot(folder);
    if (status < 0)
        log_notice(log,
                   "There is no gnuplot, and so there are no plots: install gnuplot-nox and "
                   "run \"gnuplot plots.gp\" in %s.",
                   folder);
    else if (status)
        log_warn(log, "gnuplot did not like %s/plots.gp: status %d.", folder, status);
    return status == 0;
}

/* Tables, then plots of them, then the page, which knows whether there are plots. */
static err_t write_files(struct survey *s, struct out *out, struct log *log)
{
    for (int file = 0; file < SURVEY_PAGE; file++)
        if (survey_has(s, (enum survey_file)file))
            TRY(write_file(s, (enum survey_file)file, false, out));
    TRY(write_file(s, SURVEY_PAGE, plot(out->path, log), out));
    return out_finish(out);
}

static int put(struct survey *s, const char *where, struct log *log)
{
    struct out out;
    char folder[OUT_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/", where);
    err_t e = out_open(&out, folder);
    if (e == OK)
        e = write_files(s, &out, log);
    out_close(&out);
    if (e != OK)
        return tool_complain(MEASURE_NOT_ALL, out.why);
    printf("%s/index.html\n", out.path);
    return MEASURE_DONE;
}

int pages_write(const struct offline_options *o, int64_t now_s, struct log *log)
{
    struct paging p = {.survey = survey_new(now_s)};
    int status = MEASURE_NOT_ALL;
    err_t e = p.survey ? gather(&p, o, now_s, log) : ERR_NOMEM;
    if (e == OK && survey_is_empty(p.survey))
        (void)tool_complain(0, "there are no recent results: no page is made");
    else if (e == OK)
        status = put(p.survey, o->out, log);
    else if (e != ERR_NOT_FOUND) /* which was told */
        (void)tool_complain(0, err_text(e));
    survey_free(p.survey);
    return status;
}
