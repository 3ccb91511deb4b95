/* A command run with us: its start, its end, what it leaves. */
#include "app/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

static void nap(void)
{
    const struct timespec t = {0, 5000000};
    nanosleep(&t, NULL);
}

static void wait_end(struct command *c)
{
    for (int i = 0; i < 2000 && !c->ended; i++) {
        command_reap(c);
        nap();
    }
    ck_assert(c->ended);
}

static int run(const char *script)
{
    char *const argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    struct command c;
    ck_assert_int_eq(command_start(&c, argv, NULL), 0);
    wait_end(&c);
    command_sweep(&c);
    return c.status;
}

START_TEST(test_command_status_is_the_programs)
{
    ck_assert_int_eq(run("exit 0"), 0);
    ck_assert_int_eq(run("exit 42"), 42);
    ck_assert_int_eq(run("kill -TERM $$"), 128 + SIGTERM);
    ck_assert_int_eq(run("kill -KILL $$"), 128 + SIGKILL);
}
END_TEST

START_TEST(test_command_cannot_be_run)
{
    char *const missing[] = {"/nonexistent/program", NULL}, *const folder[] = {"/", NULL};
    struct command c;
    ck_assert_int_eq(command_start(&c, missing, NULL), ENOENT);
    command_signal(&c, SIGTERM);
    command_sweep(&c);
    ck_assert_int_eq(command_start(&c, folder, NULL), EACCES);
    command_sweep(&c);
}
END_TEST

START_TEST(test_command_has_default_signals)
{
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(run("kill -PIPE $$; exit 3"), 128 + SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
}
END_TEST

START_TEST(test_command_signals_reach_its_group)
{
    char *const argv[] = {"sh", "-c", "trap 'exit 7' USR1; sleep 100 & wait", NULL};
    struct command c;
    ck_assert_int_eq(command_start(&c, argv, NULL), 0);
    for (int i = 0; i < 400 && !c.ended; i++) { /* until the trap is set */
        nap();
        command_reap(&c);
        command_signal(&c, SIGUSR1);
    }
    wait_end(&c);
    ck_assert(c.status == 7 || c.status == 128 + SIGUSR1);
    command_sweep(&c);
}
END_TEST

/* Whether the process that SCRIPT wrote the number of to its standard output is alive. */
static bool leaves_behind(const char *script)
{
    char path[] = "/tmp/tunic-command-XXXXXX", text[256];
    int fd = mkstemp(path);
    long pid = 0;
    ck_assert_int_ge(fd, 0);
    snprintf(text, sizeof text, "%s", script);
    setenv("OUT", path, 1);
    ck_assert_int_eq(run(text), 0);
    FILE *f = fdopen(fd, "r");
    ck_assert_int_eq(fscanf(f, "%ld", &pid), 1);
    fclose(f);
    (void)remove(path);
    ck_assert_int_gt(pid, 1);
    return kill((pid_t)pid, 0) == 0;
}

START_TEST(test_command_leaves_nothing_behind)
{
    ck_assert(!leaves_behind("sleep 100 & echo $! > $OUT"));
    ck_assert(!leaves_behind("(trap '' TERM; echo $(exec sh -c 'echo $PPID') > $OUT; sleep 100; "
                             "sleep 100) & sleep 0.1"));
    ck_assert(!leaves_behind("setsid sh -c 'echo $$ > $OUT; exec sleep 100' & sleep 0.2"));
}
END_TEST

START_TEST(test_command_sweep_ends_one_that_runs)
{
    char *const argv[] = {"sleep", "100", NULL};
    struct command c;
    ck_assert_int_eq(command_start(&c, argv, NULL), 0);
    pid_t pid = c.pid;
    command_sweep(&c);
    ck_assert_int_ne(kill(pid, 0), 0);
}
END_TEST

TESTS("app/command", test_command_status_is_the_programs, test_command_cannot_be_run,
      test_command_has_default_signals, test_command_signals_reach_its_group,
      test_command_leaves_nothing_behind, test_command_sweep_ends_one_that_runs)
