#include <stdlib.h>
#include <string.h>

#include "path/state.h"
#include "support/test.h"

/* As C tor 0.4.9 writes it, with lines that no tor knows. */
static const char sample[] =
    "# Tor state file last generated on 2026-01-01 01:00:00 local time\n"
    "# Other times below are in UTC\n"
    "# You *do not* need to edit this file.\n"
    "\n"
    "Guard in=default rsa_id=0000000000000000000000000000000000000001 listed=1\n"
    "TorVersion Tor 0.4.9.11\n"
    "LastWritten 2026-01-01 00:00:00\n"
    "FutureThing  \"quoted \\\"text\\\"\" # and more\n"
    "TotalBuildTimes 2\n"
    "CircuitBuildTimeBin 105 1\n"
    "CircuitBuildTimeBin 205 1\n"
    "Dormant 0\n"
    "MinutesSinceUserActivity 0\n"
    "Empty\n";

static struct state *parsed(const char *text)
{
    struct state *s;
    size_t damaged;
    ck_ok(state_parse(text_of(text), &s, &damaged));
    ck_assert_uint_eq(damaged, 0);
    return s;
}

static char *written(struct state *s)
{
    char *text;
    size_t len;
    ck_ok(state_write(s, 1767229200, "Tunic 0.1.0", &text, &len));
    ck_assert_uint_eq(strlen(text), len);
    return text;
}

START_TEST(test_state_unknown_lines_survive_byte_for_byte)
{
    struct state *s = parsed(sample);
    char *text = written(s);
    ck_assert_str_eq(text,
                     "# Tor state file last generated on 2026-01-01 01:00:00 UTC\n"
                     "# Other times below are in UTC\n"
                     "# You *do not* need to edit this file.\n"
                     "\n"
                     "Guard in=default rsa_id=0000000000000000000000000000000000000001 listed=1\n"
                     "TorVersion Tunic 0.1.0\n"
                     "LastWritten 2026-01-01 01:00:00\n"
                     "FutureThing \"quoted \\\"text\\\"\" # and more\n"
                     "TotalBuildTimes 2\n"
                     "CircuitBuildTimeBin 105 1\n"
                     "CircuitBuildTimeBin 205 1\n"
                     "Dormant 0\n"
                     "MinutesSinceUserActivity 0\n"
                     "Empty \n");
    struct state *again = parsed(text);
    char *text2 = written(again);
    ck_assert_str_eq(text, text2);
    free(text);
    free(text2);
    state_free(&again);
    state_free(&s);
}
END_TEST

START_TEST(test_state_values_are_found_in_any_case_and_in_order)
{
    struct state *s = parsed(sample);
    ck_assert_uint_eq(state_count(s, "circuitbuildtimebin"), 2);
    ck_assert_str_eq(state_get(s, "CIRCUITBUILDTIMEBIN", 0), "105 1");
    ck_assert_str_eq(state_get(s, "CircuitBuildTimeBin", 1), "205 1");
    ck_assert_ptr_null(state_get(s, "CircuitBuildTimeBin", 2));
    ck_assert_ptr_null(state_get(s, "CircuitBuildTime", 0));
    ck_assert_str_eq(state_get(s, "Empty", 0), "");
    state_free(&s);
}
END_TEST

START_TEST(test_state_set_replaces_in_place)
{
    struct state *s = parsed("A 1\nB 1\nA 2\nC 1\nA 3\n");
    const char *const more[] = {"x", "y", "z", "w"};
    ck_ok(state_set(s, "a", more, 4));
    ck_ok(state_set(s, "B", NULL, 0));
    ck_ok(state_set(s, "D", more, 1));
    char *text = written(s);
    ck_assert_ptr_nonnull(strstr(text, "\n\na x\na y\na z\na w\nC 1\nD x\nLastWritten "));
    free(text);
    state_free(&s);
}
END_TEST

START_TEST(test_state_set_takes_no_newline_and_changes_nothing_then)
{
    struct state *s = parsed("A 1\n");
    const char *const bad[] = {"x", "y\nGuard evil"};
    ck_err(state_set(s, "A", bad, 2), ERR_ARG);
    ck_assert_uint_eq(state_count(s, "A"), 1);
    ck_assert_str_eq(state_get(s, "A", 0), "1");
    state_free(&s);
}
END_TEST

static struct state *damaged(const char *bytes, size_t len, size_t want)
{
    struct state *s;
    size_t n;
    ck_ok(state_parse((struct text){bytes, len}, &s, &n));
    ck_assert_uint_eq(n, want);
    return s;
}

START_TEST(test_state_damaged_line_costs_itself)
{
    static const char bytes[] = "A 1\nB \0 2\n\x80\x81garbage 5\n<html>\nC 1\rD 2\nE 1\x1b\nF 6\n";
    struct state *s = damaged(bytes, sizeof bytes - 1, 5);
    ck_assert_str_eq(state_get(s, "A", 0), "1");
    ck_assert_str_eq(state_get(s, "F", 0), "6");
    ck_assert_ptr_null(state_get(s, "B", 0));
    ck_assert_ptr_null(state_get(s, "E", 0));
    state_free(&s);
    static const char noise[] = "\0\xff\x7fnoise\n\0\n";
    s = damaged(noise, sizeof noise - 1, 2);
    state_free(&s);
}
END_TEST

/* A newline that became another byte, or was lost. */
START_TEST(test_state_guard_behind_a_damaged_newline_is_found)
{
    static const char text[] = "Guard in=default rsa_id=01 listed=1xGuard in=default rsa_id=02\n"
                               "Dormant 0Guard in=default rsa_id=03\n"
                               "#Guard in=default rsa_id=04\n"
                               "Future Guard in=quotes\n";
    struct state *s = damaged(text, sizeof text - 1, 2);
    ck_assert_uint_eq(state_count(s, "Guard"), 3);
    ck_assert_str_eq(state_get(s, "Guard", 0), "in=default rsa_id=01 listed=1x");
    ck_assert_str_eq(state_get(s, "Guard", 1), "in=default rsa_id=02");
    ck_assert_str_eq(state_get(s, "Guard", 2), "in=default rsa_id=03");
    ck_assert_str_eq(state_get(s, "Future", 0), "Guard in=quotes");
    state_free(&s);
}
END_TEST

START_TEST(test_state_long_line_of_another_program_survives)
{
    size_t len = 2 * STATE_LINE_MAX;
    char *big = malloc(len);
    ck_assert_ptr_nonnull(big);
    memset(big, 'x', len);
    memcpy(big, "A ", 2);
    struct state *s = damaged(big, len, 0);
    ck_assert_uint_eq(strlen(state_get(s, "A", 0)), len - 2);
    state_free(&s);
    free(big);
}
END_TEST

START_TEST(test_state_file_that_is_too_large_is_refused_as_a_whole)
{
    size_t len = STATE_TEXT_MAX + 1, n;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', len);
    struct state *s;
    ck_err(state_parse((struct text){text, len}, &s, &n), ERR_LIMIT);
    ck_ok(state_parse((struct text){text, len - 1}, &s, &n));
    state_free(&s);
    free(text);
}
END_TEST

START_TEST(test_state_too_many_lines_are_refused)
{
    size_t n = STATE_LINES_MAX;
    char *text = malloc(4 * (n + 1) + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i <= n; i++)
        memcpy(text + 4 * i, "A 1\n", 4);
    struct state *s;
    size_t lines;
    ck_err(state_parse((struct text){text, 4 * (n + 1)}, &s, &lines), ERR_LIMIT);
    ck_ok(state_parse((struct text){text, 4 * n}, &s, &lines));
    const char *const value[] = {"1"};
    ck_err(state_set(s, "B", value, 1), ERR_LIMIT);
    free(text);
    state_free(&s);
}
END_TEST

START_TEST(test_state_every_truncation_parses)
{
    for (size_t len = 0; len < sizeof sample; len++) {
        struct state *s = damaged(sample, len, 0);
        state_free(&s);
    }
}
END_TEST

START_TEST(test_state_windows_line_ends_are_fine)
{
    struct state *s = parsed("A 1\r\nB 2\r\n");
    ck_assert_str_eq(state_get(s, "A", 0), "1");
    state_free(&s);
}
END_TEST

START_TEST(test_state_time_round_trip)
{
    static const struct {
        int64_t t;
        const char *text;
    } known[] = {
        {0, "1970-01-01T00:00:00"},          {951782400, "2000-02-29T00:00:00"},
        {1480448371, "2016-11-29T19:39:31"}, {1767225600, "2026-01-01T00:00:00"},
        {4107542399, "2100-02-28T23:59:59"}, {253402300799, "9999-12-31T23:59:59"},
    };
    char text[STATE_TIME_MAX];
    int64_t t;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        ck_assert_str_eq(state_time_text(known[i].t, text), known[i].text);
        ck_ok(state_time_parse(text_of(known[i].text), &t));
        ck_assert_int_eq(t, known[i].t);
    }
    for (int64_t day = 0; day < 60000; day++) {
        ck_ok(state_time_parse(text_of(state_time_text(day * 86400 + 86399, text)), &t));
        ck_assert_int_eq(t, day * 86400 + 86399);
    }
    ck_assert_str_eq(state_time_text(-5, text), "1970-01-01T00:00:00");
    ck_assert_str_eq(state_time_text(INT64_MAX, text), "9999-12-31T23:59:59");
}
END_TEST

START_TEST(test_state_impossible_times_are_malformed)
{
    static const char *const bad[] = {
        "",
        "2016-11-29 19:39:31",
        "2016-11-29T19:39:3",
        "2016-11-29T19:39:311",
        "2016-02-30T00:00:00",
        "2015-02-29T00:00:00",
        "2016-13-01T00:00:00",
        "2016-00-01T00:00:00",
        "2016-01-01T24:00:00",
        "2016-01-01T00:60:00",
        "1969-12-31T23:59:59",
        "201a-01-01T00:00:00",
    };
    int64_t t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(state_time_parse(text_of(bad[i]), &t) == ERR_MALFORMED, "%s", bad[i]);
}
END_TEST

TESTS("path/state", test_state_unknown_lines_survive_byte_for_byte,
      test_state_values_are_found_in_any_case_and_in_order, test_state_set_replaces_in_place,
      test_state_set_takes_no_newline_and_changes_nothing_then,
      test_state_damaged_line_costs_itself, test_state_guard_behind_a_damaged_newline_is_found,
      test_state_long_line_of_another_program_survives,
      test_state_file_that_is_too_large_is_refused_as_a_whole,
      test_state_too_many_lines_are_refused, test_state_every_truncation_parses,
      test_state_windows_line_ends_are_fine, test_state_time_round_trip,
      test_state_impossible_times_are_malformed)
