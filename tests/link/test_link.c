/* A link from TCP to close, over TLS, against a responder in memory. */
#include "link/link.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "link/limits.h"
#include "link/responder.h"

static struct world w;
static struct buf from_client; /* cells the responder has opened */
static size_t step;            /* most bytes moved at once; 0: all */

static void start(uint64_t seed)
{
    world_prepare(&w, seed);
    ck_ok(tls_ctx_new_client(&w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(w.env), &w.server_tls));
    tls_ctx_cert_sha256(w.server_tls, &w.tls_cert);
    relay_certs_make(&w.certs, &w.keys, &w.tls_cert, env_wall_s(w.env), 86400 * 30);
    w.config.tls = w.client_tls;
    w.peer = tls_new(w.server_tls, w.env);
    ck_assert_ptr_nonnull(w.peer);
    buf_init(&from_client, 4 * 1024 * 1024);
    step = 0;
}

static void start_link(uint64_t seed)
{
    start(seed);
    world_link(&w);
    link_tcp_open(w.link);
}

static void finish(void)
{
    world_free(&w);
    buf_free(&from_client);
}

static size_t at_most(size_t len)
{
    return step && len > step ? step : len;
}

/* One write of ours reaches the responder; how many bytes it had. */
static size_t client_writes(void)
{
    size_t len, room, n;
    const uint8_t *at = link_seal(w.link, &len);
    if (!at)
        return 0;
    uint8_t *in = tls_in_room(w.peer, &room);
    len = at_most(len < room ? len : room);
    memcpy(in, at, len);
    tls_in_done(w.peer, len);
    link_sent(w.link, len);
    err_t e = tls_handshake(w.peer);
    while (e == OK) {
        uint8_t *out = buf_room(&from_client, TLS_RECORD_MOST);
        ck_assert_ptr_nonnull(out);
        e = tls_read(w.peer, out, TLS_RECORD_MOST, &n);
        buf_commit(&from_client, n);
    }
    return len;
}

static size_t peer_writes(void)
{
    size_t len, room;
    const uint8_t *at = tls_out(w.peer, &len);
    uint8_t *in = at ? link_in_room(w.link, &room) : NULL;
    if (!in)
        return 0;
    len = at_most(len < room ? len : room);
    memcpy(in, at, len);
    tls_out_sent(w.peer, len);
    link_in_done(w.link, len);
    return len;
}

static void pump(void)
{
    while (client_writes() + peer_writes())
        continue;
    env_run_timers(w.env);
}

static void peer_says(const struct wr *cells)
{
    ck_ok(wr_end(cells));
    ck_ok(tls_write(w.peer, cells->base, cells->len));
    pump();
}

static void peer_shakes(unsigned version)
{
    uint8_t storage[NAKED_STREAM_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    size_t id_len = world_id_len(version);
    put_versions(&s, version);
    put_certs(&s, id_len, &w.certs.list);
    put_challenge(&s, id_len);
    put_netinfo(&s, id_len, env_wall_s(w.env));
    pump();
    peer_says(&s);
}

static void opened(uint64_t seed, unsigned version)
{
    start_link(seed);
    peer_shakes(version);
    ck_assert_uint_eq(w.opened, 1);
}

static void expect_closed(err_t why, enum or_reason reason, const char *text)
{
    env_run_timers(w.env);
    ck_assert_uint_eq(w.closed, 1);
    ck_assert_str_eq(err_name(w.end.why), err_name(why));
    ck_assert_str_eq(or_reason_name(w.end.reason), or_reason_name(reason));
    ck_assert_msg(strstr(w.end.text, text) != NULL, "\"%s\" says nothing of \"%s\"", w.end.text,
                  text);
}

/* ---- life ---- */

START_TEST(test_link_opens_under_each_version)
{
    for (unsigned version = 3; version <= 5; version++) {
        opened(version, version);
        ck_assert_int_eq(link_state(w.link), LINK_OPEN);
        ck_assert_uint_eq(link_version(w.link), version);
        ck_assert_uint_gt(link_bytes_in(w.link), 1000);
        ck_assert_uint_gt(link_bytes_out(w.link), 1000);
        ck_assert_uint_eq(w.closed, 0);
        finish();
    }
}
END_TEST

START_TEST(test_link_opens_over_both_versions_of_tls)
{
    for (int v = 0; v < 2; v++) {
        start(1);
        ck_ok(tls_ctx_force_version(w.server_tls, v ? TLS_1_3 : TLS_1_2));
        world_link(&w);
        link_tcp_open(w.link);
        peer_shakes(5);
        ck_assert_uint_eq(w.opened, 1);
        finish();
    }
}
END_TEST

START_TEST(test_link_opens_byte_by_byte)
{
    start_link(1);
    step = 1;
    peer_shakes(5);
    ck_assert_uint_eq(w.opened, 1);
    finish();
}
END_TEST

START_TEST(test_link_states_in_order)
{
    start(1);
    world_link(&w);
    size_t room;
    ck_assert_int_eq(link_state(w.link), LINK_CONNECTING);
    ck_assert_ptr_null(link_in_room(w.link, &room));
    ck_assert_ptr_null(link_seal(w.link, &room));
    link_tcp_open(w.link);
    ck_assert_int_eq(link_state(w.link), LINK_TLS);
    ck_assert_uint_eq(w.outputs, 1);
    pump();
    ck_assert_int_eq(link_state(w.link), LINK_HANDSHAKING);
    peer_shakes(5);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    finish();
}
END_TEST

/* The sizes an onlooker sees at the start are tor's: ClientHello, end of the TLS handshake,
 * VERSIONS alone, then NETINFO. */
START_TEST(test_link_first_writes_have_the_sizes_of_tors)
{
    size_t sizes[8] = {0}, n = 0;
    start(1);
    ck_ok(tls_ctx_force_version(w.server_tls, TLS_1_3));
    world_link(&w);
    link_tcp_open(w.link);
    for (int i = 0; i < 4; i++) {
        while (n < 8 && (sizes[n] = client_writes()))
            n++;
        while (peer_writes())
            continue;
    }
    uint8_t storage[NAKED_STREAM_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    put_versions(&s, 5);
    put_certs(&s, 4, &w.certs.list);
    put_challenge(&s, 4);
    put_netinfo(&s, 4, env_wall_s(w.env));
    ck_ok(tls_write(w.peer, s.base, s.len));
    while (peer_writes())
        continue;
    while (n < 8 && (sizes[n] = client_writes()))
        n++;
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(sizes[1], 80);       /* change cipher spec, Finished */
    ck_assert_uint_eq(sizes[2], 33);       /* VERSIONS: 11 bytes in a record of their own */
    ck_assert_uint_eq(sizes[3], 514 + 22); /* NETINFO */
    finish();
}
END_TEST

START_TEST(test_link_close_of_our_own_sends_what_was_written_and_no_alert)
{
    static const struct link_circ_ops none;
    struct link_circ lc = {.ops = &none};
    opened(1, 5);
    ck_ok(link_circ_open(w.link, &lc));
    uint32_t id = lc.id;
    from_client.len = 0;
    link_circ_close(&lc, true, 0);
    link_close(w.link, OK, OR_DONE, "enough");
    ck_assert_uint_eq(w.closed, 0);
    ck_assert_uint_eq(client_writes(), 514 + 22);
    ck_assert_uint_eq(client_writes(), 0);
    struct chan_frame f;
    ck_ok(chan_frame_decode(buf_at(&from_client), from_client.len, 4, 0, &f));
    ck_assert_uint_eq(f.cmd, CELL_DESTROY);
    ck_assert_uint_eq(f.circ_id, id);
    expect_closed(OK, OR_DONE, "enough");
    size_t room;
    ck_assert_ptr_null(link_in_room(w.link, &room));
    finish();
}
END_TEST

START_TEST(test_link_closes_once)
{
    opened(1, 5);
    link_close(w.link, OK, OR_DONE, "first");
    link_close(w.link, ERR_LINK_PROTO, OR_MISC, "second");
    link_tcp_failed(w.link, ECONNRESET);
    expect_closed(OK, OR_DONE, "first");
    test_env_advance_ms(w.env, 600 * 1000);
    ck_assert_uint_eq(w.closed, 1);
    finish();
}
END_TEST

START_TEST(test_link_freed_at_any_stage_tells_nobody)
{
    for (int stage = 0; stage < 4; stage++) {
        start(1);
        world_link(&w);
        if (stage > 0)
            link_tcp_open(w.link);
        if (stage > 1)
            pump();
        if (stage > 2)
            peer_shakes(5);
        unsigned told = w.outputs;
        link_free(w.link);
        w.link = NULL;
        test_env_advance_ms(w.env, 600 * 1000);
        ck_assert_uint_eq(w.closed, 0);
        ck_assert_uint_eq(w.outputs, told);
        finish();
    }
}
END_TEST

/* ---- everything that can go wrong ---- */

START_TEST(test_link_tcp_errors_have_their_reasons)
{
    static const struct {
        int error;
        enum or_reason reason;
    } cases[] = {
        {ECONNREFUSED, OR_CONNECTREFUSED},
        {ECONNRESET, OR_CONNECTRESET},
        {ETIMEDOUT, OR_TIMEOUT},
        {ENETUNREACH, OR_NOROUTE},
        {EHOSTUNREACH, OR_NOROUTE},
        {EMFILE, OR_RESOURCELIMIT},
        {EIO, OR_IOERROR},
        {0, OR_IOERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(1);
        world_link(&w);
        link_tcp_failed(w.link, cases[i].error);
        expect_closed(ERR_LINK_CONNECT, cases[i].reason, "during connecting");
        ck_assert_int_eq(w.end.during, LINK_CONNECTING);
        finish();
    }
}
END_TEST

START_TEST(test_link_peer_hangs_up)
{
    opened(1, 5);
    link_tcp_failed(w.link, 0);
    expect_closed(ERR_LINK_CLOSED, OR_DONE, "closed TCP during use");
    finish();
    start_link(1);
    pump();
    link_tcp_failed(w.link, 0);
    expect_closed(ERR_LINK_CLOSED, OR_IOERROR, "the link handshake");
    finish();
    opened(1, 5);
    tls_close(w.peer);
    pump();
    expect_closed(ERR_LINK_CLOSED, OR_DONE, "closed TLS");
    finish();
}
END_TEST

START_TEST(test_link_port_that_is_no_orport)
{
    size_t room;
    start_link(1);
    uint8_t *in = link_in_room(w.link, &room);
    memcpy(in, "HTTP/1.0 200 OK\r\n\r\n", 19);
    link_in_done(w.link, 19);
    expect_closed(ERR_LINK_TLS, OR_TLS_ERROR, "wrong version number");
    ck_assert_int_eq(w.end.during, LINK_TLS);
    finish();
}
END_TEST

START_TEST(test_link_tls_server_that_speaks_no_cells)
{
    start_link(1);
    pump();
    ck_ok(tls_write(w.peer, (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n", 26));
    pump();
    expect_closed(ERR_LINK_PROTO, OR_MISC, "before VERSIONS");
    finish();
}
END_TEST

START_TEST(test_link_other_relay_answers)
{
    start(1);
    w.target.rsa.b[0] ^= 1;
    world_link(&w);
    link_tcp_open(w.link);
    peer_shakes(5);
    expect_closed(ERR_LINK_IDENTITY, OR_IDENTITY, "RSA expected");
    ck_assert_uint_eq(w.opened, 0);
    finish();
}
END_TEST

START_TEST(test_link_man_in_the_middle_has_the_wrong_tls_certificate)
{
    struct sha256 other = {{1}};
    start_link(1);
    relay_certs_make(&w.certs, &w.keys, &other, env_wall_s(w.env), 86400);
    peer_shakes(5);
    expect_closed(ERR_LINK_CERTS, OR_MISC, "another TLS certificate");
    finish();
}
END_TEST

START_TEST(test_link_expired_certificates)
{
    start_link(1);
    w.env->wall_us += 86400 * 60 * (int64_t)US_PER_SEC;
    peer_shakes(5);
    expect_closed(ERR_LINK_DATES, OR_MISC, "our clock is wrong");
    finish();
}
END_TEST

START_TEST(test_link_damaged_record_on_an_open_link)
{
    opened(1, 5);
    uint8_t cell[CHAN_CELL_MAX];
    struct wr s = wr_over(cell, sizeof cell);
    size_t len, room;
    put_cell(&s, 4, 0, CELL_PADDING, "", 0);
    ck_ok(tls_write(w.peer, cell, sizeof cell));
    const uint8_t *at = tls_out(w.peer, &len);
    uint8_t *in = link_in_room(w.link, &room);
    memcpy(in, at, len);
    in[len - 1] ^= 1;
    link_in_done(w.link, len);
    expect_closed(ERR_LINK_TLS, OR_TLS_ERROR, "while reading");
    finish();
}
END_TEST

START_TEST(test_link_timeouts_at_each_stage)
{
    static const char *const texts[] = {"no TCP", "TLS handshake", "before VERSIONS"};
    for (int stage = 0; stage < 3; stage++) {
        start(1);
        w.config.connect_timeout_ms = 7000;
        w.config.handshake_timeout_ms = 9000;
        world_link(&w);
        if (stage > 0)
            link_tcp_open(w.link);
        if (stage > 1)
            pump();
        test_env_advance_ms(w.env, stage ? 8999 : 6999);
        ck_assert_int_ne(link_state(w.link), LINK_CLOSED);
        test_env_advance_ms(w.env, 1);
        expect_closed(ERR_LINK_TIMEOUT, OR_TIMEOUT, texts[stage]);
        finish();
    }
}
END_TEST

START_TEST(test_link_handshake_timeout_ends_with_the_handshake)
{
    opened(1, 5);
    test_env_advance_ms(w.env, 24 * 3600 * 1000);
    ck_assert_uint_eq(w.closed, 0);
    finish();
}
END_TEST

START_TEST(test_link_idle_without_circuits)
{
    static const struct link_circ_ops none;
    struct link_circ a = {.ops = &none}, b = {.ops = &none};
    start(1);
    w.config.idle_timeout_ms = 180 * 1000;
    world_link(&w);
    link_tcp_open(w.link);
    peer_shakes(5);
    test_env_advance_ms(w.env, 179 * 1000);
    ck_ok(link_circ_open(w.link, &a));
    ck_ok(link_circ_open(w.link, &b));
    test_env_advance_ms(w.env, 1000 * 1000);
    link_circ_close(&a, true, 0);
    test_env_advance_ms(w.env, 1000 * 1000);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    link_circ_close(&b, true, 0);
    test_env_advance_ms(w.env, 180 * 1000 - 1);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    test_env_advance_ms(w.env, 1);
    expect_closed(OK, OR_DONE, "not used any more");
    finish();
}
END_TEST

START_TEST(test_link_retired_ends_with_its_last_circuit)
{
    static const struct link_circ_ops none;
    struct link_circ a = {.ops = &none};
    opened(1, 5);
    ck_ok(link_circ_open(w.link, &a));
    link_retire(w.link);
    test_env_advance_ms(w.env, 3600 * 1000);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    link_circ_close(&a, true, 0);
    test_env_advance_ms(w.env, 0);
    expect_closed(OK, OR_DONE, "not used any more");
    finish();
}
END_TEST

START_TEST(test_link_retired_while_it_rests_ends_at_once)
{
    opened(1, 5);
    link_retire(w.link);
    test_env_advance_ms(w.env, 0);
    expect_closed(OK, OR_DONE, "not used any more");
    finish();
}
END_TEST

/* ---- bulk ---- */

struct sum_circ {
    struct link_circ lc;
    size_t cells, to_write;
    uint32_t sum;
};

static void sum_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct sum_circ *c = arg;
    ck_assert_uint_eq(cmd, CELL_RELAY);
    ck_assert_uint_eq(body[0], (uint8_t)c->cells);
    c->cells++;
    for (size_t i = 0; i < CELL_BODY_LEN; i++)
        c->sum = c->sum * 31 + body[i];
}

static void sum_write(struct sum_circ *c)
{
    uint8_t *body;
    while (c->to_write && (body = link_cell(&c->lc, CELL_RELAY, LINK_DATA))) {
        for (size_t i = 0; i < CELL_BODY_LEN; i++)
            body[i] = (uint8_t)(c->to_write + i);
        link_cell_commit(&c->lc);
        c->to_write--;
    }
}

static void sum_on_writable(void *arg)
{
    sum_write(arg);
}

static const struct link_circ_ops sum_ops = {.on_cell = sum_on_cell,
                                             .on_writable = sum_on_writable};

START_TEST(test_link_carries_many_cells_down)
{
    enum { ROUNDS = 40, CELLS = 100 };
    static uint8_t storage[CELLS * CHAN_CELL_MAX];
    static const size_t steps[] = {0, 1000, 4096, 16401};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct sum_circ c = {.lc = {.ops = &sum_ops}};
        uint32_t want = 0;
        size_t n = 0;
        c.lc.arg = &c;
        opened(1, 5);
        step = steps[s];
        ck_ok(link_circ_open(w.link, &c.lc));
        for (int round = 0; round < ROUNDS; round++) {
            struct wr cells = wr_over(storage, sizeof storage);
            for (int i = 0; i < CELLS; i++, n++) {
                uint8_t body[CELL_BODY_LEN];
                env_random(w.env, body, sizeof body);
                body[0] = (uint8_t)n;
                for (size_t j = 0; j < sizeof body; j++)
                    want = want * 31 + body[j];
                put_cell(&cells, 4, c.lc.id, CELL_RELAY, body, sizeof body);
            }
            peer_says(&cells);
        }
        ck_assert_uint_eq(c.cells, n);
        ck_assert_uint_eq(c.sum, want);
        link_circ_close(&c.lc, false, 0);
        finish();
    }
}
END_TEST

START_TEST(test_link_carries_many_cells_up)
{
    enum { CELLS = 5000 };
    struct sum_circ c = {.lc = {.ops = &sum_ops}, .to_write = CELLS};
    c.lc.arg = &c;
    opened(1, 5);
    ck_ok(link_circ_open(w.link, &c.lc));
    from_client.len = from_client.head = 0;
    sum_write(&c);
    ck_assert_uint_gt(c.to_write, CELLS - 200); /* refused at the soft cap */
    step = 3000;
    pump();
    ck_assert_uint_eq(c.to_write, 0);
    ck_assert_uint_eq(from_client.len, (size_t)CELLS * CHAN_CELL_MAX);
    for (size_t i = 0; i < CELLS; i++) {
        const uint8_t *cell = buf_at(&from_client) + i * CHAN_CELL_MAX;
        ck_assert_uint_eq(cell[4], CELL_RELAY);
        ck_assert_uint_eq(cell[5], (uint8_t)(CELLS - i));
        ck_assert_uint_eq(cell[5 + 508], (uint8_t)(CELLS - i + 508));
    }
    link_circ_close(&c.lc, false, 0);
    finish();
}
END_TEST

START_TEST(test_link_works_on_after_it_was_quiet)
{
    struct sum_circ c = {.lc = {.ops = &sum_ops}};
    uint8_t storage[CHAN_CELL_MAX], body[1] = {0};
    c.lc.arg = &c;
    opened(1, 5);
    ck_ok(link_circ_open(w.link, &c.lc));
    for (uint8_t i = 0; i < 5; i++) {
        struct wr cells = wr_over(storage, sizeof storage);
        body[0] = i;
        put_cell(&cells, 4, c.lc.id, CELL_RELAY, body, 1);
        peer_says(&cells);
        test_env_advance_ms(w.env, 3 * LINK_QUIET_MS);
        c.to_write = 1;
        sum_write(&c);
        pump();
        test_env_advance_ms(w.env, 3 * LINK_QUIET_MS);
    }
    ck_assert_uint_eq(c.cells, 5);
    link_circ_close(&c.lc, false, 0);
    finish();
}
END_TEST

START_TEST(test_link_stalls_until_a_byte_comes)
{
    uint8_t storage[CHAN_CELL_MAX], body[1] = {0};
    struct wr cells = wr_over(storage, sizeof storage);
    opened(1, 5);
    link_stall(w.link, true);
    link_stall(w.link, true);
    ck_assert(link_is_stalled(w.link) && w.stalls == 1 && w.goes_on == 0);
    test_env_advance_ms(w.env, 1000);
    ck_assert_uint_lt(link_heard_us(w.link), w.env->mono_us);
    put_cell(&cells, 4, 0, CELL_PADDING, body, 1);
    peer_says(&cells);
    ck_assert(!link_is_stalled(w.link) && w.goes_on == 1);
    ck_assert_uint_eq(link_heard_us(w.link), w.env->mono_us);
    peer_says(&cells);
    ck_assert_uint_eq(w.goes_on, 1);
    finish();
}
END_TEST

START_TEST(test_link_reasons_have_the_names_of_control_spec)
{
    static const char *const names[] = {"DONE",       "CONNECTREFUSED", "IDENTITY", "CONNECTRESET",
                                        "TIMEOUT",    "NOROUTE",        "IOERROR",  "RESOURCELIMIT",
                                        "PT_MISSING", "TLS_ERROR",      "MISC"};
    for (int i = OR_DONE; i <= OR_MISC; i++)
        ck_assert_str_eq(or_reason_name((enum or_reason)i), names[i]);
}
END_TEST

TESTS("link/link", test_link_opens_under_each_version, test_link_opens_over_both_versions_of_tls,
      test_link_opens_byte_by_byte, test_link_states_in_order,
      test_link_first_writes_have_the_sizes_of_tors,
      test_link_close_of_our_own_sends_what_was_written_and_no_alert, test_link_closes_once,
      test_link_freed_at_any_stage_tells_nobody, test_link_tcp_errors_have_their_reasons,
      test_link_peer_hangs_up, test_link_port_that_is_no_orport,
      test_link_tls_server_that_speaks_no_cells, test_link_other_relay_answers,
      test_link_man_in_the_middle_has_the_wrong_tls_certificate, test_link_expired_certificates,
      test_link_damaged_record_on_an_open_link, test_link_timeouts_at_each_stage,
      test_link_handshake_timeout_ends_with_the_handshake, test_link_idle_without_circuits,
      test_link_retired_ends_with_its_last_circuit, test_link_retired_while_it_rests_ends_at_once,
      test_link_carries_many_cells_down, test_link_carries_many_cells_up,
      test_link_works_on_after_it_was_quiet, test_link_stalls_until_a_byte_comes,
      test_link_reasons_have_the_names_of_control_spec)
