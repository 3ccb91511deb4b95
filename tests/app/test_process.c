#include "app/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/capture.h"
#include "support/tempdir.h"

START_TEST(test_process_settle_and_end)
{
    struct conf_err e = {""};
    char torrc[256], text[32] = "";
    new_dir();
    snprintf(torrc, sizeof torrc, "PidFile %s/pid\n", dir);
    struct options *o = good_options(torrc);
    struct process p;
    ck_ok(process_begin(&p, o, NULL, &e));
    ck_ok(process_settle(o, NULL, &e));
    ck_ok(process_mark(&p, o, &e));
    ck_assert_int_eq(mode_of(in_dir("pid")), 0644);
    FILE *f = fopen(in_dir("pid"), "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    ck_assert_int_eq(atoi(text), (int)getpid());
    process_serving(&p);
    process_end(&p);
    ck_assert_int_ne(access(in_dir("pid"), F_OK), 0);
    struct rlimit core;
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
    ck_assert_uint_eq(core.rlim_cur, 0);
    options_free(o);
    remove_dir();
}
END_TEST

START_TEST(test_process_pidfile_that_cannot_be_written)
{
    struct conf_err e = {""};
    ck_err(process_pidfile_write("/nonexistent/pid", &e), ERR_IO);
    ck_assert_str_eq(e.text,
                     "Unable to open \"/nonexistent/pid\" for writing: No such file or directory");
}
END_TEST

START_TEST(test_process_fd_limit)
{
    struct conf_err e = {""};
    struct rlimit lim;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
    lim.rlim_cur = 64;
    lim.rlim_max = 256;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
    ck_ok(process_raise_fd_limit(200, NULL, &e));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
    ck_assert_uint_eq(lim.rlim_cur, 256);
    ck_err(process_raise_fd_limit(1000, NULL, &e), ERR_LIMIT);
    ck_assert_str_eq(e.text, "We need 1000 file descriptors available, and we're limited to 256. "
                             "Please change your ulimit -n.");
    ck_err(process_raise_fd_limit(5, NULL, &e), ERR_LIMIT);
}
END_TEST

START_TEST(test_process_user_that_does_not_exist)
{
    struct conf_err e = {""};
    ck_err(process_switch_user("no-such-user", NULL, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "\"no-such-user\""));
}
END_TEST

START_TEST(test_process_switch_user_leaves_no_way_back)
{
    if (geteuid() != 0)
        return; /* only root can */
    pid_t pid = fork();
    if (pid == 0) {
        struct conf_err e;
        bool ok = process_switch_user("nobody", NULL, &e) == OK && getuid() != 0 &&
                  setuid(0) != 0 && getgroups(0, NULL) <= 1 &&
                  process_switch_user("nobody", NULL, &e) == OK &&
                  process_switch_user("root", NULL, &e) != OK;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* The status of the process that detached, whose daemon did or did not get to serve. */
static int daemon_status(bool serves)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct conf_err e;
        int fd = -1;
        if (process_daemon_start(&fd, &e) != OK)
            _exit(9);
        if (serves)
            process_daemon_ready(&fd);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(test_process_daemon_tells_its_parent_how_it_went)
{
    ck_assert_int_eq(daemon_status(true), 0);
    ck_assert_int_eq(daemon_status(false), 1);
}
END_TEST

START_TEST(test_process_alive)
{
    ck_assert(process_alive(getpid()));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(!process_alive(pid));
}
END_TEST

TESTS("app/process", test_process_settle_and_end, test_process_pidfile_that_cannot_be_written,
      test_process_fd_limit, test_process_user_that_does_not_exist,
      test_process_switch_user_leaves_no_way_back, test_process_daemon_tells_its_parent_how_it_went,
      test_process_alive)
