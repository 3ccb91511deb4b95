/* A dialler before a machine: links to a relay behind a little proxy, over real sockets. The proxy
 * hears what the dialler wants of it, answers, and on "yes" is the relay itself from then on. */
#include "net/dial.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "link/link.h"
#include "link/relaykeys.h"
#include "link/tls.h"
#include "net/listen.h"
#include "net/socksdial.h"
#include "net/world.h"

static const char yes[] = "\5\0\0\1\0\0\0\0\0", no[] = "\5\5\0\1\0\0\0\0\0";

static struct {
    struct log log;
    struct world world;
    struct dial_way way;
    struct listener *listener;
    struct tls_ctx *client_tls, *server_tls;
    struct relay_keys keys;
    struct relay_certs certs;
    struct link_server face;
    struct link *link, *relay;
    unsigned opened;
    bool closed;
    struct link_end end;
    /* The proxy: */
    struct conn *conn;
    struct buf in, out; /* all that it was told; what it has still to say */
    enum { GREETED, ASKED, THROUGH } step;
    const char *answer; /* to the request: 10 bytes, then what ANSWER_MORE holds */
    const char *more;
    bool dribbles, is_done_for_now;
} t;

/* ---- the relay ---- */

static void relay_opened(void *arg)
{
    (void)arg;
}

static void relay_closed(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
}

static void relay_output(void *arg)
{
    (void)arg;
    if (t.conn)
        conn_output(t.conn);
}

static const struct link_ops relay_ops = {
    .on_open = relay_opened, .on_end = relay_closed, .on_output = relay_output};

static uint8_t *relay_room(void *arg, size_t *room)
{
    (void)arg;
    return link_in_room(t.relay, room);
}

static void relay_in(void *arg, size_t len)
{
    (void)arg;
    link_in_done(t.relay, len);
}

static void relay_end(void *arg, int errno_)
{
    (void)arg, (void)errno_;
}

static const uint8_t *relay_out(void *arg, size_t *len)
{
    (void)arg;
    return link_seal(t.relay, len);
}

static void relay_sent(void *arg, size_t len)
{
    (void)arg;
    link_sent(t.relay, len);
}

static const struct conn_machine relay_machine = {.in_room = relay_room,
                                                  .in_done = relay_in,
                                                  .in_end = relay_end,
                                                  .out = relay_out,
                                                  .sent = relay_sent};

static struct link_config link_config(struct tls_ctx *tls)
{
    return (struct link_config){.tls = tls,
                                .connect_timeout_ms = 20000,
                                .handshake_timeout_ms = 20000,
                                .nf_ito_low_ms = 1500,
                                .nf_ito_high_ms = 9500};
}

static void become_relay(void)
{
    const struct link_config config = link_config(t.server_tls);
    const struct ipport peer = {.ip = {.family = IP_V4, .b = {127, 0, 0, 1}}};
    t.relay = link_new_server(net_env(t.world.net), &config, &t.face, &peer, &relay_ops, NULL);
    ck_assert_ptr_nonnull(t.relay);
    ck_ok(conn_hand_over(t.conn, &relay_machine, NULL, NULL, 0));
}

/* ---- the proxy ---- */

static void say(const char *bytes, size_t len)
{
    ck_ok(buf_add(&t.out, bytes, len));
    conn_output(t.conn);
}

static uint8_t *proxy_room(void *arg, size_t *room)
{
    (void)arg;
    *room = 1024;
    return buf_room(&t.in, 1024);
}

/* Whether all of a user and a password (RFC 1929) has come, behind the greeting. */
static bool has_login(const uint8_t *told, size_t len)
{
    size_t user = len > 5 && told[3] == 1 ? told[4] : len;
    return len > 5 + user && len == 6 + user + told[5 + user];
}

/* The greeting has 3 bytes, and the request ends in the port 443. */
static void proxy_in(void *arg, size_t len)
{
    (void)arg;
    buf_commit(&t.in, len);
    const uint8_t *told = buf_at(&t.in);
    if (t.step == GREETED && t.in.len == 3) {
        say(told[2] ? "\5\2" : "\5", 2);
        t.step = told[2] ? GREETED : ASKED;
    } else if (t.step == GREETED && has_login(told, t.in.len)) {
        say("\1", 2);
        t.step = ASKED;
    } else if (t.step == ASKED && told[t.in.len - 2] == 1 && told[t.in.len - 1] == 0xbb) {
        t.step = THROUGH;
        say(t.answer, 10);
        say(t.more, strlen(t.more));
    }
}

static void proxy_end(void *arg, int errno_)
{
    (void)arg, (void)errno_;
}

static const uint8_t *proxy_out(void *arg, size_t *len)
{
    (void)arg;
    *len = t.dribbles && t.out.len ? 1 : t.out.len;
    return *len && !t.is_done_for_now ? buf_at(&t.out) : NULL;
}

static void proxy_sent(void *arg, size_t len)
{
    (void)arg;
    buf_drain(&t.out, len);
    t.is_done_for_now = t.dribbles;
    if (t.step == THROUGH && !t.out.len && t.answer == yes && !*t.more)
        become_relay();
}

static const struct conn_machine proxy_machine = {.in_room = proxy_room,
                                                  .in_done = proxy_in,
                                                  .in_end = proxy_end,
                                                  .out = proxy_out,
                                                  .sent = proxy_sent};

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    (void)arg, (void)peer;
    ck_assert_ptr_null(t.conn);
    t.conn = conn_new(t.world.net, fd, &proxy_machine, NULL);
}

/* ---- our side ---- */

static void opened(void *arg)
{
    (void)arg;
    t.opened++;
}

static void closed(void *arg, const struct link_end *end)
{
    (void)arg;
    t.closed = true;
    t.end = *end;
}

static void output(void *arg)
{
    (void)arg;
    world_ops.output(&t.world, t.link);
}

static const struct link_ops ops = {.on_open = opened, .on_end = closed, .on_output = output};

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

static void setup(void)
{
    const struct port_at any = {.tcp = {.ip = {IP_V4, {127, 0, 0, 1}}}};
    struct sha256 cert;
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR, .sink = sink};
    t.answer = yes;
    t.more = "";
    buf_init(&t.in, 65536);
    buf_init(&t.out, 1 << 20);
    ck_ok(net_new(&t.log, NULL, &t.world.net));
    net_touch(t.world.net);
    int64_t now_s = env_wall_s(net_env(t.world.net));
    t.keys = relay_keys_shared();
    ck_ok(tls_ctx_new_client(&t.client_tls));
    ck_ok(tls_ctx_new_server(now_s, &t.server_tls));
    tls_ctx_cert_sha256(t.server_tls, &cert);
    relay_certs_make(&t.certs, &t.keys, &cert, now_s, 86400);
    t.face.certs = &t.certs.list;
    ck_ok(listener_open(t.world.net, "proxy", &any, on_accept, NULL, &t.listener));
    t.way = (struct dial_way){.transport = "obfs4", .at = any.tcp, .protocol = &socksdial};
    t.way.at.port = listener_port(t.listener);
    t.world.ways = &t.way;
    t.world.n_ways = 1;
}

static void teardown(void)
{
    if (t.conn)
        conn_close(t.conn);
    if (t.link)
        world_ops.hangup(&t.world, t.link);
    link_free(t.link);
    link_free(t.relay);
    listener_close(t.listener);
    tls_ctx_free(t.client_tls);
    tls_ctx_free(t.server_tls);
    buf_free(&t.in);
    buf_free(&t.out);
    net_free(t.world.net);
}

/* A bridge that has a name and no address, behind transport obfs4 with ARGUMENTS. */
static struct link_target bridge(const char *arguments)
{
    struct link_target target = {.reach.addr.port = 443,
                                 .rsa = t.keys.rsa_id,
                                 .ed = t.keys.id.pub,
                                 .has_rsa = true,
                                 .has_ed = true};
    strcpy(target.reach.host, "bridge.example");
    strcpy(target.reach.transport, "obfs4");
    strcpy(target.reach.arguments, arguments);
    return target;
}

static void dial_link(const struct link_target *target, uint64_t connect_timeout_ms)
{
    struct link_config config = link_config(t.client_tls);
    config.connect_timeout_ms = connect_timeout_ms;
    t.link = link_new(net_env(t.world.net), &config, target, &ops, NULL);
    ck_assert_ptr_nonnull(t.link);
    world_ops.dial(&t.world, t.link, &target->reach);
}

static void turn(void)
{
    t.is_done_for_now = false;
    if (t.conn && t.out.len)
        conn_output(t.conn);
    ck_ok(net_turn(t.world.net, !t.out.len));
}

/* The link is open, or has ended. */
static void settle(void)
{
    for (int i = 0; i < 2000 && !t.opened && !t.closed; i++)
        turn();
}

/* WORDS stand before "SOCKS5 proxy at 127.0.0.1:N", and LAST behind it. */
static void ends(err_t why, enum or_reason reason, const char *words, const char *last)
{
    char text[200], way[DIAL_WAY_TEXT_MAX];
    settle();
    snprintf(text, sizeof text, "%s%s%s", words, last ? dial_way_text(&t.way, way) : "",
             last ? last : "");
    ck_assert(t.closed);
    ck_assert_str_eq(t.end.text, text);
    ck_assert_int_eq(t.end.why, why);
    ck_assert_str_eq(or_reason_name(t.end.reason), or_reason_name(reason));
    ck_assert_int_eq(t.end.during, LINK_CONNECTING);
}

/* ---- links ---- */

START_TEST(test_dial_link_opens_through_a_proxy)
{
    setup();
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    settle();
    ck_assert_str_eq(t.end.text, "");
    ck_assert_uint_eq(t.opened, 1);
    ck_assert(ed_id_equal(link_peer_ed(t.link), &t.keys.id.pub));
    ck_assert_uint_eq(t.in.len, 3 + 7 + 14);
    ck_assert_mem_eq(buf_at(&t.in), "\5\1\0\5\1\0\3\16bridge.example\1\xbb", 24);
    teardown();
}
END_TEST

START_TEST(test_dial_gives_a_transport_its_arguments)
{
    char arguments[300];
    memset(arguments, 'a', 299);
    arguments[255] = 0;
    setup();
    const struct link_target target = bridge(arguments);
    dial_link(&target, 20000);
    settle();
    ck_assert_uint_eq(t.opened, 1);
    const uint8_t *auth = buf_at(&t.in) + 3;
    ck_assert_uint_eq(auth[1], 255);
    ck_assert_mem_eq(auth + 2, arguments, 255);
    ck_assert_mem_eq(auth + 257, "\1\0\5\1", 4);
    teardown();
}
END_TEST

START_TEST(test_dial_tells_a_proxy_who_asks)
{
    setup();
    strcpy(t.way.user, "me");
    strcpy(t.way.password, "secret");
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    strcpy(t.way.password, "another"); /* of other options, and for others */
    settle();
    ck_assert_uint_eq(t.opened, 1);
    ck_assert_mem_eq(buf_at(&t.in), "\5\1\2\1\2me\6secret\5\1", 16);
    teardown();
}
END_TEST

START_TEST(test_dial_hears_a_proxy_that_sends_a_byte_at_a_time)
{
    setup();
    t.dribbles = true;
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    settle();
    ck_assert_uint_eq(t.opened, 1);
    teardown();
}
END_TEST

START_TEST(test_dial_tells_what_a_proxy_says)
{
    setup();
    t.answer = no;
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    ends(ERR_LINK_CONNECT, OR_CONNECTREFUSED, "the ", " says: connection refused");
    teardown();
}
END_TEST

START_TEST(test_dial_tells_of_a_proxy_that_is_not_there)
{
    setup();
    listener_close(t.listener);
    t.listener = NULL;
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    ends(ERR_LINK_PROXY, OR_CONNECTREFUSED, "the ", " cannot be reached: Connection refused");
    teardown();
}
END_TEST

START_TEST(test_dial_tells_of_a_proxy_that_hangs_up)
{
    setup();
    t.answer = "";
    t.step = THROUGH; /* it says nothing, whatever it hears */
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    while (!t.in.len)
        turn();
    conn_close(t.conn);
    t.conn = NULL;
    ends(ERR_LINK_PROXY, OR_IOERROR, "the ", " closed the connection instead of an answer");
    teardown();
}
END_TEST

START_TEST(test_dial_link_waits_no_longer_for_a_proxy_than_for_a_relay)
{
    setup();
    t.step = THROUGH;
    const struct link_target target = bridge("");
    dial_link(&target, 100);
    ends(ERR_LINK_TIMEOUT, OR_TIMEOUT, "no answer of the ", " in time");
    teardown();
}
END_TEST

/* A transport that is not there, and a place that is none: nothing is connected to. */
START_TEST(test_dial_says_that_there_is_no_way)
{
    setup();
    struct link_target target = bridge("");
    strcpy(target.reach.transport, "snowflake");
    dial_link(&target, 20000);
    ends(ERR_LINK_PROXY, OR_PT_MISSING, "there is no way to bridge.example:443 by snowflake", NULL);
    ck_assert_ptr_null(t.conn);
    teardown();
    setup();
    memset(target.reach.transport, 0, sizeof target.reach.transport);
    dial_link(&target, 20000);
    ends(ERR_LINK_PROXY, OR_PT_MISSING, "there is no way to bridge.example:443", NULL);
    ck_assert_ptr_null(t.conn);
    teardown();
}
END_TEST

START_TEST(test_dial_by_the_way_of_all_that_names_no_transport)
{
    setup();
    t.way.transport = "";
    struct link_target target = bridge("");
    memset(target.reach.transport, 0, sizeof target.reach.transport);
    dial_link(&target, 20000);
    settle();
    ck_assert_uint_eq(t.opened, 1);
    teardown();
}
END_TEST

START_TEST(test_dial_link_closed_before_the_proxy_answers)
{
    setup();
    t.step = THROUGH;
    const struct link_target target = bridge("");
    dial_link(&target, 20000);
    while (!t.in.len)
        turn();
    link_close(t.link, OK, OR_DONE, "not wanted");
    settle();
    ck_assert(t.closed);
    teardown(); /* the sanitizers look at what is left */
}
END_TEST

/* ---- any machine ---- */

static struct machine {
    struct conn *conn;
    char got[16384];
    size_t len, room; /* as many bytes as it takes; 0: it does not read */
    bool connected;
    char why[200];
} m;

static uint8_t *m_room(void *arg, size_t *room)
{
    (void)arg;
    *room = m.room;
    return m.room ? (uint8_t *)m.got + m.len : NULL;
}

static void m_in(void *arg, size_t len)
{
    (void)arg;
    ck_assert(m.connected);
    m.len += len;
    m.room -= len;
}

static void m_end(void *arg, int errno_)
{
    (void)arg, (void)errno_;
}

static const uint8_t *m_out(void *arg, size_t *len)
{
    (void)arg;
    *len = 0;
    return NULL;
}

static void m_sent(void *arg, size_t len)
{
    (void)arg, (void)len;
}

static void m_connected(void *arg)
{
    (void)arg;
    m.connected = true;
}

static void m_not_through(void *arg, err_t why, int errno_, const char *text)
{
    (void)arg, (void)why, (void)errno_;
    snprintf(m.why, sizeof m.why, "%s", text);
}

static const struct conn_machine m_ops = {.in_room = m_room,
                                          .in_done = m_in,
                                          .in_end = m_end,
                                          .out = m_out,
                                          .sent = m_sent,
                                          .connected = m_connected,
                                          .not_through = m_not_through};

static void dial_machine(size_t room)
{
    const struct link_target target = bridge("");
    m = (struct machine){.room = room};
    m.conn = dial_by(t.world.net, &t.way, &target.reach, NULL, &m_ops, NULL);
    ck_assert_ptr_nonnull(m.conn);
}

/* Some peers speak first, in the same packet as the proxy's answer; a machine may take that in
 * pieces, and leave it for later. */
START_TEST(test_dial_hands_over_what_came_behind_the_answer)
{
    setup();
    t.more = "220 hello";
    dial_machine(4);
    while (!m.connected || m.len < 4)
        turn();
    for (int i = 0; i < 20; i++)
        ck_ok(net_turn(t.world.net, false));
    ck_assert_mem_eq(m.got, "220 ", 4);
    ck_assert_uint_eq(m.len, 4);
    m.room = 60;
    conn_resume(m.conn);
    say("!", 1);
    while (m.len < 10)
        turn();
    ck_assert_mem_eq(m.got, "220 hello!", 10);
    conn_close(m.conn);
    teardown();
}
END_TEST

/* More than one read takes: what came first stays first. */
START_TEST(test_dial_hands_over_in_order)
{
    static char page[12001];
    setup();
    for (size_t i = 0; i < sizeof page - 1; i++)
        page[i] = (char)('a' + i % 23);
    t.more = page;
    dial_machine(sizeof m.got);
    while (m.len < sizeof page - 1)
        turn();
    ck_assert_mem_eq(m.got, page, sizeof page - 1);
    conn_close(m.conn);
    teardown();
}
END_TEST

/* A protocol of three messages, a byte each. */
static err_t count_to_three(const struct dial_way *way, unsigned *step, const struct reach *to,
                            struct rd *in, struct buf *out_, struct dial_refusal *r)
{
    (void)way, (void)to, (void)r;
    if (!in->left)
        return buf_add(out_, "\5\1", 3) == OK ? ERR_MORE : ERR_NOMEM;
    rd_u8(in);
    return ++*step == 3 ? OK : ERR_MORE;
}

START_TEST(test_dial_takes_messages_that_came_together)
{
    static const struct dial_protocol counter = {.name = "counter", .speak = count_to_three};
    setup();
    t.way.protocol = &counter;
    t.step = THROUGH; /* the proxy says no more than what follows */
    dial_machine(10);
    while (!t.in.len)
        turn();
    say("abcd", 4);
    for (int i = 0; i < 2000 && !m.len; i++)
        turn();
    ck_assert_mem_eq(m.got, "d", 1);
    conn_close(m.conn);
    teardown();
}
END_TEST

/* A protocol that never has enough. */
static err_t listen_for_ever(const struct dial_way *way, unsigned *step, const struct reach *to,
                             struct rd *in, struct buf *out_, struct dial_refusal *r)
{
    (void)way, (void)step, (void)to, (void)r;
    return in->left ? ERR_MORE : buf_add(out_, "\5\1", 3) == OK ? ERR_MORE : ERR_NOMEM;
}

START_TEST(test_dial_bounds_an_answer)
{
    static const struct dial_protocol endless = {.name = "listener", .speak = listen_for_ever};
    static char noise[2 * DIAL_ANSWER_MAX];
    char text[200], way[DIAL_WAY_TEXT_MAX];
    setup();
    t.way.protocol = &endless;
    dial_machine(1);
    while (!t.in.len)
        turn();
    say(noise, sizeof noise);
    for (int i = 0; i < 2000 && !m.why[0]; i++)
        turn();
    snprintf(text, sizeof text, "the %s answers without end", dial_way_text(&t.way, way));
    ck_assert_str_eq(m.why, text);
    conn_close(m.conn);
    teardown();
}
END_TEST

TESTS("net/dial", test_dial_link_opens_through_a_proxy, test_dial_gives_a_transport_its_arguments,
      test_dial_tells_a_proxy_who_asks, test_dial_hears_a_proxy_that_sends_a_byte_at_a_time,
      test_dial_tells_what_a_proxy_says, test_dial_tells_of_a_proxy_that_is_not_there,
      test_dial_tells_of_a_proxy_that_hangs_up,
      test_dial_link_waits_no_longer_for_a_proxy_than_for_a_relay,
      test_dial_says_that_there_is_no_way, test_dial_by_the_way_of_all_that_names_no_transport,
      test_dial_link_closed_before_the_proxy_answers,
      test_dial_hands_over_what_came_behind_the_answer, test_dial_hands_over_in_order,
      test_dial_takes_messages_that_came_together, test_dial_bounds_an_answer)
