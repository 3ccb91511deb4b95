/* The SOCKS machine: versions, authentication, isolation, look-ups. */
#include "support/socksworld.h"

/* ---- the three versions ---- */

START_TEST(test_socks_version5_connects_and_passes_bytes_both_ways)
{
    struct world *w = world();
    feed(w, BYTES(5, 1, 0));
    ck_assert_uint_eq(w->outputs, 1);
    sends(w, BYTES(5, 0));
    feed_wire(w, request5(1, "www.example", 0x1234));
    ck_assert_uint_eq(w->tunnel.opened, 1);
    ck_assert_int_eq(w->tunnel.req.kind, TUNNEL_CONNECT);
    ck_assert_str_eq(w->tunnel.req.host, "www.example");
    ck_assert_uint_eq(w->tunnel.req.ip.family, IP_NONE);
    ck_assert_uint_eq(w->tunnel.req.port, 0x1234);
    sends(w, NULL, 0); /* no reply before the tunnel is there */
    connects(w);
    sends(w, granted5, 10);
    feed_text(w, "ping");
    got(w, "ping");
    delivers(w, "pong");
    sends(w, "pong", 4);
    ck_assert_uint_eq(w->tunnel.consumed, 4);
    ck_assert_uint_eq(w->dones, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_version4_and_4a_connect)
{
    static const uint8_t ip[4] = {192, 0, 2, 7};
    struct world *w = world();
    feed_wire(w, request4(1, ip, "", NULL, 80));
    ck_assert_str_eq(w->tunnel.req.host, "192.0.2.7");
    ck_assert_mem_eq(w->tunnel.req.ip.b, ip, 4);
    connects(w);
    sends(w, granted4, 8);
    again(w);
    feed_wire(w, request4a(1, "www.example", 80));
    ck_assert_str_eq(w->tunnel.req.host, "www.example");
    ck_assert_uint_eq(w->tunnel.req.ip.family, IP_NONE);
    connects(w);
    sends(w, granted4, 8);
    delivers(w, "x");
    sends(w, "x", 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_literal_addresses_are_known_as_such)
{
    static const struct {
        const char *sent, *host;
    } cases[] = {{"192.0.2.1", "192.0.2.1"},
                 {"[2001:db8::1]", "2001:db8::1"},
                 {"2001:DB8:0::1", "2001:db8::1"}};
    struct world *w = world();
    for (size_t i = 0; i < 3; i++) {
        ask(w, 1, cases[i].sent, 80);
        ck_assert_str_eq(w->tunnel.req.host, cases[i].host);
        ck_assert_uint_ne(w->tunnel.req.ip.family, IP_NONE);
        again(w);
    }
    greet(w);
    feed_wire(w, request5_ip(1, "2001:db8::1", 80));
    ck_assert_str_eq(w->tunnel.req.host, "2001:db8::1");
    ck_assert_uint_eq(w->tunnel.req.ip.family, IP_V6);
    world_free(w);
}
END_TEST

static void whole_connection(struct wire handshake, const void *answer, size_t answer_len)
{
    static const size_t steps[] = {1, 2, 3, 7, 1000};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct world *w = world();
        struct wire all = handshake;
        put(&all, "early", 5);
        ck_assert_uint_eq(feed_in_steps(w, all.b, all.len, steps[i]), all.len);
        ck_assert_uint_eq(w->tunnel.opened, 1);
        ck_assert_str_eq(w->tunnel.req.host, "www.example");
        ck_assert_uint_eq(w->tunnel.req.port, 443);
        ck_assert_uint_eq(w->tunnel.got_len, 0);
        connects(w);
        sends(w, answer, answer_len);
        got(w, "early");
        ck_assert_uint_eq(w->tunnel.consumed, 0);
        world_free(w);
    }
}

START_TEST(test_socks_bytes_may_come_in_any_pieces)
{
    struct wire m = {.len = 0}, request = request5(1, "www.example", 443);
    put(&m, "\5\1\0", 3);
    put(&m, request.b, request.len);
    whole_connection(m, "\5\0\5\0\0\1\0\0\0\0\0\0", 12);

    m.len = 0;
    put(&m, "\5\2\0\2\1\2me\2pw", 11);
    put(&m, request.b, request.len);
    whole_connection(m, "\5\2\1\0\5\0\0\1\0\0\0\0\0\0", 14);

    whole_connection(request4a(1, "www.example", 443), granted4, 8);
}
END_TEST

START_TEST(test_socks_early_data_stays_until_connected)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    feed_text(w, "GET / ");
    feed_text(w, "HTTP/1.0");
    ck_assert_uint_eq(w->tunnel.writes, 0);
    w->tunnel.room = 3;
    connects(w);
    got(w, "GET");
    w->tunnel.room = 1000;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    got(w, "GET / HTTP/1.0");
    world_free(w);
}
END_TEST

START_TEST(test_socks_early_data_goes_with_a_failed_request)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    feed_text(w, "GET / ");
    ends(w, TUNNEL_STAGE_STREAM, END_CONNECTREFUSED);
    answers5(w, 5);
    ck_assert_uint_eq(w->tunnel.got_len, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_application_is_not_told_what_the_exit_resolved)
{
    struct world *w = world();
    struct ip ip = ip_v4((const uint8_t[]){192, 0, 2, 1});
    ask(w, 1, "www.example", 80);
    w->tunnel.ops->on_connected(w->tunnel.arg, &ip);
    sends(w, granted5, 10);
    world_free(w);
}
END_TEST

/* ---- authentication and isolation ---- */

START_TEST(test_socks_method_is_chosen_as_tor_does)
{
    static const struct {
        uint8_t n, methods[3];
        bool prefer_no_auth;
        uint8_t want;
    } cases[] = {{1, {0}, false, 0},       {1, {2}, false, 2},   {2, {0, 2}, false, 2},
                 {2, {0, 2}, true, 0},     {1, {2}, true, 2},    {1, {0}, true, 0},
                 {3, {1, 3, 2}, false, 2}, {1, {1}, false, 255}, {0, {0}, false, 255}};
    struct world *w = world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t m[5] = {5, cases[i].n};
        memcpy(m + 2, cases[i].methods, 3);
        w->config.flags.prefer_no_auth = cases[i].prefer_no_auth;
        feed(w, m, 2u + cases[i].n);
        sends(w, BYTES(5, cases[i].want));
        ck_assert_uint_eq(w->dones, cases[i].want == 255);
        again(w);
    }
    world_free(w);
}
END_TEST

/* socks-extensions 1.1: some applications do. */
START_TEST(test_socks_auth_is_taken_where_none_was_agreed)
{
    struct world *w = world();
    greet(w);
    feed(w, BYTES(1, 1, 'u', 1, 'p'));
    sends(w, BYTES(1, 0));
    feed_wire(w, request5(1, "www.example", 80));
    ck_assert_uint_eq(w->tunnel.opened, 1);
    ck_assert(w->tunnel.req.isolation.has_auth);
    ck_assert_mem_eq(w->tunnel.req.isolation.auth, "\1\1u", 3);
    world_free(w);
}
END_TEST

START_TEST(test_socks_auth_is_taken_once)
{
    struct world *w = world();
    log_in(w, "a", "b");
    sends(w, BYTES(5, 2, 1, 0));
    feed(w, BYTES(1, 1, 'u', 1, 'p'));
    is_refused(w, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_reserved_user_names_are_refused)
{
    static const struct {
        const char *user;
        bool good;
    } cases[] = {{"<torS0X>0", true},  {"<torS0X>", false},   {"<torS0X>00", false},
                 {"<torS0X>1", false}, {"<torS0X>1x", false}, {"<torS0X>0 ", false},
                 {"<torS0X", true},    {"x<torS0X>1", true},  {"<TORS0X>1", true}};
    struct world *w = world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_in(w, cases[i].user, "pw");
        sends(w, BYTES(5, 2, 1, cases[i].good ? 0 : 1));
        ck_assert_msg(w->dones == !cases[i].good, "%s", cases[i].user);
        again(w);
    }
    world_free(w);
}
END_TEST

static struct isolation isolation_of(struct world *w, const char *user, const char *pass)
{
    again(w);
    log_in(w, user, pass);
    feed_wire(w, request5(1, "www.example", 80));
    ck_assert_uint_eq(w->tunnel.opened, 1);
    return w->tunnel.req.isolation;
}

static bool same(struct isolation a, struct isolation b)
{
    return a.has_auth == b.has_auth && memcmp(a.auth, b.auth, sizeof a.auth) == 0;
}

START_TEST(test_socks_user_and_password_isolate)
{
    struct world *w = world();
    struct isolation base = isolation_of(w, "me", "pw");
    ck_assert(base.has_auth);
    ck_assert(same(base, isolation_of(w, "me", "pw")));
    ck_assert(!same(base, isolation_of(w, "me", "px")));
    ck_assert(!same(base, isolation_of(w, "mf", "pw")));
    ck_assert(!same(base, isolation_of(w, "me", "")));
    ck_assert(isolation_of(w, "", "pw").has_auth);
    ck_assert(isolation_of(w, "<torS0X>0", "").has_auth);
    world_free(w);
}
END_TEST

START_TEST(test_socks_empty_user_and_password_are_none)
{
    struct world *w = world();
    struct isolation empty = isolation_of(w, "", "");
    again(w);
    ask(w, 1, "www.example", 80);
    ck_assert(!empty.has_auth);
    ck_assert(same(empty, w->tunnel.req.isolation));
    world_free(w);
}
END_TEST

START_TEST(test_socks_user_and_password_do_not_count_with_the_flag_off)
{
    struct world *w = world();
    w->config.flags.isolation &= ~(uint32_t)ISO_SOCKS_AUTH;
    struct isolation a = isolation_of(w, "me", "pw");
    ck_assert(!a.has_auth);
    ck_assert(same(a, isolation_of(w, "you", "pw")));
    world_free(w);
}
END_TEST

START_TEST(test_socks_version4_user_id_isolates)
{
    struct world *w = world();
    feed_wire(w, request4(1, (const uint8_t[]){0, 0, 0, 1}, "me", "h.example", 80));
    ck_assert(w->tunnel.req.isolation.has_auth);
    ck_assert_mem_eq(w->tunnel.req.isolation.auth, "\2\0me", 4);
    again(w);
    feed_wire(w, request4a(1, "h.example", 80));
    ck_assert(!w->tunnel.req.isolation.has_auth);
    world_free(w);
}
END_TEST

START_TEST(test_socks_flags_of_the_port_reach_the_isolation)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    const struct isolation *iso = &w->tunnel.req.isolation;
    ck_assert_int_eq(iso->session, 42);
    ck_assert(ip_equal(&iso->client, &w->peer.ip));
    ck_assert(ipport_equal(&w->tunnel.req.asker.source, &w->peer));
    ck_assert_uint_eq(iso->protocol, 0);
    ck_assert(!iso->by_dest_addr && !iso->by_dest_port && !iso->keep_alive);
    w->config.flags.isolation = ISO_CLIENT_PROTOCOL | ISO_DEST_ADDR | ISO_DEST_PORT;
    w->config.flags.keepalive_isolate_socks_auth = true;
    again(w);
    ask(w, 1, "www.example", 80);
    ck_assert_uint_eq(iso->client.family, IP_NONE);
    uint8_t protocol5 = iso->protocol;
    ck_assert_uint_ne(protocol5, 0);
    ck_assert(iso->by_dest_addr && iso->by_dest_port && iso->keep_alive);
    again(w);
    feed_wire(w, request4a(1, "www.example", 80));
    ck_assert_uint_ne(iso->protocol, 0);
    ck_assert_uint_ne(iso->protocol, protocol5);
    world_free(w);
}
END_TEST

START_TEST(test_socks_families_of_the_port_reach_the_request)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    ck_assert(w->tunnel.req.ipv4_ok && w->tunnel.req.ipv6_ok && !w->tunnel.req.prefer_ipv6);
    w->config.flags.ipv4 = false;
    w->config.flags.prefer_ipv6 = true;
    again(w);
    ask(w, 1, "www.example", 80);
    ck_assert(!w->tunnel.req.ipv4_ok && w->tunnel.req.ipv6_ok && w->tunnel.req.prefer_ipv6);
    world_free(w);
}
END_TEST

/* ---- look-ups ---- */

static const struct stream_answer answers[] = {
    {.kind = 0xf1},
    {.kind = ANSWER_NAME, .name = "name.example"},
    {.kind = ANSWER_IP, .ip = {IP_V6, {0x20, 1, [15] = 9}}},
    {.kind = ANSWER_IP, .ip = {IP_V4, {192, 0, 2, 1}}},
    {.kind = ANSWER_IP, .ip = {IP_V4, {192, 0, 2, 2}}},
};
static const uint8_t v4_answer5[10] = {5, 0, 0, 1, 192, 0, 2, 1};
static const uint8_t v6_answer5[22] = {5, 0, 0, 4, 0x20, 1, [19] = 9};
static const uint8_t v4_answer4[8] = {0, 0x5a, 0, 0, 192, 0, 2, 1};

static void resolves(struct world *w, size_t first, size_t n)
{
    w->tunnel.ops->on_resolved(w->tunnel.arg, answers + first, n);
    ck_assert_uint_eq(w->dones, 1);
    ends(w, TUNNEL_STAGE_NONE, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
}

START_TEST(test_socks_resolve_answers_with_an_address)
{
    struct world *w = world();
    ask(w, 0xf0, "www.example", 0);
    ck_assert_int_eq(w->tunnel.req.kind, TUNNEL_RESOLVE);
    ck_assert_str_eq(w->tunnel.req.host, "www.example");
    resolves(w, 0, 5);
    sends(w, v4_answer5, 10);
    again(w);
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 2, 1); /* IPv6 where there is no IPv4 */
    sends(w, v6_answer5, 22);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_prefers_as_the_port_does)
{
    struct world *w = world();
    w->config.flags.prefer_ipv6 = true;
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 0, 5);
    sends(w, v6_answer5, 22);
    again(w);
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 3, 2);
    sends(w, v4_answer5, 10);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_shows_only_families_the_port_may_use)
{
    struct world *w = world();
    w->config.flags.ipv4 = false;
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 0, 5);
    sends(w, v6_answer5, 22);
    again(w);
    w->config.flags.ipv4 = true;
    w->config.flags.ipv6 = false;
    w->config.flags.prefer_ipv6 = true;
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 0, 5);
    sends(w, v4_answer5, 10);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_without_a_usable_answer_is_unreachable)
{
    struct world *w = world();
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 0, 2);
    answers5(w, 4);
    again(w);
    ask(w, 0xf0, "www.example", 0);
    resolves(w, 0, 0);
    answers5(w, 4);
    again(w);
    feed_wire(w, request4a(0xf0, "www.example", 0));
    resolves(w, 2, 1); /* IPv6 does not fit */
    sends(w, rejected4, 8);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_over_version4)
{
    struct world *w = world();
    w->config.flags.prefer_ipv6 = true;
    feed_wire(w, request4a(0xf0, "www.example", 0));
    ck_assert_int_eq(w->tunnel.req.kind, TUNNEL_RESOLVE);
    resolves(w, 0, 5);
    sends(w, v4_answer4, 8);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_of_an_address_is_answered_at_once)
{
    struct world *w = world();
    ask(w, 0xf0, "192.0.2.1", 0);
    sends(w, v4_answer5, 10);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.opened, 0);
    again(w);
    greet(w);
    feed_wire(w, request5_ip(0xf0, "2001::9", 0));
    sends(w, v6_answer5, 22);
    again(w);
    feed_wire(w, request4a(0xf0, "192.0.2.1", 0));
    sends(w, v4_answer4, 8);
    ck_assert_uint_eq(w->tunnel.opened, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_of_an_ipv6_address_is_not_granted_over_version4)
{
    struct world *w = world();
    feed_wire(w, request4a(0xf0, "2001::9", 0));
    sends(w, rejected4, 8);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_ptr_answers_with_a_name)
{
    static const char *const hosts[] = {"192.0.2.1", "2001::9"};
    struct world *w = world();
    for (size_t i = 0; i < 4; i++) {
        greet(w);
        feed_wire(w, i < 2 ? request5_ip(0xf1, hosts[i], 0) : request5(0xf1, hosts[i - 2], 0));
        ck_assert_int_eq(w->tunnel.req.kind, TUNNEL_RESOLVE_PTR);
        ck_assert_uint_eq(w->tunnel.req.ip.family, i % 2 ? IP_V6 : IP_V4);
        resolves(w, 0, 5);
        sends(w, "\5\0\0\3\14name.example\0\0", 19);
        again(w);
    }
    greet(w);
    feed_wire(w, request5_ip(0xf1, "192.0.2.1", 0));
    resolves(w, 2, 3); /* addresses only */
    answers5(w, 4);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_ptr_wants_an_address_and_version5)
{
    struct world *w = world();
    ask(w, 0xf1, "www.example", 0);
    is_refused(w, 8);
    again(w);
    feed_wire(w, request4(0xf1, (const uint8_t[]){192, 0, 2, 1}, "", NULL, 80));
    sends(w, rejected4, 8);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.opened, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_resolve_that_fails_gets_the_reason)
{
    struct world *w = world();
    ask(w, 0xf0, "www.example", 0);
    ends(w, TUNNEL_STAGE_STREAM, END_RESOLVEFAILED);
    answers5(w, 4);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_what_was_said_of_who_asks_is_kept_for_listeners)
{
    struct world *w = world();
    w->config.flags.isolation = 0;
    isolation_of(w, "me", "pw");
    const struct asker *a = &w->tunnel.req.asker;
    ck_assert(text_is(login_user(a->login), "me"));
    ck_assert(text_is(login_pass(a->login), "pw"));
    ck_assert_uint_eq(a->protocol, 5);
    again(w);
    feed_wire(w, request4(1, (const uint8_t[]){0, 0, 0, 1}, "you", "h.example", 80));
    ck_assert(text_is(login_user(a->login), "you"));
    ck_assert_uint_eq(a->protocol, 4);
    world_free(w);
}
END_TEST

START_TEST(test_socks_tells_of_addresses_that_were_looked_up_elsewhere)
{
    struct world *w = world();
    feed_wire(w, request4(1, (const uint8_t[]){198, 51, 100, 7}, "", NULL, 80));
    ck_assert_int_eq(w->told.what, STATUS_DANGEROUS_SOCKS);
    ck_assert_uint_eq(w->told.number, 4);
    ck_assert_str_eq(w->told.text, "198.51.100.7:80");
    world_free(w);
}
END_TEST

START_TEST(test_socks_tells_of_other_protocols)
{
    struct world *w = world();
    feed_text(w, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(w->told.what, STATUS_SOCKS_UNKNOWN_PROTOCOL);
    ck_assert_uint_eq(w->told.number, 8);
    ck_assert_str_eq(w->told.text, "GET / HT");
    world_free(w);
}
END_TEST

START_TEST(test_socks_tells_of_names_that_are_none)
{
    struct world *w = world();
    ask(w, 1, "no name", 80);
    ck_assert_int_eq(w->told.what, STATUS_SOCKS_BAD_HOSTNAME);
    ck_assert_str_eq(w->told.text, "no name");
    world_free(w);
}
END_TEST

START_TEST(test_socks_tells_of_ports_in_the_clear)
{
    static const uint16_t ports[] = {23, 80};
    struct world *w = world();
    w->config.rules.warn_ports = ports;
    w->config.rules.n_warn_ports = 2;
    w->config.rules.reject_ports = ports;
    w->config.rules.n_reject_ports = 1;
    ask(w, 1, "www.example", 80);
    ck_assert_int_eq(w->told.what, STATUS_DANGEROUS_PORT);
    ck_assert_uint_eq(w->told.number, 80);
    ck_assert(!w->told.refused);
    again(w);
    ask(w, 1, "www.example", 23);
    ck_assert_uint_eq(w->told.number, 23);
    ck_assert(w->told.refused);
    world_free(w);
}
END_TEST

TESTS("socks/socks", test_socks_version5_connects_and_passes_bytes_both_ways,
      test_socks_version4_and_4a_connect, test_socks_literal_addresses_are_known_as_such,
      test_socks_bytes_may_come_in_any_pieces, test_socks_early_data_stays_until_connected,
      test_socks_early_data_goes_with_a_failed_request,
      test_socks_application_is_not_told_what_the_exit_resolved,
      test_socks_method_is_chosen_as_tor_does, test_socks_auth_is_taken_where_none_was_agreed,
      test_socks_auth_is_taken_once, test_socks_reserved_user_names_are_refused,
      test_socks_user_and_password_isolate, test_socks_empty_user_and_password_are_none,
      test_socks_user_and_password_do_not_count_with_the_flag_off,
      test_socks_version4_user_id_isolates, test_socks_flags_of_the_port_reach_the_isolation,
      test_socks_families_of_the_port_reach_the_request, test_socks_resolve_answers_with_an_address,
      test_socks_resolve_prefers_as_the_port_does,
      test_socks_resolve_shows_only_families_the_port_may_use,
      test_socks_resolve_without_a_usable_answer_is_unreachable, test_socks_resolve_over_version4,
      test_socks_resolve_of_an_address_is_answered_at_once,
      test_socks_resolve_of_an_ipv6_address_is_not_granted_over_version4,
      test_socks_resolve_ptr_answers_with_a_name,
      test_socks_resolve_ptr_wants_an_address_and_version5,
      test_socks_resolve_that_fails_gets_the_reason,
      test_socks_what_was_said_of_who_asks_is_kept_for_listeners,
      test_socks_tells_of_addresses_that_were_looked_up_elsewhere,
      test_socks_tells_of_other_protocols, test_socks_tells_of_names_that_are_none,
      test_socks_tells_of_ports_in_the_clear)
