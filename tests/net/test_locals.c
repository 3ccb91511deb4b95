/* A front end of another protocol (lineport.h) behind a port, over real sockets. Its tunnels are
 * this file's and echo what they get, so the client layer is not linked. */
#include "net/locals.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/lineport.h"
#include "net/sockaddr.h"
#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct locals *locals;
    struct ports *ports;
    char lines[1024]; /* of the log */
    int fd;           /* the application's */
    bool hangs_up;    /* all connections end when one more comes */
} t;

/* ---- the tunnel ---- */

static struct tunnel {
    struct tunnel_request req;
    const struct tunnel_ops *ops;
    void *arg;
    struct timer connects;
    bool open, connected;
    size_t consumed;
} tun;

static void connect_it(void *arg)
{
    (void)arg;
    if (strcmp(tun.req.host, "refused.example") == 0) {
        const struct tunnel_end end = {.text = "connection refused"};
        tun.open = false;
        tun.ops->on_end(tun.arg, &end);
        return;
    }
    tun.connected = true;
    tun.ops->on_connected(tun.arg, NULL);
}

struct tunnel *tunnel_open(struct client *client, const struct tunnel_request *req,
                           const struct tunnel_ops *ops, void *arg)
{
    (void)client;
    ck_assert(!tun.open);
    tun = (struct tunnel){.req = *req, .ops = ops, .arg = arg, .open = true};
    timer_init(&tun.connects, connect_it, NULL);
    env_arm_ms(net_env(t.net), &tun.connects, 20);
    return &tun;
}

size_t tunnel_write(struct tunnel *tn, const uint8_t *bytes, size_t len)
{
    ck_assert(tn->connected);
    tn->ops->on_data(tn->arg, bytes, len);
    return len;
}

const struct tunnel_request *tunnel_asked(const struct tunnel *tn)
{
    return &tn->req;
}

void tunnel_consumed(struct tunnel *tn, size_t len)
{
    tn->consumed += len;
}

void tunnel_close(struct tunnel *tn, uint8_t reason)
{
    (void)reason;
    ck_assert(tn->open);
    env_disarm(net_env(t.net), &tn->connects);
    tn->open = false;
}

/* ---- the port and an application ---- */

static void sink(void *arg, enum log_level level, const char *line)
{
    size_t len = strlen(t.lines);
    (void)arg, (void)level;
    snprintf(t.lines + len, sizeof t.lines - len, "%s\n", line);
}

static bool policy(void *arg, const struct ipport *peer)
{
    (void)arg, (void)peer;
    if (t.hangs_up)
        locals_hang_up(t.locals);
    return true;
}

static int32_t new_session(void *arg)
{
    (void)arg;
    return -2;
}

static void setup(void)
{
    static const struct front_rules rules;
    const struct port_spec spec = {.at.tcp.ip = {IP_V4, {127, 0, 0, 1}},
                                   .session = SESSION_OWN,
                                   .flags = {.ipv4 = true, .dns = true, .isolation = ISO_DEFAULT}};
    memset(&t, 0, sizeof t);
    memset(&tun, 0, sizeof tun);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    ck_ok(net_new(&t.log, NULL, &t.net));
    t.locals = locals_new(t.net, NULL, lineport_new, policy, NULL);
    const struct port_front fronts[PORT_KINDS] = {{"Line", locals_accept, t.locals}};
    t.ports = ports_new(t.net, fronts, new_session, NULL);
    ck_assert(t.locals && t.ports);
    ck_ok(ports_prepare(t.ports, &spec, 1, &rules));
    ports_commit(t.ports);
    struct ipport at = {spec.at.tcp.ip, ports_first(t.ports, PORT_SOCKS)};
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(&at, &ss);
    t.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(t.fd, (struct sockaddr *)&ss, len), 0);
}

static int another_comes(void)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(getpeername(t.fd, (struct sockaddr *)&ss, &len), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
    return fd;
}

static void teardown(void)
{
    close(t.fd);
    ports_free(t.ports);
    locals_free(t.locals);
    locals_free(NULL);
    ck_assert(!tun.open);
    net_free(t.net);
}

static void say(const char *text)
{
    ck_assert_int_eq(send(t.fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All that comes until it is as long as WANT, is WANT. */
static void hears(const char *want)
{
    char got[200] = "";
    size_t len = 0;
    for (int i = 0; i < 200 && len < strlen(want); i++) {
        struct timespec a_bit = {.tv_nsec = 5000000};
        ck_ok(net_turn(t.net, false));
        ssize_t n = recv(t.fd, got + len, sizeof got - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
        nanosleep(&a_bit, NULL);
    }
    ck_assert_str_eq(got, want);
}

static void is_hung_up_on(void)
{
    char c;
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    ck_assert_int_eq(recv(t.fd, &c, 1, MSG_DONTWAIT), 0);
    ck_assert_uint_eq(locals_count(t.locals), 0);
}

START_TEST(test_locals_another_protocol_passes_bytes_both_ways)
{
    setup();
    ck_assert_ptr_nonnull(strstr(t.lines, "Opening Line listener on 127.0.0.1:0\n"));
    ck_assert_ptr_nonnull(strstr(t.lines, "Opened Line listener connection (ready) on 127.0.0.1:"));
    say("CONNECT www.exa");
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    say("mple:443\nearly ");
    hears("YES\nearly ");
    ck_assert_str_eq(tun.req.host, "www.example");
    ck_assert_uint_eq(tun.req.port, 443);
    ck_assert_uint_eq(tun.req.isolation.protocol, 1);
    say("and late");
    hears("and late");
    ck_ok(net_turn(t.net, false));
    ck_assert_uint_eq(tun.consumed, strlen("early and late")); /* and not what the front end said */
    teardown();
}
END_TEST

START_TEST(test_locals_another_protocol_says_no_in_its_own_words)
{
    setup();
    say("CONNECT refused.example:80\n");
    hears("NO connection refused\n");
    is_hung_up_on();
    teardown();
}
END_TEST

START_TEST(test_locals_another_protocol_obeys_the_flags_of_its_port)
{
    setup();
    say("CONNECT [2001:db8::1");
    say("]x\n");
    hears("WHAT? message is malformed\n");
    is_hung_up_on();
    teardown();
    setup();
    say("CONNECT a.onion:80\n"); /* without OnionTraffic */
    hears("NO way\n");
    is_hung_up_on();
    teardown();
}
END_TEST

/* A reload may hang up on what ended in the same wake-up. */
START_TEST(test_locals_hang_up_in_the_wake_up_of_an_end)
{
    setup();
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    ck_assert_uint_eq(locals_count(t.locals), 1);
    t.hangs_up = true;
    say("CONNECT");
    shutdown(t.fd, SHUT_RDWR);
    int fd = another_comes();
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    ck_assert_uint_eq(locals_count(t.locals), 1); /* the new one */
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_locals_bounds_a_hello)
{
    char noise[400];
    setup();
    memset(noise, 'x', sizeof noise);
    ck_assert_int_eq(send(t.fd, noise, 299, MSG_NOSIGNAL), 299);
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    ck_assert_uint_eq(locals_count(t.locals), 1);
    ck_assert_int_eq(send(t.fd, noise, 1, MSG_NOSIGNAL), 1);
    hears("WHAT? limit reached\n");
    is_hung_up_on();
    teardown();
}
END_TEST

TESTS("net/locals", test_locals_another_protocol_passes_bytes_both_ways,
      test_locals_another_protocol_says_no_in_its_own_words,
      test_locals_another_protocol_obeys_the_flags_of_its_port,
      test_locals_hang_up_in_the_wake_up_of_an_end, test_locals_bounds_a_hello)
