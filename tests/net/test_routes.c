/* That addresses or routes have changed, as the kernel tells: its end of the socket is this
 * file's. */
#include "net/routes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct routes *routes;
    int kernel, ours; /* the two ends */
    bool no_netlink, not_bound, overrun;
    unsigned told;
} t;

int socket(int domain, int type, int protocol)
{
    int pair[2];
    if (domain != AF_NETLINK)
        return (int)syscall(SYS_socket, domain, type, protocol);
    ck_assert_int_eq(protocol, NETLINK_ROUTE);
    if (t.no_netlink || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != 0)
        return -1;
    t.kernel = pair[1];
    return t.ours = pair[0];
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    const struct sockaddr_nl *to = (const void *)addr;
    if (addr->sa_family != AF_NETLINK)
        return (int)syscall(SYS_bind, fd, addr, len);
    ck_assert(to->nl_groups & RTMGRP_LINK && to->nl_groups & RTMGRP_IPV4_IFADDR &&
              to->nl_groups & RTMGRP_IPV6_IFADDR && to->nl_groups & RTMGRP_IPV4_ROUTE &&
              to->nl_groups & RTMGRP_IPV6_ROUTE);
    return t.not_bound ? -1 : 0;
}

/* The kernel had more to tell than there was room for. */
ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    if (fd == t.ours && t.overrun) {
        t.overrun = false;
        errno = ENOBUFS;
        return -1;
    }
    return recvfrom(fd, bytes, len, flags, NULL, NULL);
}

static void on_change(void *arg)
{
    ck_assert_ptr_eq(arg, &t);
    t.told++;
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.kernel = t.ours = -1;
    t.log.least = LOG_ERR;
    ck_ok(net_new(&t.log, NULL, &t.net));
}

static void teardown(void)
{
    routes_free(t.routes);
    routes_free(NULL);
    if (t.kernel >= 0)
        close(t.kernel);
    net_free(t.net);
}

static void stop(void *arg)
{
    (void)arg;
    net_stop(t.net);
}

static void run_ms(uint64_t ms)
{
    struct timer end;
    timer_init(&end, stop, NULL);
    env_arm_ms(net_env(t.net), &end, ms);
    net_run(t.net);
    env_disarm(net_env(t.net), &end);
}

static void change(void)
{
    ck_assert_int_eq((int)send(t.kernel, "changed", 7, 0), 7);
}

START_TEST(test_routes_tell_of_changes_together)
{
    setup();
    t.routes = routes_new(t.net, on_change, &t);
    ck_assert_ptr_nonnull(t.routes);
    run_ms(20);
    ck_assert_uint_eq(t.told, 0);
    for (unsigned i = 0; i < 3; i++)
        change();
    run_ms(300);
    ck_assert_uint_eq(t.told, 1);
    change();
    run_ms(300);
    ck_assert_uint_eq(t.told, 2);
    teardown();
}
END_TEST

START_TEST(test_routes_take_what_was_lost_for_a_change)
{
    setup();
    t.routes = routes_new(t.net, on_change, &t);
    ck_assert_ptr_nonnull(t.routes);
    t.overrun = true;
    change();
    run_ms(300);
    ck_assert_uint_eq(t.told, 1);
    ck_assert(!t.overrun);
    teardown();
}
END_TEST

START_TEST(test_routes_that_end_tell_no_more)
{
    setup();
    t.routes = routes_new(t.net, on_change, &t);
    ck_assert_ptr_nonnull(t.routes);
    change();
    run_ms(20); /* heard, and not told yet */
    routes_free(t.routes);
    t.routes = NULL;
    run_ms(300);
    ck_assert_uint_eq(t.told, 0);
    teardown();
}
END_TEST

START_TEST(test_routes_are_none_where_the_kernel_does_not_tell)
{
    setup();
    t.no_netlink = true;
    ck_assert_ptr_null(routes_new(t.net, on_change, &t));
    t.no_netlink = false;
    t.not_bound = true;
    ck_assert_ptr_null(routes_new(t.net, on_change, &t));
    teardown();
}
END_TEST

TESTS("net/routes", test_routes_tell_of_changes_together,
      test_routes_take_what_was_lost_for_a_change, test_routes_that_end_tell_no_more,
      test_routes_are_none_where_the_kernel_does_not_tell)
