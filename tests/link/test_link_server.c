/* The responding side of a link: joined to an initiator over TLS in memory, and fed single cells.
 */
#include <string.h>

#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "link/link_int.h"
#include "link/responder.h"

/* ---- two links, joined ---- */

struct made_circ {
    struct link_circ lc;
    unsigned cells, destroys, closes;
    uint8_t last_cmd, reason;
};

static struct pair {
    struct world w; /* env, keys, certificates; its link is the initiator */
    struct link_server face;
    struct link *server;
    unsigned opened, closed, created, room;
    unsigned hold_at; /* the cell at which the responder is held; 0: never */
    struct link_end end;
    struct made_circ accepted;
    bool refuse;
} p;

static void circ_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct made_circ *c = arg;
    (void)body;
    c->cells++;
    c->last_cmd = cmd;
    if (c == &p.accepted && p.hold_at == c->cells)
        link_hold_input(p.server, true);
}

static void circ_on_destroy(void *arg, uint8_t reason)
{
    struct made_circ *c = arg;
    c->destroys++;
    c->reason = reason;
}

static void circ_on_end(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct made_circ *)arg)->closes++;
}

static void circ_on_writable(void *arg)
{
    (void)arg;
}

static const struct link_circ_ops circ_ops = {circ_on_cell, circ_on_destroy, circ_on_end,
                                              circ_on_writable};

static void server_on_open(void *arg)
{
    ((struct pair *)arg)->opened++;
}

static void server_on_end(void *arg, const struct link_end *end)
{
    struct pair *pair = arg;
    pair->closed++;
    pair->end = *end;
}

static void server_on_output(void *arg)
{
    (void)arg;
}

static void server_on_room(void *arg)
{
    ((struct pair *)arg)->room++;
}

static void server_on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct pair *pair = arg;
    (void)cmd, (void)body;
    pair->created++;
    if (pair->refuse) {
        link_refuse(pair->server, id, DESTROY_RESOURCELIMIT);
        return;
    }
    pair->accepted = (struct made_circ){.lc = {.ops = &circ_ops, .arg = &pair->accepted}};
    ck_ok(link_circ_accept(pair->server, &pair->accepted.lc, id));
}

static const struct link_ops server_ops = {.on_open = server_on_open,
                                           .on_end = server_on_end,
                                           .on_output = server_on_output,
                                           .on_room = server_on_room,
                                           .on_create = server_on_create};

static void set_up(struct link_cheat cheat)
{
    static const uint8_t peer_ip[4] = {127, 0, 0, 1};
    const struct ipport peer = {ip_v4(peer_ip), 40000};
    p = (struct pair){.opened = 0};
    world_prepare(&p.w, 5);
    ck_ok(tls_ctx_new_client(&p.w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(p.w.env), &p.w.server_tls));
    tls_ctx_cert_sha256(p.w.server_tls, &p.w.tls_cert);
    relay_certs_make(&p.w.certs, &p.w.keys, &p.w.tls_cert, env_wall_s(p.w.env), 86400 * 30);
    p.face = (struct link_server){
        .certs = &p.w.certs.list, .mine = p.w.target.reach.addr.ip, .cheat = cheat};
    struct link_config config = p.w.config;
    config.tls = p.w.server_tls;
    p.server = link_new_server(p.w.env, &config, &p.face, &peer, &server_ops, &p);
    ck_assert_ptr_nonnull(p.server);
    p.w.config.tls = p.w.client_tls;
    world_link(&p.w);
    link_tcp_open(p.w.link);
}

static void pump(void)
{
    while (move_bytes(p.w.link, p.server) || move_bytes(p.server, p.w.link))
        continue;
    test_env_advance_ms(p.w.env, 0);
}

static void joined(void)
{
    set_up((struct link_cheat){.no_certs = false});
    pump();
    ck_assert_uint_eq(p.w.opened, 1);
    ck_assert_uint_eq(p.opened, 1);
}

static void finish(void)
{
    link_free(p.server);
    world_free(&p.w);
}

START_TEST(test_link_server_opens)
{
    joined();
    ck_assert_uint_eq(link_version(p.server), 5);
    ck_assert(rsa_id_equal(link_peer_rsa(p.w.link), &p.w.keys.rsa_id));
    ck_assert(ed_id_is_zero(link_peer_ed(p.server)));
    ck_assert_uint_eq(link_target(p.server)->reach.addr.port, 40000);
    finish();
}
END_TEST

/* ---- what its peers make of it when it cheats ---- */

static void cheats(struct link_cheat cheat, err_t want)
{
    set_up(cheat);
    pump();
    test_env_advance_ms(p.w.env, 61 * 1000);
    ck_assert_uint_eq(p.w.opened, 0);
    ck_assert_uint_eq(p.w.closed, 1);
    ck_assert_msg(p.w.end.why == want, "%s (%s), not %s", err_name(p.w.end.why), p.w.end.text,
                  err_name(want));
    finish();
}

START_TEST(test_link_server_cheats_are_found_out)
{
    cheats((struct link_cheat){.no_versions = true}, ERR_LINK_PROTO);
    cheats((struct link_cheat){.no_common_version = true}, ERR_LINK_VERSION);
    cheats((struct link_cheat){.no_certs = true}, ERR_LINK_PROTO);
    cheats((struct link_cheat){.certs_twice = true}, ERR_LINK_PROTO);
    cheats((struct link_cheat){.certs_late = true}, ERR_LINK_PROTO);
    cheats((struct link_cheat){.no_netinfo = true}, ERR_LINK_TIMEOUT);
}
END_TEST

START_TEST(test_link_server_clock_ahead_is_told)
{
    set_up((struct link_cheat){.netinfo_ahead_s = 7200});
    pump();
    ck_assert_uint_eq(p.w.skews, 1);
    ck_assert_int_eq(p.w.skew_s, -7200);
    finish();
}
END_TEST

/* ---- circuits ---- */

static struct made_circ ours;

static void send_cell(struct link_circ *lc, uint8_t cmd)
{
    uint8_t *body = link_cell(lc, cmd, LINK_URGENT);
    ck_assert_ptr_nonnull(body);
    memset(body, 0, CELL_BODY_LEN);
    link_cell_commit(lc);
    pump();
}

static void open_circuit(void)
{
    ours = (struct made_circ){.lc = {.ops = &circ_ops, .arg = &ours}};
    ck_ok(link_circ_open(p.w.link, &ours.lc));
    send_cell(&ours.lc, CELL_CREATE2);
    ck_assert_uint_eq(p.created, 1);
}

/* ---- a link that is to read no more for now ---- */

static void send_cells(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *body = link_cell(&ours.lc, CELL_RELAY, LINK_URGENT);
        ck_assert_ptr_nonnull(body);
        memset(body, 0x77, CELL_BODY_LEN);
        link_cell_commit(&ours.lc);
    }
}

START_TEST(test_link_server_held_reads_nothing_and_then_all)
{
    size_t len;
    joined();
    open_circuit();
    link_hold_input(p.server, true);
    ck_assert(link_holds_input(p.server));
    send_cells(500);
    pump();
    ck_assert_uint_eq(p.accepted.cells, 0);
    ck_assert_ptr_nonnull(link_seal(p.w.link, &len)); /* the peer keeps them */
    ck_assert_uint_ge(len, 500 * 514);
    ck_assert_uint_eq(p.room, 0);
    link_hold_input(p.server, false);
    ck_assert_uint_eq(p.room, 1);
    link_hold_input(p.server, false);
    ck_assert_uint_eq(p.room, 1); /* it was not held */
    pump();
    ck_assert_uint_eq(p.accepted.cells, 500);
    ck_assert_int_eq(link_state(p.server), LINK_OPEN);
    finish();
}
END_TEST

/* From inside a cell's handler: what came with it is still handled, and no more is read. */
START_TEST(test_link_server_may_be_held_by_a_cell)
{
    joined();
    open_circuit();
    p.hold_at = 1;
    send_cells(1000);
    pump();
    ck_assert_uint_ge(p.accepted.cells, 1);
    ck_assert_uint_le(p.accepted.cells, TLS_IN_CAP / 514);
    link_hold_input(p.server, false);
    pump();
    ck_assert_uint_eq(p.accepted.cells, 1000);
    finish();
}
END_TEST

START_TEST(test_link_server_held_and_closed_tells_of_no_room)
{
    joined();
    link_hold_input(p.server, true);
    link_close(p.server, OK, OR_DONE, "enough");
    link_hold_input(p.server, false);
    ck_assert_uint_eq(p.room, 0);
    pump();
    ck_assert_uint_eq(p.closed, 1);
    finish();
}
END_TEST

START_TEST(test_link_server_circuit_carries_cells_both_ways)
{
    joined();
    open_circuit();
    ck_assert_uint_eq(p.accepted.lc.id, ours.lc.id);
    send_cell(&p.accepted.lc, CELL_CREATED2);
    ck_assert_uint_eq(ours.last_cmd, CELL_CREATED2);
    send_cell(&ours.lc, CELL_RELAY_EARLY);
    ck_assert_uint_eq(p.accepted.last_cmd, CELL_RELAY_EARLY);
    ck_assert_uint_eq(link_circuits(p.server), 1);
    finish();
}
END_TEST

START_TEST(test_link_server_destroy_goes_both_ways)
{
    joined();
    open_circuit();
    link_circ_close(&p.accepted.lc, true, DESTROY_FINISHED);
    pump();
    ck_assert_uint_eq(ours.destroys, 1);
    ck_assert_uint_eq(ours.reason, DESTROY_FINISHED);
    p.created = 0;
    open_circuit();
    link_circ_close(&ours.lc, true, DESTROY_NONE);
    pump();
    ck_assert_uint_eq(p.accepted.destroys, 1);
    ck_assert_uint_eq(link_circuits(p.server), 0);
    finish();
}
END_TEST

START_TEST(test_link_server_refuses_with_the_reason)
{
    joined();
    p.refuse = true;
    open_circuit();
    ck_assert_uint_eq(ours.destroys, 1);
    ck_assert_uint_eq(ours.reason, DESTROY_RESOURCELIMIT);
    finish();
}
END_TEST

START_TEST(test_link_server_end_takes_its_circuits)
{
    joined();
    open_circuit();
    link_tcp_failed(p.server, 0);
    test_env_advance_ms(p.w.env, 1);
    ck_assert_uint_eq(p.accepted.closes, 1);
    ck_assert_uint_eq(p.closed, 1);
    finish();
}
END_TEST

/* ---- single cells ---- */

static void feed_cell(uint32_t id, uint8_t cmd, const void *body, size_t len)
{
    uint8_t storage[2048];
    struct wr w = wr_over(storage, sizeof storage);
    put_cell(&w, handshake_circ_id_len(&p.server->hs), id, cmd, body, len);
    ck_ok(wr_end(&w));
    if (p.server->state == LINK_CLOSED)
        return;
    ck_ok(buf_add(&p.server->in, storage, w.len));
    link_handle_cells(p.server);
}

/* Of what the responder has written since: how many DESTROYs, and the last one's reason. */
static unsigned destroys(uint8_t *reason)
{
    unsigned n = 0;
    struct chan_frame f;
    size_t at = 0, len = p.server->out.len;
    uint8_t *out = buf_at(&p.server->out);
    while (at < len && chan_frame_decode(out + at, len - at, 4, 4096, &f) == OK) {
        if (f.cmd == CELL_DESTROY) {
            n++;
            *reason = f.body[0];
        }
        at += f.used;
    }
    return n;
}

START_TEST(test_link_server_ids_are_the_initiators)
{
    static const uint8_t body[CELL_BODY_LEN];
    uint8_t reason = 0xff;
    joined();
    feed_cell(0x00000007, CELL_CREATE2, body, sizeof body); /* not the initiator's top bit */
    ck_assert_uint_eq(p.created, 0);
    ck_assert_uint_eq(destroys(&reason), 1);
    ck_assert_uint_eq(reason, DESTROY_PROTOCOL);
    feed_cell(0x80000007, CELL_CREATE, body, sizeof body); /* TAP */
    ck_assert_uint_eq(destroys(&reason), 2);
    feed_cell(0x80000007, CELL_CREATE_FAST, body, sizeof body);
    ck_assert_uint_eq(p.created, 1);
    feed_cell(0x80000007, CELL_CREATE2, body, sizeof body); /* in use: dropped */
    ck_assert_uint_eq(p.created, 1);
    ck_assert_uint_eq(destroys(&reason), 2);
    ck_assert_int_eq(link_state(p.server), LINK_OPEN);
    feed_cell(0, CELL_CREATE2, body, sizeof body);
    ck_assert_int_eq(link_state(p.server), LINK_CLOSED);
    finish();
}
END_TEST

/* Who begins to prove itself does so rightly, or is not spoken to: tests/link/test_link_auth.c. */
START_TEST(test_link_server_certs_that_prove_nothing_close)
{
    static const uint8_t versions[] = {0, 5}, body[40] = {0};
    set_up((struct link_cheat){.no_certs = false});
    p.server->state = LINK_HANDSHAKING;
    handshake_server_start(&p.server->hs, p.w.env, &p.w.tls_cert, NULL);
    feed_cell(0, CELL_VERSIONS, versions, sizeof versions);
    ck_assert_int_eq(p.server->hs.stage, STAGE_CHALLENGED);
    feed_cell(0, CELL_CERTS, body, 1);
    ck_assert_int_eq(link_state(p.server), LINK_CLOSED);
    test_env_advance_ms(p.w.env, 0);
    ck_err(p.end.why, ERR_LINK_CERTS);
    ck_assert_ptr_nonnull(strstr(p.end.text, "no RSA identity certificate"));
    finish();
}
END_TEST

static uint8_t told[8];
static size_t n_told;

static void note_trace(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                       size_t len)
{
    (void)arg, (void)body, (void)len;
    if (!out)
        return;
    ck_assert_uint_eq(circ_id, 0);
    ck_assert_uint_lt(n_told, sizeof told);
    told[n_told++] = cmd;
}

/* VERSIONS has a shorter head than what goes out with it. */
START_TEST(test_link_server_trace_tells_of_each_cell)
{
    static const uint8_t said[] = {CELL_VERSIONS, CELL_CERTS, CELL_AUTH_CHALLENGE, CELL_NETINFO};
    n_told = 0;
    set_up((struct link_cheat){.no_certs = false});
    link_set_trace(p.server, note_trace);
    pump();
    ck_assert_uint_eq(n_told, sizeof said);
    ck_assert_mem_eq(told, said, sizeof said);
    finish();
}
END_TEST

START_TEST(test_link_server_negotiates_no_padding)
{
    const struct link_config off = {.padding = LINK_PADDING_OFF};
    joined();
    link_set_padding(p.server, &off);
    ck_assert_uint_eq(p.server->out.len, 0);
    pump();
    ck_assert_int_eq(link_state(p.w.link), LINK_OPEN);
    finish();
}
END_TEST

static unsigned n_padding;

static void count_padding(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                          size_t len)
{
    (void)arg, (void)circ_id, (void)body, (void)len;
    n_padding += out && cmd == CELL_PADDING;
}

/* padding-spec 2.2: who is told to stop stops. */
START_TEST(test_link_server_pads_until_it_is_told_to_stop)
{
    struct link_config config = {.nf_ito_low_ms = 1500, .nf_ito_high_ms = 9500};
    joined();
    link_set_padding(p.server, &config);
    open_circuit();
    link_use_for_circuits(p.server);
    for (int stop = 0; stop < 2; stop++) {
        config.padding = LINK_PADDING_OFF;
        if (stop)
            link_set_padding(p.w.link, &config);
        pump();
        n_padding = 0;
        link_set_trace(p.server, count_padding);
        for (int i = 0; i < 300; i++) {
            test_env_advance_ms(p.w.env, 100);
            pump();
        }
        ck_assert(stop ? n_padding == 0 : n_padding >= 3);
    }
    finish();
}
END_TEST

/* tor-spec 4: "the first cell must be VERSIONS, VPADDING, or AUTHORIZE" */
START_TEST(test_link_server_padding_may_come_first)
{
    static const uint8_t versions[] = {0, 5};
    set_up((struct link_cheat){.no_certs = false});
    p.server->state = LINK_HANDSHAKING;
    handshake_server_start(&p.server->hs, p.w.env, &p.w.tls_cert, NULL);
    feed_cell(0, CELL_VPADDING, versions, sizeof versions);
    feed_cell(0, CELL_AUTHORIZE, versions, sizeof versions);
    feed_cell(0, CELL_VERSIONS, versions, sizeof versions);
    ck_assert_int_eq(p.server->hs.stage, STAGE_CHALLENGED);
    finish();
}
END_TEST

/* tor-spec 4 as relays keep it, written apart from link/rules.c. */
static bool may_come(bool open, uint8_t cmd)
{
    if (open)
        return cmd != CELL_CERTS && cmd != CELL_AUTH_CHALLENGE && cmd != CELL_AUTHENTICATE;
    /* AUTHENTICATE not before CERTS, and no CERTS without certificates. */
    if (cmd == CELL_AUTH_CHALLENGE || cmd == CELL_AUTHENTICATE || cmd == CELL_CERTS)
        return false;
    return chan_cmd_is_variable(cmd) || cmd == CELL_NETINFO;
}

/* Every command, each on a new link. */
static void sweep(bool open)
{
    static const uint8_t versions[] = {0, 5}, body[CELL_BODY_LEN];
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        uint32_t id = open && !chan_cmd_circ_id_ok((uint8_t)cmd, 0) ? 0x80000001 : 0;
        set_up((struct link_cheat){.no_certs = false});
        if (open) {
            pump();
        } else {
            p.server->state = LINK_HANDSHAKING;
            handshake_server_start(&p.server->hs, p.w.env, &p.w.tls_cert, NULL);
            feed_cell(0, CELL_VERSIONS, versions, sizeof versions);
        }
        feed_cell(id, (uint8_t)cmd, body, chan_cmd_is_variable((uint8_t)cmd) ? 8 : sizeof body);
        ck_assert_msg((link_state(p.server) != LINK_CLOSED) == may_come(open, (uint8_t)cmd),
                      "command %u, %s: %s", cmd, open ? "open" : "handshake", p.end.text);
        finish();
    }
}

START_TEST(test_link_server_illegal_cells_close)
{
    sweep(false);
    sweep(true);
}
END_TEST

TESTS("link/link_server", test_link_server_held_reads_nothing_and_then_all,
      test_link_server_may_be_held_by_a_cell, test_link_server_held_and_closed_tells_of_no_room,
      test_link_server_pads_until_it_is_told_to_stop, test_link_server_negotiates_no_padding,
      test_link_server_trace_tells_of_each_cell, test_link_server_padding_may_come_first,
      test_link_server_opens, test_link_server_cheats_are_found_out,
      test_link_server_clock_ahead_is_told, test_link_server_circuit_carries_cells_both_ways,
      test_link_server_destroy_goes_both_ways, test_link_server_refuses_with_the_reason,
      test_link_server_end_takes_its_circuits, test_link_server_ids_are_the_initiators,
      test_link_server_certs_that_prove_nothing_close, test_link_server_illegal_cells_close)
