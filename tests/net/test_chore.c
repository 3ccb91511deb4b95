#include "net/chore.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct chore *chore;
    int value; /* of this process; the other one changes its own */
    bool over, good;
    char said[CHORE_SAYS_MOST + 1];
    size_t len;
    int held;
    size_t heard;
    bool holds;
} t;

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR};
    ck_ok(net_new(&t.log, NULL, &t.net));
}

static void done(void *arg, bool good, struct text said)
{
    ck_assert_ptr_eq(arg, &t);
    t.chore = NULL;
    t.over = true;
    t.good = good;
    t.len = said.len;
    if (said.len)
        memcpy(t.said, said.s, said.len);
    net_stop(t.net);
}

static void run(bool (*work)(void *arg, int to))
{
    const struct chore_work of = {.work = work, .done = done, .arg = &t};
    t.over = false;
    ck_ok(chore_start(t.net, &of, &t.chore));
    net_run(t.net);
    ck_assert(t.over);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left of it */
}

static bool says(void *arg, int to)
{
    (void)arg;
    t.value++;
    return dprintf(to, "value %d", t.value) > 0;
}

START_TEST(test_chore_says_and_changes_nothing)
{
    setup();
    t.value = 6;
    run(says);
    ck_assert(t.good);
    ck_assert_uint_eq(t.len, 7);
    ck_assert_mem_eq(t.said, "value 7", 7);
    ck_assert_int_eq(t.value, 6);
    net_free(t.net);
}
END_TEST

static bool fails(void *arg, int to)
{
    (void)arg;
    return dprintf(to, "why") < 0;
}

static bool is_killed(void *arg, int to)
{
    (void)arg, (void)to;
    (void)kill(getpid(), SIGKILL);
    return true;
}

START_TEST(test_chore_that_fails_or_is_killed)
{
    setup();
    run(fails);
    ck_assert(!t.good && t.len == 3);
    run(is_killed);
    ck_assert(!t.good && t.len == 0);
    net_free(t.net);
}
END_TEST

static bool talks_much(void *arg, int to)
{
    static const char much[3 * CHORE_SAYS_MOST];
    const char *at = much;
    (void)arg;
    for (size_t left = sizeof much; left;) {
        ssize_t n = write(to, at, left);
        if (n <= 0)
            return false;
        at += n;
        left -= (size_t)n;
    }
    return true;
}

START_TEST(test_chore_that_talks_much_is_cut)
{
    setup();
    run(talks_much);
    ck_assert(t.good);
    ck_assert_uint_eq(t.len, CHORE_SAYS_MOST);
    net_free(t.net);
}
END_TEST

static void heard(void *arg, struct text piece)
{
    ck_assert_ptr_eq(arg, &t);
    ck_assert_uint_gt(piece.len, 0);
    t.heard += piece.len;
    chore_hold(t.chore, t.holds);
}

/* What is written comes as it is written, and not while it is held: then the pipe is full. */
START_TEST(test_chore_is_heard_and_held)
{
    const struct chore_work of = {.work = talks_much, .done = done, .arg = &t, .heard = heard};
    setup();
    t.holds = true;
    ck_ok(chore_start(t.net, &of, &t.chore));
    while (!t.heard)
        ck_ok(net_turn(t.net, true));
    size_t before = t.heard;
    ck_assert_uint_lt(before, CHORE_SAYS_MOST);
    for (int i = 0; i < 100; i++) {
        ck_ok(net_turn(t.net, false));
        usleep(1000);
    }
    ck_assert_uint_eq(t.heard, before);
    ck_assert(!t.over);
    t.holds = false;
    chore_hold(t.chore, false);
    net_run(t.net);
    ck_assert(t.over && t.good);
    ck_assert_uint_eq(t.heard, 3 * CHORE_SAYS_MOST);
    ck_assert_uint_eq(t.len, 0);
    net_free(t.net);
}
END_TEST

static bool looks(void *arg, int to)
{
    (void)arg;
    bool held = fcntl(t.held, F_GETFD) >= 0 && t.held != to;
    return !held && signal(SIGTERM, SIG_DFL) == SIG_DFL && fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

/* A socket of ours that it held would stay open when we close it. */
START_TEST(test_chore_holds_nothing_of_ours)
{
    setup();
    t.held = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 20);
    ck_assert_int_ge(t.held, 20);
    signal(SIGTERM, SIG_IGN);
    run(looks);
    ck_assert(t.good);
    close(t.held);
    net_free(t.net);
}
END_TEST

static bool waits(void *arg, int to)
{
    (void)arg, (void)to;
    pause();
    return true;
}

START_TEST(test_chore_that_is_stopped_is_gone)
{
    const struct chore_work of = {.work = waits, .done = done, .arg = &t};
    setup();
    ck_ok(chore_start(t.net, &of, &t.chore));
    chore_stop(t.chore);
    ck_assert(!t.over);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    chore_stop(NULL);
    net_free(t.net);
}
END_TEST

START_TEST(test_chore_without_descriptors)
{
    const struct chore_work of = {.work = says, .done = done, .arg = &t};
    struct rlimit files;
    setup();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, files.rlim_max}), 0);
    ck_err(chore_start(t.net, &of, &t.chore), ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    run(says);
    net_free(t.net);
}
END_TEST

TESTS("net/chore", test_chore_says_and_changes_nothing, test_chore_that_fails_or_is_killed,
      test_chore_that_talks_much_is_cut, test_chore_is_heard_and_held,
      test_chore_holds_nothing_of_ours, test_chore_that_is_stopped_is_gone,
      test_chore_without_descriptors)
