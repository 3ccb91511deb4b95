#include "base/log.h"

#include <string.h>

#include "support/test.h"

struct kept {
    int lines;
    enum log_level level;
    char line[4096];
};

static void keep(void *arg, enum log_level level, const char *line)
{
    struct kept *k = arg;
    k->lines++;
    k->level = level;
    ck_assert_uint_lt(strlen(line), sizeof k->line);
    memcpy(k->line, line, strlen(line) + 1);
}

static int evaluated(int *times)
{
    return ++*times;
}

START_TEST(test_log_levels_have_tors_names)
{
    ck_assert_str_eq(log_level_name(LOG_DEBUG), "debug");
    ck_assert_str_eq(log_level_name(LOG_INFO), "info");
    ck_assert_str_eq(log_level_name(LOG_NOTICE), "notice");
    ck_assert_str_eq(log_level_name(LOG_WARN), "warn");
    ck_assert_str_eq(log_level_name(LOG_ERR), "err");
}
END_TEST

START_TEST(test_log_formats_from_the_least_level_up)
{
    struct kept k = {0};
    struct log log_ = {.least = LOG_NOTICE, .sink = keep, .arg = &k}, *log = &log_;
    log_info(log, "no");
    ck_assert_int_eq(k.lines, 0);
    log_notice(log, "%s %d", "yes", 1);
    ck_assert_int_eq(k.lines, 1);
    ck_assert_str_eq(k.line, "yes 1");
    ck_assert_int_eq(k.level, LOG_NOTICE);
    log_err(log, "err");
    ck_assert_int_eq(k.level, LOG_ERR);
}
END_TEST

START_TEST(test_log_arguments_below_the_level_are_not_evaluated)
{
    struct kept k = {0};
    struct log log_ = {.least = LOG_WARN, .sink = keep, .arg = &k}, *log = &log_;
    int times = 0;
    log_debug(log, "%d", evaluated(&times));
    ck_assert_int_eq(times, 0);
    log_warn(log, "%d", evaluated(&times));
    ck_assert_int_eq(times, 1);
}
END_TEST

START_TEST(test_log_to_nowhere_is_fine)
{
    const struct log *none = NULL;
    int times = 0;
    log_warn(none, "%d", evaluated(&times));
    ck_assert_int_eq(times, 0);
    ck_assert_str_eq(log_safe(none, "secret.example"), "[scrubbed]");
}
END_TEST

START_TEST(test_log_message_stays_one_printable_line)
{
    struct kept k = {0};
    struct log log_ = {.least = LOG_DEBUG, .sink = keep, .arg = &k}, *log = &log_;
    log_warn(log, "a\nb\rc\x1b[1md\x7f\te");
    ck_assert_str_eq(k.line, "a?b?c?[1md??e");
}
END_TEST

START_TEST(test_log_too_long_a_message_is_cut)
{
    struct kept k = {0};
    struct log log_ = {.least = LOG_DEBUG, .sink = keep, .arg = &k}, *log = &log_;
    log_warn(log, "%03000d", 1);
    ck_assert_uint_eq(strlen(k.line), 2047);
}
END_TEST

START_TEST(test_log_safe_scrubs_unless_told_otherwise)
{
    struct log log_ = {.least = LOG_DEBUG}, *log = &log_;
    ck_assert_str_eq(log_safe(log, "secret.example"), "[scrubbed]");
    log->unsafe = true;
    ck_assert_str_eq(log_safe(log, "secret.example"), "secret.example");
}
END_TEST

TESTS("base/log", test_log_levels_have_tors_names, test_log_formats_from_the_least_level_up,
      test_log_arguments_below_the_level_are_not_evaluated, test_log_to_nowhere_is_fine,
      test_log_message_stays_one_printable_line, test_log_too_long_a_message_is_cut,
      test_log_safe_scrubs_unless_told_otherwise)
