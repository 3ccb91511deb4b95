/* The most that each message may hold, and one more. */
#include <string.h>

#include "cell/chan_circ.h"
#include "cell/chan_link.h"
#include "cell/ext.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "cell/relay_extend.h"
#include "cell/relay_flow.h"
#include "cell/relay_stream.h"
#include "support/test.h"

enum { ROOM = 2048 };

START_TEST(test_limits_versions)
{
    static const uint8_t bytes[2 * CHAN_VERSIONS_MAX + 2];
    struct chan_versions m;
    ck_ok(chan_versions_decode(rd_over(bytes, sizeof bytes - 2), &m));
    ck_assert_uint_eq(m.n, CHAN_VERSIONS_MAX);
    ck_err(chan_versions_decode(rd_over(bytes, sizeof bytes), &m), ERR_LIMIT);
}
END_TEST

START_TEST(test_limits_certs)
{
    uint8_t bytes[1 + 3 * 255] = {CHAN_CERTS_MAX};
    struct chan_certs m;
    ck_ok(chan_certs_decode(rd_over(bytes, sizeof bytes), &m));
    ck_assert_uint_eq(m.n, CHAN_CERTS_MAX);
    bytes[0]++;
    ck_err(chan_certs_decode(rd_over(bytes, sizeof bytes), &m), ERR_LIMIT);
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    m.n = CHAN_CERTS_MAX + 1;
    ck_err(chan_certs_encode(&w, &m), ERR_ARG);
}
END_TEST

START_TEST(test_limits_auth_methods)
{
    uint8_t bytes[34 + 2 * (CHAN_AUTH_METHODS_MAX + 1)] = {0};
    struct chan_auth_challenge m;
    bytes[33] = CHAN_AUTH_METHODS_MAX;
    ck_ok(chan_auth_challenge_decode(rd_over(bytes, sizeof bytes), &m));
    bytes[33]++;
    ck_err(chan_auth_challenge_decode(rd_over(bytes, sizeof bytes), &m), ERR_LIMIT);
}
END_TEST

START_TEST(test_limits_netinfo_skips_addresses_over_the_cap)
{
    uint8_t bytes[4 + 6 + 1 + 6 * 255] = {0, 0, 0, 0, 4, 4, 1, 2, 3, 4, 255};
    for (size_t i = 11; i < sizeof bytes; i += 6) {
        bytes[i] = 4;
        bytes[i + 1] = 4;
        bytes[i + 5] = (uint8_t)i;
    }
    struct chan_netinfo m;
    ck_ok(chan_netinfo_decode(rd_over(bytes, sizeof bytes), &m));
    ck_assert_uint_eq(m.n_mine, CHAN_NETINFO_ADDRS_MAX);
    ck_assert_uint_eq(m.mine[1].b[3], 17);
    ck_err(chan_netinfo_decode(rd_over(bytes, sizeof bytes - 1), &m), ERR_TRUNCATED);
}
END_TEST

START_TEST(test_limits_netinfo_without_an_address_is_not_sent)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct chan_netinfo m = {.other = {.family = IP_NONE}};
    ck_err(chan_netinfo_encode(&w, &m), ERR_ARG);
    m.other.family = IP_V4;
    m.n_mine = 1;
    ck_err(chan_netinfo_encode(&w, &m), ERR_ARG);
}
END_TEST

START_TEST(test_limits_create2_data)
{
    static const uint8_t data[CREATE2_DATA_MAX + 1];
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct chan_create2 m = {.htype = 2, .hlen = CREATE2_DATA_MAX, .hdata = data};
    ck_ok(chan_create2_encode(&w, &m));
    ck_assert_uint_eq(w.len, CELL_BODY_LEN);
    m.hlen++;
    ck_err(chan_create2_encode(&w, &m), ERR_ARG);
}
END_TEST

START_TEST(test_limits_created2_data)
{
    static const uint8_t data[CREATED2_DATA_MAX + 1];
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct chan_created2 m = {.hlen = CREATED2_DATA_MAX, .hdata = data};
    ck_ok(chan_created2_encode(&w, &m));
    ck_assert_uint_eq(w.len, RELAY_V0_DATA_MAX);
    m.hlen++;
    ck_err(chan_created2_encode(&w, &m), ERR_ARG);
}
END_TEST

START_TEST(test_limits_link_specifiers)
{
    uint8_t bytes[1 + 2 * 255];
    memset(bytes, 0x77, sizeof bytes); /* an unknown type */
    for (size_t i = 2; i < sizeof bytes; i += 2)
        bytes[i] = 0;
    struct linkspecs specs;
    bytes[0] = LINKSPECS_MAX;
    struct rd r = rd_over(bytes, sizeof bytes);
    ck_ok(linkspecs_decode(&r, &specs));
    ck_assert_uint_eq(specs.n, LINKSPECS_MAX);
    bytes[0]++;
    r = rd_over(bytes, sizeof bytes);
    ck_err(linkspecs_decode(&r, &specs), ERR_LIMIT);
}
END_TEST

START_TEST(test_limits_link_specifiers_of_a_relay_fill_the_storage)
{
    uint8_t storage[LINKSPECS_STORAGE];
    struct linkspecs specs;
    struct linkspec_relay relay = {.has_rsa = true, .has_ed = true}, back;
    ck_ok(ipport_parse("192.0.2.1:9001", &relay.v4));
    ck_ok(ipport_parse("[2001:db8::1]:443", &relay.v6));
    memset(relay.rsa.b, 1, sizeof relay.rsa.b);
    memset(relay.ed.b, 2, sizeof relay.ed.b);
    linkspecs_make(&relay, storage, &specs);
    static const uint8_t order[] = {LINKSPEC_IPV4, LINKSPEC_RSA_ID, LINKSPEC_ED_ID, LINKSPEC_IPV6};
    ck_assert_uint_eq(specs.n, 4);
    size_t total = 0;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(specs.s[i].type, order[i]);
        total += specs.s[i].len;
    }
    ck_assert_uint_eq(total, LINKSPECS_STORAGE);
    linkspecs_read(&specs, &back);
    ck_assert(ipport_equal(&back.v4, &relay.v4) && ipport_equal(&back.v6, &relay.v6));
    ck_assert(back.has_rsa && rsa_id_equal(&back.rsa, &relay.rsa));
    ck_assert(back.has_ed && ed_id_equal(&back.ed, &relay.ed));
}
END_TEST

START_TEST(test_limits_link_specifiers_only_what_is_known)
{
    uint8_t storage[LINKSPECS_STORAGE];
    struct linkspecs specs;
    struct linkspec_relay relay = {.has_rsa = true}, back;
    linkspecs_make(&relay, storage, &specs);
    ck_assert_uint_eq(specs.n, 1);
    linkspecs_read(&specs, &back);
    ck_assert(back.has_rsa && !back.has_ed && back.v4.ip.family == IP_NONE);
}
END_TEST

START_TEST(test_limits_extensions)
{
    uint8_t bytes[1 + 2 * 255] = {0};
    for (size_t i = 1; i < sizeof bytes; i += 2)
        bytes[i] = (uint8_t)i;
    struct exts m;
    bytes[0] = EXTS_MAX;
    ck_ok(exts_decode_all(rd_over(bytes, 1 + 2 * EXTS_MAX), &m));
    bytes[0]++;
    ck_err(exts_decode_all(rd_over(bytes, 1 + 2 * (EXTS_MAX + 1)), &m), ERR_LIMIT);
    ck_err(exts_add(&m, 200, NULL, 0), ERR_LIMIT);
}
END_TEST

START_TEST(test_limits_extensions_are_added_in_order_and_once)
{
    struct exts m = {.n = 0};
    static const uint8_t body[] = {2, 6};
    ck_ok(exts_add(&m, 3, body, sizeof body));
    ck_ok(exts_add(&m, 1, NULL, 0));
    ck_ok(exts_add(&m, 2, body, 1));
    ck_err(exts_add(&m, 3, body, 1), ERR_ARG);
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    ck_ok(exts_encode(&w, &m));
    static const uint8_t want[] = {3, 1, 0, 2, 1, 2, 3, 2, 2, 6};
    ck_assert_uint_eq(w.len, sizeof want);
    ck_assert_mem_eq(room, want, sizeof want);
    ck_assert_ptr_eq(exts_find(&m, 3)->body, body);
    ck_assert_ptr_null(exts_find(&m, 4));
}
END_TEST

START_TEST(test_limits_congestion_control_answer)
{
    static const uint8_t inc[] = {31, 0};
    struct ext e = {.type = CIRC_EXT_CC_RESPONSE, .len = 1, .body = inc};
    uint8_t got;
    ck_ok(ext_cc_response_decode(&e, &got));
    ck_assert_uint_eq(got, 31);
    e.len = 2;
    ck_err(ext_cc_response_decode(&e, &got), ERR_TRAILING);
    e.len = 0;
    ck_err(ext_cc_response_decode(&e, &got), ERR_TRUNCATED);
    e = (struct ext){.type = CIRC_EXT_CC_RESPONSE, .len = 1, .body = inc + 1};
    ck_err(ext_cc_response_decode(&e, &got), ERR_MALFORMED);
}
END_TEST

START_TEST(test_limits_subprotocols)
{
    uint8_t bytes[2 * EXT_SUBPROTOS_MAX + 2];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i / 2);
    struct subproto_request m;
    ck_ok(subproto_request_decode(rd_over(bytes, 2 * EXT_SUBPROTOS_MAX), &m));
    ck_assert_uint_eq(m.n, EXT_SUBPROTOS_MAX);
    ck_err(subproto_request_decode(rd_over(bytes, sizeof bytes), &m), ERR_LIMIT);
}
END_TEST

START_TEST(test_limits_answers)
{
    uint8_t bytes[6 * (RELAY_ANSWERS_MAX + 1)] = {0};
    for (size_t i = 0; i < sizeof bytes; i += 6)
        bytes[i] = ANSWER_ERROR;
    static struct relay_resolved m;
    ck_ok(relay_resolved_decode(rd_over(bytes, 6 * RELAY_ANSWERS_MAX), &m));
    ck_assert_uint_eq(m.n, RELAY_ANSWERS_MAX);
    ck_err(relay_resolved_decode(rd_over(bytes, sizeof bytes), &m), ERR_LIMIT);
    ck_assert_uint_lt(RELAY_DATA_MAX, sizeof bytes); /* so that no whole message is ever refused */
}
END_TEST

static err_t begin_encode(const char *host, size_t len, uint16_t port, uint8_t room[ROOM],
                          size_t *used)
{
    struct wr w = wr_over(room, ROOM);
    struct relay_begin m = {.host = {host, len}, .port = port};
    err_t e = relay_begin_encode(&w, &m);
    *used = w.len;
    return e;
}

START_TEST(test_limits_begin_host)
{
    char host[RELAY_HOST_MAX + 1];
    uint8_t room[ROOM];
    size_t used;
    struct relay_begin m;
    memset(host, 'a', sizeof host);
    ck_ok(begin_encode(host, RELAY_HOST_MAX, 65535, room, &used));
    ck_ok(relay_begin_decode(rd_over(room, used), &m));
    ck_assert_uint_eq(m.host.len, RELAY_HOST_MAX);
    ck_assert_uint_eq(m.port, 65535);
    ck_err(begin_encode(host, sizeof host, 1, room, &used), ERR_ARG);
}
END_TEST

START_TEST(test_limits_begin_puts_brackets_around_ipv6)
{
    uint8_t room[ROOM];
    size_t used;
    ck_ok(begin_encode("2001:db8::1", 11, 22, room, &used));
    ck_assert_mem_eq(room, "[2001:db8::1]:22", 17);
    ck_assert_uint_eq(used, 17);
    ck_ok(begin_encode("[2001:db8::1]", 13, 22, room, &used));
    ck_assert_mem_eq(room, "[2001:db8::1]:22", 17);
}
END_TEST

START_TEST(test_limits_begin_to_an_onion_service_has_no_host)
{
    uint8_t room[ROOM];
    size_t used;
    struct relay_begin m;
    ck_ok(begin_encode("", 0, 80, room, &used));
    ck_assert_mem_eq(room, ":80", 4);
    ck_ok(relay_begin_decode(rd_over(room, used), &m));
    ck_assert_uint_eq(m.host.len, 0);
}
END_TEST

START_TEST(test_limits_begin_refuses_what_no_host_holds)
{
    uint8_t room[ROOM];
    size_t used;
    ck_err(begin_encode("a b", 3, 80, room, &used), ERR_ARG);
    ck_err(begin_encode("a\0b", 3, 80, room, &used), ERR_ARG);
    ck_err(begin_encode("a\x80", 2, 80, room, &used), ERR_ARG);
    ck_err(begin_encode("[a]", 3, 80, room, &used), ERR_ARG);
    ck_err(begin_encode("a", 1, 0, room, &used), ERR_ARG);
}
END_TEST

START_TEST(test_limits_end_private_never_goes_out)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct relay_end m = {.reason = END_PRIVATE};
    ck_err(relay_end_encode(&w, &m), ERR_ARG);
    m.reason = 0;
    ck_err(relay_end_encode(&w, &m), ERR_ARG);
    m.reason = END_NOTDIRECTORY;
    ck_ok(relay_end_encode(&w, &m));
}
END_TEST

START_TEST(test_limits_connected_to_nowhere_is_not_sent)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct relay_connected m = {.ip = {.family = IP_V4}, .has_ttl = true};
    ck_err(relay_connected_encode(&w, &m), ERR_ARG);
}
END_TEST

START_TEST(test_limits_versions_in_common)
{
    struct chan_versions theirs = {.n = 3, .v = {4, 5, 6}};
    struct chan_versions none = {.n = 0}, far = {.n = 4, .v = {1, 2, 3, 77}},
                         more = {.n = 4, .v = {4, 5, 6, 7}}, old = {.n = 2, .v = {4, 5}};
    /* the published cases: test_chancell.rs, versions */
    ck_assert_uint_eq(chan_versions_common(&theirs, &far), 0);
    ck_assert_uint_eq(chan_versions_common(&theirs, &none), 0);
    ck_assert_uint_eq(chan_versions_common(&theirs, &more), 6);
    ck_assert_uint_eq(chan_versions_common(&theirs, &old), 5);
}
END_TEST

START_TEST(test_limits_encoders_refuse_lists_over_their_storage)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct linkspecs specs = {.n = LINKSPECS_MAX + 1};
    struct exts exts = {.n = EXTS_MAX + 1};
    struct subproto_request request = {.n = 0};
    struct chan_auth_challenge challenge = {.n_methods = CHAN_AUTH_METHODS_MAX + 1};
    static struct relay_resolved resolved = {.n = RELAY_ANSWERS_MAX + 1};
    ck_err(linkspecs_encode(&w, &specs), ERR_ARG);
    ck_err(exts_encode(&w, &exts), ERR_ARG);
    ck_err(subproto_request_encode(&w, &request), ERR_ARG);
    request.n = EXT_SUBPROTOS_MAX + 1;
    ck_err(subproto_request_encode(&w, &request), ERR_ARG);
    ck_err(chan_auth_challenge_encode(&w, &challenge), ERR_ARG);
    ck_err(relay_resolved_encode(&w, &resolved), ERR_ARG);
    ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(test_limits_extend2_needs_an_rsa_identity)
{
    uint8_t room[ROOM], storage[LINKSPECS_STORAGE];
    struct wr w = wr_over(room, sizeof room);
    struct linkspec_relay relay = {.has_ed = true};
    struct relay_extend2 m = {.htype = HANDSHAKE_NTOR};
    linkspecs_make(&relay, storage, &m.specs);
    ck_err(relay_extend2_encode(&w, &m), ERR_ARG);
    relay.has_rsa = true;
    linkspecs_make(&relay, storage, &m.specs);
    ck_ok(relay_extend2_encode(&w, &m));
}
END_TEST

START_TEST(test_limits_extended2_data)
{
    static const uint8_t data[CREATED2_DATA_MAX + 1];
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct relay_extended2 m = {.hlen = CREATED2_DATA_MAX + 1, .hdata = data};
    ck_err(relay_extended2_encode(&w, &m), ERR_ARG);
    m.hlen--;
    ck_ok(relay_extended2_encode(&w, &m));
    ck_assert_uint_eq(w.len, RELAY_V0_DATA_MAX);
}
END_TEST

START_TEST(test_limits_sendme_tag_is_20_or_16_bytes)
{
    static const uint8_t tag[32];
    for (uint8_t len = 0; len < 32; len++) {
        uint8_t room[ROOM];
        struct wr w = wr_over(room, sizeof room);
        struct relay_sendme m = {.version = 1, .tag_len = len, .tag = tag};
        ck_assert_int_eq(relay_sendme_encode(&w, &m) == OK, len == 16 || len == 20);
    }
}
END_TEST

START_TEST(test_limits_answer_of_another_family_is_not_sent)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    static struct relay_resolved m = {.n = 1};
    m.a[0] = (struct relay_answer){.type = ANSWER_IPV6, .ip = {.family = IP_V4}};
    ck_err(relay_resolved_encode(&w, &m), ERR_ARG);
    m.a[0].type = ANSWER_IPV4;
    ck_ok(relay_resolved_encode(&w, &m));
}
END_TEST

START_TEST(test_limits_resolve_needs_a_host)
{
    uint8_t room[ROOM];
    struct wr w = wr_over(room, sizeof room);
    struct relay_resolve m = {.host = TEXT_LIT("")};
    ck_err(relay_resolve_encode(&w, &m), ERR_ARG);
    m.host = TEXT_LIT("example.com");
    ck_ok(relay_resolve_encode(&w, &m));
}
END_TEST

TESTS("cell/limits", test_limits_versions, test_limits_certs, test_limits_auth_methods,
      test_limits_netinfo_skips_addresses_over_the_cap,
      test_limits_netinfo_without_an_address_is_not_sent, test_limits_create2_data,
      test_limits_created2_data, test_limits_link_specifiers,
      test_limits_link_specifiers_of_a_relay_fill_the_storage,
      test_limits_link_specifiers_only_what_is_known, test_limits_extensions,
      test_limits_extensions_are_added_in_order_and_once, test_limits_congestion_control_answer,
      test_limits_subprotocols, test_limits_answers, test_limits_begin_host,
      test_limits_begin_puts_brackets_around_ipv6,
      test_limits_begin_to_an_onion_service_has_no_host,
      test_limits_begin_refuses_what_no_host_holds, test_limits_end_private_never_goes_out,
      test_limits_connected_to_nowhere_is_not_sent, test_limits_versions_in_common,
      test_limits_encoders_refuse_lists_over_their_storage,
      test_limits_extend2_needs_an_rsa_identity, test_limits_extended2_data,
      test_limits_sendme_tag_is_20_or_16_bytes, test_limits_answer_of_another_family_is_not_sent,
      test_limits_resolve_needs_a_host)
