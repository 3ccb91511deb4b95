#include "link/tls.h"

#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "support/test.h"

struct pair {
    struct env *env;
    struct tls_ctx *client_ctx, *server_ctx;
    struct tls *client, *server;
    size_t step; /* most bytes moved at once; 0: all */
};

static void pair_new(struct pair *p)
{
    *p = (struct pair){.env = test_env(9)};
    ck_ok(tls_ctx_new_client(&p->client_ctx));
    ck_ok(tls_ctx_new_server(env_wall_s(p->env), &p->server_ctx));
}

static void pair_sessions(struct pair *p)
{
    p->client = tls_new(p->client_ctx, p->env);
    p->server = tls_new(p->server_ctx, p->env);
    ck_assert_ptr_nonnull(p->client);
    ck_assert_ptr_nonnull(p->server);
}

static void pair_free(struct pair *p)
{
    tls_free(p->client);
    tls_free(p->server);
    tls_ctx_free(p->client_ctx);
    tls_ctx_free(p->server_ctx);
    test_env_free(p->env);
}

/* Moves sealed bytes from one side to the other; how many. */
static size_t move(const struct pair *p, struct tls *from, struct tls *to)
{
    size_t len, room;
    const uint8_t *at = tls_out(from, &len);
    uint8_t *in = tls_in_room(to, &room);
    if (!at)
        return 0;
    ck_assert_ptr_nonnull(in);
    len = len < room ? len : room;
    len = p->step && len > p->step ? p->step : len;
    memcpy(in, at, len);
    tls_in_done(to, len);
    tls_out_sent(from, len);
    return len;
}

static void shake(struct pair *p)
{
    err_t c = ERR_MORE, s = ERR_MORE;
    while (c == ERR_MORE || s == ERR_MORE) {
        if (c == ERR_MORE)
            c = tls_handshake(p->client);
        move(p, p->client, p->server);
        if (s == ERR_MORE)
            s = tls_handshake(p->server);
        move(p, p->server, p->client);
    }
    ck_ok(c);
    ck_ok(s);
}

/* Sends LEN patterned bytes and checks that they arrive. */
static void carry(struct pair *p, struct tls *from, struct tls *to, size_t len)
{
    uint8_t *sent = malloc(len), *got = malloc(len + 1);
    size_t n = 0, part;
    for (size_t i = 0; i < len; i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    ck_ok(tls_write(from, sent, len));
    do {
        move(p, from, to);
        err_t e;
        while ((e = tls_read(to, got + n, len + 1 - n, &part)) == OK)
            n += part;
        ck_err(e, ERR_MORE);
    } while (n < len);
    ck_assert_uint_eq(n, len);
    ck_assert(memcmp(sent, got, len) == 0);
    free(sent);
    free(got);
}

START_TEST(test_tls_both_versions_carry_bytes_both_ways)
{
    static const char *const names[] = {"TLSv1.2", "TLSv1.3"};
    for (int v = 0; v < 2; v++) {
        struct pair p;
        char text[80];
        pair_new(&p);
        ck_ok(tls_ctx_force_version(p.server_ctx, v ? TLS_1_3 : TLS_1_2));
        pair_sessions(&p);
        shake(&p);
        ck_assert_ptr_nonnull(strstr(tls_describe(p.client, text, sizeof text), names[v]));
        carry(&p, p.client, p.server, 100000);
        carry(&p, p.server, p.client, 300000);
        carry(&p, p.client, p.server, 1);
        pair_free(&p);
    }
}
END_TEST

START_TEST(test_tls_bytes_one_at_a_time)
{
    struct pair p;
    pair_new(&p);
    p.step = 1;
    pair_sessions(&p);
    shake(&p);
    carry(&p, p.server, p.client, 20000);
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_peer_certificate_digest)
{
    struct pair p;
    struct sha256 own, seen;
    pair_new(&p);
    pair_sessions(&p);
    ck_assert(!tls_peer_cert_sha256(p.client, &seen));
    shake(&p);
    tls_ctx_cert_sha256(p.server_ctx, &own);
    ck_assert(tls_peer_cert_sha256(p.client, &seen));
    ck_assert_mem_eq(own.b, seen.b, 32);
    ck_assert(!tls_peer_cert_sha256(p.server, &seen)); /* a client shows none */
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_seals_in_whole_records)
{
    struct pair p;
    static uint8_t bytes[4 * TLS_RECORD_MOST];
    size_t len, records = 0;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    while (move(&p, p.server, p.client))
        continue;
    ck_ok(tls_write(p.client, bytes, sizeof bytes));
    const uint8_t *at = tls_out(p.client, &len);
    for (struct rd r = rd_over(at, len); r.left; records++) {
        ck_assert_uint_eq(rd_u8(&r), 23);
        rd_u16(&r);
        rd_sub(&r, rd_u16(&r));
        ck_ok(rd_ok(&r));
    }
    ck_assert_uint_eq(records, 4);
    pair_free(&p);
}
END_TEST

/* How many records T has to send, each of LEN bytes of plaintext. */
static size_t records_of(const struct tls *t, size_t len)
{
    size_t out, records = 0;
    const uint8_t *at = tls_out(t, &out);
    for (struct rd r = rd_over(at, out); r.left; records++) {
        rd_u8(&r);
        rd_u16(&r);
        struct rd body = rd_sub(&r, rd_u16(&r));
        ck_assert_uint_eq(body.left, len + 1 + 16); /* kind, tag */
        ck_ok(rd_ok(&r));
    }
    return records;
}

START_TEST(test_tls_records_are_as_small_as_was_said)
{
    struct pair p;
    static const uint8_t bytes[8 * 514];
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    while (move(&p, p.server, p.client))
        continue;
    tls_record_at_most(p.client, 2 * 514);
    ck_ok(tls_write(p.client, bytes, sizeof bytes));
    ck_assert_uint_eq(records_of(p.client, 2 * 514), 4);
    tls_record_at_most(p.client, TLS_RECORD_MOST);
    tls_out_sent(p.client, sizeof bytes + 4 * 22);
    ck_ok(tls_write(p.client, bytes, sizeof bytes));
    ck_assert_uint_eq(records_of(p.client, sizeof bytes), 1);
    pair_free(&p);
}
END_TEST

/* What the library holds for writing was once made while records were small. */
START_TEST(test_tls_records_grow_after_a_trim)
{
    struct pair p;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    carry(&p, p.server, p.client, 10);
    tls_record_at_most(p.client, 514);
    tls_trim(p.client);
    carry(&p, p.client, p.server, 5 * 514);
    tls_record_at_most(p.client, TLS_RECORD_MOST);
    carry(&p, p.client, p.server, 3 * TLS_RECORD_MOST);
    pair_free(&p);
}
END_TEST

/* Small ones take more room. */
START_TEST(test_tls_small_records_fit_as_well)
{
    struct pair p;
    static const uint8_t bytes[TLS_OUT_CAP / 2];
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    while (move(&p, p.server, p.client))
        continue;
    tls_record_at_most(p.client, 514);
    ck_ok(tls_write(p.client, bytes, sizeof bytes));
    ck_err(tls_write(p.client, bytes, sizeof bytes), ERR_FULL);
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_output_has_a_cap_and_loses_nothing_there)
{
    struct pair p;
    static uint8_t bytes[64 * 1024], back[4096];
    size_t wrote = 0, got = 0, n;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    err_t e;
    while ((e = tls_write(p.client, bytes, sizeof bytes)) == OK)
        wrote += sizeof bytes;
    ck_err(e, ERR_FULL);
    ck_assert_uint_gt(wrote, TLS_OUT_CAP / 2);
    while (got < wrote) {
        move(&p, p.client, p.server);
        while ((e = tls_read(p.server, back, sizeof back, &n)) == OK)
            got += n;
        ck_err(e, ERR_MORE);
    }
    ck_assert_uint_eq(got, wrote);
    ck_ok(tls_write(p.client, bytes, sizeof bytes));
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_close_is_seen)
{
    struct pair p;
    uint8_t out[10];
    size_t n;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    ck_ok(tls_write(p.server, (const uint8_t *)"bye", 3));
    tls_close(p.server);
    while (move(&p, p.server, p.client))
        continue;
    ck_ok(tls_read(p.client, out, sizeof out, &n));
    ck_assert_uint_eq(n, 3);
    ck_err(tls_read(p.client, out, sizeof out, &n), ERR_LINK_CLOSED);
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_garbage_is_an_error_with_a_text)
{
    static const char *const garbage[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                          "SSH-2.0-OpenSSH_9\r\n",
                                          "\x16\x03\x03\x00\x04\xff\xff\xff\xff"};
    for (size_t i = 0; i < 3; i++) {
        struct pair p;
        size_t room;
        pair_new(&p);
        pair_sessions(&p);
        ck_err(tls_handshake(p.client), ERR_MORE);
        uint8_t *in = tls_in_room(p.client, &room);
        memcpy(in, garbage[i], 9);
        tls_in_done(p.client, 9);
        ck_err(tls_handshake(p.client), ERR_LINK_TLS);
        ck_assert_ptr_nonnull(strstr(tls_error(p.client), "shaking hands"));
        pair_free(&p);
    }
}
END_TEST

START_TEST(test_tls_no_flipped_bit_gets_through)
{
    struct pair p;
    uint8_t out[100];
    size_t room, len, n;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    while (move(&p, p.server, p.client))
        continue;
    ck_ok(tls_write(p.server, (const uint8_t *)"abcdef", 6));
    const uint8_t *at = tls_out(p.server, &len);
    uint8_t *in = tls_in_room(p.client, &room);
    memcpy(in, at, len);
    in[8] ^= 1;
    tls_in_done(p.client, len);
    ck_err(tls_read(p.client, out, sizeof out, &n), ERR_LINK_TLS);
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_trim_gives_back_and_comes_back)
{
    struct pair p;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    carry(&p, p.client, p.server, 50000);
    for (int i = 0; i < 3; i++) {
        tls_trim(p.client);
        tls_trim(p.server);
        carry(&p, p.client, p.server, 5000);
        tls_trim(p.client);
        carry(&p, p.server, p.client, 5000);
    }
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_trim_in_the_middle_of_a_record_loses_nothing)
{
    struct pair p;
    uint8_t out[1000] = {0};
    size_t n;
    pair_new(&p);
    pair_sessions(&p);
    shake(&p);
    while (move(&p, p.server, p.client))
        continue;
    ck_ok(tls_write(p.server, out, 600));
    p.step = 300;
    move(&p, p.server, p.client);
    ck_err(tls_read(p.client, out, sizeof out, &n), ERR_MORE);
    tls_trim(p.client);
    while (move(&p, p.server, p.client))
        continue;
    ck_ok(tls_read(p.client, out, sizeof out, &n));
    ck_assert_uint_eq(n, 600);
    pair_free(&p);
}
END_TEST

/* ---- what an onlooker sees ---- */

struct hello {
    uint8_t ciphers[64];
    size_t ciphers_len;
    uint16_t extensions[32];
    size_t n_extensions;
    char name[64];
    uint8_t groups[64];
    size_t groups_len;
    size_t record_len;
};

static void read_extension(struct hello *h, uint16_t type, struct rd body)
{
    h->extensions[h->n_extensions++] = type;
    if (type == 0) {
        rd_bytes(&body, 5);
        ck_assert_uint_lt(body.left, sizeof h->name);
        memcpy(h->name, body.at, body.left);
    }
    if (type == 10) {
        h->groups_len = body.left;
        ck_assert_uint_le(body.left, sizeof h->groups);
        memcpy(h->groups, body.at, body.left);
    }
}

static void read_hello(struct tls *t, struct hello *h)
{
    size_t len;
    ck_err(tls_handshake(t), ERR_MORE);
    const uint8_t *at = tls_out(t, &len);
    struct rd r = rd_over(at, len);
    *h = (struct hello){.record_len = len};
    rd_bytes(&r, 5 + 4 + 2 + 32); /* record, handshake, version, random */
    rd_sub(&r, rd_u8(&r));        /* session id */
    struct rd ciphers = rd_sub(&r, rd_u16(&r));
    ck_assert_uint_le(ciphers.left, sizeof h->ciphers);
    h->ciphers_len = ciphers.left;
    memcpy(h->ciphers, ciphers.at, ciphers.left);
    rd_sub(&r, rd_u8(&r)); /* compression */
    struct rd extensions = rd_sub(&r, rd_u16(&r));
    ck_ok(rd_end(&r));
    while (extensions.left && h->n_extensions < 32) {
        uint16_t type = rd_u16(&extensions);
        read_extension(h, type, rd_sub(&extensions, rd_u16(&extensions)));
    }
    ck_ok(rd_end(&extensions));
}

/* What C tor 0.4.9.11 sends with OpenSSL 3.0, as captured; with another library the test against a
 * running tor says whether it is still so. */
START_TEST(test_tls_client_hello_is_that_of_tor)
{
    static const uint8_t ciphers[] = {0x13, 0x01, 0x13, 0x03, 0x13, 0x02, 0xc0, 0x2b, 0xc0,
                                      0x2f, 0xcc, 0xa9, 0xcc, 0xa8, 0xc0, 0x2c, 0xc0, 0x30,
                                      0xc0, 0x0a, 0xc0, 0x09, 0xc0, 0x13, 0xc0, 0x14, 0x00,
                                      0x9c, 0x00, 0x9d, 0x00, 0x2f, 0x00, 0x35, 0x00, 0xff};
    static const uint16_t extensions[] = {0, 11, 10, 35, 22, 23, 13, 43, 45, 51, 21};
    static const uint8_t groups[] = {0, 6, 0, 23, 0, 29, 0, 21};
    struct pair p;
    struct hello h;
    pair_new(&p);
    pair_sessions(&p);
    read_hello(p.client, &h);
    ck_assert_uint_eq(h.ciphers_len, sizeof ciphers);
    ck_assert_mem_eq(h.ciphers, ciphers, sizeof ciphers);
    if (tls_library_is_3_0()) {
        ck_assert_uint_eq(h.n_extensions, sizeof extensions / sizeof extensions[0]);
        ck_assert_mem_eq(h.extensions, extensions, sizeof extensions);
        ck_assert_uint_eq(h.groups_len, sizeof groups);
        ck_assert_mem_eq(h.groups, groups, sizeof groups);
        ck_assert_uint_eq(h.record_len, 517);
    }
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_server_names_are_random_in_tors_form)
{
    struct pair p;
    size_t shortest = 99, longest = 0;
    char last[64] = "";
    pair_new(&p);
    for (int i = 0; i < 300; i++) {
        struct hello h;
        struct tls *t = tls_new(p.client_ctx, p.env);
        read_hello(t, &h);
        tls_free(t);
        size_t len = strlen(h.name);
        ck_assert(strncmp(h.name, "www.", 4) == 0 && strcmp(h.name + len - 4, ".com") == 0);
        size_t label = strspn(h.name + 4, "abcdefghijklmnopqrstuvwxyz234567");
        ck_assert_uint_eq(label, len - 8);
        shortest = label < shortest ? label : shortest;
        longest = label > longest ? label : longest;
        ck_assert_str_ne(h.name, last);
        memcpy(last, h.name, sizeof last);
    }
    ck_assert_uint_eq(shortest, 4);
    ck_assert_uint_eq(longest, 25);
    pair_free(&p);
}
END_TEST

START_TEST(test_tls_sessions_are_not_resumed)
{
    struct pair p;
    pair_new(&p);
    size_t first = 0;
    for (int i = 0; i < 3; i++) {
        struct hello h;
        pair_sessions(&p);
        read_hello(p.client, &h);
        first = i ? first : h.n_extensions;
        ck_assert_uint_eq(h.n_extensions, first); /* no pre_shared_key joins them */
        shake(&p);
        carry(&p, p.server, p.client, 100);
        tls_free(p.client);
        tls_free(p.server);
    }
    p.client = p.server = NULL;
    pair_free(&p);
}
END_TEST

TESTS("link/tls", test_tls_both_versions_carry_bytes_both_ways, test_tls_bytes_one_at_a_time,
      test_tls_peer_certificate_digest, test_tls_seals_in_whole_records,
      test_tls_records_are_as_small_as_was_said, test_tls_small_records_fit_as_well,
      test_tls_records_grow_after_a_trim, test_tls_output_has_a_cap_and_loses_nothing_there,
      test_tls_close_is_seen, test_tls_garbage_is_an_error_with_a_text,
      test_tls_no_flipped_bit_gets_through, test_tls_trim_gives_back_and_comes_back,
      test_tls_trim_in_the_middle_of_a_record_loses_nothing, test_tls_client_hello_is_that_of_tor,
      test_tls_server_names_are_random_in_tors_form, test_tls_sessions_are_not_resumed)
