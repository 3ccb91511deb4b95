/* Sockets around machines, over socket pairs and loopback. */
#include "net/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/limit.h"
#include "net/sockaddr.h"
#include "support/test.h"

enum { IN_CAP = 64 * 1024, BIG = 4 * 1024 * 1024 };

/* A machine that keeps what comes and sends what it was given. */
struct machine {
    struct conn *conn;
    uint8_t in[IN_CAP];
    size_t in_len, in_cap; /* in_cap: what it takes at most */
    const uint8_t *out;
    size_t out_len;
    unsigned ended, eofs, connected, drained, refused;
    int ended_errno;
    bool reads;
    bool drain_when_sent; /* from inside sent() */
    size_t held;          /* output, for later */
};

static uint8_t *in_room(void *arg, size_t *room)
{
    struct machine *m = arg;
    *room = m->in_cap - m->in_len;
    m->refused += *room == 0;
    return *room ? m->in + m->in_len : NULL;
}

static void in_done(void *arg, size_t len)
{
    struct machine *m = arg;
    m->in_len += len;
}

static void in_end(void *arg, int errno_)
{
    struct machine *m = arg;
    m->ended++;
    m->ended_errno = errno_;
}

static void in_eof(void *arg, bool sure)
{
    struct machine *m = arg;
    m->eofs++;
    m->reads = sure;
}

static void drained(void *arg)
{
    struct machine *m = arg;
    m->drained++;
}

static const uint8_t *out(void *arg, size_t *len)
{
    struct machine *m = arg;
    *len = m->out_len;
    return m->out_len ? m->out : NULL;
}

static void sent(void *arg, size_t len)
{
    struct machine *m = arg;
    ck_assert_uint_le(len, m->out_len);
    m->out += len;
    m->out_len -= len;
    if (m->drain_when_sent && m->out_len == 0) {
        m->drain_when_sent = false;
        conn_drain(m->conn, 1000, drained);
    }
}

static void connected(void *arg)
{
    struct machine *m = arg;
    m->connected++;
}

static const struct conn_machine ops = {.in_room = in_room,
                                        .in_done = in_done,
                                        .in_end = in_end,
                                        .out = out,
                                        .sent = sent,
                                        .connected = connected};

/* Of a machine that goes on when the peer sends no more. */
static const struct conn_machine half_ops = {.in_room = in_room,
                                             .in_done = in_done,
                                             .in_end = in_end,
                                             .in_eof = in_eof,
                                             .out = out,
                                             .sent = sent,
                                             .connected = connected};

static struct {
    struct log log;
    struct net *net;
    struct machine m;
    int peer; /* the test's end of the pair */
} t;

static void setup_with(const struct conn_machine *machine_ops)
{
    int fd[2];
    memset(&t, 0, sizeof t);
    t.log.least = LOG_ERR;
    t.m.in_cap = IN_CAP;
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    t.peer = fd[1];
    t.m.conn = conn_new(t.net, fd[0], machine_ops, &t.m);
    ck_assert_ptr_nonnull(t.m.conn);
}

static void setup(void)
{
    setup_with(&ops);
}

static void teardown(void)
{
    if (t.m.conn)
        conn_close(t.m.conn);
    if (t.peer >= 0)
        close(t.peer);
    net_free(t.net);
}

/* Lets the loop do all that it can do without waiting. */
static void turn(void)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(event_base_loop(net_base(t.net), EVLOOP_NONBLOCK), 0);
}

/* Waits up to two seconds for *COUNT to leave zero. */
static void wait_for(const unsigned *count)
{
    for (int i = 0; i < 2000 && !*count; i++) {
        usleep(1000);
        turn();
    }
    ck_assert_uint_gt(*count, 0);
}

static size_t peer_reads(size_t most)
{
    static uint8_t bytes[BIG];
    size_t got = 0;
    ssize_t n;
    while (got < most && (n = recv(t.peer, bytes, most - got, 0)) > 0)
        got += (size_t)n;
    return got;
}

START_TEST(test_conn_hands_over_what_comes)
{
    setup();
    ck_assert_int_eq(send(t.peer, "hello", 5, 0), 5);
    turn();
    ck_assert_uint_eq(t.m.in_len, 5);
    ck_assert_mem_eq(t.m.in, "hello", 5);
    ck_assert_uint_eq(t.m.ended, 0);
    teardown();
}
END_TEST

START_TEST(test_conn_writes_on_as_the_peer_reads)
{
    static uint8_t big[BIG];
    size_t got = 0;
    setup();
    t.m.out = big;
    t.m.out_len = sizeof big;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_gt(t.m.out_len, 0); /* the socket took a part */
    for (int i = 0; i < 10000 && got < sizeof big; i++) {
        got += peer_reads(sizeof big - got);
        turn();
    }
    ck_assert_uint_eq(got, sizeof big);
    ck_assert_uint_eq(t.m.out_len, 0);
    teardown();
}
END_TEST

START_TEST(test_conn_tells_the_end_once_after_the_last_bytes)
{
    setup();
    ck_assert_int_eq(send(t.peer, "last", 4, 0), 4);
    close(t.peer);
    t.peer = -1;
    turn();
    ck_assert_uint_eq(t.m.in_len, 4);
    ck_assert_uint_eq(t.m.ended, 1);
    ck_assert_int_eq(t.m.ended_errno, 0);
    t.m.out = (const uint8_t *)"x";
    t.m.out_len = 1;
    conn_output(t.m.conn); /* harmless */
    turn();
    ck_assert_uint_eq(t.m.ended, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_broken_while_it_writes_still_gives_what_came_before)
{
    setup();
    ck_assert_int_eq(send(t.peer, "last", 4, 0), 4);
    close(t.peer);
    t.peer = -1;
    t.m.out = (const uint8_t *)"x";
    t.m.out_len = 1;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.in_len, 4);
    ck_assert_uint_eq(t.m.ended, 1);
    teardown();
}
END_TEST

static void say(const char *text)
{
    t.m.out = (const uint8_t *)text;
    t.m.out_len = strlen(text);
    conn_output(t.m.conn);
    turn();
}

START_TEST(test_conn_writes_on_to_who_sends_no_more)
{
    char got[8];
    setup_with(&half_ops);
    ck_assert_int_eq(send(t.peer, "last", 4, 0), 4);
    shutdown(t.peer, SHUT_WR);
    turn();
    ck_assert_uint_eq(t.m.in_len, 4);
    ck_assert_uint_eq(t.m.eofs, 1);
    conn_resume(t.m.conn); /* harmless */
    for (int i = 0; i < 3; i++) {
        say("more");
        ck_assert_int_eq(recv(t.peer, got, sizeof got, 0), 4);
    }
    ck_assert_uint_eq(t.m.eofs, 1);
    ck_assert_uint_eq(t.m.ended, 0);
    close(t.peer);
    t.peer = -1;
    say("more");
    ck_assert_uint_eq(t.m.ended, 1);
    ck_assert_int_eq(t.m.ended_errno, EPIPE);
    teardown();
}
END_TEST

/* A unix socket tells both from each other. */
START_TEST(test_conn_ends_with_who_closed_both_sides)
{
    setup_with(&half_ops);
    close(t.peer);
    t.peer = -1;
    turn();
    ck_assert_uint_eq(t.m.eofs, 0);
    ck_assert_uint_eq(t.m.ended, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_drains_to_who_sends_no_more)
{
    char got[8];
    setup_with(&half_ops);
    shutdown(t.peer, SHUT_WR);
    turn();
    t.m.out = (const uint8_t *)"rest";
    t.m.out_len = 4;
    conn_drain(t.m.conn, 1000, drained);
    turn();
    ck_assert_uint_eq(t.m.drained, 1);
    ck_assert_int_eq(recv(t.peer, got, sizeof got, 0), 4);
    teardown();
}
END_TEST

START_TEST(test_conn_stops_reading_when_there_is_no_room)
{
    static uint8_t big[BIG];
    setup();
    t.m.in_cap = 1000;
    ssize_t offered = send(t.peer, big, sizeof big, 0);
    ck_assert_int_gt(offered, 1000);
    turn();
    ck_assert_uint_eq(t.m.in_len, 1000);
    ck_assert_uint_eq(t.m.refused, 1); /* and does not ask again and again */
    t.m.in_len = 0;
    conn_resume(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.in_len, 1000);
    teardown();
}
END_TEST

static void wake_up(void)
{
    ck_assert_int_ge(event_base_loop(net_base(t.net), EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
}

/* What comes is dealt with turn by turn, until it has come without a pause for long. */
START_TEST(test_conn_takes_its_turns_and_then_hurries)
{
    static const struct conn_machine one_at_a_time = {
        .turn = 100, .in_room = in_room, .in_done = in_done, .in_end = in_end, .out = out};
    static const uint8_t bytes[3000];
    setup_with(&one_at_a_time);
    ck_assert_int_eq(send(t.peer, bytes, sizeof bytes, 0), sizeof bytes);
    for (size_t i = 1; i <= 16; i++) {
        wake_up();
        ck_assert_uint_eq(t.m.in_len, i * 100);
    }
    wake_up();
    ck_assert_uint_eq(t.m.in_len, sizeof bytes);
    usleep(101000);
    ck_assert_int_eq(send(t.peer, bytes, sizeof bytes, 0), sizeof bytes);
    wake_up();
    ck_assert_uint_eq(t.m.in_len, sizeof bytes + 100); /* after a pause */
    teardown();
}
END_TEST

static size_t held(void *arg)
{
    const struct machine *m = arg;
    return m->held;
}

static const struct conn_machine resting_ops = {.turn = 100,
                                                .in_room = in_room,
                                                .in_done = in_done,
                                                .in_end = in_end,
                                                .held = held,
                                                .out = out,
                                                .sent = sent};

/* So often that it is in a hurry; nothing is in the socket any more. */
static void bring_into_a_hurry(void)
{
    static const uint8_t bytes[1600];
    ck_assert_int_eq(send(t.peer, bytes, sizeof bytes, 0), sizeof bytes);
    turn();
    ck_assert_uint_eq(t.m.in_len, sizeof bytes);
    t.m.in_len = 0;
}

/* Much comes while the machine holds output back: what comes behind it is read with the output, and
 * before that is written. */
START_TEST(test_conn_in_a_hurry_rests_until_there_is_output)
{
    static const uint8_t much[20000];
    setup_with(&resting_ops);
    bring_into_a_hurry();
    t.m.held = 1;
    ck_assert_int_eq(send(t.peer, much, sizeof much, 0), sizeof much);
    turn();
    ck_assert_uint_eq(t.m.in_len, sizeof much);
    ck_assert_int_eq(send(t.peer, "more", 4, 0), 4);
    turn();
    ck_assert_uint_eq(t.m.in_len, sizeof much);
    t.m.out = much;
    t.m.out_len = 10;
    conn_output(t.m.conn);
    wake_up();
    ck_assert_uint_eq(t.m.in_len, sizeof much + 4);
    ck_assert_uint_eq(peer_reads(20), 10);
    t.m.held = 0;
    ck_assert_int_eq(send(t.peer, "again", 5, 0), 5); /* and then as before */
    turn();
    ck_assert_uint_eq(t.m.in_len, sizeof much + 9);
    teardown();
}
END_TEST

/* As much of both. */
START_TEST(test_conn_in_a_hurry_rests_for_what_its_machine_holds)
{
    setup_with(&resting_ops);
    bring_into_a_hurry();
    t.m.held = 20000;
    ck_assert_int_eq(send(t.peer, "little", 6, 0), 6);
    turn();
    ck_assert_int_eq(send(t.peer, "more", 4, 0), 4);
    turn();
    ck_assert_uint_eq(t.m.in_len, 6);
    conn_resume(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.in_len, 10);
    teardown();
}
END_TEST

/* Neither little has it rest, nor what came in the first turns, nor anything while nothing is held.
 */
START_TEST(test_conn_does_not_rest_without_a_reason)
{
    static const uint8_t much[20000];
    struct conn_machine machine_ops = resting_ops;
    for (int i = 0; i < 3; i++) {
        const size_t len = i == 0 ? 1000 : sizeof much;
        machine_ops.turn = i == 1 ? sizeof much : resting_ops.turn;
        setup_with(&machine_ops);
        if (i != 1)
            bring_into_a_hurry();
        t.m.held = i != 2;
        ck_assert_int_eq(send(t.peer, much, len, 0), (ssize_t)len);
        turn();
        ck_assert_int_eq(send(t.peer, "more", 4, 0), 4);
        turn();
        ck_assert_uint_eq(t.m.in_len, len + 4);
        teardown();
    }
}
END_TEST

/* The peer goes away meanwhile: that is found with the output, and told once. */
START_TEST(test_conn_that_rests_hears_of_the_end)
{
    static const uint8_t much[20000];
    setup_with(&resting_ops);
    bring_into_a_hurry();
    t.m.held = 1;
    ck_assert_int_eq(send(t.peer, much, sizeof much, 0), sizeof much);
    turn();
    ck_assert_int_eq(send(t.peer, "last", 4, 0), 4);
    close(t.peer);
    t.peer = -1;
    turn();
    ck_assert_uint_eq(t.m.ended, 0);
    t.m.out = much;
    t.m.out_len = 10;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.in_len, sizeof much + 4);
    ck_assert_uint_eq(t.m.ended, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_that_does_not_read_ends_when_it_cannot_write)
{
    setup();
    t.m.in_cap = 1;
    ck_assert_int_eq(send(t.peer, "ab", 2, 0), 2);
    turn();
    close(t.peer);
    t.peer = -1;
    t.m.out = (const uint8_t *)"x";
    t.m.out_len = 1;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.ended, 1);
    ck_assert_int_ne(t.m.ended_errno, 0);
    teardown();
}
END_TEST

START_TEST(test_conn_drain_waits_for_the_last_byte)
{
    static uint8_t big[BIG];
    size_t got = 0;
    setup();
    t.m.out = big;
    t.m.out_len = sizeof big;
    conn_output(t.m.conn);
    conn_drain(t.m.conn, 60000, drained);
    ck_assert_int_eq(send(t.peer, "not read any more", 17, 0), 17);
    turn();
    ck_assert_uint_eq(t.m.drained, 0);
    for (int i = 0; i < 10000 && got < sizeof big; i++) {
        got += peer_reads(sizeof big - got);
        turn();
    }
    ck_assert_uint_eq(got, sizeof big);
    ck_assert_uint_eq(t.m.drained, 1);
    ck_assert_uint_eq(t.m.ended, 0); /* told in one way only */
    ck_assert_uint_eq(t.m.in_len, 0);
    teardown();
}
END_TEST

START_TEST(test_conn_drain_with_nothing_to_send_is_done_at_once)
{
    setup();
    conn_drain(t.m.conn, 60000, drained);
    turn();
    ck_assert_uint_eq(t.m.drained, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_drain_gives_up)
{
    static uint8_t big[BIG];
    setup();
    t.m.out = big;
    t.m.out_len = sizeof big;
    conn_output(t.m.conn);
    net_touch(t.net);
    conn_drain(t.m.conn, 1000, drained); /* the peer reads nothing; a busy machine is slow */
    turn();
    ck_assert_uint_eq(t.m.drained, 0);
    wait_for(&t.m.drained);
    ck_assert_uint_eq(t.m.drained, 1);
    teardown();
}
END_TEST

/* Linger bounds the wait for any progress, not the whole: a slow reader gets the tail too. */
START_TEST(test_conn_drain_lasts_while_the_peer_reads)
{
    enum { LINGER_MS = 1000, PAUSE_US = 100000, PIECES = 15 };
    static uint8_t big[BIG];
    size_t got = 0;
    setup();
    t.m.out = big;
    t.m.out_len = sizeof big;
    conn_output(t.m.conn);
    net_touch(t.net);
    conn_drain(t.m.conn, LINGER_MS, drained);
    turn();
    for (int i = 0; i < PIECES; i++) {
        usleep(PAUSE_US);
        got += peer_reads(sizeof big / (2 * PIECES));
        turn();
        ck_assert_uint_eq(t.m.drained, 0);
    }
    for (int i = 0; i < 10000 && got < sizeof big; i++) {
        got += peer_reads(sizeof big - got);
        turn();
    }
    ck_assert_uint_eq(got, sizeof big);
    ck_assert_uint_eq(t.m.drained, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_drain_of_a_broken_connection_is_done)
{
    setup();
    close(t.peer);
    t.peer = -1;
    turn();
    ck_assert_uint_eq(t.m.ended, 1);
    conn_drain(t.m.conn, 60000, drained);
    ck_assert_uint_eq(t.m.drained, 1);
    teardown();
}
END_TEST

START_TEST(test_conn_drain_from_inside_a_write)
{
    setup();
    t.m.drain_when_sent = true;
    t.m.out = (const uint8_t *)"bye";
    t.m.out_len = 3;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_eq(t.m.drained, 1);
    ck_assert_uint_eq(peer_reads(10), 3);
    teardown();
}
END_TEST

START_TEST(test_conn_close_sends_what_can_be_sent)
{
    setup();
    t.m.out = (const uint8_t *)"bye";
    t.m.out_len = 3;
    conn_output(t.m.conn);
    conn_close(t.m.conn); /* before the batch was settled */
    t.m.conn = NULL;
    ck_assert_uint_eq(peer_reads(10), 3);
    turn();
    teardown();
}
END_TEST

/* ---- dialling ---- */

static int listen_on_loopback(struct ipport *at)
{
    struct sockaddr_storage ss;
    *at = (struct ipport){.ip = ip_v4((const uint8_t[]){127, 0, 0, 1})};
    socklen_t len = sockaddr_of(at, &ss);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    *at = sockaddr_to_ipport(&ss);
    return fd;
}

static int buffer_of(int fd, int which)
{
    int bytes;
    socklen_t len = sizeof bytes;
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, which, &bytes, &len), 0);
    return bytes;
}

static unsigned lines;

static void count_line(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
    lines++;
}

/* tor(1), ConstrainedSockets */
START_TEST(test_conn_buffers_are_as_the_kernel_likes_until_they_are_constrained)
{
    setup();
    t.log = (struct log){.least = LOG_WARN, .sink = count_line};
    for (int constrained = 0; constrained < 2; constrained++) {
        struct machine m = {.in_cap = IN_CAP};
        int fd[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
        net_set_socket_buffers(t.net, constrained ? 20000 : 0);
        m.conn = conn_new(t.net, fd[0], &ops, &m);
        int send = buffer_of(fd[0], SO_SNDBUF), receive = buffer_of(fd[0], SO_RCVBUF);
        /* socket(7): the kernel doubles what it is told */
        ck_assert_int_eq(send, constrained ? 40000 : buffer_of(fd[1], SO_SNDBUF));
        ck_assert_int_eq(receive, constrained ? 40000 : buffer_of(fd[1], SO_RCVBUF));
        conn_close(m.conn);
        close(fd[1]);
    }
    ck_assert_uint_eq(lines, 0);
    teardown();
}
END_TEST

START_TEST(test_conn_dial_connects)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP, .out = (const uint8_t *)"hi", .out_len = 2};
    struct ip from = ip_v4((const uint8_t[]){127, 0, 0, 3});
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    char got[8];
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, &from, &ops, &m);
    ck_assert_ptr_nonnull(m.conn);
    ck_assert_uint_eq(m.connected, 0); /* never inside the call */
    wait_for(&m.connected);
    conn_output(m.conn);
    turn();
    int peer = accept(fd, (struct sockaddr *)&ss, &len);
    ck_assert_int_ge(peer, 0);
    struct ipport who = sockaddr_to_ipport(&ss);
    ck_assert(ip_equal(&who.ip, &from)); /* OutboundBindAddress */
    ck_assert_int_eq(recv(peer, got, sizeof got, 0), 2);
    conn_close(m.conn);
    close(peer);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_conn_reset_is_told_with_its_reason)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP};
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, NULL, &ops, &m);
    wait_for(&m.connected);
    int peer = accept(fd, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    close(peer);
    wait_for(&m.ended);
    ck_assert_int_eq(m.ended_errno, ECONNRESET);
    ck_assert_uint_eq(m.ended, 1);
    conn_close(m.conn);
    close(fd);
    teardown();
}
END_TEST

/* What the peer has said meanwhile, and nobody will read, resets nothing: last words arrive, and
 * then an end. */
START_TEST(test_conn_that_hangs_up_is_heard_to_the_end)
{
    static char much[200000];
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP, .out = (const uint8_t *)"bye", .out_len = 3};
    char got[8];
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, NULL, &ops, &m);
    wait_for(&m.connected);
    int peer = accept(fd, NULL, NULL);
    ck_assert_int_eq(send(peer, much, sizeof much, 0), sizeof much);
    conn_hang_up(m.conn);
    ck_assert_int_eq(recv(peer, got, sizeof got, MSG_WAITALL), 3);
    ck_assert_int_eq(recv(peer, got, sizeof got, 0), 0);
    close(peer);
    close(fd);
    teardown();
}
END_TEST

/* TCP does not tell who has closed one side from who has closed both; the system does. */
START_TEST(test_conn_knows_who_only_reads_over_tcp)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP};
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, NULL, &half_ops, &m);
    wait_for(&m.connected);
    int peer = accept(fd, NULL, NULL);
    shutdown(peer, SHUT_WR);
    wait_for(&m.eofs);
    ck_assert(m.reads);
    ck_assert_uint_eq(m.ended, 0);
    close(peer); /* without a word on the wire */
    for (int i = 0; i < 5 && !m.ended; i++)
        wait_for(&m.ended);
    ck_assert_uint_eq(m.ended, 1);
    conn_close(m.conn);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_conn_ends_with_who_closed_both_sides_over_tcp)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP};
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, NULL, &half_ops, &m);
    wait_for(&m.connected);
    close(accept(fd, NULL, NULL));
    wait_for(&m.ended);
    ck_assert_uint_eq(m.ended, 1);
    ck_assert_uint_eq(m.eofs, 0);
    conn_close(m.conn);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_conn_dial_refused_is_told_with_its_reason)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP};
    setup();
    int fd = listen_on_loopback(&at); /* bound, not listening */
    m.conn = conn_dial(t.net, &at, NULL, &ops, &m);
    ck_assert_ptr_nonnull(m.conn);
    wait_for(&m.ended);
    ck_assert_int_eq(m.ended_errno, ECONNREFUSED);
    ck_assert_uint_eq(m.connected, 0);
    conn_close(m.conn);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_conn_dial_that_fails_at_once_is_told_later)
{
    struct ipport at = {.ip = ip_v4((const uint8_t[]){127, 0, 0, 1}), .port = 9};
    struct ip not_ours = ip_v4((const uint8_t[]){192, 0, 2, 1});
    struct machine m = {.in_cap = IN_CAP};
    setup();
    m.conn = conn_dial(t.net, &at, &not_ours, &ops, &m);
    ck_assert_ptr_nonnull(m.conn);
    ck_assert_uint_eq(m.ended, 0);
    wait_for(&m.ended);
    ck_assert_int_eq(m.ended_errno, EADDRNOTAVAIL);
    ck_assert_uint_eq(m.ended, 1);
    conn_close(m.conn);
    teardown();
}
END_TEST

START_TEST(test_conn_dial_closed_before_it_connects)
{
    struct ipport at;
    struct machine m = {.in_cap = IN_CAP, .out = (const uint8_t *)"hi", .out_len = 2};
    setup();
    int fd = listen_on_loopback(&at);
    ck_assert_int_eq(listen(fd, 5), 0);
    m.conn = conn_dial(t.net, &at, NULL, &ops, &m);
    conn_output(m.conn);
    conn_close(m.conn);
    turn();
    ck_assert_uint_eq(m.connected + m.ended, 0);
    close(fd);
    teardown();
}
END_TEST

/* ---- a limit ---- */

enum { RATE = 40000, BURST = 4000, REFILL_MS = 10, MUCH = 16000 };

static struct limit *limited(void)
{
    struct limit *l = limit_new(t.net);
    ck_assert_ptr_nonnull(l);
    turn(); /* sets the clock */
    limit_set(l, &(struct limit_rule){RATE, BURST, REFILL_MS, false});
    conn_limit(t.m.conn, l, false);
    return l;
}

static uint64_t now_us(void)
{
    return net_env(t.net)->mono_us;
}

/* What may have gone at most since START_US. */
static uint64_t most_since(uint64_t start_us)
{
    return BURST + (now_us() - start_us) * RATE / US_PER_SEC;
}

START_TEST(test_conn_reads_no_more_than_its_limit)
{
    static const uint8_t bytes[MUCH];
    setup();
    struct limit *l = limited();
    uint64_t start_us = now_us();
    ck_assert_int_eq(send(t.peer, bytes, MUCH, 0), MUCH);
    turn();
    ck_assert_uint_ge(t.m.in_len, BURST);
    while (t.m.in_len < MUCH) {
        ck_assert_uint_le(t.m.in_len, most_since(start_us));
        usleep(1000);
        turn();
    }
    ck_assert_uint_ge(now_us() - start_us, (MUCH - BURST) * (uint64_t)US_PER_SEC / RATE);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    limit_free(l);
    teardown();
}
END_TEST

START_TEST(test_conn_writes_no_more_than_its_limit)
{
    static const uint8_t bytes[MUCH];
    setup();
    struct limit *l = limited();
    uint64_t start_us = now_us();
    t.m.out = bytes;
    t.m.out_len = MUCH;
    conn_output(t.m.conn);
    for (size_t got = 0; got < MUCH;) {
        turn();
        got += peer_reads(MUCH);
        ck_assert_uint_le(got, most_since(start_us));
        conn_output(t.m.conn); /* as a machine that has ever more to say: it does not spin */
        usleep(1000);
    }
    ck_assert_uint_ge(now_us() - start_us, (MUCH - BURST) * (uint64_t)US_PER_SEC / RATE);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    limit_free(l);
    teardown();
}
END_TEST

START_TEST(test_conn_that_waits_for_its_limit_may_go_and_a_higher_one_lets_it_on)
{
    static const uint8_t bytes[MUCH];
    setup();
    struct limit *l = limited();
    limit_set(l, &(struct limit_rule){1, BURST, 1000, false});
    ck_assert_int_eq(send(t.peer, bytes, MUCH, 0), MUCH);
    turn();
    ck_assert_uint_eq(t.m.in_len, BURST);
    limit_set(l, &(struct limit_rule){1 << 20, 1 << 20, 1, false});
    for (int i = 0; i < 2000 && t.m.in_len < MUCH; i++) {
        usleep(1000);
        turn();
    }
    ck_assert_uint_eq(t.m.in_len, MUCH);
    limit_set(l, &(struct limit_rule){1, 1, 1000, false});
    t.m.out = bytes;
    t.m.out_len = MUCH;
    conn_output(t.m.conn);
    turn();
    ck_assert_uint_ge(t.m.out_len, MUCH - 1);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    turn();
    limit_free(l);
    teardown();
}
END_TEST

START_TEST(test_conn_to_a_private_address_counts_only_if_it_should)
{
    static const uint8_t bytes[MUCH];
    setup();
    struct limit *l = limited();
    conn_limit(t.m.conn, l, true);
    ck_assert_int_eq(send(t.peer, bytes, MUCH, 0), MUCH);
    turn();
    ck_assert_uint_eq(t.m.in_len, MUCH);
    limit_set(l, &(struct limit_rule){1, BURST, 1000, true});
    ck_assert_int_eq(send(t.peer, bytes, MUCH, 0), MUCH);
    turn();
    ck_assert_uint_eq(t.m.in_len, MUCH + BURST);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    limit_free(l);
    teardown();
}
END_TEST

START_TEST(test_conn_with_a_limit_reads_no_more_than_its_machine_has_room_for)
{
    static const uint8_t bytes[MUCH];
    setup();
    struct limit *l = limited();
    t.m.in_cap = 100;
    ck_assert_int_eq(send(t.peer, bytes, MUCH, 0), MUCH);
    turn();
    ck_assert_uint_eq(t.m.in_len, 100);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    limit_free(l);
    teardown();
}
END_TEST

START_TEST(test_conn_shares_its_limit_with_others)
{
    static const uint8_t bytes[IN_CAP];
    static struct machine other;
    int fd[2];
    setup();
    struct limit *l = limited();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    other = (struct machine){.in_cap = IN_CAP};
    other.conn = conn_new(t.net, fd[0], &ops, &other);
    conn_limit(other.conn, l, false);
    ck_assert_int_eq(send(t.peer, bytes, IN_CAP, 0), IN_CAP);
    ck_assert_int_eq(send(fd[1], bytes, IN_CAP, 0), IN_CAP);
    while (t.m.in_len + other.in_len < 3 * BURST) {
        usleep(1000);
        turn();
    }
    ck_assert_uint_gt(t.m.in_len, BURST / 2);
    ck_assert_uint_gt(other.in_len, BURST / 2);
    conn_close(other.conn);
    close(fd[1]);
    conn_close(t.m.conn);
    t.m.conn = NULL;
    limit_free(l);
    teardown();
}
END_TEST

TESTS("net/conn", test_conn_hands_over_what_comes, test_conn_writes_on_as_the_peer_reads,
      test_conn_tells_the_end_once_after_the_last_bytes,
      test_conn_broken_while_it_writes_still_gives_what_came_before,
      test_conn_writes_on_to_who_sends_no_more, test_conn_ends_with_who_closed_both_sides,
      test_conn_drains_to_who_sends_no_more, test_conn_stops_reading_when_there_is_no_room,
      test_conn_takes_its_turns_and_then_hurries, test_conn_in_a_hurry_rests_until_there_is_output,
      test_conn_in_a_hurry_rests_for_what_its_machine_holds,
      test_conn_does_not_rest_without_a_reason, test_conn_that_rests_hears_of_the_end,
      test_conn_that_does_not_read_ends_when_it_cannot_write,
      test_conn_drain_waits_for_the_last_byte, test_conn_drain_with_nothing_to_send_is_done_at_once,
      test_conn_drain_gives_up, test_conn_drain_lasts_while_the_peer_reads,
      test_conn_drain_of_a_broken_connection_is_done, test_conn_drain_from_inside_a_write,
      test_conn_close_sends_what_can_be_sent,
      test_conn_buffers_are_as_the_kernel_likes_until_they_are_constrained, test_conn_dial_connects,
      test_conn_reset_is_told_with_its_reason, test_conn_that_hangs_up_is_heard_to_the_end,
      test_conn_knows_who_only_reads_over_tcp, test_conn_ends_with_who_closed_both_sides_over_tcp,
      test_conn_dial_refused_is_told_with_its_reason,
      test_conn_dial_that_fails_at_once_is_told_later, test_conn_dial_closed_before_it_connects,
      test_conn_reads_no_more_than_its_limit, test_conn_writes_no_more_than_its_limit,
      test_conn_that_waits_for_its_limit_may_go_and_a_higher_one_lets_it_on,
      test_conn_to_a_private_address_counts_only_if_it_should,
      test_conn_with_a_limit_reads_no_more_than_its_machine_has_room_for,
      test_conn_shares_its_limit_with_others)
