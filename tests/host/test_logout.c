/* Log destinations whose reader stops reading. */
#include "host/logout.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

enum { LINE = 100, PIPE_SIZE = 4096 };

/* Line number I, LINE bytes of it. */
static const char *line(unsigned i, char out[LINE + 1])
{
    snprintf(out, LINE + 1, "%-*u\n", LINE - 1, i);
    return out;
}

/* Until one is lost; how many were taken. */
static unsigned fill(struct logout *o, unsigned from)
{
    char text[LINE + 1];
    unsigned i = from;
    while (logout_add(o, line(i, text), LINE)) {
        (void)logout_flush(o);
        ck_assert_uint_lt(++i, 100000);
    }
    return i - from;
}

/* Reads N lines, which are those from FROM on. */
static void reads(struct logout *o, int fd, unsigned from, unsigned n)
{
    char want[LINE + 1], got[LINE];
    for (unsigned i = from; i < from + n; i++) {
        for (size_t at = 0; at < LINE;) {
            ssize_t len = read(fd, got + at, LINE - at);
            if (len < 0 && errno == EAGAIN) {
                (void)logout_flush(o);
                continue;
            }
            ck_assert_int_gt(len, 0);
            at += (size_t)len;
        }
        ck_assert_mem_eq(got, line(i, want), LINE);
    }
}

static void fills_and_goes_on(int reader, int writer)
{
    struct logout o;
    char text[LINE + 1];
    int flags = fcntl(writer, F_GETFL);
    ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    logout_init(&o, writer, false);
    unsigned n = fill(&o, 0);
    ck_assert_uint_ge(n, LOGOUT_QUEUE_MAX / LINE);
    ck_assert(!logout_flush(&o));
    ck_assert(!logout_add(&o, line(n, text), LINE));
    ck_assert_uint_eq(o.lost, 2);
    ck_assert_int_eq(fcntl(writer, F_GETFL), flags); /* it is others' descriptor, too */
    reads(&o, reader, 0, n);
    ck_assert(logout_flush(&o));
    o.lost = 0;
    ck_assert(logout_add(&o, line(n, text), LINE));
    ck_assert(logout_flush(&o));
    reads(&o, reader, n, 1);
    logout_close(&o);
}

START_TEST(test_logout_to_a_pipe_goes_on)
{
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    (void)fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE);
    fills_and_goes_on(fd[0], fd[1]);
    ck_assert_int_ge(fcntl(fd[1], F_GETFD), 0); /* not ours to close */
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(test_logout_to_a_socket_goes_on)
{
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    fills_and_goes_on(fd[0], fd[1]);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(test_logout_to_a_terminal_goes_on)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        printf("skipped: no terminals here: %s\n", strerror(errno));
        return;
    }
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    struct logout o;
    logout_init(&o, slave, false);
    ck_assert_uint_ge(fill(&o, 0), LOGOUT_QUEUE_MAX / LINE);
    logout_close(&o);
    close(slave);
    close(master);
}
END_TEST

/* As where the pipe is another user's: what is polled is written. */
START_TEST(test_logout_without_a_description_of_its_own_goes_on)
{
    struct logout o;
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    logout_init(&o, fd[1], false);
    close(o.own_fd);
    o.own_fd = -1;
    o.how = LOGOUT_POLL;
    ck_assert_int_eq(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    unsigned n = fill(&o, 0);
    reads(&o, fd[0], 0, n);
    logout_close(&o);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(test_logout_whose_reader_has_gone_goes_on)
{
    struct logout o;
    char text[LINE + 1];
    int fd[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(fd), 0);
    logout_init(&o, fd[1], true);
    close(fd[0]);
    for (unsigned i = 0; i < 10000; i++) {
        ck_assert(logout_add(&o, line(i, text), LINE));
        ck_assert(logout_flush(&o));
    }
    logout_close(&o);
    ck_assert_int_lt(fcntl(fd[1], F_GETFD), 0); /* ours to close */
}
END_TEST

START_TEST(test_logout_to_disk_is_written_at_once)
{
    struct logout o;
    char text[LINE + 1];
    struct stat st;
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    logout_init(&o, fileno(f), false);
    for (unsigned i = 0; i < 5000; i++) {
        ck_assert(logout_add(&o, line(i, text), LINE));
        ck_assert(logout_flush(&o));
    }
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    ck_assert_int_eq(st.st_size, 5000 * LINE);
    logout_close(&o);
    fclose(f);
}
END_TEST

START_TEST(test_logout_last_words_are_waited_for_so_long)
{
    struct logout o;
    char text[LINE + 1];
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    logout_init(&o, fd[1], false);
    fill(&o, 0);
    ck_assert(!logout_flush_ms(&o, 20));
    while (o.queue.len) { /* a slow reader */
        (void)!read(fd[0], text, LINE);
        (void)logout_flush_ms(&o, 0);
    }
    ck_assert(logout_flush_ms(&o, 0));
    logout_close(&o);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

TESTS("host/logout", test_logout_to_a_pipe_goes_on, test_logout_to_a_socket_goes_on,
      test_logout_to_a_terminal_goes_on, test_logout_without_a_description_of_its_own_goes_on,
      test_logout_whose_reader_has_gone_goes_on, test_logout_to_disk_is_written_at_once,
      test_logout_last_words_are_waited_for_so_long)
