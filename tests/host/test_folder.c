#include "host/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/capture.h"
#include "support/tempdir.h"

/* Opens and closes again. */
static err_t try_open(const char *path, bool group_readable, const char *owner, struct capture *c,
                      struct conf_err *e)
{
    int fd;
    err_t err = folder_open(path, group_readable, owner, &c->log, &fd, e);
    ck_assert((fd >= 0) == (err == OK));
    if (fd >= 0)
        close(fd);
    return err;
}

START_TEST(test_folder_is_made_and_kept_private)
{
    struct conf_err e = {""};
    struct capture *c = capture_new();
    new_dir();
    ck_ok(folder_check(in_dir("d"), &e));
    ck_assert_int_ne(access(in_dir("d"), F_OK), 0);
    ck_ok(try_open(in_dir("d"), false, NULL, c, &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0700);
    ck_assert_str_eq(c->text, "");
    ck_assert_int_eq(chmod(in_dir("d"), 0755), 0);
    ck_ok(folder_check(in_dir("d"), &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0755);
    ck_ok(try_open(in_dir("d"), false, NULL, c, &e));
    ck_assert_int_eq(mode_of(in_dir("d")), 0700);
    ck_assert_ptr_nonnull(strstr(c->text, "[warn] Fixing permissions on directory"));
    ck_ok(try_open(in_dir("d"), true, NULL, c, &e));
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
    ck_err(try_open(in_dir("a/b"), false, NULL, c, &e), ERR_IO);
    snprintf(want, sizeof want, "Couldn't create private data directory \"%s\"", in_dir("a/b"));
    ck_assert_ptr_nonnull(strstr(e.text, want));
    ck_err(folder_check(in_dir("a/b"), &e), ERR_IO);
    close(open(in_dir("file"), O_CREAT | O_WRONLY, 0600));
    ck_err(try_open(in_dir("file"), false, NULL, c, &e), ERR_IO);
    ck_err(folder_check(in_dir("file"), &e), ERR_IO);
    ck_err(try_open(dir, false, "no-such-user", c, &e), ERR_IO);
    const char *other = geteuid() == 0 ? "nobody" : "root";
    ck_err(try_open(dir, false, other, c, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "is not owned by this user"));
    free(c);
    remove_dir();
}
END_TEST

START_TEST(test_folder_that_is_a_link_is_refused_and_its_target_left_alone)
{
    struct conf_err e = {""};
    struct capture *c = capture_new();
    char target[128];
    new_dir();
    snprintf(target, sizeof target, "%s", in_dir("target"));
    ck_assert_int_eq(mkdir(target, 0755), 0);
    ck_assert_int_eq(symlink(target, in_dir("link")), 0);
    ck_err(folder_check(in_dir("link"), &e), ERR_IO);
    ck_err(try_open(in_dir("link"), false, NULL, c, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "is a symbolic link"));
    ck_assert_int_eq(mode_of(target), 0755);
    /* One that leads nowhere is not made a folder of, either. */
    ck_assert_int_eq(rmdir(target), 0);
    ck_err(try_open(in_dir("link"), false, NULL, c, &e), ERR_IO);
    ck_assert_int_ne(access(target, F_OK), 0);
    free(c);
    remove_dir();
}
END_TEST

static int opened(void)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(test_folder_lock_keeps_the_second_out_until_the_first_is_gone)
{
    struct conf_err e = {""};
    int first = -1, second = -1;
    new_dir();
    int fd = opened();
    ck_ok(folder_lock(fd, dir, &first, &e));
    ck_err(folder_lock(fd, dir, &second, &e), ERR_STATE);
    ck_assert_int_eq(second, -1);
    close(first);
    ck_ok(folder_lock(fd, dir, &second, &e));
    close(second);
    /* As another user might lay it out: the lock is no way to empty a file elsewhere. */
    ck_assert_int_eq(unlink(in_dir("lock")), 0);
    ck_assert_int_eq(symlink("elsewhere", in_dir("lock")), 0);
    ck_err(folder_lock(fd, dir, &first, &e), ERR_IO);
    close(fd);
    remove_dir();
}
END_TEST

START_TEST(test_folder_of_a_path)
{
    char out[32];
    folder_of("/a/b/c", out, sizeof out);
    ck_assert_str_eq(out, "/a/b");
    folder_of("/a", out, sizeof out);
    ck_assert_str_eq(out, "/");
    folder_of("a", out, sizeof out);
    ck_assert_str_eq(out, ".");
    folder_of("a/b", out, sizeof out);
    ck_assert_str_eq(out, "a");
}
END_TEST

TESTS("host/folder", test_folder_is_made_and_kept_private, test_folder_refusals,
      test_folder_that_is_a_link_is_refused_and_its_target_left_alone,
      test_folder_lock_keeps_the_second_out_until_the_first_is_gone, test_folder_of_a_path)
