#include "socks/wire.h"

#include <string.h>

#include "base/wr.h"
#include "cell/reason.h"
#include "support/test.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static const struct text no_name = {NULL, 0};

static err_t as_greeting(struct rd *r)
{
    bool none, user_pass;
    return socks5_greeting_parse(r, &none, &user_pass);
}

static err_t as_auth(struct rd *r)
{
    struct text user, pass;
    return socks5_auth_parse(r, &user, &pass);
}

static err_t as_request5(struct rd *r)
{
    struct socks_request req;
    return socks5_request_parse(r, &req);
}

static err_t as_request4(struct rd *r)
{
    struct socks_request req;
    return socks4_request_parse(r, &req);
}

/* Every shorter piece wants more; the whole is taken to its last byte, and nothing behind it. */
static void complete_only_at_its_end(err_t (*parse)(struct rd *), const uint8_t *bytes, size_t len)
{
    uint8_t more[1200];
    ck_assert_uint_lt(len, sizeof more);
    memset(more, 0x5a, sizeof more);
    memcpy(more, bytes, len);
    for (size_t n = 0; n < len; n++) {
        struct rd r = rd_over(bytes, n);
        err_t e = parse(&r);
        ck_assert_msg(e == ERR_MORE, "%zu of %zu bytes: %s", n, len, err_name(e));
    }
    struct rd r = rd_over(bytes, len);
    ck_ok(parse(&r));
    ck_ok(rd_end(&r));
    r = rd_over(more, len + 7);
    ck_ok(parse(&r));
    ck_assert_uint_eq(r.left, 7);
}

/* The request's texts are views: a literal inside a macro would be gone. */
static const uint8_t *keep(const uint8_t *bytes, size_t len)
{
    static uint8_t kept[600];
    ck_assert_uint_le(len, sizeof kept);
    return memcpy(kept, bytes, len);
}

static err_t request5(const uint8_t *bytes, size_t len, struct socks_request *out)
{
    struct rd r = rd_over(keep(bytes, len), len);
    return socks5_request_parse(&r, out);
}

static err_t request4(const uint8_t *bytes, size_t len, struct socks_request *out)
{
    struct rd r = rd_over(keep(bytes, len), len);
    return socks4_request_parse(&r, out);
}

/* ---- greeting ---- */

START_TEST(test_wire_greeting_tells_the_methods_offered)
{
    static const struct {
        uint8_t n, methods[4];
        bool none, user_pass;
    } cases[] = {{0, {0}, false, false},
                 {1, {0}, true, false},
                 {1, {2}, false, true},
                 {2, {0, 2}, true, true},
                 {4, {1, 2, 0xff, 0}, true, true},
                 {2, {1, 3}, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[6] = {5, cases[i].n};
        bool none, user_pass;
        memcpy(bytes + 2, cases[i].methods, 4);
        struct rd r = rd_over(bytes, 2u + cases[i].n);
        ck_ok(socks5_greeting_parse(&r, &none, &user_pass));
        ck_assert_int_eq(none, cases[i].none);
        ck_assert_int_eq(user_pass, cases[i].user_pass);
        ck_ok(rd_end(&r));
    }
}
END_TEST

START_TEST(test_wire_greeting_is_complete_only_at_its_end)
{
    uint8_t longest[2 + 255] = {5, 255};
    complete_only_at_its_end(as_greeting, BYTES(5, 2, 0, 2));
    complete_only_at_its_end(as_greeting, BYTES(5, 0));
    complete_only_at_its_end(as_greeting, longest, sizeof longest);
}
END_TEST

START_TEST(test_wire_greeting_of_another_version_is_malformed)
{
    struct rd r = rd_over(BYTES(4));
    ck_err(as_greeting(&r), ERR_MALFORMED);
}
END_TEST

/* ---- user name and password ---- */

START_TEST(test_wire_auth_gives_both_texts)
{
    struct text user, pass;
    static const uint8_t bytes[] = {1, 3, 'a', 0, 'b', 2, 'x', 'y'};
    struct rd r = rd_over(bytes, sizeof bytes);
    ck_ok(socks5_auth_parse(&r, &user, &pass));
    ck_assert(text_equal(user, (struct text){"a\0b", 3}));
    ck_assert(text_is(pass, "xy"));
    ck_ok(rd_end(&r));
}
END_TEST

START_TEST(test_wire_auth_may_be_empty)
{
    struct text user, pass;
    struct rd r = rd_over(BYTES(1, 0, 0));
    ck_ok(socks5_auth_parse(&r, &user, &pass));
    ck_assert_uint_eq(user.len, 0);
    ck_assert_uint_eq(pass.len, 0);
    ck_ok(rd_end(&r));
}
END_TEST

START_TEST(test_wire_auth_is_complete_only_at_its_end)
{
    uint8_t longest[3 + 255 + 255] = {1, 255};
    longest[2 + 255] = 255;
    complete_only_at_its_end(as_auth, BYTES(1, 1, 'u', 2, 'p', 'q'));
    complete_only_at_its_end(as_auth, BYTES(1, 0, 0));
    complete_only_at_its_end(as_auth, longest, sizeof longest);
}
END_TEST

START_TEST(test_wire_auth_of_another_version_is_malformed)
{
    struct rd r = rd_over(BYTES(5));
    ck_err(as_auth(&r), ERR_MALFORMED);
}
END_TEST

/* ---- SOCKS5 request ---- */

START_TEST(test_wire_request5_of_each_address_type)
{
    struct socks_request req;
    struct ip v4 = ip_v4((const uint8_t[]){192, 0, 2, 1});
    ck_ok(request5(BYTES(5, 1, 0, 1, 192, 0, 2, 1, 0x1f, 0x90), &req));
    ck_assert_uint_eq(req.version, 5);
    ck_assert_uint_eq(req.cmd, SOCKS_CONNECT);
    ck_assert(ip_equal(&req.ip, &v4));
    ck_assert_uint_eq(req.host.len, 0);
    ck_assert_uint_eq(req.port, 8080);

    struct ip v6 = ip_v6((const uint8_t[16]){0x20, 1, [15] = 9});
    ck_ok(request5(BYTES(5, 0xf1, 0, 4, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0),
                   &req));
    ck_assert_uint_eq(req.cmd, SOCKS_RESOLVE_PTR);
    ck_assert(ip_equal(&req.ip, &v6));

    ck_ok(request5(BYTES(5, 0xf0, 0, 3, 4, 'h', 'o', 's', 't', 0xff, 0xff), &req));
    ck_assert_uint_eq(req.cmd, SOCKS_RESOLVE);
    ck_assert_uint_eq(req.ip.family, IP_NONE);
    ck_assert(text_is(req.host, "host"));
    ck_assert_uint_eq(req.port, 0xffff);
}
END_TEST

START_TEST(test_wire_request5_is_complete_only_at_its_end)
{
    uint8_t longest[4 + 1 + 255 + 2] = {5, 1, 0, 3, 255};
    memset(longest + 5, 'x', 255);
    complete_only_at_its_end(as_request5, BYTES(5, 1, 0, 1, 192, 0, 2, 1, 0, 80));
    complete_only_at_its_end(as_request5, BYTES(5, 1, 0, 3, 1, 'x', 0, 80));
    complete_only_at_its_end(
        as_request5, BYTES(5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80));
    complete_only_at_its_end(as_request5, longest, sizeof longest);
}
END_TEST

START_TEST(test_wire_request5_unknown_address_type_is_told_apart)
{
    struct socks_request req;
    for (unsigned type = 0; type < 256; type++) {
        if (type == 1 || type == 3 || type == 4)
            continue;
        ck_err(request5(BYTES(5, 1, 0, (uint8_t)type, 1, 2, 3, 4, 5, 6), &req), ERR_UNSUPPORTED);
    }
}
END_TEST

START_TEST(test_wire_request5_malformed)
{
    struct socks_request req;
    ck_err(request5(BYTES(4, 1, 0, 1, 1, 2, 3, 4, 0, 80), &req), ERR_MALFORMED);
    ck_err(request5(BYTES(5, 1, 0, 3, 0, 0, 80), &req), ERR_MALFORMED); /* no name */
}
END_TEST

START_TEST(test_wire_request5_any_command_and_reserved_byte_pass)
{
    struct socks_request req;
    ck_ok(request5(BYTES(5, 2, 0xff, 1, 1, 2, 3, 4, 0, 80), &req));
    ck_assert_uint_eq(req.cmd, 2);
}
END_TEST

/* ---- SOCKS4 request ---- */

START_TEST(test_wire_request4_with_an_address)
{
    struct socks_request req;
    struct ip v4 = ip_v4((const uint8_t[]){192, 0, 2, 1});
    ck_ok(request4(BYTES(4, 1, 0, 80, 192, 0, 2, 1, 'm', 'e', 0), &req));
    ck_assert_uint_eq(req.version, 4);
    ck_assert_uint_eq(req.cmd, SOCKS_CONNECT);
    ck_assert_uint_eq(req.port, 80);
    ck_assert(ip_equal(&req.ip, &v4));
    ck_assert(text_is(req.user, "me"));
    ck_assert_uint_eq(req.host.len, 0);
}
END_TEST

START_TEST(test_wire_request4a_with_a_name)
{
    struct socks_request req;
    ck_ok(request4(BYTES(4, 0xf0, 0, 0, 0, 0, 0, 7, 0, 'h', '.', 'x', 0), &req));
    ck_assert_uint_eq(req.cmd, SOCKS_RESOLVE);
    ck_assert_uint_eq(req.ip.family, IP_NONE);
    ck_assert(text_is(req.host, "h.x"));
    ck_assert_uint_eq(req.user.len, 0);
}
END_TEST

START_TEST(test_wire_request4_only_0_0_0_x_announces_a_name)
{
    static const uint8_t plain[][4] = {{0, 0, 0, 0}, {0, 0, 1, 1}, {0, 1, 0, 1}, {1, 0, 0, 1}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t bytes[9] = {4, 1, 0, 80};
        struct socks_request req;
        memcpy(bytes + 4, plain[i], 4);
        ck_ok(request4(bytes, 9, &req));
        ck_assert_uint_eq(req.ip.family, IP_V4);
        ck_assert_mem_eq(req.ip.b, plain[i], 4);
    }
}
END_TEST

START_TEST(test_wire_request4_is_complete_only_at_its_end)
{
    uint8_t longest[SOCKS_HELLO_MAX] = {4, 1, 0, 80, 0, 0, 0, 1};
    memset(longest + 8, 'x', sizeof longest - 8);
    longest[500] = 0;
    longest[sizeof longest - 1] = 0;
    complete_only_at_its_end(as_request4, BYTES(4, 1, 0, 80, 192, 0, 2, 1, 0));
    complete_only_at_its_end(as_request4, BYTES(4, 1, 0, 80, 192, 0, 2, 1, 'm', 'e', 0));
    complete_only_at_its_end(as_request4, BYTES(4, 1, 0, 80, 0, 0, 0, 1, 'm', 'e', 0, 'h', 0));
    complete_only_at_its_end(as_request4, longest, sizeof longest);
}
END_TEST

START_TEST(test_wire_request4_malformed)
{
    struct socks_request req;
    ck_err(request4(BYTES(5, 1, 0, 80, 192, 0, 2, 1, 0), &req), ERR_MALFORMED);
    ck_err(request4(BYTES(4, 1, 0, 80, 0, 0, 0, 1, 0, 0), &req), ERR_MALFORMED); /* no name */
}
END_TEST

/* ---- replies ---- */

START_TEST(test_wire_reply4_granted_and_rejected)
{
    uint8_t out[SOCKS_REPLY_MAX];
    struct ip v4 = ip_v4((const uint8_t[]){192, 0, 2, 1}), v6 = ip_v6((const uint8_t[16]){1});
    ck_assert_uint_eq(socks4_reply(true, NULL, out), 8);
    ck_assert_mem_eq(out, "\0\x5a\0\0\0\0\0\0", 8);
    ck_assert_uint_eq(socks4_reply(false, NULL, out), 8);
    ck_assert_mem_eq(out, "\0\x5b\0\0\0\0\0\0", 8);
    ck_assert_uint_eq(socks4_reply(true, &v4, out), 8);
    ck_assert_mem_eq(out, "\0\x5a\0\0\xc0\0\2\1", 8);
    ck_assert_uint_eq(socks4_reply(true, &v6, out), 8);
    ck_assert_mem_eq(out, "\0\x5a\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(test_wire_reply5_of_each_address_type)
{
    uint8_t out[SOCKS_REPLY_MAX];
    struct ip v4 = ip_v4((const uint8_t[]){192, 0, 2, 1}),
              v6 = ip_v6((const uint8_t[16]){0x20, 1, [15] = 9}), none = {.family = IP_NONE};
    ck_assert_uint_eq(socks5_reply(REPLY_REFUSED, NULL, no_name, out), 10);
    ck_assert_mem_eq(out, "\5\5\0\1\0\0\0\0\0\0", 10);
    ck_assert_uint_eq(socks5_reply(REPLY_GENERAL, &none, no_name, out), 10);
    ck_assert_mem_eq(out, "\5\1\0\1\0\0\0\0\0\0", 10);
    ck_assert_uint_eq(socks5_reply(0, &v4, no_name, out), 10);
    ck_assert_mem_eq(out, "\5\0\0\1\xc0\0\2\1\0\0", 10);
    ck_assert_uint_eq(socks5_reply(0, &v6, no_name, out), 22);
    ck_assert_mem_eq(out, "\5\0\0\4\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x9\0\0", 22);
    ck_assert_uint_eq(socks5_reply(0, &v4, TEXT_LIT("h.x"), out), 10);
    ck_assert_mem_eq(out, "\5\0\0\3\3h.x\0\0", 10);
}
END_TEST

START_TEST(test_wire_reply5_longest_name_fits_and_a_longer_one_is_left_out)
{
    uint8_t out[SOCKS_REPLY_MAX];
    char name[256];
    memset(name, 'n', sizeof name);
    ck_assert_uint_eq(socks5_reply(0, NULL, (struct text){name, 255}, out), 4 + 1 + 255 + 2);
    ck_assert_uint_eq(out[4], 255);
    ck_assert_mem_eq(out + 5, name, 255);
    ck_assert_mem_eq(out + 260, "\0\0", 2);
    ck_assert_uint_eq(socks5_reply(0, NULL, (struct text){name, 256}, out), 10);
    ck_assert_uint_eq(out[3], 1);
}
END_TEST

/* A reply has the form of a request (RFC 1928): our own parser reads it back. */
START_TEST(test_wire_reply5_is_read_back)
{
    uint8_t out[SOCKS_REPLY_MAX];
    struct socks_request req;
    struct ip v6 = ip_v6((const uint8_t[16]){0x20, 1, [15] = 9});
    ck_ok(request5(out, socks5_reply(REPLY_TTL_EXPIRED, &v6, no_name, out), &req));
    ck_assert_uint_eq(req.cmd, REPLY_TTL_EXPIRED);
    ck_assert(ip_equal(&req.ip, &v6));
    ck_ok(request5(out, socks5_reply(0, NULL, TEXT_LIT("name.example"), out), &req));
    ck_assert(text_is(req.host, "name.example"));
}
END_TEST

/* ---- codes ---- */

START_TEST(test_wire_code_of_each_stage)
{
    static const struct {
        enum tunnel_stage stage;
        uint8_t code;
    } cases[] = {{TUNNEL_STAGE_REQUEST, REPLY_NOT_ALLOWED},
                 {TUNNEL_STAGE_NETWORK, REPLY_NET_UNREACHABLE},
                 {TUNNEL_STAGE_CIRCUIT, REPLY_GENERAL},
                 {TUNNEL_STAGE_TIMEOUT, REPLY_TTL_EXPIRED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tunnel_end end = {.stage = cases[i].stage, .reason = END_CONNECTREFUSED};
        ck_assert_uint_eq(socks5_code(&end), cases[i].code);
    }
}
END_TEST

START_TEST(test_wire_code_of_each_reason_of_the_exit)
{
    static const uint8_t codes[256] = {[END_RESOLVEFAILED] = REPLY_HOST_UNREACHABLE,
                                       [END_CONNECTREFUSED] = REPLY_REFUSED,
                                       [END_EXITPOLICY] = REPLY_NOT_ALLOWED,
                                       [END_DONE] = REPLY_REFUSED,
                                       [END_TIMEOUT] = REPLY_TTL_EXPIRED,
                                       [END_NOROUTE] = REPLY_HOST_UNREACHABLE,
                                       [END_CONNRESET] = REPLY_REFUSED,
                                       [END_CANT_ATTACH] = REPLY_NOT_ALLOWED};
    for (unsigned reason = 0; reason < 256; reason++) {
        struct tunnel_end end = {.stage = TUNNEL_STAGE_STREAM, .reason = (uint8_t)reason};
        uint8_t want = codes[reason] ? codes[reason] : REPLY_GENERAL;
        ck_assert_msg(socks5_code(&end) == want, "reason %u", reason);
    }
}
END_TEST

/* A code of 0 would tell the application that it is connected. */
START_TEST(test_wire_code_of_an_end_is_never_success)
{
    for (int stage = TUNNEL_STAGE_NONE; stage <= TUNNEL_STAGE_TIMEOUT; stage++)
        for (unsigned reason = 0; reason < 256; reason++) {
            struct tunnel_end end = {.stage = (enum tunnel_stage)stage, .reason = (uint8_t)reason};
            ck_assert_msg(socks5_code(&end) != REPLY_SUCCEEDED, "%d %u", stage, reason);
        }
}
END_TEST

TESTS("socks/wire", test_wire_greeting_tells_the_methods_offered,
      test_wire_greeting_is_complete_only_at_its_end,
      test_wire_greeting_of_another_version_is_malformed, test_wire_auth_gives_both_texts,
      test_wire_auth_may_be_empty, test_wire_auth_is_complete_only_at_its_end,
      test_wire_auth_of_another_version_is_malformed, test_wire_request5_of_each_address_type,
      test_wire_request5_is_complete_only_at_its_end,
      test_wire_request5_unknown_address_type_is_told_apart, test_wire_request5_malformed,
      test_wire_request5_any_command_and_reserved_byte_pass, test_wire_request4_with_an_address,
      test_wire_request4a_with_a_name, test_wire_request4_only_0_0_0_x_announces_a_name,
      test_wire_request4_is_complete_only_at_its_end, test_wire_request4_malformed,
      test_wire_reply4_granted_and_rejected, test_wire_reply5_of_each_address_type,
      test_wire_reply5_longest_name_fits_and_a_longer_one_is_left_out,
      test_wire_reply5_is_read_back, test_wire_code_of_each_stage,
      test_wire_code_of_each_reason_of_the_exit, test_wire_code_of_an_end_is_never_success)
