/* SocksPorts: the set of listeners and what a reload changes. Nothing is asked of the client. */
#include "net/ports.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/locals.h"
#include "net/sockaddr.h"
#include "net/world.h"
#include "socks/socks.h"
#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct client *client;
    struct ports *ports;
    struct locals *locals;
    struct ipport announced[8];
    unsigned n_announced;
    char text[4096]; /* all lines */
    bool policy_rejects;
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    size_t len = strlen(t.text);
    snprintf(t.text + len, sizeof t.text - len, "%s\n", line);
    const char *on = strstr(line, "Opened ") ? strstr(line, " on ") : NULL;
    if (on)
        ck_ok(ipport_parse(on + 4, &t.announced[t.n_announced++]));
}

static bool policy(void *arg, const struct ipport *peer)
{
    (void)arg, (void)peer;
    return !t.policy_rejects;
}

static int32_t new_session(void *arg)
{
    (void)arg;
    return client_new_session(t.client);
}

static void setup(void)
{
    const struct client_config config = client_config_defaults(false);
    char why[CLIENT_WHY_MAX];
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_ok(client_new(net_env(t.net), &config, &world_ops, NULL, &t.client, why));
    t.locals = locals_new(t.net, t.client, socks_new, policy, NULL);
    const struct port_front fronts[PORT_KINDS] = {{"Socks", locals_accept, t.locals}};
    t.ports = ports_new(t.net, fronts, new_session, NULL);
    ck_assert(t.locals && t.ports);
}

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(event_base_loop(net_base(t.net), EVLOOP_NONBLOCK), 0);
}

static void teardown(void)
{
    ports_free(t.ports);
    locals_free(t.locals);
    client_free(t.client);
    net_free(t.net);
}

static err_t set_with(const struct port_spec *specs, size_t n, const struct front_rules *rules)
{
    TRY(ports_prepare(t.ports, specs, n, rules));
    ports_commit(t.ports);
    return OK;
}

static err_t set(const struct port_spec *specs, size_t n)
{
    static const struct front_rules none;
    return set_with(specs, n, &none);
}

static struct port_spec spec(uint16_t port, bool prefer_no_auth)
{
    return (struct port_spec){
        .at = {.tcp = {ip_v4((const uint8_t[]){127, 0, 0, 1}), port}},
        .session = SESSION_OWN,
        .flags = {.prefer_no_auth = prefer_no_auth},
    };
}

static int reach(const struct ipport *at)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(at, &ss);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&ss, len) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Which method the port chooses of none and user/password: shows which settings are in force. */
static int method_on(int fd)
{
    unsigned char got[2] = {0xff, 0xff};
    ck_assert_int_eq(send(fd, "\5\2\0\2", 4, MSG_NOSIGNAL), 4);
    turn();
    ssize_t n = recv(fd, got, 2, MSG_DONTWAIT);
    return n == 2 && got[0] == 5 ? got[1] : -1;
}

static int method_at(const struct ipport *at)
{
    int fd = reach(at);
    ck_assert_int_ge(fd, 0);
    turn();
    int method = method_on(fd);
    close(fd);
    turn();
    return method;
}

START_TEST(test_ports_serves_two_ports_each_with_its_settings)
{
    const struct port_spec specs[] = {spec(0, false), spec(0, true)};
    setup();
    ck_ok(set(specs, 2));
    ck_assert_uint_eq(t.n_announced, 2);
    ck_assert_int_eq(method_at(&t.announced[0]), 2);
    ck_assert_int_eq(method_at(&t.announced[1]), 0);
    ck_assert_uint_eq(locals_count(t.locals), 0); /* they have gone again */
    teardown();
}
END_TEST

START_TEST(test_ports_reload_keeps_listeners_and_changes_settings)
{
    struct port_spec specs[] = {spec(0, false), spec(0, false)};
    setup();
    ck_ok(set(specs, 2));
    int before = reach(&t.announced[0]);
    turn();
    specs[0] = spec(t.announced[0].port, true);
    specs[1] = spec(0, true);
    ck_ok(set(specs + 1, 1));
    ck_assert_uint_eq(t.n_announced, 2); /* "auto" again: one of those there stays */
    ck_assert_int_eq(method_at(&t.announced[0]), 0);
    ck_assert_int_lt(reach(&t.announced[1]), 0); /* not listed any more */
    ck_assert_int_eq(method_on(before), 2);      /* it came in with the old settings */
    close(before);
    turn();
    teardown();
}
END_TEST

START_TEST(test_ports_reload_that_fails_changes_nothing)
{
    struct port_spec specs[3] = {spec(0, false)};
    struct ipport taken = {ip_v4((const uint8_t[]){127, 0, 0, 1}), 0};
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(&taken, &ss);
    setup();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    taken = sockaddr_to_ipport(&ss);

    ck_ok(set(specs, 1));
    specs[0] = spec(0, true);           /* there already */
    specs[1] = spec(0, true);           /* new */
    specs[2] = spec(taken.port, false); /* not to be had */
    ck_err(set(specs, 3), ERR_IO);
    ck_assert_uint_eq(t.n_announced, 2);
    ck_assert_int_eq(method_at(&t.announced[0]), 2);
    ck_assert_int_lt(reach(&t.announced[1]), 0);
    ck_ok(set(specs, 1)); /* and the next one works */
    ck_assert_int_eq(method_at(&t.announced[0]), 0);
    close(fd);
    teardown();
}
END_TEST

/* The connection came in before the reload; the lists of its settings are gone when it asks. */
START_TEST(test_ports_connection_keeps_its_port_lists)
{
    struct port_spec s = spec(0, false);
    uint16_t *ports = calloc(2, sizeof *ports);
    unsigned char got[32];
    setup();
    ck_assert_ptr_nonnull(ports);
    ports[0] = 110;
    ports[1] = 23;
    const struct front_rules rules = {
        .warn_ports = ports, .n_warn_ports = 1, .reject_ports = ports + 1, .n_reject_ports = 1};
    s.flags.dns = s.flags.ipv4 = true;
    ck_ok(set_with(&s, 1, &rules));
    int fd = reach(&t.announced[0]);
    turn();
    ck_ok(set(&s, 1));
    free(ports);
    ck_assert_int_eq(send(fd,
                          "\5\1\0"
                          "\5\1\0\3\1x\0\x17",
                          11, 0),
                     11);
    turn();
    ck_assert_int_eq(recv(fd, got, sizeof got, MSG_DONTWAIT), 2 + 10);
    ck_assert_uint_eq(got[3], 2); /* not allowed by ruleset */
    close(fd);
    turn();
    teardown();
}
END_TEST

START_TEST(test_ports_policy_turns_away)
{
    const struct port_spec s = spec(0, false);
    setup();
    t.policy_rejects = true;
    ck_ok(set(&s, 1));
    int fd = reach(&t.announced[0]);
    char c;
    turn();
    ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
    ck_assert_uint_eq(locals_count(t.locals), 0);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_ports_close_leaves_the_connections)
{
    const struct port_spec s = spec(0, false);
    setup();
    ck_ok(set(&s, 1));
    int fd = reach(&t.announced[0]);
    turn();
    ck_ok(set(NULL, 0));
    ck_assert_int_lt(reach(&t.announced[0]), 0);
    ck_assert_uint_eq(locals_count(t.locals), 1);
    ck_assert_int_eq(method_on(fd), 2);
    teardown(); /* which ends them */
    close(fd);
}
END_TEST

static uint16_t free_port(void)
{
    const struct port_spec s = spec(0, false);
    ck_ok(set(&s, 1));
    uint16_t port = ports_first(t.ports, PORT_SOCKS);
    ck_ok(set(NULL, 0));
    t.text[0] = 0;
    return port;
}

static struct port_spec wide(uint16_t port)
{
    struct port_spec s = spec(port, false);
    s.at.tcp.ip = (struct ip){.family = IP_V4};
    return s;
}

static const uint8_t SECOND[] = {127, 0, 0, 2};

/* 0.0.0.0:P and 127.0.0.1:P cannot both be bound. */
START_TEST(test_ports_moves_to_another_address_of_its_port)
{
    char want[300];
    setup();
    uint16_t port = free_port();
    const struct port_spec open = wide(port), closed = spec(port, true);
    const struct ipport first = closed.at.tcp, second = {ip_v4(SECOND), port};
    ck_ok(set(&open, 1));
    int fd = reach(&second);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_ok(set(&closed, 1));
    snprintf(
        want, sizeof want,
        "Closed no-longer-configured Socks listener connection (ready) on 0.0.0.0:%u (replaced "
        "by Socks listener connection (ready) on 127.0.0.1:%u)",
        port, port);
    ck_assert_ptr_nonnull(strstr(t.text, want));
    ck_assert_int_lt(reach(&second), 0);
    ck_assert_int_eq(method_at(&first), 0);
    ck_ok(set(&open, 1)); /* and back */
    ck_assert_int_eq(method_at(&first), 2);
    ck_assert_int_eq(method_at(&second), 2);
    teardown();
}
END_TEST

/* The one that goes need not be the first. */
START_TEST(test_ports_moves_one_of_two)
{
    setup();
    uint16_t port = free_port();
    const struct port_spec before[] = {spec(0, false), wide(port)}, after = spec(port, true);
    ck_ok(set(before, 2));
    ck_ok(set(&after, 1));
    ck_assert_int_eq(method_at(&after.at.tcp), 0);
    teardown();
}
END_TEST

START_TEST(test_ports_address_of_one_that_stays_is_taken)
{
    setup();
    uint16_t port = free_port();
    const struct port_spec specs[] = {spec(port, false), wide(port)};
    const struct ipport second = {ip_v4(SECOND), port};
    ck_ok(set(specs, 1));
    ck_err(set(specs, 2), ERR_IO);
    ck_assert_int_eq(method_at(&specs[0].at.tcp), 2);
    ck_assert_int_lt(reach(&second), 0);
    teardown();
}
END_TEST

START_TEST(test_ports_old_address_stays_if_another_line_fails)
{
    setup();
    uint16_t port = free_port();
    const struct ipport second = {ip_v4(SECOND), port};
    struct port_spec next[2] = {spec(port, true)}, open = wide(port);
    next[1].at.unix_path = "/nowhere/socks";
    ck_ok(set(&open, 1));
    ck_err(set(next, 2), ERR_IO);
    ck_assert_int_eq(method_at(&second), 2);
    ck_assert_int_eq(method_at(&next[0].at.tcp), 2);
    ck_assert_ptr_nonnull(strstr(t.text, "Closing partially-constructed"));
    teardown();
}
END_TEST

START_TEST(test_ports_hang_up_leaves_the_listeners)
{
    const struct port_spec s = spec(0, false);
    char c;
    setup();
    ck_ok(set(&s, 1));
    int fd = reach(&t.announced[0]);
    turn();
    locals_hang_up(t.locals);
    ck_assert_uint_eq(locals_count(t.locals), 0);
    turn();
    ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
    close(fd);
    ck_assert_int_eq(method_at(&t.announced[0]), 2);
    teardown();
}
END_TEST

START_TEST(test_ports_garbage_costs_its_connection_only)
{
    const struct port_spec s = spec(0, false);
    setup();
    ck_ok(set(&s, 1));
    int good = reach(&t.announced[0]), bad = reach(&t.announced[0]);
    turn();
    ck_assert_int_eq(send(bad, "\x16\3\1\0\xff", 5, 0), 5);
    turn();
    ck_assert_uint_eq(locals_count(t.locals), 1);
    ck_assert_int_eq(method_on(good), 2);
    close(good);
    close(bad);
    turn();
    teardown();
}
END_TEST

TESTS("net/ports", test_ports_serves_two_ports_each_with_its_settings,
      test_ports_reload_keeps_listeners_and_changes_settings,
      test_ports_reload_that_fails_changes_nothing, test_ports_connection_keeps_its_port_lists,
      test_ports_policy_turns_away, test_ports_close_leaves_the_connections,
      test_ports_moves_to_another_address_of_its_port, test_ports_moves_one_of_two,
      test_ports_address_of_one_that_stays_is_taken,
      test_ports_old_address_stays_if_another_line_fails, test_ports_hang_up_leaves_the_listeners,
      test_ports_garbage_costs_its_connection_only)
