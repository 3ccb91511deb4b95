/* One descriptor for a program's own loop: readable when a turn would find something to do, and
 * only then. */
#include "net/watch.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct watch *watch;
    unsigned called;
    int pair[2];
    struct timer timer;
} t;

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    char byte;
    (void)arg;
    t.called++;
    if (what & EV_READ)
        ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static void on_timer(void *arg)
{
    (void)arg;
    t.called++;
}

static bool is_readable(int wait_ms)
{
    struct pollfd p = {.fd = watch_fd(t.watch), .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1;
}

static void turn(void)
{
    ck_ok(net_turn(t.net, false));
    ck_ok(watch_update(t.watch));
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log.least = LOG_ERR;
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_ok(watch_new(t.net, &t.watch));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, t.pair), 0);
    ck_assert(is_readable(0)); /* a new loop has its first batch to settle */
    turn();
    ck_assert(!is_readable(0));
}

static void teardown(void)
{
    close(t.pair[0]);
    close(t.pair[1]);
    watch_free(t.watch);
    watch_free(NULL);
    net_free(t.net);
}

static struct event *await(int fd, short what)
{
    struct event *ev = event_new(net_base(t.net), fd, what | EV_PERSIST, on_event, NULL);
    ck_assert_ptr_nonnull(ev);
    ck_assert_int_eq(event_add(ev, NULL), 0);
    ck_ok(watch_update(t.watch));
    return ev;
}

static void say(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

START_TEST(test_watch_wakes_for_what_comes_in)
{
    setup();
    struct event *ev = await(t.pair[0], EV_READ);
    ck_assert(!is_readable(0));
    say(t.pair[1]);
    ck_assert(is_readable(0));
    turn();
    ck_assert_uint_eq(t.called, 1);
    ck_assert(!is_readable(0));
    event_del(ev); /* nobody reads now: what comes must not wake anyone */
    ck_ok(watch_update(t.watch));
    say(t.pair[1]);
    ck_assert(!is_readable(0));
    event_free(ev);
    teardown();
}
END_TEST

START_TEST(test_watch_wakes_when_there_is_room_to_write)
{
    static char bytes[65536];
    setup();
    while (write(t.pair[0], bytes, sizeof bytes) > 0)
        continue;
    struct event *ev = await(t.pair[0], EV_WRITE);
    ck_assert(!is_readable(0));
    while (read(t.pair[1], bytes, sizeof bytes) > 0)
        continue;
    ck_assert(is_readable(0));
    event_free(ev);
    teardown();
}
END_TEST

START_TEST(test_watch_wakes_for_timers_and_kicks)
{
    setup();
    timer_init(&t.timer, on_timer, NULL);
    net_enter(t.net);
    env_arm_ms(net_env(t.net), &t.timer, 30);
    turn();
    ck_assert_uint_eq(t.called, 0);
    ck_assert(is_readable(5000));
    while (!t.called)
        turn();
    ck_assert(!is_readable(50));
    watch_kick(t.watch);
    ck_assert(is_readable(0));
    turn();
    ck_assert(!is_readable(0));
    teardown();
}
END_TEST

/* Whatever the numbers of descriptors are, and each of them closed and come back as another. */
START_TEST(test_watch_any_number_of_descriptors)
{
    enum { FIRST = 40, LAST = 240 };
    static struct event *ev[LAST + 1];
    setup();
    for (int fd = FIRST; fd <= LAST; fd++) {
        for (int round = 0; round < 2; round++) {
            ck_assert_int_eq(dup2(t.pair[0], fd), fd);
            struct event *once = await(fd, EV_READ);
            ck_assert(!is_readable(0));
            say(t.pair[1]);
            ck_assert_msg(is_readable(0), "descriptor %d", fd);
            turn();
            event_del(once);
            ck_ok(watch_update(t.watch));
            say(t.pair[1]);
            ck_assert_msg(!is_readable(0), "descriptor %d", fd);
            ck_assert_int_eq(read(fd, (char[1]){0}, 1), 1);
            event_free(once);
            close(fd);
        }
    }
    for (int fd = FIRST; fd <= LAST; fd++) { /* and all at once */
        ck_assert_int_eq(dup2(t.pair[0], fd), fd);
        ev[fd] = await(fd, EV_WRITE);
    }
    for (int fd = FIRST; fd <= LAST; fd++) {
        ck_assert_msg(is_readable(0), "descriptor %d", fd);
        event_free(ev[fd]);
        ck_ok(watch_update(t.watch));
        close(fd);
    }
    ck_assert(!is_readable(0));
    teardown();
}
END_TEST

/* A program that has many open when its first socket is made. */
START_TEST(test_watch_high_descriptor_first)
{
    setup();
    int high = fcntl(t.pair[0], F_DUPFD, 900);
    ck_assert_int_ge(high, 900);
    struct event *ev = await(high, EV_READ), *low = await(t.pair[1], EV_READ);
    say(t.pair[1]);
    ck_assert(is_readable(0));
    turn();
    ck_assert(!is_readable(0));
    say(t.pair[0]);
    ck_assert(is_readable(0));
    event_free(ev);
    event_free(low);
    close(high);
    teardown();
}
END_TEST

TESTS("net/watch", test_watch_wakes_for_what_comes_in, test_watch_wakes_when_there_is_room_to_write,
      test_watch_wakes_for_timers_and_kicks, test_watch_any_number_of_descriptors,
      test_watch_high_descriptor_first)
