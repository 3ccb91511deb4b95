#include "app/measure/resultsfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dir/decompress.h"
#include "support/tempdir.h"
#include "testnet/compress.h"

enum { TODAY = 1764460800, NOW = TODAY + 39200 }; /* 2025-11-30 10:53:20 */
#define DAY    (24 * 3600)
#define KEEP   (&(const struct resultsfile_keep){1, 60})
#define OLD    "2025-11-28.jsonl"
#define OLD_GZ OLD ".gz"
#define LINES_ "{\"a\":1}\n{\"b\":2}\n"

static struct {
    struct log log;
    struct files *folder;
    char seen[4096], said[1000];
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    snprintf(t.said + strlen(t.said), sizeof t.said - strlen(t.said), "%s\n", line);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    new_dir();
    ck_ok(resultsfile_folder(dir, &t.log, &t.folder));
}

static void teardown(void)
{
    files_close(t.folder);
    remove_dir();
}

static void put(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(in_dir(name), "w");
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_packed(const char *name, const void *bytes, size_t len)
{
    struct buf b;
    buf_init(&b, 64 << 20);
    ck_ok(compress_all(ENC_GZIP, bytes, len, &b));
    put(name, buf_at(&b), b.len);
    buf_free(&b);
}

static bool is_there(const char *name)
{
    struct stat st;
    return stat(in_dir(name), &st) == 0;
}

static err_t take(void *arg, struct text line)
{
    (void)arg;
    snprintf(t.seen + strlen(t.seen), sizeof t.seen - strlen(t.seen), "<%.*s>", TEXT_ARG(line));
    return OK;
}

static const char *all(void)
{
    t.seen[0] = 0;
    ck_ok(resultsfile_each(t.folder, 0, take, NULL));
    return t.seen;
}

static void tidy(int64_t now_s)
{
    resultsfile_tidy(t.folder, now_s, KEEP);
}

START_TEST(test_resultsfile_old_ones_are_compressed)
{
    setup();
    put_text("2025-11-27.jsonl", "x\n");
    put_text(OLD, LINES_);
    put_text("2025-11-29.jsonl", "y\n");
    put_text("2025-11-30.jsonl", "z\n");
    ck_assert_int_eq(chmod(in_dir(OLD), 0640), 0);
    const char *before = "<x><{\"a\":1}><{\"b\":2}><y><z>";
    ck_assert_str_eq(all(), before);
    tidy(NOW);
    ck_assert(is_there("2025-11-27.jsonl.gz") && !is_there("2025-11-27.jsonl"));
    ck_assert(is_there(OLD_GZ) && !is_there(OLD));
    ck_assert(is_there("2025-11-29.jsonl")); /* it was over less than a day ago */
    ck_assert(is_there("2025-11-30.jsonl"));
    ck_assert_int_eq(mode_of(in_dir(OLD_GZ)), 0640);
    ck_assert_str_eq(all(), before);
    tidy(NOW);
    ck_assert_str_eq(all(), before);
    ck_assert_str_eq(t.said, "");
    teardown();
}
END_TEST

START_TEST(test_resultsfile_only_days_that_are_asked_for)
{
    setup();
    put_text(OLD, "x\n");
    put_text("2025-11-29.jsonl", "y\n");
    tidy(NOW);
    t.seen[0] = 0;
    ck_ok(resultsfile_each(t.folder, TODAY - DAY, take, NULL));
    ck_assert_str_eq(t.seen, "<y>");
    ck_ok(resultsfile_one(t.folder, OLD_GZ, take, NULL));
    ck_assert_str_eq(t.seen, "<y><x>");
    ck_err(resultsfile_one(t.folder, OLD, take, NULL), ERR_NOT_FOUND);
    ck_assert(strstr(t.said, "There is no file"));
    teardown();
}
END_TEST

START_TEST(test_resultsfile_the_oldest_go)
{
    setup();
    put_text("2025-09-29.jsonl", "x\n");
    put_packed("2025-09-28.jsonl.gz", "x\n", 2);
    put_text("2025-10-01.jsonl", "y\n"); /* its 60 days are over at the end of this one */
    put_text("notes", "n");
    tidy(NOW);
    ck_assert(!is_there("2025-09-29.jsonl") && !is_there("2025-09-28.jsonl.gz"));
    ck_assert_str_eq(all(), "<y>");
    ck_assert(is_there("notes"));
    teardown();
}
END_TEST

START_TEST(test_resultsfile_no_day_s_own_is_touched)
{
    setup();
    put_text("2025-11-30.jsonl", "z\n");
    put_text("2026-02-01.jsonl", "later\n");
    resultsfile_tidy(t.folder, TODAY, &(const struct resultsfile_keep){1, 2});
    resultsfile_tidy(t.folder, TODAY + DAY - 1, &(const struct resultsfile_keep){1, 2});
    ck_assert_str_eq(all(), "<z><later>");
    ck_assert(is_there("2025-11-30.jsonl") && is_there("2026-02-01.jsonl"));
    resultsfile_tidy(t.folder, NOW + 30 * DAY, &(const struct resultsfile_keep){0, 60});
    ck_assert(is_there("2025-11-30.jsonl")); /* never compressed, if so is said */
    teardown();
}
END_TEST

/* A crash came when the compressed one was whole, and the other not gone. */
START_TEST(test_resultsfile_what_a_crash_leaves_counts_once)
{
    setup();
    put_text(OLD, LINES_);
    put_packed(OLD_GZ, LINES_, strlen(LINES_));
    put_text(OLD_GZ ".tmp", "torn");
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}>");
    tidy(NOW);
    ck_assert(!is_there(OLD) && is_there(OLD_GZ) && !is_there(OLD_GZ ".tmp"));
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}>");
    teardown();
}
END_TEST

/* A clock that was set back appends to a day that is over, and compressed; then that is once more,
 * and a crash comes then. */
START_TEST(test_resultsfile_what_came_late_is_kept)
{
    setup();
    put_packed(OLD_GZ, LINES_, strlen(LINES_));
    put_text(OLD, "late\n");
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}><late>");
    tidy(NOW);
    ck_assert(!is_there(OLD));
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}><late>");
    put_text(OLD, "late\n");
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}><late>");
    put_text(OLD, LINES_ "late\nlater\n"); /* it was unpacked, and goes on */
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}><late><later>");
    tidy(NOW);
    ck_assert_str_eq(all(), "<{\"a\":1}><{\"b\":2}><late><later>");
    ck_assert(!is_there(OLD));
    teardown();
}
END_TEST

START_TEST(test_resultsfile_a_bomb_is_refused)
{
    static char zeros[40 << 20];
    setup();
    put_packed(OLD_GZ, zeros, sizeof zeros);
    put_text("2025-11-29.jsonl", "y\n");
    ck_assert_str_eq(all(), "<y>");
    ck_assert(strstr(t.said, "expands beyond all bounds"));
    put_text(OLD, "x\n"); /* and is not overwritten */
    tidy(NOW);
    ck_assert(is_there(OLD) && is_there(OLD_GZ));
    ck_assert_str_eq(all(), "<x><y>");
    ck_err(resultsfile_one(t.folder, OLD_GZ, take, NULL), ERR_BOMB);
    teardown();
}
END_TEST

START_TEST(test_resultsfile_a_torn_one_is_refused)
{
    setup();
    put_packed("whole", LINES_, strlen(LINES_));
    struct blob whole;
    ck_ok(files_load(t.folder, "whole", &whole));
    for (size_t len = 0; len < whole.text.len; len++) {
        put(OLD_GZ, whole.text.s, len);
        ck_assert_str_eq(all(), "");
    }
    blob_drop(&whole);
    ck_assert(strstr(t.said, OLD_GZ "\" are not read"));
    teardown();
}
END_TEST

/* The limit on files stands for a full disk. */
START_TEST(test_resultsfile_without_room_all_stays)
{
    static char line[4096];
    struct rlimit none;
    setup();
    for (size_t i = 0; i < sizeof line - 1; i++)
        line[i] = (char)(' ' + (i * i * 7 + i / 64) % 90);
    line[sizeof line - 1] = '\n';
    put(OLD, line, sizeof line);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, none.rlim_max}), 0);
    tidy(NOW);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert(is_there(OLD) && !is_there(OLD_GZ) && !is_there(OLD_GZ ".tmp"));
    ck_assert(strstr(t.said, "Could not write"));
    tidy(NOW);
    ck_assert(!is_there(OLD) && is_there(OLD_GZ));
    teardown();
}
END_TEST

TESTS("app/measure_resultsfile", test_resultsfile_old_ones_are_compressed,
      test_resultsfile_only_days_that_are_asked_for, test_resultsfile_the_oldest_go,
      test_resultsfile_no_day_s_own_is_touched, test_resultsfile_what_a_crash_leaves_counts_once,
      test_resultsfile_what_came_late_is_kept, test_resultsfile_a_bomb_is_refused,
      test_resultsfile_a_torn_one_is_refused, test_resultsfile_without_room_all_stays)
