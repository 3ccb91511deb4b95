#include "host/logfile.h"

#include <time.h>
#include <unistd.h>

#include "conf/capture.h"

static const int64_t AT_US = 1795223041987654; /* 2026-11-21 01:04:01.987654 UTC */

static int64_t fixed_wall(void)
{
    return AT_US;
}

static void in_utc(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

START_TEST(test_logfile_line_format_is_tors)
{
    static const struct {
        int granularity_ms;
        const char *stamp;
    } cases[] = {{1, "01:04:01.987"},
                 {10, "01:04:01.980"},
                 {500, "01:04:01.500"},
                 {1000, "01:04:01.000"},
                 {60000, "01:04:00.000"}};
    char line[LOGFILE_LINE_MAX], want[128];
    in_utc();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = logfile_format(line, AT_US, cases[i].granularity_ms, LOG_WARN, "Hello.");
        snprintf(want, sizeof want, "Nov 21 %s [warn] Hello.", cases[i].stamp);
        ck_assert_str_eq(line, want);
        ck_assert_uint_eq(len, strlen(want));
    }
}
END_TEST

START_TEST(test_logfile_long_line_is_cut_and_says_so)
{
    static char text[3 * LOGFILE_LINE_MAX];
    char line[LOGFILE_LINE_MAX];
    memset(text, 'x', sizeof text - 1);
    size_t len = logfile_format(line, AT_US, 1000, LOG_ERR, text);
    ck_assert_uint_eq(len, LOGFILE_LINE_MAX - 1);
    ck_assert_uint_eq(strlen(line), len);
    ck_assert_str_eq(line + len - 14, "[...truncated]");
}
END_TEST

static char path[64];

static void new_path(void)
{
    strcpy(path, "/tmp/tunic-log-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    unlink(path);
}

static char *content(void)
{
    static char text[8192];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

static struct options *with_log(const char *levels, const char *more)
{
    char torrc[256];
    snprintf(torrc, sizeof torrc, "Log %s file %s\n%s", levels, path, more);
    return good_options(torrc);
}

static void change(struct logfile *f, const struct options *o, bool truncate)
{
    struct conf_err e = {""};
    err_t err = logfile_prepare(f, o, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    logfile_commit(f, o, truncate);
}

static struct logfile *opened(const struct options *o)
{
    struct logfile *f = logfile_new(QUIET_SILENT, fixed_wall);
    ck_assert_ptr_nonnull(f);
    change(f, o, true);
    return f;
}

START_TEST(test_logfile_shows_the_levels_asked_for)
{
    in_utc();
    new_path();
    struct options *o = with_log("info-warn", "LogTimeGranularity 1\n");
    struct logfile *f = opened(o);
    const struct log *log = logfile_log(f);
    ck_assert_int_eq(log->least, LOG_INFO);
    log_debug(log, "a");
    log_info(log, "b %d", 1);
    log_warn(log, "c");
    log_err(log, "d");
    ck_assert_str_eq(content(),
                     "Nov 21 01:04:01.987 [notice] Tunic " TUNIC_VERSION " opening log file.\n"
                     "Nov 21 01:04:01.987 [info] b 1\n"
                     "Nov 21 01:04:01.987 [warn] c\n");
    logfile_debug(f);
    ck_assert_int_eq(log->least, LOG_DEBUG);
    log_debug(log, "e");
    log_err(log, "f");
    ck_assert_ptr_nonnull(strstr(content(), "[debug] e\nNov 21 01:04:01.987 [err] f\n"));
    logfile_free(f);
    options_free(o);
    unlink(path);
}
END_TEST

/* A line is about what its file is about; this one's is "tests/...". */
START_TEST(test_logfile_shows_domains_and_chooses_by_them)
{
    in_utc();
    new_path();
    struct options *o = with_log("[net]info notice", "LogMessageDomains 1\n");
    struct logfile *f = opened(o);
    const struct log *log = logfile_log(f);
    ck_assert_int_eq(log->least, LOG_INFO);
    log_info(log, "a");
    log_notice(log, "b");
    log_line(log, LOG_INFO, "src/net/conn.c", "c");
    log_line(log, LOG_INFO, "src/path/guards_file.c", "d");
    log_line(log, LOG_WARN, "src/path/guards_file.c", "e");
    log_line(log, LOG_WARN, "src/control/session.c", "f");
    ck_assert_ptr_null(strstr(content(), "] a"));
    ck_assert_ptr_null(strstr(content(), " d\n"));
    ck_assert_ptr_nonnull(strstr(content(), "[notice] {GENERAL} b\n"));
    ck_assert_ptr_nonnull(strstr(content(), "[info] {NET} c\n"));
    ck_assert_ptr_nonnull(strstr(content(), "[warn] {GUARD} e\n"));
    ck_assert_ptr_nonnull(strstr(content(), "[warn] {CONTROL} f\n"));
    logfile_free(f);
    options_free(o);
    unlink(path);
}
END_TEST

START_TEST(test_logfile_is_opened_anew_after_it_was_moved_away)
{
    new_path();
    char moved[80];
    struct options *o = with_log("warn", "");
    struct logfile *f = opened(o);
    log_warn(logfile_log(f), "before");
    snprintf(moved, sizeof moved, "%s.1", path);
    ck_assert_int_eq(rename(path, moved), 0);
    log_warn(logfile_log(f), "between");
    change(f, o, false);
    log_warn(logfile_log(f), "after");
    ck_assert_ptr_nonnull(strstr(content(), "after"));
    ck_assert_ptr_null(strstr(content(), "before"));
    ck_assert_ptr_null(strstr(content(), "between"));
    logfile_free(f);
    options_free(o);
    unlink(path);
    unlink(moved);
}
END_TEST

START_TEST(test_logfile_truncates_when_told_to)
{
    new_path();
    FILE *old = fopen(path, "w");
    fputs("old\n", old);
    fclose(old);
    struct options *o = with_log("warn", "TruncateLogFile 1\n");
    struct options *append = with_log("warn", "");
    struct logfile *f = opened(o);
    log_warn(logfile_log(f), "one");
    ck_assert_ptr_null(strstr(content(), "old"));
    change(f, o, false); /* another option has changed */
    log_warn(logfile_log(f), "two");
    ck_assert_ptr_nonnull(strstr(content(), "one"));
    change(f, append, true);
    ck_assert_ptr_nonnull(strstr(content(), "two"));
    change(f, o, true); /* HUP */
    ck_assert_str_eq(content(), "");
    logfile_free(f);
    options_free(o);
    options_free(append);
    unlink(path);
}
END_TEST

START_TEST(test_logfile_that_cannot_be_opened_leaves_the_old_ones)
{
    new_path();
    char torrc[256], made[80];
    struct conf_err e = {""};
    struct options *good = with_log("warn", "");
    snprintf(made, sizeof made, "%s.made", path);
    snprintf(torrc, sizeof torrc, "Log warn file %s\nLog warn file /nonexistent/folder/log\n",
             made);
    struct options *bad = good_options(torrc);
    struct logfile *f = opened(good);
    ck_err(logfile_prepare(f, bad, &e), ERR_IO);
    ck_assert_str_eq(e.text, "Couldn't open file for 'Log file /nonexistent/folder/log': No such "
                             "file or directory");
    log_warn(logfile_log(f), "still here");
    ck_assert_ptr_nonnull(strstr(content(), "still here"));
    ck_assert_int_ne(access(made, F_OK), 0); /* and nothing is left of what was begun */
    logfile_free(f);
    options_free(good);
    options_free(bad);
    unlink(path);
}
END_TEST

START_TEST(test_logfile_rolled_back_writes_where_it_wrote)
{
    new_path();
    char torrc[256], other[80];
    struct conf_err e = {""};
    struct options *before = with_log("warn", "TruncateLogFile 1\n");
    snprintf(other, sizeof other, "%s.other", path);
    FILE *old = fopen(other, "w");
    fputs("old\n", old);
    fclose(old);
    snprintf(torrc, sizeof torrc, "Log warn file %s\nTruncateLogFile 1\nSafeLogging 0\n", other);
    struct options *after = good_options(torrc);
    struct logfile *f = opened(before);
    ck_ok(logfile_prepare(f, after, &e));
    logfile_roll_back(f);
    log_warn(logfile_log(f), "here");
    ck_assert_ptr_nonnull(strstr(content(), "here"));
    ck_assert(!logfile_log(f)->unsafe);
    strcpy(path, other);
    ck_assert_str_eq(content(), "old\n");
    logfile_free(f);
    unlink(other);
    other[strlen(other) - strlen(".other")] = 0;
    unlink(other);
    options_free(before);
    options_free(after);
}
END_TEST

START_TEST(test_logfile_safe_logging_reaches_the_log)
{
    static const struct {
        const char *torrc;
        bool unsafe;
    } cases[] = {
        {"SafeLogging 1\n", false}, {"SafeLogging 0\n", true}, {"SafeLogging relay\n", true}};
    for (size_t i = 0; i < 3; i++) {
        struct options *o = good_options(cases[i].torrc);
        struct logfile *f = opened(o);
        ck_assert_int_eq(logfile_log(f)->unsafe, cases[i].unsafe);
        logfile_free(f);
        options_free(o);
    }
}
END_TEST

START_TEST(test_logfile_before_the_configuration_follows_quiet)
{
    static const enum log_level least[] = {LOG_NOTICE, LOG_WARN, LOG_ERR};
    for (int quiet = QUIET_NONE; quiet <= QUIET_SILENT; quiet++) {
        struct logfile *f = logfile_new((enum quiet)quiet, fixed_wall);
        ck_assert_int_eq(logfile_log(f)->least, least[quiet]);
        logfile_free(f);
    }
}
END_TEST

TESTS("host/logfile", test_logfile_line_format_is_tors, test_logfile_long_line_is_cut_and_says_so,
      test_logfile_shows_the_levels_asked_for, test_logfile_shows_domains_and_chooses_by_them,
      test_logfile_is_opened_anew_after_it_was_moved_away, test_logfile_truncates_when_told_to,
      test_logfile_rolled_back_writes_where_it_wrote,
      test_logfile_that_cannot_be_opened_leaves_the_old_ones,
      test_logfile_safe_logging_reaches_the_log,
      test_logfile_before_the_configuration_follows_quiet)
