#include "host/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/capture.h"

static char dir[64];

static void new_dir(void)
{
    strcpy(dir, "/tmp/tunic-proc-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void remove_dir(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(test_folder_is_made_and_kept_private)
{
    struct conf_err e = {""};
    struct capture *c = capture_new();
    new_dir();
    ck_ok(folder_make_private(in_dir("d"), true, false, NULL, &c->log, &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0700);
    ck_assert_str_eq(c->text, "");
    ck_assert_int_eq(chmod(in_dir("d"), 0755), 0);
    ck_ok(folder_make_private(in_dir("d"), true, false, NULL, &c->log, &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0700);
    ck_assert_ptr_nonnull(strstr(c->text, "[warn] Fixing permissions on directory"));
    ck_ok(folder_make_private(in_dir("d"), true, true, NULL, &c->log, &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0750);
    free(c);
    remove_dir();
}
END_TEST

START_TEST(test_folder_refusals)
{
    struct conf_err e = {""};
    struct capture *c = capture_new();
    char want[256];
    new_dir();
    ck_err(folder_make_private(in_dir("gone"), false, false, NULL, &c->log, &e), ERR_IO);
    snprintf(want, sizeof want, "Couldn't access private data directory \"%s\"", in_dir("gone"));
    ck_assert_ptr_nonnull(strstr(e.text, want));
    ck_err(folder_make_private(in_dir("a/b"), true, false, NULL, &c->log, &e), ERR_IO);
    close(open(in_dir("file"), O_CREAT | O_WRONLY, 0600));
    ck_err(folder_make_private(in_dir("file"), true, false, NULL, &c->log, &e), ERR_IO);
    ck_err(folder_make_private(dir, true, false, "no-such-user", &c->log, &e), ERR_IO);
    const char *other = geteuid() == 0 ? "nobody" : "root";
    ck_err(folder_make_private(dir, true, false, other, &c->log, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(c->text, "is not owned by this user"));
    ck_assert_ptr_nonnull(strstr(e.text, "is not owned by this user"));
    free(c);
    remove_dir();
}
END_TEST

START_TEST(test_folder_lock_keeps_the_second_out_until_the_first_is_gone)
{
    struct conf_err e = {""};
    int first = -1, second = -1;
    new_dir();
    ck_ok(folder_lock(dir, &first, &e));
    ck_err(folder_lock(dir, &second, &e), ERR_STATE);
    ck_assert_int_eq(second, -1);
    close(first);
    ck_ok(folder_lock(dir, &second, &e));
    close(second);
    ck_err(folder_lock(in_dir("gone"), &first, &e), ERR_IO);
    remove_dir();
}
END_TEST

TESTS("host/folder", test_folder_is_made_and_kept_private, test_folder_refusals,
      test_folder_lock_keeps_the_second_out_until_the_first_is_gone)
