/* The SOCKS machine: refusals, warnings, replies to failures, wrong protocols. */
#include "support/socksworld.h"

/* ---- refusals ---- */

START_TEST(test_socks_other_commands_are_not_supported)
{
    struct world *w = world();
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        if (cmd == 1 || cmd == 0xf0 || cmd == 0xf1)
            continue;
        ask(w, (uint8_t)cmd, "www.example", 80);
        is_refused(w, 7);
        again(w);
        feed_wire(w, request4a((uint8_t)cmd, "www.example", 80));
        sends(w, rejected4, 8);
        ck_assert_uint_eq(w->dones, 1);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_other_address_types_are_not_supported)
{
    struct world *w = world();
    greet(w);
    feed(w, BYTES(5, 1, 0, 2, 1, 2, 3, 4, 0, 80));
    is_refused(w, 8);
    world_free(w);
}
END_TEST

START_TEST(test_socks_implausible_host_names_are_refused)
{
    static const char *const bad[] = {
        "a b.example",      "a\nb", "www.example:80", "[www.example]", "[192.0.2.1]", "::1::",
        "\xc3\xa9.example", "a/b",  "a\x7f",          "[2001::9",      "user@host"};
    struct world *w = world();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask(w, 1, bad[i], 80);
        is_refused(w, 1);
        again(w);
        ask(w, 0xf0, bad[i], 80);
        is_refused(w, 1);
        again(w);
    }
    greet(w);
    feed(w, BYTES(5, 1, 0, 3, 4, 'a', 0, 'b', 'c', 0, 80));
    is_refused(w, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_plausible_host_names_pass)
{
    char longest[256];
    memset(longest, 'x', 255);
    longest[255] = 0;
    const char *const good[] = {"www.example.", "_srv._tcp.example", "xn--bcher-kva.example",
                                "localhost",    "1e100.net",         longest};
    struct world *w = world();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ask(w, 1, good[i], 80);
        ck_assert_msg(w->tunnel.opened == 1, "%s", good[i]);
        ck_assert_str_eq(w->tunnel.req.host, good[i]);
        again(w);
    }
    world_free(w);
}
END_TEST

enum option { SAFE = 1, NO_DNS = 2, ONION = 4, NO_V4 = 8, NO_V6 = 16, REJECT = 32 };

static void set_options(struct world *w, unsigned options)
{
    static const uint16_t ports[] = {23, 109};
    w->config.rules.safe_socks = options & SAFE;
    w->config.flags.dns = !(options & (NO_DNS | ONION));
    w->config.flags.ipv4 = !(options & (NO_V4 | ONION));
    w->config.flags.ipv6 = !(options & (NO_V6 | ONION));
    w->config.rules.reject_ports = ports;
    w->config.rules.n_reject_ports = options & REJECT ? 2 : 0;
}

#define ONION_V3 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad.onion"

START_TEST(test_socks_options_refuse_what_they_say_and_nothing_else)
{
    static const struct {
        unsigned options;
        uint8_t cmd;
        const char *host; /* with a leading '#': sent as an address */
        uint16_t port;
        bool refused;
    } cases[] = {
        {SAFE, 1, "#192.0.2.1", 80, true},        {SAFE, 1, "#2001:db8::1", 80, true},
        {SAFE, 0xf0, "#192.0.2.1", 0, true},      {SAFE, 0xf1, "#192.0.2.1", 0, false},
        {SAFE, 1, "192.0.2.1", 80, false}, /* the user may have typed it */
        {SAFE, 1, "www.example", 80, false},      {NO_DNS, 1, "www.example", 80, true},
        {NO_DNS, 0xf0, "www.example", 80, true},  {NO_DNS, 1, "#192.0.2.1", 80, false},
        {NO_DNS, 1, ONION_V3, 80, false},         {ONION, 1, "www.example", 80, true},
        {ONION, 1, "#192.0.2.1", 80, true},       {ONION, 0xf0, "www.example", 80, true},
        {ONION, 0xf1, "#192.0.2.1", 0, true},     {ONION, 1, ONION_V3, 80, false},
        {ONION, 1, ONION_V3 ".", 80, false},      {ONION, 1, "sub." ONION_V3, 80, false},
        {ONION, 1, "onion.example", 80, true},    {NO_V4, 1, "#192.0.2.1", 80, true},
        {NO_V4, 1, "192.0.2.1", 80, true},        {NO_V4, 0xf0, "192.0.2.1", 80, true},
        {NO_V4, 0xf1, "#192.0.2.1", 0, true},     {NO_V4, 1, "#2001:db8::1", 80, false},
        {NO_V4, 1, "www.example", 80, false},     {NO_V6, 1, "#2001:db8::1", 80, true},
        {NO_V6, 1, "[2001:db8::1]", 80, true},    {NO_V6, 1, "#192.0.2.1", 80, false},
        {REJECT, 1, "www.example", 23, true},     {REJECT, 1, "#192.0.2.1", 109, true},
        {REJECT, 0xf0, "www.example", 23, false}, {REJECT, 1, "www.example", 80, false},
        {REJECT, 1, ONION_V3, 23, false}, /* encrypted to its end */
    };
    struct world *w = world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *host = cases[i].host;
        set_options(w, cases[i].options);
        greet(w);
        feed_wire(w, host[0] == '#' ? request5_ip(cases[i].cmd, host + 1, cases[i].port)
                                    : request5(cases[i].cmd, host, cases[i].port));
        ck_assert_msg(w->tunnel.opened == !cases[i].refused, "case %zu (%s)", i, host);
        if (cases[i].refused)
            is_refused(w, 2);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_refusals_over_version4_are_rejections)
{
    struct world *w = world();
    set_options(w, SAFE);
    feed_wire(w, request4(1, (const uint8_t[]){192, 0, 2, 1}, "", NULL, 80));
    sends(w, rejected4, 8);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.opened, 0);
    again(w);
    feed_wire(w, request4a(1, "www.example", 80));
    ck_assert_uint_eq(w->tunnel.opened, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_onion_addresses_that_cannot_be_get_the_extended_error)
{
    static const struct {
        const char *host;
        bool bad;
    } cases[] = {{"short.onion", true},
                 {".onion", true},
                 {"expyuzz4wqqyqhjn.onion", true}, /* version 2 */
                 {"1" ONION_V3, true},
                 {"10000000000000000000000000000000000000000000000000000000.onion", true},
                 {"www.short.onion", true},
                 {ONION_V3, false},
                 {ONION_V3 ".", false},
                 {"www.sub." ONION_V3, false},
                 {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD.ONION", false}};
    struct world *w = world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        w->config.flags.extended_errors = true;
        ask(w, 1, cases[i].host, 80);
        ck_assert_msg(w->tunnel.opened == !cases[i].bad, "%s", cases[i].host);
        if (cases[i].bad)
            is_refused(w, 0xf6);
        again(w);
        w->config.flags.extended_errors = false;
        ask(w, 1, cases[i].host, 80);
        ck_assert_msg(w->tunnel.opened == 1, "%s", cases[i].host);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_no_tunnel_is_a_general_failure)
{
    struct world *w = world();
    w->no_tunnel = true;
    ask(w, 1, "www.example", 80);
    answers5(w, 1);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

/* ---- warnings ---- */

START_TEST(test_socks_addresses_are_warned_about_at_most_now_and_then)
{
    struct front_warnings warnings = {.of = {{0}}};
    struct world *w = world();
    unsigned warned = 0;
    w->config.rules.warnings = &warnings;
    for (int i = 0; i < 5; i++) {
        greet(w);
        feed_wire(w, request5_ip(1, "192.0.2.1", 80));
        warned += w->warns;
        again(w);
    }
    ck_assert_uint_eq(warned, 1);
    test_env_advance_ms(w->env, 600000);
    again(w);
    greet(w);
    feed_wire(w, request5_ip(1, "192.0.2.1", 80));
    ck_assert_uint_eq(w->warns, 1);
    again(w);
    ask(w, 1, "192.0.2.1", 80);
    ck_assert_uint_eq(w->warns, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_test_socks_tells_of_each_request)
{
    struct front_warnings warnings = {.of = {{0}}};
    struct world *w = world();
    w->config.rules.warnings = &warnings;
    w->config.rules.test_socks = true;
    for (int i = 0; i < 2; i++) {
        again(w);
        greet(w);
        feed_wire(w, request5_ip(1, "192.0.2.1", 80));
        ck_assert_uint_eq(w->warns, 1);
        ck_assert_uint_eq(w->notices, 0);
        again(w);
        ask(w, 1, "www.example", 80);
        ck_assert_uint_eq(w->warns, 0);
        ck_assert_uint_eq(w->notices, 1);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_plaintext_ports_are_warned_about)
{
    static const uint16_t ports[] = {23, 143};
    struct world *w = world();
    w->config.rules.warn_ports = ports;
    w->config.rules.n_warn_ports = 2;
    ask(w, 1, "www.example", 143);
    ck_assert_uint_eq(w->warns, 1);
    ck_assert_uint_eq(w->tunnel.opened, 1);
    again(w);
    ask(w, 1, "www.example", 443);
    ck_assert_uint_eq(w->warns, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_garbage_is_warned_about_at_most_now_and_then)
{
    struct front_warnings warnings = {.of = {{0}}};
    struct world *w = world();
    unsigned warned = 0;
    w->config.rules.warnings = &warnings;
    for (unsigned i = 0; i < 20; i++) {
        feed(w, BYTES((uint8_t)(100 + i), 1, 2, 3));
        warned += w->warns;
        again(w);
    }
    ck_assert_uint_eq(warned, 1);
    world_free(w);
}
END_TEST

/* ---- how tunnels end ---- */

START_TEST(test_socks_reply_tells_why_there_is_no_connection)
{
    static const struct {
        enum tunnel_stage stage;
        uint8_t reason, code;
    } cases[] = {
        {TUNNEL_STAGE_REQUEST, END_PRIVATE, 2},       {TUNNEL_STAGE_NETWORK, END_MISC, 3},
        {TUNNEL_STAGE_CIRCUIT, END_DESTROY, 1},       {TUNNEL_STAGE_TIMEOUT, END_TIMEOUT, 6},
        {TUNNEL_STAGE_STREAM, END_MISC, 1},           {TUNNEL_STAGE_STREAM, END_RESOLVEFAILED, 4},
        {TUNNEL_STAGE_STREAM, END_CONNECTREFUSED, 5}, {TUNNEL_STAGE_STREAM, END_EXITPOLICY, 2},
        {TUNNEL_STAGE_STREAM, END_DESTROY, 1},        {TUNNEL_STAGE_STREAM, END_DONE, 5},
        {TUNNEL_STAGE_STREAM, END_TIMEOUT, 6},        {TUNNEL_STAGE_STREAM, END_NOROUTE, 4},
        {TUNNEL_STAGE_STREAM, END_HIBERNATING, 1},    {TUNNEL_STAGE_STREAM, END_INTERNAL, 1},
        {TUNNEL_STAGE_STREAM, END_RESOURCELIMIT, 1},  {TUNNEL_STAGE_STREAM, END_CONNRESET, 5},
        {TUNNEL_STAGE_STREAM, END_TORPROTOCOL, 1},    {TUNNEL_STAGE_STREAM, END_NOTDIRECTORY, 1}};
    struct world *w = world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(w, 1, "www.example", 80);
        ends(w, cases[i].stage, cases[i].reason);
        answers5(w, cases[i].code);
        ck_assert_uint_eq(w->dones, 1);
        again(w);
        feed_wire(w, request4a(1, "www.example", 80));
        ends(w, cases[i].stage, cases[i].reason);
        sends(w, rejected4, 8);
        ck_assert_uint_eq(w->dones, 1);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_end_of_an_open_tunnel_is_no_reply_and_keeps_what_is_queued)
{
    struct world *w = opened();
    delivers(w, "last words");
    ends(w, TUNNEL_STAGE_STREAM, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    sends(w, "last words", 10); /* nothing is told to the tunnel that is gone */
    ck_assert_uint_eq(w->tunnel.consumed, 0);
    ck_assert_uint_eq(w->tunnel.closed, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_end_drops_what_the_application_sent_last)
{
    struct world *w = opened();
    w->tunnel.room = 0;
    feed_text(w, "too late");
    ends(w, TUNNEL_STAGE_CIRCUIT, END_DESTROY);
    ck_assert_uint_eq(w->dones, 1);
    size_t room;
    ck_assert_ptr_null(pump_in_room(w->pump, &room));
    pump_in_eof(w->pump, false);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

/* ---- wrong protocols ---- */

START_TEST(test_socks_http_gets_a_page_that_says_so)
{
    static const char *const requests[] = {"GET / HTTP/1.1\r\n",         "HEAD / HTTP/1.1\r\n",
                                           "POST / HTTP/1.1\r\n",        "PUT / HTTP/1.1\r\n",
                                           "CONNECT x:443 HTTP/1.1\r\n", "DELETE / HTTP/1.1\r\n",
                                           "OPTIONS * HTTP/1.1\r\n"};
    struct world *w = world();
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        feed_text(w, requests[i]);
        send_out(w, SIZE_MAX);
        w->sent[w->sent_len] = 0;
        ck_assert_int_eq(memcmp(w->sent, "HTTP/1.0 501 ", 13), 0);
        ck_assert_ptr_nonnull(strstr((char *)w->sent, "\r\n\r\n<!DOCTYPE html>"));
        ck_assert_uint_eq(w->dones, 1);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_garbage_is_closed_without_a_word)
{
    struct world *w = world();
    for (unsigned first = 0; first < 256; first++) {
        if (first == 4 || first == 5 || (first && strchr("GHPCDO", (int)first)))
            continue;
        feed(w, BYTES((uint8_t)first));
        ck_assert_msg(w->dones == 1, "%u", first);
        sends(w, NULL, 0);
        again(w);
    }
    world_free(w);
}
END_TEST

START_TEST(test_socks_malformed_requests_are_answered)
{
    struct world *w = world();
    greet(w);
    feed(w, BYTES(5, 1, 0, 3, 0, 0, 80)); /* no name */
    is_refused(w, 1);
    again(w);
    greet(w);
    feed(w, BYTES(4, 1, 0, 80, 1, 2, 3, 4, 0)); /* another version in the middle */
    is_refused(w, 1);
    again(w);
    feed(w, BYTES(4, 1, 0, 80, 0, 0, 0, 1, 0, 0)); /* no name */
    sends(w, rejected4, 8);
    ck_assert_uint_eq(w->dones, 1);
    again(w);
    feed(w, BYTES(5, 1, 2));
    sends(w, BYTES(5, 2));
    feed(w, BYTES(5, 1, 0, 1)); /* a request instead of a password */
    sends(w, NULL, 0);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_endless_message_is_cut_off)
{
    struct world *w = world();
    uint8_t bytes[1024];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "\4\1\0\120\0\0\0\1", 8);
    feed(w, bytes, 1023);
    ck_assert_uint_eq(w->dones, 0);
    feed(w, bytes + 8, 1);
    sends(w, rejected4, 8);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_longest_messages_pass)
{
    struct world *w = world();
    uint8_t auth[3 + 255 + 255] = {1, 255}, greeting[2 + 255] = {5, 255};
    memset(greeting + 2, 2, 255);
    memset(auth + 2, 'u', 255);
    auth[2 + 255] = 255;
    memset(auth + 3 + 255, 'p', 255);
    feed(w, greeting, sizeof greeting);
    sends(w, BYTES(5, 2));
    feed(w, auth, sizeof auth);
    sends(w, BYTES(1, 0));
    ck_assert_uint_eq(w->dones, 0);
    world_free(w);
}
END_TEST

TESTS("socks/socks_refuse", test_socks_other_commands_are_not_supported,
      test_socks_other_address_types_are_not_supported,
      test_socks_implausible_host_names_are_refused, test_socks_plausible_host_names_pass,
      test_socks_options_refuse_what_they_say_and_nothing_else,
      test_socks_refusals_over_version4_are_rejections,
      test_socks_onion_addresses_that_cannot_be_get_the_extended_error,
      test_socks_no_tunnel_is_a_general_failure,
      test_socks_addresses_are_warned_about_at_most_now_and_then,
      test_socks_test_socks_tells_of_each_request, test_socks_plaintext_ports_are_warned_about,
      test_socks_garbage_is_warned_about_at_most_now_and_then,
      test_socks_reply_tells_why_there_is_no_connection,
      test_socks_end_of_an_open_tunnel_is_no_reply_and_keeps_what_is_queued,
      test_socks_end_drops_what_the_application_sent_last, test_socks_http_gets_a_page_that_says_so,
      test_socks_garbage_is_closed_without_a_word, test_socks_malformed_requests_are_answered,
      test_socks_endless_message_is_cut_off, test_socks_longest_messages_pass)
