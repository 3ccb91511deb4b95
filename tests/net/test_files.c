/* The file store, in a folder of its own that goes with the test. */
#include "net/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

static struct {
    struct log log;
    unsigned warnings;
    char last[400];
    char dir[64];
    struct files *f;
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    t.warnings += level == LOG_WARN;
    snprintf(t.last, sizeof t.last, "%s", line);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    snprintf(t.dir, sizeof t.dir, "/tmp/tunic-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
    int fd = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_ok(files_open(fd, t.dir, &t.log, &t.f));
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", t.dir, name);
    return path;
}

static void teardown(void)
{
    static const char *const names[] = {"a", "a.tmp", "a.damaged", "a.damaged.1", "b", "link"};
    files_close(t.f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)remove(path_of(names[i]));
    ck_assert_int_eq(rmdir(t.dir), 0); /* nothing else was left behind */
}

static void check_file(const char *name, const char *want)
{
    struct blob bytes;
    ck_ok(files_load(t.f, name, &bytes));
    ck_assert(text_is(bytes.text, want));
    blob_drop(&bytes);
}

static err_t replace(const char *name, const char *bytes, size_t len)
{
    const struct text whole = {bytes, len};
    return files_replace(t.f, name, &whole, 1);
}

static err_t append(struct files *f, const char *name, const char *bytes, size_t len)
{
    const struct text whole = {bytes, len};
    return files_append(f, name, &whole, 1);
}

START_TEST(test_files_replaces_a_file_as_a_whole)
{
    struct stat st;
    setup();
    ck_ok(replace("a", "first, and longer", 17));
    ck_ok(replace("a", "second", 6));
    check_file("a", "second");
    ck_assert_int_eq(stat(path_of("a"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_ne(access(path_of("a.tmp"), F_OK), 0);
    ck_assert_uint_eq(t.warnings, 0);
    teardown();
}
END_TEST

START_TEST(test_files_without_bytes_there_is_no_file)
{
    setup();
    ck_ok(replace("a", "first", 5));
    ck_ok(replace("a", "", 0));
    ck_assert_int_ne(access(path_of("a"), F_OK), 0);
    ck_ok(replace("a", "", 0));
    ck_assert_uint_eq(t.warnings, 0);
    teardown();
}
END_TEST

/* As on a full disk: a write goes through in part, the next one fails. */
static void limit_file_size(rlim_t most)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(test_files_keeps_the_old_file_when_writing_fails)
{
    static char big[100000];
    setup();
    ck_ok(replace("a", "old", 3));
    limit_file_size(50000);
    ck_err(replace("a", big, sizeof big), ERR_IO);
    limit_file_size(RLIM_INFINITY);
    check_file("a", "old");
    ck_assert_int_ne(access(path_of("a.tmp"), F_OK), 0);
    ck_assert_uint_eq(t.warnings, 1);
    ck_assert_ptr_nonnull(strstr(t.last, "Could not write \""));
    ck_assert_ptr_nonnull(strstr(t.last, "File too large"));
    teardown();
}
END_TEST

START_TEST(test_files_left_over_of_a_crash_is_overwritten)
{
    setup();
    ck_ok(replace("a.tmp", "half of a longer file than what follows", 39));
    ck_ok(replace("a", "whole", 5));
    check_file("a", "whole");
    teardown();
}
END_TEST

START_TEST(test_files_appends)
{
    setup();
    ck_ok(append(t.f, "a", "one", 3));
    ck_ok(append(t.f, "a", "two", 3));
    check_file("a", "onetwo");
    teardown();
}
END_TEST

START_TEST(test_files_append_that_fails_is_told)
{
    static char big[1000];
    setup();
    limit_file_size(100);
    ck_err(append(t.f, "a", big, sizeof big), ERR_IO);
    limit_file_size(RLIM_INFINITY);
    ck_assert_ptr_nonnull(strstr(t.last, "Could not append to \""));
    ck_assert_ptr_null(strstr(t.last, "Free some disk space"));
    teardown();
}
END_TEST

/* What went through of it is gone again: what is appended next begins a line. */
START_TEST(test_files_append_is_all_or_nothing)
{
    static char big[100000];
    setup();
    ck_ok(append(t.f, "a", "whole\n", 6));
    limit_file_size(50000);
    ck_err(append(t.f, "a", big, sizeof big), ERR_IO);
    limit_file_size(RLIM_INFINITY);
    ck_ok(append(t.f, "a", "next\n", 5));
    check_file("a", "whole\nnext\n");
    teardown();
}
END_TEST

START_TEST(test_files_tells_once_that_nothing_can_be_written)
{
    static char big[1000];
    setup();
    limit_file_size(100);
    for (int i = 0; i < 3; i++) {
        ck_err(append(t.f, "a", big, sizeof big), ERR_IO);
        ck_err(replace("b", big, sizeof big), ERR_IO);
    }
    ck_assert_uint_eq(t.warnings, 1);
    ck_ok(append(t.f, "a", "x", 1)); /* it can, so it is told again */
    ck_err(append(t.f, "a", big, sizeof big), ERR_IO);
    limit_file_size(RLIM_INFINITY);
    ck_assert_uint_eq(t.warnings, 2);
    teardown();
}
END_TEST

/* A large one is mapped: it stays as it was for who has it. */
START_TEST(test_files_of_many_parts_and_their_map)
{
    enum { PARTS = 1000, EACH = 200 };
    struct text parts[PARTS];
    struct blob before, after;
    char line[EACH];
    setup();
    memset(line, 'x', sizeof line);
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = (struct text){line, i % 3 ? sizeof line : 0};
    ck_ok(files_replace(t.f, "a", parts, PARTS));
    ck_ok(files_load(t.f, "a", &before));
    ck_assert_uint_eq(before.text.len, (size_t)(PARTS - (PARTS + 2) / 3) * EACH);
    line[0] = 'y';
    ck_ok(files_replace(t.f, "a", parts, PARTS));
    ck_ok(append(t.f, "a", "z", 1));
    ck_ok(files_load(t.f, "a", &after));
    ck_assert_uint_eq(after.text.len, before.text.len + 1);
    ck_assert_int_eq(before.text.s[0], 'x');
    ck_assert_int_eq(after.text.s[0], 'y');
    ck_assert_int_eq(after.text.s[after.text.len - 1], 'z');
    blob_drop(&before);
    blob_drop(&after);
    teardown();
}
END_TEST

START_TEST(test_files_full_disk_is_to_be_freed)
{
    struct files *dev;
    setup();
    int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_ok(files_open(fd, "/dev", &t.log, &dev));
    ck_err(append(dev, "full", "x", 1), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.last, "No space left on device. Free some disk space"));
    files_close(dev);
    teardown();
}
END_TEST

START_TEST(test_files_sets_a_damaged_file_aside)
{
    struct blob bytes;
    setup();
    ck_ok(replace("a.damaged", "an older one", 12));
    ck_ok(replace("a", "damaged", 7));
    ck_ok(files_set_aside(t.f, "a", ASIDE_OVER_OLDER));
    ck_err(files_load(t.f, "a", &bytes), ERR_NOT_FOUND);
    check_file("a.damaged", "damaged");
    ck_assert_uint_eq(t.warnings, 1);
    /* Nothing to be done, nothing to be said. */
    ck_err(files_set_aside(t.f, "b", ASIDE_OVER_OLDER), ERR_NOT_FOUND);
    ck_assert_uint_eq(t.warnings, 1);
    teardown();
}
END_TEST

START_TEST(test_files_sets_aside_beside_older_ones)
{
    setup();
    ck_ok(replace("a.damaged", "an older one", 12));
    ck_ok(replace("a", "damaged", 7));
    ck_ok(files_set_aside(t.f, "a", ASIDE_BESIDE_OLDER));
    check_file("a.damaged", "an older one");
    check_file("a.damaged.1", "damaged");
    teardown();
}
END_TEST

START_TEST(test_files_stays_where_it_is_when_too_many_are_set_aside)
{
    char name[32] = "a.damaged";
    setup();
    for (int i = 1; i <= 100; i++) {
        ck_ok(replace(name, "older", 5));
        snprintf(name, sizeof name, "a.damaged.%d", i);
    }
    ck_ok(replace("a", "damaged", 7));
    ck_err(files_set_aside(t.f, "a", ASIDE_BESIDE_OLDER), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(t.last, "is not set aside"));
    check_file("a", "damaged");
    for (int i = 1; i < 100; i++) {
        snprintf(name, sizeof name, "a.damaged.%d", i);
        (void)remove(path_of(name));
    }
    teardown();
}
END_TEST

START_TEST(test_files_loads_no_more_than_its_limit)
{
    struct blob bytes;
    setup();
    int fd = open(path_of("a"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)FILES_LOAD_MAX + 1), 0);
    close(fd);
    ck_err(files_load(t.f, "a", &bytes), ERR_LIMIT);
    ck_assert_uint_eq(t.warnings, 1);
    teardown();
}
END_TEST

START_TEST(test_files_reads_no_pipe)
{
    struct blob bytes;
    setup();
    ck_assert_int_eq(mkfifo(path_of("a"), 0600), 0);
    ck_err(files_load(t.f, "a", &bytes), ERR_IO); /* and does not hang */
    ck_assert_ptr_nonnull(strstr(t.last, "is not a file"));
    teardown();
}
END_TEST

START_TEST(test_files_missing_file_is_no_fault)
{
    struct blob bytes;
    setup();
    ck_err(files_load(t.f, "a", &bytes), ERR_NOT_FOUND);
    ck_assert_uint_eq(t.warnings, 0);
    teardown();
}
END_TEST

TESTS("net/files", test_files_replaces_a_file_as_a_whole, test_files_without_bytes_there_is_no_file,
      test_files_keeps_the_old_file_when_writing_fails,
      test_files_left_over_of_a_crash_is_overwritten, test_files_appends,
      test_files_append_that_fails_is_told, test_files_append_is_all_or_nothing,
      test_files_tells_once_that_nothing_can_be_written, test_files_of_many_parts_and_their_map,
      test_files_full_disk_is_to_be_freed, test_files_sets_a_damaged_file_aside,
      test_files_sets_aside_beside_older_ones,
      test_files_stays_where_it_is_when_too_many_are_set_aside,
      test_files_loads_no_more_than_its_limit, test_files_reads_no_pipe,
      test_files_missing_file_is_no_fault)
