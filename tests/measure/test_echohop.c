/* The second hop for relays of unmodified tor, with a relay's link to it over TLS in memory. */
#include "measure/echohop.h"

#include <string.h>

#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "crypto/aes.h"
#include "link/responder.h"

enum { LIFE_MS = 90 * 1000, CIRCS = 8, BACK_MOST = 600 };

/* A circuit as the relay before the hop has it. */
struct near_circ {
    struct link_circ lc;
    struct aes_ctr *forward; /* the measurer's: Kf */
    unsigned created, back, destroys, closes;
    uint8_t reason, reply[CREATED2_DATA_MAX];
    size_t reply_len;
    uint8_t last[CELL_BODY_LEN];
};

static struct scene {
    struct world w; /* its link is the relay's */
    struct echohop *hop;
    struct echohop_keys keys;
    struct link *server; /* NULL: it is over */
    struct near_circ c[CIRCS];
    unsigned hangups;
} s;

/* ---- the relay's side ---- */

static void near_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct near_circ *c = arg;
    struct chan_created2 m;
    if (cmd == CELL_CREATED2) {
        ck_ok(chan_created2_decode(rd_over(body, CELL_BODY_LEN), &m));
        memcpy(c->reply, m.hdata, m.hlen);
        c->reply_len = m.hlen;
        c->created++;
        return;
    }
    ck_assert_uint_eq(cmd, CELL_RELAY);
    memcpy(c->last, body, CELL_BODY_LEN);
    c->back++;
}

static void near_on_destroy(void *arg, uint8_t reason)
{
    struct near_circ *c = arg;
    c->destroys++;
    c->reason = reason;
}

static void near_on_closed(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct near_circ *)arg)->closes++;
}

static void near_on_writable(void *arg)
{
    (void)arg;
}

static const struct link_circ_ops near_ops = {near_on_cell, near_on_destroy, near_on_closed,
                                              near_on_writable};

static void send_body(unsigned i, uint8_t cmd, const void *bytes, size_t len)
{
    uint8_t *body = link_cell(&s.c[i].lc, cmd, LINK_URGENT);
    ck_assert_ptr_nonnull(body);
    memset(body, 0, CELL_BODY_LEN);
    if (len)
        memcpy(body, bytes, len);
    link_cell_commit(&s.c[i].lc);
}

/* ---- the hop's owner ---- */

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
}

/* As a socket does: what there is goes out. */
static void hangup(void *world, struct link *l)
{
    (void)world;
    while (move_bytes(l, s.w.link))
        continue;
    s.hangups++;
    if (l == s.server)
        s.server = NULL;
}

static const struct echohop_ops ops = {output, hangup};

static void pump(void)
{
    while (s.server && (move_bytes(s.w.link, s.server) || move_bytes(s.server, s.w.link)))
        continue;
    test_env_advance_ms(s.w.env, 0);
    while (s.server && move_bytes(s.server, s.w.link))
        continue;
    test_env_advance_ms(s.w.env, 0);
}

static struct ipport peer(uint16_t port)
{
    static const uint8_t ip[4] = {127, 0, 0, 1};
    return (struct ipport){ip_v4(ip), port};
}

static void begin_with(unsigned circuits_most, unsigned return_every)
{
    const struct ipport from = peer(40000);
    s = (struct scene){.hangups = 0};
    world_prepare(&s.w, 5);
    ck_ok(tls_ctx_new_client(&s.w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(s.w.env), &s.w.server_tls));
    tls_ctx_cert_sha256(s.w.server_tls, &s.w.tls_cert);
    relay_certs_make(&s.w.certs, &s.w.keys, &s.w.tls_cert, env_wall_s(s.w.env), 86400 * 30);
    s.keys = (struct echohop_keys){.rsa = s.w.keys.rsa_id, .ed = s.w.keys.id.pub};
    x25519_keypair(s.w.env, &s.keys.b, &s.keys.B);
    const struct echohop_config config = {.tls = s.w.server_tls,
                                          .certs = &s.w.certs.list,
                                          .keys = s.keys,
                                          .mine = s.w.target.reach.addr.ip,
                                          .circuits_most = circuits_most,
                                          .return_every = return_every,
                                          .life_ms = LIFE_MS};
    s.hop = echohop_new(s.w.env, &config, &ops, &s);
    ck_assert_ptr_nonnull(s.hop);
    s.server = echohop_accept(s.hop, &from);
    ck_assert_ptr_nonnull(s.server);
    s.w.config.tls = s.w.client_tls;
    world_link(&s.w);
    link_tcp_open(s.w.link);
    pump();
    ck_assert_uint_eq(s.w.opened, 1);
}

static void finish(void)
{
    for (unsigned i = 0; i < CIRCS; i++) {
        link_circ_close(&s.c[i].lc, false, 0);
        aes_ctr_free(s.c[i].forward);
    }
    echohop_free(s.hop);
    world_free(&s.w);
}

static void begin(void)
{
    begin_with(CIRCS, 1);
}

/* ---- circuits ---- */

static void create(unsigned i, uint16_t htype, const uint8_t *skin, size_t len)
{
    const struct chan_create2 m = {.htype = htype, .hlen = (uint16_t)len, .hdata = skin};
    s.c[i].lc.ops = &near_ops;
    s.c[i].lc.arg = &s.c[i];
    ck_ok(link_circ_open(s.w.link, &s.c[i].lc));
    uint8_t *body = link_cell(&s.c[i].lc, CELL_CREATE2, LINK_URGENT);
    ck_assert_ptr_nonnull(body);
    memset(body, 0, CELL_BODY_LEN);
    struct wr w = wr_over(body, CELL_BODY_LEN);
    ck_ok(chan_create2_encode(&w, &m));
    link_cell_commit(&s.c[i].lc);
    pump();
}

static void take_keys(unsigned i, const uint8_t keys[TOR1_KEYS_LEN])
{
    s.c[i].forward = aes_ctr_new(keys + 40, 128, NULL);
    ck_assert_ptr_nonnull(s.c[i].forward);
}

static void create_ntor(unsigned i)
{
    uint8_t skin[NTOR_SKIN_LEN], keys[TOR1_KEYS_LEN];
    struct ntor_client st;
    ntor_client_begin(s.w.env, &s.keys.rsa, &s.keys.B, &st, skin);
    create(i, HANDSHAKE_NTOR, skin, sizeof skin);
    ck_assert_uint_eq(s.c[i].created, 1);
    ck_assert_uint_eq(s.c[i].reply_len, NTOR_REPLY_LEN);
    ck_ok(ntor_client_finish(&st, s.c[i].reply, keys, sizeof keys));
    take_keys(i, keys);
}

/* What the circuit gets to see of a cell whose plain body is all N. */
static void send_plain(unsigned i, uint8_t n)
{
    uint8_t body[CELL_BODY_LEN];
    memset(body, n, sizeof body);
    ck_ok(aes_ctr_xor(s.c[i].forward, body, sizeof body));
    send_body(i, CELL_RELAY, body, sizeof body);
}

static void last_is(unsigned i, uint8_t n)
{
    for (size_t at = 0; at < CELL_BODY_LEN; at++)
        ck_assert_uint_eq(s.c[i].last[at], n);
}

START_TEST(test_echohop_returns_each_cell_without_its_layer)
{
    begin();
    create_ntor(0);
    create_ntor(1);
    for (uint8_t n = 1; n <= 200; n++) {
        send_plain(0, n);
        send_plain(1, (uint8_t)(255 - n));
        pump();
        last_is(0, n);
        last_is(1, (uint8_t)(255 - n));
    }
    ck_assert_uint_eq(s.c[0].back, 200);
    ck_assert_uint_eq(echohop_counts(s.hop).cells, 400);
    ck_assert_uint_eq(echohop_counts(s.hop).returned, 400);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 2);
    ck_assert_uint_gt(echohop_counts(s.hop).bytes_in, 400 * CHAN_CELL_MAX);
    finish();
}
END_TEST

static err_t create_ntor_v3(unsigned i, const struct ed_id *ID, const struct x25519_pub *B,
                            const struct exts *asked)
{
    uint8_t CM[NTOR_V3_MSG_MAX], SM[NTOR_V3_MSG_MAX], skin[NTOR_V3_SKIN_OVERHEAD + sizeof CM];
    uint8_t keys[TOR1_KEYS_LEN];
    struct wr cm = wr_over(CM, sizeof CM), sm = wr_over(SM, sizeof SM);
    struct wr w = wr_over(skin, sizeof skin);
    struct ntor_v3_client st;
    ck_ok(exts_encode(&cm, asked));
    ck_ok(ntor_v3_client_begin(s.w.env, ID, B, NTOR_V3_CIRC_VERIFICATION, CM, cm.len, &st, &w));
    create(i, HANDSHAKE_NTOR_V3, skin, w.len);
    if (!s.c[i].created)
        return ERR_CIRC_HANDSHAKE;
    ck_ok(ntor_v3_client_finish(&st, NTOR_V3_CIRC_VERIFICATION, s.c[i].reply, s.c[i].reply_len, &sm,
                                keys, sizeof keys));
    ck_assert_uint_eq(sm.len, 1); /* nothing is granted */
    take_keys(i, keys);
    return OK;
}

START_TEST(test_echohop_speaks_ntor_v3_and_grants_nothing)
{
    struct exts cc = {.n = 0}, cgo = {.n = 0};
    static const uint8_t pair[2] = {SUBPROTO_RELAY, SUBPROTO_RELAY_CGO};
    ck_ok(exts_add(&cc, CIRC_EXT_CC_REQUEST, NULL, 0));
    ck_ok(exts_add(&cgo, CIRC_EXT_CC_REQUEST, NULL, 0));
    ck_ok(exts_add(&cgo, CIRC_EXT_SUBPROTO, pair, sizeof pair));
    begin();
    ck_ok(create_ntor_v3(0, &s.keys.ed, &s.keys.B, &cc));
    send_plain(0, 7);
    pump();
    last_is(0, 7);
    ck_err(create_ntor_v3(1, &s.keys.ed, &s.keys.B, &cgo), ERR_CIRC_HANDSHAKE);
    ck_assert_uint_eq(s.c[1].destroys, 1);
    finish();
}
END_TEST

START_TEST(test_echohop_returns_one_cell_in_so_many)
{
    begin_with(CIRCS, 100);
    create_ntor(0);
    for (unsigned n = 1; n <= 250; n++) {
        send_plain(0, (uint8_t)n);
        pump();
        ck_assert_uint_eq(s.c[0].back, n / 100);
        if (n == 200)
            last_is(0, 200);
    }
    ck_assert_uint_eq(echohop_counts(s.hop).cells, 250);
    finish();
}
END_TEST

/* ---- not for its session ---- */

static void refused(unsigned i, uint8_t reason)
{
    ck_assert_uint_eq(s.c[i].created, 0);
    ck_assert_uint_eq(s.c[i].destroys, 1);
    ck_assert_uint_eq(s.c[i].reason, reason);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits_ever, 0);
    ck_assert_uint_eq(echohop_counts(s.hop).refused, i + 1);
    ck_assert_int_eq(link_state(s.w.link), LINK_OPEN);
}

START_TEST(test_echohop_answers_only_its_session)
{
    const struct exts none = {.n = 0};
    struct echohop_keys other = {.rsa = {.b = {1}}, .ed = {.b = {1}}};
    uint8_t skin[NTOR_SKIN_LEN];
    struct ntor_client st;
    begin();
    x25519_keypair(s.w.env, &other.b, &other.B);
    ntor_client_begin(s.w.env, &s.keys.rsa, &other.B, &st, skin);
    create(0, HANDSHAKE_NTOR, skin, sizeof skin);
    refused(0, DESTROY_PROTOCOL);
    ntor_client_begin(s.w.env, &other.rsa, &s.keys.B, &st, skin);
    create(1, HANDSHAKE_NTOR, skin, sizeof skin);
    refused(1, DESTROY_PROTOCOL);
    ck_err(create_ntor_v3(2, &s.keys.ed, &other.B, &none), ERR_CIRC_HANDSHAKE);
    refused(2, DESTROY_PROTOCOL);
    ck_err(create_ntor_v3(3, &other.ed, &s.keys.B, &none), ERR_CIRC_HANDSHAKE);
    refused(3, DESTROY_PROTOCOL);
    ntor_client_begin(s.w.env, &s.keys.rsa, &s.keys.B, &st, skin);
    create(4, HANDSHAKE_NTOR, skin, sizeof skin - 1);
    refused(4, DESTROY_PROTOCOL);
    create(5, HANDSHAKE_TAP, skin, sizeof skin);
    refused(5, DESTROY_PROTOCOL);
    finish();
}
END_TEST

START_TEST(test_echohop_answers_no_create_fast)
{
    begin();
    s.c[0].lc.ops = &near_ops;
    s.c[0].lc.arg = &s.c[0];
    ck_ok(link_circ_open(s.w.link, &s.c[0].lc));
    send_body(0, CELL_CREATE_FAST, "12345678901234567890", 20);
    pump();
    refused(0, DESTROY_PROTOCOL);
    finish();
}
END_TEST

/* ---- nothing but cells that go back ---- */

/* A message for the hop, sealed as its measurer might: it is a cell as any other. */
static void comes_back(uint8_t cmd, uint16_t stream_id, const char *data)
{
    uint8_t plain[CELL_BODY_LEN], body[CELL_BODY_LEN] = {0};
    const struct relay_msg m = {
        .cmd = cmd, .stream_id = stream_id, .data = (const uint8_t *)data, .len = strlen(data)};
    size_t at;
    ck_ok(relay_msg_put(RELAY_V0, &m, body, &at));
    memset(body + at, 0, CELL_BODY_LEN - at);
    memcpy(plain, body, sizeof plain);
    ck_ok(aes_ctr_xor(s.c[0].forward, body, sizeof body));
    unsigned before = s.c[0].back;
    send_body(0, CELL_RELAY, body, sizeof body);
    pump();
    ck_assert_uint_eq(s.c[0].back, before + 1);
    ck_assert_mem_eq(s.c[0].last, plain, sizeof plain);
}

START_TEST(test_echohop_opens_no_stream_and_extends_nothing)
{
    begin();
    create_ntor(0);
    comes_back(RELAY_BEGIN, 1, "127.0.0.1:80");
    comes_back(RELAY_BEGIN_DIR, 1, "");
    comes_back(RELAY_RESOLVE, 1, "example.com");
    comes_back(RELAY_EXTEND2, 0, "somewhere");
    comes_back(RELAY_TRUNCATE, 0, "");
    comes_back(RELAY_ESTABLISH_RENDEZVOUS, 0, "12345678901234567890");
    ck_assert_uint_eq(echohop_counts(s.hop).links, 1);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 1);
    finish();
}
END_TEST

START_TEST(test_echohop_ends_a_circuit_for_any_other_cell)
{
    static const uint8_t cmds[] = {CELL_RELAY_EARLY, CELL_CREATED, CELL_CREATED_FAST,
                                   CELL_CREATED2};
    begin();
    for (unsigned i = 0; i < sizeof cmds; i++) {
        create_ntor(i);
        send_body(i, cmds[i], NULL, 0);
        pump();
        if (!s.server) /* those that a relay must never send end the link itself */
            break;
        ck_assert_uint_eq(s.c[i].destroys, 1);
        ck_assert_uint_eq(s.c[i].reason, DESTROY_PROTOCOL);
        ck_assert_uint_eq(echohop_counts(s.hop).broken, i + 1);
    }
    ck_assert_uint_ge(echohop_counts(s.hop).broken, 1);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 0);
    finish();
}
END_TEST

/* ---- bounds ---- */

START_TEST(test_echohop_has_only_so_many_circuits)
{
    uint8_t skin[NTOR_SKIN_LEN];
    struct ntor_client st;
    begin_with(2, 1);
    create_ntor(0);
    create_ntor(1);
    ntor_client_begin(s.w.env, &s.keys.rsa, &s.keys.B, &st, skin);
    create(2, HANDSHAKE_NTOR, skin, sizeof skin);
    ck_assert_uint_eq(s.c[2].created, 0);
    ck_assert_uint_eq(s.c[2].reason, DESTROY_RESOURCELIMIT);
    link_circ_close(&s.c[0].lc, true, DESTROY_NONE);
    pump();
    create_ntor(3);
    finish();
}
END_TEST

START_TEST(test_echohop_lets_the_oldest_idle_link_go)
{
    begin();
    create_ntor(0);
    for (uint16_t i = 1; i < ECHOHOP_LINKS_MOST; i++) {
        const struct ipport from = peer(i);
        ck_assert_ptr_nonnull(echohop_accept(s.hop, &from));
    }
    ck_assert_uint_eq(echohop_counts(s.hop).links, ECHOHOP_LINKS_MOST);
    for (uint16_t i = 100; i < 130; i++) {
        const struct ipport from = peer(i);
        ck_assert_ptr_nonnull(echohop_accept(s.hop, &from));
    }
    test_env_advance_ms(s.w.env, 0);
    test_env_advance_ms(s.w.env, 0);
    ck_assert_uint_eq(echohop_counts(s.hop).links, ECHOHOP_LINKS_MOST);
    ck_assert_uint_eq(s.hangups, 30);
    send_plain(0, 9); /* the one that is in use stays */
    pump();
    last_is(0, 9);
    finish();
}
END_TEST

/* Who sends and does not read: the owner stops reading, and what one read brought finds room. */
START_TEST(test_echohop_says_when_a_link_is_full)
{
    begin();
    create_ntor(0);
    for (unsigned n = 0; n < 4000 && !echohop_is_full(s.server); n++) {
        send_plain(0, 1);
        while (move_bytes(s.w.link, s.server))
            continue;
    }
    ck_assert(echohop_is_full(s.server));
    ck_assert_uint_eq(s.c[0].back, 0);
    ck_assert_uint_lt(link_held(s.server), ECHOHOP_HELD_MOST + 64 * 1024);
    for (unsigned n = 0; n < 250; n++) /* a whole read more */
        send_plain(0, 1);
    pump();
    ck_assert(!echohop_is_full(s.server));
    ck_assert_uint_eq(s.c[0].back, echohop_counts(s.hop).cells);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 1);
    finish();
}
END_TEST

/* ---- its end ---- */

static void is_over(void)
{
    const struct ipport from = peer(1);
    ck_assert(echohop_is_closed(s.hop));
    ck_assert_uint_eq(s.c[0].destroys + s.c[0].closes, 1);
    ck_assert_uint_eq(s.hangups, 1);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 0);
    ck_assert_uint_eq(echohop_counts(s.hop).links, 0);
    ck_assert_uint_gt(echohop_counts(s.hop).bytes_in, CHAN_CELL_MAX);
    ck_assert_ptr_null(echohop_accept(s.hop, &from));
}

START_TEST(test_echohop_is_over_when_the_run_is)
{
    begin();
    create_ntor(0);
    echohop_close(s.hop);
    echohop_close(s.hop);
    pump();
    is_over();
    finish();
}
END_TEST

START_TEST(test_echohop_lives_no_longer_than_it_was_made_for)
{
    begin();
    create_ntor(0);
    test_env_advance_ms(s.w.env, LIFE_MS - 1);
    ck_assert(!echohop_is_closed(s.hop));
    test_env_advance_ms(s.w.env, 2);
    pump();
    is_over();
    finish();
}
END_TEST

START_TEST(test_echohop_outlives_a_link)
{
    const struct ipport from = peer(2);
    begin();
    create_ntor(0);
    link_tcp_failed(s.server, 104);
    pump();
    ck_assert_uint_eq(s.hangups, 1);
    ck_assert_uint_eq(echohop_counts(s.hop).circuits, 0);
    ck_assert_ptr_nonnull(echohop_accept(s.hop, &from));
    finish();
}
END_TEST

/* Whatever a relay makes up: bounded, and no crash. */
START_TEST(test_echohop_bears_random_cells)
{
    for (unsigned round = 0; round < 60; round++) {
        begin();
        create_ntor(0);
        for (unsigned n = 0; n < 60 && s.server && link_state(s.w.link) == LINK_OPEN; n++) {
            uint8_t body[CELL_BODY_LEN];
            unsigned i = (unsigned)env_random_below(s.w.env, CIRCS);
            struct near_circ *c = &s.c[i];
            env_random(s.w.env, body, sizeof body);
            if (n % 3)
                body[0] = 0, body[1] = (uint8_t)(body[1] % 4), body[2] = 0;
            c->lc.ops = &near_ops;
            c->lc.arg = c;
            if (c->lc.link || link_circ_open(s.w.link, &c->lc) == OK)
                send_body(i, (uint8_t)env_random_below(s.w.env, 12), body, sizeof body);
            pump();
        }
        ck_assert_uint_le(echohop_counts(s.hop).circuits, CIRCS);
        finish();
    }
}
END_TEST

TESTS("measure/echohop", test_echohop_returns_each_cell_without_its_layer,
      test_echohop_speaks_ntor_v3_and_grants_nothing, test_echohop_returns_one_cell_in_so_many,
      test_echohop_answers_only_its_session, test_echohop_answers_no_create_fast,
      test_echohop_opens_no_stream_and_extends_nothing,
      test_echohop_ends_a_circuit_for_any_other_cell, test_echohop_has_only_so_many_circuits,
      test_echohop_lets_the_oldest_idle_link_go, test_echohop_says_when_a_link_is_full,
      test_echohop_is_over_when_the_run_is, test_echohop_lives_no_longer_than_it_was_made_for,
      test_echohop_outlives_a_link, test_echohop_bears_random_cells)
