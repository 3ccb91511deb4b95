#include "app/measure/bwmake.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "support/tempdir.h"

enum { NOW = 1764500000, DAY = 24 * 3600 }; /* 2025-11-30 10:53:20 */
#define FILE_OF_NOW "v3bw.2025-11-30-10-53-20"

static struct {
    struct log log;
    char results[128], link[128], said[1000];
    struct bwmade made;
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    snprintf(t.said + strlen(t.said), sizeof t.said - strlen(t.said), "%s\n", line);
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
    char line[400];
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    new_dir();
    snprintf(t.results, sizeof t.results, "%s", in_dir("results"));
    snprintf(t.link, sizeof t.link, "%s", in_dir("out/v3bw"));
    ck_assert_int_eq(mkdir(t.results, 0700), 0);
    ck_assert_int_eq(mkdir(in_dir("out"), 0700), 0);
    snprintf(line, sizeof line,
             "{\"t\":\"end\",\"id\":1,\"ts\":%d,\"began\":1,\"ok\":true,\"bw\":9000000,\"fp\":"
             "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}\n",
             NOW - 60);
    put("results/2025-11-30.jsonl", line);
}

static err_t make(int64_t now_s)
{
    const struct bwmake m = {.from = {.results = t.results, .max_age_s = BWFILE_AGE_S},
                             .link = t.link,
                             .now_s = now_s,
                             .started_s = NOW,
                             .log = &t.log};
    return bwmake(&m, &t.made);
}

static bool leads_to(const char *name)
{
    char to[200] = "";
    return readlink(t.link, to, sizeof to - 1) > 0 && strcmp(to, name) == 0;
}

static size_t files(void)
{
    DIR *d = opendir(in_dir("out"));
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' || e->d_name[1] == 't' ? 1 : 0;
    closedir(d);
    return n;
}

START_TEST(test_bwmake_a_file_and_its_link)
{
    setup();
    ck_assert_int_eq(bwmake_newest_s(t.link), 0);
    ck_ok(make(NOW));
    ck_assert(leads_to(FILE_OF_NOW));
    ck_assert_ptr_nonnull(strstr(t.made.path, "out/" FILE_OF_NOW));
    ck_assert_uint_eq(t.made.sum.measured, 1);
    ck_assert_int_eq(bwmake_newest_s(t.link), NOW);
    ck_ok(make(NOW + 1));
    ck_assert(leads_to("v3bw.2025-11-30-10-53-21"));
    ck_assert_uint_eq(files(), 3);
    remove_dir();
}
END_TEST

/* The limit on files stands for a full disk. */
START_TEST(test_bwmake_without_room_the_old_one_stays)
{
    struct rlimit none;
    setup();
    ck_ok(make(NOW));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, none.rlim_max}), 0);
    ck_err(make(NOW + 1), ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_ptr_nonnull(strstr(t.made.why, "cannot write"));
    ck_assert(leads_to(FILE_OF_NOW));
    ck_assert_uint_eq(files(), 2);
    remove_dir();
}
END_TEST

START_TEST(test_bwmake_nothing_recent_is_no_file)
{
    setup();
    ck_err(make(NOW + 8 * DAY), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(t.made.why, "no relay has a recent result"));
    ck_assert_int_eq(rename(t.results, in_dir("aside")), 0);
    ck_err(make(NOW), ERR_NOT_FOUND);
    ck_assert_str_eq(t.made.why, ""); /* it was logged */
    ck_assert_ptr_nonnull(strstr(t.said, "Cannot read results"));
    ck_assert_uint_eq(files(), 0);
    remove_dir();
}
END_TEST

START_TEST(test_bwmake_a_link_that_cannot_be_made)
{
    setup();
    ck_assert_int_eq(mkdir(t.link, 0700), 0); /* a folder of that name */
    ck_err(make(NOW), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.made.why, "cannot make the link"));
    ck_assert_uint_eq(files(), 2);
    remove_dir();
}
END_TEST

START_TEST(test_bwmake_old_ones_go)
{
    static const char *const stay[] = {
        "v3bw.2025-11-20-00-00-00", /* the link leads there */
        "v3bw.2025-11-23-10-53-20", /* seven days old, to the second */
        "v3bw.2025-11-01",          /* none of ours: its name is another */
        "v3bw.2025-11-01-00-00-00.bak",
        "v3bw.2025-13-01-00-00-00",
        "other.2025-11-01-00-00-00",
        ".tunic-yesno1", /* somebody may be at it */
    };
    static const char *const go[] = {"v3bw.2025-11-23-10-53-19", "v3bw.2025-01-01-00-00-00",
                                     ".tunic-abcdef", ".v3bw.tunic-77"};
    setup();
    char name[64];
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
        snprintf(name, sizeof name, "out/%s", stay[i]);
        put(name, "x");
        ck_assert_int_eq(utime(in_dir(name), &(struct utimbuf){NOW - 60, NOW - 60}), 0);
    }
    for (size_t i = 0; i < sizeof go / sizeof *go; i++) {
        snprintf(name, sizeof name, "out/%s", go[i]);
        put(name, "x");
        ck_assert_int_eq(utime(in_dir(name), &(struct utimbuf){NOW - DAY, NOW - DAY}), 0);
    }
    ck_assert_int_eq(symlink(stay[0], t.link), 0);
    bwmake_tidy(t.link, NOW, 7, &t.log);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
        snprintf(name, sizeof name, "out/%s", stay[i]);
        ck_assert_msg(access(in_dir(name), F_OK) == 0, "%s", name);
    }
    for (size_t i = 0; i < sizeof go / sizeof *go; i++) {
        snprintf(name, sizeof name, "out/%s", go[i]);
        ck_assert_msg(access(in_dir(name), F_OK) != 0, "%s", name);
    }
    ck_assert_str_eq(t.said, "");
    bwmake_tidy("/nowhere/at/all", NOW, 7, &t.log);
    remove_dir();
}
END_TEST

TESTS("app/measure_bwmake", test_bwmake_a_file_and_its_link,
      test_bwmake_without_room_the_old_one_stays, test_bwmake_nothing_recent_is_no_file,
      test_bwmake_a_link_that_cannot_be_made, test_bwmake_old_ones_go)
