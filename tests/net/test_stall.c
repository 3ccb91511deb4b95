/* Whether the peer of a TCP connection acknowledges anything, as the kernel tells: the kernel is
 * this file's. */
#include "net/stall.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "support/test.h"

static struct {
    struct env *env;
    struct stall stall;
    struct tcp_info tcp;
    uint64_t acked_us; /* when anything was acknowledged last */
    bool no_tcp;
    unsigned looks, stalls, ends;
} t;

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    ck_assert_int_eq(fd, 42);
    ck_assert_int_eq(level, IPPROTO_TCP);
    ck_assert_int_eq(name, TCP_INFO);
    t.looks++;
    errno = EOPNOTSUPP;
    if (t.no_tcp)
        return -1;
    t.tcp.tcpi_last_ack_recv = (uint32_t)((t.env->mono_us - t.acked_us) / US_PER_MS);
    *len = sizeof t.tcp;
    memcpy(value, &t.tcp, sizeof t.tcp);
    return 0;
}

static void on_stall(void *arg, bool stalled)
{
    ck_assert_ptr_eq(arg, &t);
    t.stalls += stalled;
    t.ends += !stalled;
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.env = test_env(1);
    test_env_advance_ms(t.env, 3600 * 1000); /* the connection has been idle for an hour */
    stall_init(&t.stall, t.env, 42, on_stall, &t);
}

static void teardown(void)
{
    stall_end(&t.stall);
    test_env_free(t.env);
}

static void send_unacked(unsigned retransmits)
{
    t.tcp.tcpi_unacked = 1;
    t.tcp.tcpi_retransmits = (uint8_t)retransmits;
    stall_sent(&t.stall);
}

START_TEST(test_stall_is_told_once_and_so_is_its_end)
{
    setup();
    send_unacked(2);
    test_env_advance_ms(t.env, 1999); /* the idle hour is not the peer's silence */
    ck_assert_uint_eq(t.stalls, 0);
    test_env_advance_ms(t.env, 1);
    ck_assert_uint_eq(t.stalls, 1);
    test_env_advance_ms(t.env, 60000);
    ck_assert_uint_eq(t.stalls + t.ends, 1);
    t.acked_us = t.env->mono_us;
    t.tcp.tcpi_unacked = t.tcp.tcpi_retransmits = 0;
    test_env_advance_ms(t.env, 500);
    ck_assert_uint_eq(t.ends, 1);
    teardown();
}
END_TEST

START_TEST(test_stall_is_no_slow_peer)
{
    setup();
    send_unacked(1); /* a loss by chance */
    test_env_advance_ms(t.env, 10000);
    ck_assert_uint_eq(t.stalls, 0);
    t.tcp.tcpi_retransmits = 5;
    for (unsigned i = 0; i < 10; i++) { /* some of it is acknowledged each second */
        t.acked_us = t.env->mono_us;
        test_env_advance_ms(t.env, 1000);
    }
    ck_assert_uint_eq(t.stalls, 0);
    teardown();
}
END_TEST

START_TEST(test_stall_waits_for_four_round_trips_more)
{
    setup();
    t.tcp.tcpi_rtt = 700 * 1000;
    send_unacked(3);
    test_env_advance_ms(t.env, 4500);
    ck_assert_uint_eq(t.stalls, 0);
    test_env_advance_ms(t.env, 500);
    ck_assert_uint_eq(t.stalls, 1);
    teardown();
}
END_TEST

START_TEST(test_stall_looks_while_anything_is_under_way)
{
    setup();
    test_env_advance_ms(t.env, 10000);
    ck_assert_uint_eq(t.looks, 0);
    send_unacked(0);
    test_env_advance_ms(t.env, 300);
    stall_sent(&t.stall); /* puts nothing off */
    test_env_advance_ms(t.env, 700);
    ck_assert_uint_eq(t.looks, 2);
    t.tcp.tcpi_unacked = 0;
    test_env_advance_ms(t.env, 10000);
    ck_assert_uint_eq(t.looks, 3);
    send_unacked(2);
    test_env_advance_ms(t.env, 1500); /* counted from what was sent now */
    ck_assert_uint_eq(t.looks, 6);
    ck_assert_uint_eq(t.stalls, 0);
    stall_end(&t.stall);
    test_env_advance_ms(t.env, 10000);
    ck_assert_uint_eq(t.looks, 6);
    teardown();
}
END_TEST

START_TEST(test_stall_knows_nothing_of_what_is_no_tcp)
{
    setup();
    t.no_tcp = true;
    send_unacked(9);
    test_env_advance_ms(t.env, 60000);
    ck_assert_uint_eq(t.looks, 1);
    ck_assert_uint_eq(t.stalls, 0);
    teardown();
}
END_TEST

TESTS("net/stall", test_stall_is_told_once_and_so_is_its_end, test_stall_is_no_slow_peer,
      test_stall_waits_for_four_round_trips_more, test_stall_looks_while_anything_is_under_way,
      test_stall_knows_nothing_of_what_is_no_tcp)
