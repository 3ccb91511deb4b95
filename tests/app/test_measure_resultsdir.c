#include "app/measure/resultsdir.h"

#include <unistd.h>

#include "support/tempdir.h"

enum { NOW = 1764500000 }; /* 2025-11-30 10:53:20 */
#define DAY (24 * 3600)

static char seen[4096];

static void take(void *arg, struct text line)
{
    (void)arg;
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "<%.*s>", TEXT_ARG(line));
}

static struct resultsdir *open_(void)
{
    static struct log quiet = {.least = LOG_ERR + 1};
    struct resultsdir *r;
    new_dir();
    ck_ok(resultsdir_open(in_dir("results"), &quiet, &r));
    return r;
}

static const char *all(struct resultsdir *r, int64_t now_s, unsigned days)
{
    seen[0] = 0;
    ck_ok(resultsdir_each(r, now_s, days, take, NULL));
    return seen;
}

START_TEST(test_resultsdir_a_file_a_day_in_order)
{
    struct resultsdir *r = open_();
    ck_ok(resultsdir_append(r, "b\n", true, NOW));
    ck_ok(resultsdir_append(r, "c\n", false, NOW));
    ck_ok(resultsdir_append(r, "d\n", false, NOW + DAY));
    ck_ok(resultsdir_append(r, "a\n", false, NOW - 3 * DAY));
    ck_assert_str_eq(all(r, NOW + DAY, 60), "<a><b><c><d>");
    ck_assert_str_eq(all(r, NOW + DAY, 3), "<b><c><d>");
    ck_assert_int_eq(mode_of(in_dir("results/2025-11-30.jsonl")) & 0777, 0644);
    resultsdir_close(r);
    remove_dir();
}
END_TEST

/* A line that a crash tore does not spoil the one behind it. */
START_TEST(test_resultsdir_a_torn_line_stands_alone)
{
    struct resultsdir *r = open_();
    FILE *f = fopen(in_dir("results/2025-11-30.jsonl"), "w");
    fputs("whole\n{\"t\":\"be", f);
    fclose(f);
    ck_ok(resultsdir_append(r, "next\n", true, NOW));
    ck_assert_str_eq(all(r, NOW, 60), "<whole><{\"t\":\"be><next>");
    resultsdir_close(r);
    remove_dir();
}
END_TEST

START_TEST(test_resultsdir_other_files_are_left_alone)
{
    struct resultsdir *r = open_();
    FILE *f = fopen(in_dir("results/2025-11-30.jsonl.bak"), "w");
    fputs("x\n", f);
    fclose(f);
    ck_assert_str_eq(all(r, NOW, 60), "");
    resultsdir_close(r);
    remove_dir();
}
END_TEST

/* Somebody has compressed, or removed, the file that is open. */
START_TEST(test_resultsdir_a_file_that_has_gone_is_made_anew)
{
    struct resultsdir *r = open_();
    ck_ok(resultsdir_append(r, "a\n", true, NOW));
    ck_assert_int_eq(remove(in_dir("results/2025-11-30.jsonl")), 0);
    ck_ok(resultsdir_append(r, "b\n", true, NOW));
    ck_assert_str_eq(all(r, NOW, 60), "<b>");
    resultsdir_close(r);
    remove_dir();
}
END_TEST

START_TEST(test_resultsdir_that_cannot_be_is_an_error)
{
    static struct log quiet = {.least = LOG_ERR + 1};
    struct resultsdir *r;
    ck_err(resultsdir_open("/dev/null/x", &quiet, &r), ERR_IO);
    r = open_();
    remove_dir();
    ck_err(resultsdir_append(r, "x\n", true, NOW), ERR_IO);
    resultsdir_close(r);
}
END_TEST

static void move(const char *from, const char *to)
{
    char was[160], is[160];
    snprintf(was, sizeof was, "%s/results/2025-11-30%s", dir, from);
    snprintf(is, sizeof is, "%s/results/2025-11-30%s", dir, to);
    ck_assert_int_eq(rename(was, is), 0);
}

/* A beginning is written or fails; a result waits for room. */
START_TEST(test_resultsdir_without_room)
{
    struct resultsdir *r = open_();
    ck_ok(resultsdir_append(r, "a\n", true, NOW));
    move(".jsonl", ".aside");
    ck_assert_int_eq(symlink("/dev/full", in_dir("results/2025-11-30.jsonl")), 0);
    ck_err(resultsdir_append(r, "begin\n", true, NOW), ERR_FULL);
    ck_err(resultsdir_append(r, "end 1\n", false, NOW), ERR_FULL);
    ck_err(resultsdir_append(r, "end 2\n", false, NOW), ERR_FULL);
    move(".aside", ".jsonl");
    ck_ok(resultsdir_append(r, "begin 3\n", true, NOW));
    ck_assert_str_eq(all(r, NOW, 60), "<a><end 1><end 2><begin 3>");
    resultsdir_close(r);
    remove_dir();
}
END_TEST

TESTS("app/measure_resultsdir", test_resultsdir_a_file_a_day_in_order,
      test_resultsdir_a_torn_line_stands_alone, test_resultsdir_other_files_are_left_alone,
      test_resultsdir_a_file_that_has_gone_is_made_anew, test_resultsdir_without_room,
      test_resultsdir_that_cannot_be_is_an_error)
