/* Files that are whole or not there. */
#include "app/out.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "support/test.h"

static char dir[] = "/tmp/tunic-test-out-XXXXXX";
static char path[256];

static void setup(void)
{
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
}

static void teardown(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

/* How many files there are, hidden ones included. */
static int count(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(name, "re");
    ck_assert_msg(f != NULL, "%s", name);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    ck_assert_str_eq(got, text);
}

START_TEST(test_out_is_there_when_finished)
{
    struct out o;
    setup();
    ck_ok(out_open(&o, path));
    ck_assert_int_eq(count(dir), 0); /* nothing before there is something */
    ck_ok(out_write(&o, "one ", 4));
    ck_ok(out_write(&o, "two", 3));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_ok(out_finish(&o));
    out_close(&o);
    holds(path, "one two");
    ck_assert_int_eq(count(dir), 1);
    teardown();
}
END_TEST

START_TEST(test_out_that_is_dropped_leaves_the_old_file)
{
    struct out o;
    setup();
    ck_ok(out_open(&o, path));
    ck_ok(out_write(&o, "old", 3));
    ck_ok(out_finish(&o));
    out_close(&o);
    ck_ok(out_open(&o, path));
    ck_ok(out_write(&o, "new", 3));
    out_close(&o);
    holds(path, "old");
    ck_assert_int_eq(count(dir), 1);
    ck_ok(out_open(&o, path)); /* nothing came at all */
    ck_ok(out_finish(&o));
    out_close(&o);
    holds(path, "old");
    teardown();
}
END_TEST

START_TEST(test_out_folder)
{
    struct out o;
    char folder[300], name[310];
    setup();
    snprintf(folder, sizeof folder, "%s/sub/", dir);
    ck_ok(out_open(&o, folder));
    ck_assert(o.to_folder);
    ck_ok(out_file(&o, "a", TEXT_LIT("head "), TEXT_LIT("body")));
    ck_ok(out_file(&o, "b", (struct text){"", 0}, TEXT_LIT("b")));
    ck_ok(out_file(&o, "b", (struct text){"", 0}, TEXT_LIT("again")));
    ck_ok(out_finish(&o));
    out_close(&o);
    snprintf(name, sizeof name, "%sa", folder);
    holds(name, "head body");
    snprintf(name, sizeof name, "%sb", folder);
    holds(name, "again");
    ck_assert_int_eq(count(folder), 2);
    ck_ok(out_open(&o, dir)); /* one that is there needs no slash */
    ck_assert(o.to_folder);
    out_close(&o);
    teardown();
}
END_TEST

START_TEST(test_out_folder_is_not_written_through)
{
    struct out o;
    char pipe_name[300], link_name[300];
    setup();
    snprintf(pipe_name, sizeof pipe_name, "%s/pipe", dir);
    snprintf(link_name, sizeof link_name, "%s/link", dir);
    ck_assert_int_eq(mkfifo(pipe_name, 0600), 0);
    ck_assert_int_eq(symlink("/dev/full", link_name), 0);
    ck_ok(out_open(&o, dir));
    ck_ok(out_file(&o, "pipe", (struct text){"", 0}, TEXT_LIT("a")));
    ck_ok(out_file(&o, "link", (struct text){"", 0}, TEXT_LIT("b")));
    ck_ok(out_finish(&o));
    out_close(&o);
    holds(pipe_name, "a");
    holds(link_name, "b");
    teardown();
}
END_TEST

START_TEST(test_out_terminal_gets_no_control_sequences)
{
    static const char sent[] = "A\tz~\n\033[2J\r\x9b"
                               "2K\xc3\xa9\0\x7f";
    static const char shown[] = "A\tz~\n\\x1b[2J\\x0d\\x9b2K\\xc3\\xa9\\x00\\x7f";
    struct out o;
    char got[256] = "";
    int keep = dup(STDOUT_FILENO), near = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(keep >= 0 && near >= 0 && grantpt(near) == 0 && unlockpt(near) == 0);
    int far = open(ptsname(near), O_RDWR | O_NOCTTY);
    struct termios raw;
    ck_assert_int_eq(tcgetattr(far, &raw), 0);
    cfmakeraw(&raw);
    ck_assert_int_eq(tcsetattr(far, TCSANOW, &raw), 0);
    fflush(stdout);
    ck_assert(dup2(far, STDOUT_FILENO) >= 0);
    err_t e = out_open(&o, NULL);
    if (e == OK)
        e = out_write(&o, sent, sizeof sent - 1);
    ck_assert(dup2(keep, STDOUT_FILENO) >= 0);
    ck_ok(e);
    ck_assert(o.to_terminal);
    ck_assert_int_eq(read(near, got, sizeof got - 1), (ssize_t)sizeof shown - 1);
    ck_assert_str_eq(got, shown);
    close(near);
    close(far);
    close(keep);
}
END_TEST

START_TEST(test_out_places_that_are_none)
{
    struct out o;
    char name[300], longest[OUT_PATH_MAX + 100];
    setup();
    ck_ok(out_open(&o, path));
    ck_ok(out_write(&o, "x", 1));
    ck_ok(out_finish(&o));
    out_close(&o);
    snprintf(name, sizeof name, "%s/", path); /* a file, and said to be a folder */
    ck_err(out_open(&o, name), ERR_IO);
    ck_assert_ptr_nonnull(strstr(o.why, path));
    snprintf(name, sizeof name, "%s/no/where", dir);
    ck_ok(out_open(&o, name));
    ck_err(out_write(&o, "x", 1), ERR_IO);
    ck_assert_ptr_nonnull(strstr(o.why, "No such file"));
    out_close(&o);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    ck_err(out_open(&o, longest), ERR_IO);
    teardown();
}
END_TEST

START_TEST(test_out_limit_in_mid_write)
{
    static char much[20000];
    const struct rlimit limit = {10000, RLIM_INFINITY};
    struct rlimit old;
    struct out o;
    setup();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_ok(out_open(&o, path));
    err_t e = out_write(&o, much, sizeof much);
    out_close(&o);
    struct out folder;
    ck_ok(out_open(&folder, dir));
    err_t e2 = out_file(&folder, "f", (struct text){"", 0}, (struct text){much, sizeof much});
    out_close(&folder);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_err(e, ERR_IO);
    ck_err(e2, ERR_IO);
    ck_assert_ptr_nonnull(strstr(o.why, "File too large"));
    ck_assert_int_eq(count(dir), 0);
    teardown();
}
END_TEST

START_TEST(test_out_devices_stay)
{
    struct out o;
    struct stat st;
    ck_ok(out_open(&o, "/dev/null"));
    ck_ok(out_write(&o, "x", 1));
    ck_ok(out_finish(&o));
    out_close(&o);
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
    ck_ok(out_open(&o, "/dev/full"));
    ck_err(out_write(&o, "x", 1), ERR_IO);
    ck_assert_ptr_nonnull(strstr(o.why, "make room"));
    out_close(&o);
}
END_TEST

TESTS("app/out", test_out_is_there_when_finished, test_out_that_is_dropped_leaves_the_old_file,
      test_out_folder, test_out_folder_is_not_written_through,
      test_out_terminal_gets_no_control_sequences, test_out_places_that_are_none,
      test_out_limit_in_mid_write, test_out_devices_stay)
