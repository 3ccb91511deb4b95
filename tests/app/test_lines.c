#include "app/lines.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/tempdir.h"

enum { LINE = 32, ANSWERS = 300000 };

static struct {
    struct log log;
    struct net *net;
    struct lines *lines;
    int fd;
    unsigned each;
    char got[4096];
    size_t len;
    unsigned sent, gone;
    size_t waited; /* when some was sent last */
} t;

struct own {
    unsigned n;
};

/* "echo" answers with what number of order this is, "much" with more than is read. */
static void obey(void *arg, struct lines_caller *c, struct text line)
{
    static char much[100000];
    struct own *own = lines_own(c);
    char text[100];
    ck_assert_ptr_eq(arg, &t);
    memset(much, 'x', sizeof much);
    snprintf(text, sizeof text, "%u %.*s", ++own->n, TEXT_ARG(line));
    if (text_is(line, "much"))
        for (int i = 0; i < 10; i++)
            lines_say(c, (struct text){much, sizeof much});
    else
        lines_say(c, text_of(text));
}

static void sent(void *arg, struct lines_caller *c)
{
    ck_assert_ptr_eq(arg, &t);
    t.sent++;
    t.waited = lines_waiting(c);
}

static void gone(void *arg, struct lines_caller *c)
{
    const struct own *own = lines_own(c);
    ck_assert_ptr_eq(arg, &t);
    ck_assert_uint_eq(own->n, 1);
    t.gone++;
}

static const struct lines_kind kind = {.what = "test",
                                       .line_most = LINE,
                                       .answers_most = ANSWERS,
                                       .own_size = sizeof(struct own),
                                       .obey = obey};

static int dial(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%.90s", in_dir("socket"));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR};
    new_dir();
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_ok(lines_open(t.net, &kind, in_dir("socket"), &t, &t.lines));
    t.fd = dial();
}

static void teardown(void)
{
    close(t.fd);
    lines_close(t.lines);
    net_free(t.net);
    remove_dir();
}

static void say(const char *text)
{
    ck_assert_int_eq(write(t.fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What comes until TEXT is its end, or, if TEXT is "", the connection's. */
static void expect(const char *text)
{
    for (int i = 0; i < 10000; i++) {
        size_t len = strlen(text);
        ssize_t n = read(t.fd, t.got + t.len, sizeof t.got - 1 - t.len);
        if (n > 0) {
            t.len = len ? t.len + (size_t)n : 0;
            t.got[t.len] = 0;
        }
        if (len ? t.len >= len && strcmp(t.got + t.len - len, text) == 0 : n == 0)
            return;
        ck_ok(net_turn(t.net, n <= 0 && len > 0));
    }
    ck_abort_msg("got %s", t.got);
}

START_TEST(test_lines_in_pieces_and_glued)
{
    setup();
    say("ec");
    ck_ok(net_turn(t.net, true));
    say("ho\necho\n\nec");
    expect("1 echo\n2 echo\n3 \n");
    say("ho\n");
    expect("4 echo\n");
    ck_assert_int_eq(mode_of(in_dir("socket")), 0600);
    teardown();
}
END_TEST

START_TEST(test_lines_that_are_too_long_end_it)
{
    setup();
    say("echo\n0123456789012345678901234567890123456789\necho\n");
    expect("1 echo\n");
    expect("");
    ck_assert_ptr_null(strstr(t.got, "2 "));
    teardown();
}
END_TEST

/* Who produces much for a caller has to know when there is room again, and when it is no use. */
START_TEST(test_lines_owner_is_told_of_what_is_sent_and_who_is_gone)
{
    static const struct lines_kind told = {.what = "told",
                                           .line_most = LINE,
                                           .answers_most = ANSWERS,
                                           .own_size = sizeof(struct own),
                                           .obey = obey,
                                           .sent = sent,
                                           .gone = gone};
    setup();
    lines_close(t.lines);
    close(t.fd);
    ck_ok(lines_open(t.net, &told, in_dir("socket"), &t, &t.lines));
    t.fd = dial();
    say("echo\n");
    expect("1 echo\n");
    ck_assert_uint_eq(t.sent, 1);
    ck_assert_uint_eq(t.waited, 0);
    ck_assert_uint_eq(t.gone, 0);
    close(t.fd);
    for (int i = 0; i < 100 && !t.gone; i++)
        ck_ok(net_turn(t.net, true));
    ck_assert_uint_eq(t.gone, 1);
    t.fd = dial();
    t.len = 0;
    say("echo\n");
    expect("1 echo\n");
    lines_close(t.lines);
    ck_assert_uint_eq(t.gone, 2);
    ck_ok(lines_open(t.net, &kind, in_dir("socket"), &t, &t.lines));
    teardown();
}
END_TEST

START_TEST(test_lines_who_does_not_read_is_sent_away)
{
    setup();
    say("much\necho\n");
    for (int i = 0; i < 3; i++)
        ck_ok(net_turn(t.net, i == 0));
    int second = dial();
    ck_assert_int_eq(write(second, "echo\n", 5), 5);
    int first = t.fd;
    t.fd = second;
    expect("1 echo\n"); /* others are not */
    t.fd = first;
    expect("");
    close(second);
    teardown();
}
END_TEST

static void count(void *arg, struct lines_caller *c)
{
    ck_assert_ptr_eq(arg, &t);
    t.each++;
    lines_say(c, TEXT_LIT("all\n"));
}

START_TEST(test_lines_each_hears_it)
{
    setup();
    int second = dial();
    ck_assert_int_eq(write(second, "echo\n", 5), 5);
    say("echo\n");
    expect("1 echo\n");
    int first = t.fd;
    t.fd = second;
    expect("1 echo\n");
    net_enter(t.net);
    lines_each(t.lines, count, &t);
    ck_assert_uint_eq(t.each, 2);
    expect("all\n");
    t.fd = first;
    expect("all\n");
    close(second);
    teardown();
}
END_TEST

START_TEST(test_lines_of_too_many_callers)
{
    int fds[LINES_CALLERS_MOST];
    setup();
    for (int i = 0; i < LINES_CALLERS_MOST; i++) {
        fds[i] = dial();
        ck_ok(net_turn(t.net, false));
    }
    say("echo\n");
    expect("1 echo\n");
    close(t.fd);
    t.fd = fds[LINES_CALLERS_MOST - 1];
    expect("");
    for (int i = 0; i < LINES_CALLERS_MOST - 1; i++)
        close(fds[i]);
    teardown();
}
END_TEST

START_TEST(test_lines_of_a_path_that_is_too_long)
{
    struct lines *l;
    char path[200];
    setup();
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    ck_err(lines_open(t.net, &kind, path, &t, &l), ERR_LIMIT);
    lines_close(NULL);
    teardown();
}
END_TEST

TESTS("app/lines", test_lines_in_pieces_and_glued, test_lines_that_are_too_long_end_it,
      test_lines_owner_is_told_of_what_is_sent_and_who_is_gone,
      test_lines_who_does_not_read_is_sent_away, test_lines_each_hears_it,
      test_lines_of_too_many_callers, test_lines_of_a_path_that_is_too_long)
