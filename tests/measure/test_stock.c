/* Relays of unmodified tor, played by a node of the test network that knows nothing of measuring,
 * and the second hop: all in memory, under a clock that the test sets. */
#include "measure/stock.h"

#include "dirdoc/relaydoc.h"
#include "measure/echohop.h"
#include "measure/flight.h"
#include "measure/hoprelay.h"
#include "measure/polite.h"
#include "testnet/misdeeds.h"
#include "testnet/relay_certs.h"
#include "testnet/wired.h"

enum { SECONDS = 4, STEP_MS = 10, REPORTS_MAX = 64, GIVE = 200 * 1000 };

static struct scene {
    struct wired w;
    struct ipport relay, hop_at;
    struct identity hop_id;
    struct sha256 hop_cert;
    struct relay_certs certs;
    struct tls_ctx *hop_tls;
    struct echohop *hop;
    struct stock_config config;
    struct stock *stock;
    bool hop_is_away; /* nobody listens where it should */
    unsigned dialled, connected, n_reports, ends;
    struct connected_to_relay m;
    struct bw_report report[REPORTS_MAX];
    bool failed;
    struct meas_failure failure;
    uint64_t dialled_ms[POLITE_SOCKETS_MOST];
    char why[CONSENT_WHY_MAX];
} s;

/* ---- the world ---- */

static void dial_hop(void *world, struct link *l, const struct ip *from, const struct ipport *to)
{
    const struct ipport peer = {*from, 41000};
    if (ipport_equal(to, &s.hop_at))
        wired_join(&s.w, l, s.hop_is_away ? NULL : echohop_accept(s.hop, &peer));
    else
        wired_dial(world, l, from, to);
}

static void dial(void *world, struct link *l)
{
    const struct ipport *to = &link_target(l)->reach.addr;
    static const uint8_t home[4] = {127, 0, 0, 1};
    const struct ip from = ip_v4(home);
    (void)world;
    s.dialled_ms[s.dialled++] = s.w.env->mono_us / US_PER_MS;
    wired_dial(&s.w, l, &from, to);
}

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
}

/* As a socket: what there is goes out first. */
static void hangup(void *world, struct link *l)
{
    (void)world;
    for (size_t i = 0; i < s.w.n_wires; i++) {
        const struct wire x = s.w.wire[i];
        if (x.a == l || x.b == l)
            while (wired_move(l, x.a == l ? x.b : x.a))
                continue;
    }
    wired_hangup(&s.w, l);
}

static void on_connected(void *world, const struct connected_to_relay *m)
{
    (void)world;
    s.connected++;
    s.m = *m;
}

static void on_report(void *world, const struct bw_report *r)
{
    (void)world;
    ck_assert_uint_lt(s.n_reports, REPORTS_MAX);
    s.report[s.n_reports++] = *r;
    ck_assert_uint_eq(r->sec, s.n_reports);
}

static void on_end(void *world, const struct meas_failure *failure)
{
    (void)world;
    s.ends++;
    s.failed = failure != NULL;
    if (failure)
        s.failure = *failure;
}

static const struct meas_world sockets = {.dial = dial, .output = output, .hangup = hangup};
static const struct measurement_ops stock_ops = {
    .on_connected = on_connected, .on_report = on_report, .on_end = on_end};
static const struct echohop_ops hop_ops = {output, hangup};

/* ---- set-up ---- */

static struct ipport at(const char *text)
{
    struct ipport out;
    ck_ok(ipport_parse(text, &out));
    return out;
}

static void make_hop(unsigned every)
{
    static struct identity id;
    if (!id.rsa)
        ck_ok(identity_make(s.w.env, &id));
    s.hop_id = id;
    s.hop_at = at("127.77.0.1:7777");
    ck_ok(tls_ctx_new_server(env_wall_s(s.w.env), &s.hop_tls));
    tls_ctx_cert_sha256(s.hop_tls, &s.hop_cert);
    ck_ok(relay_certs_make(&id, &s.hop_cert, env_wall_s(s.w.env), RELAY_CERTS_HONEST, &s.certs));
    const struct echohop_config config = {
        .tls = s.hop_tls,
        .certs = &s.certs.list,
        .keys = {.rsa = id.rsa_id, .ed = id.ed.pub, .b = id.ntor, .B = id.ntor_pub},
        .mine = s.hop_at.ip,
        .circuits_most = POLITE_SOCKETS_MOST,
        .return_every = every,
        .life_ms = 300 * 1000};
    s.hop = echohop_new(s.w.env, &config, &hop_ops, &s);
    ck_assert_ptr_nonnull(s.hop);
    s.config.hop = s.hop;
    s.config.next = (struct circ_hop_target){
        .rsa = id.rsa_id, .ed = id.ed.pub, .has_ed = true, .ntor_key = id.ntor_pub, .v4 = s.hop_at};
}

static void prepare(enum meas_mode mode, unsigned circs)
{
    static struct node_world world;
    s = (struct scene){.dialled = 0};
    world = wired_world;
    world.dial = dial_hop;
    wired_start_in(&s.w, 0, &world);
    const struct circ_hop_target t = wired_hop(&s.w, PLAN_MIDDLE, 0, false);
    s.relay = t.v4;
    s.config.told = (struct connect_to_relay){.meas_id = 7,
                                              .relay = hop_relay(&t),
                                              .mode = mode,
                                              .n_circs = circs,
                                              .alloc_bw = GIVE,
                                              .dur = SECONDS,
                                              .check = 1,
                                              .seed = {1, 2, 3}};
    s.config.name = "m1";
    s.config.sockets = &sockets;
    s.config.world = &s;
    s.config.tls = s.w.tls;
    make_hop(mode == MEAS_SINK2 ? STOCK_SINK_EVERY : 1);
}

static err_t start(void)
{
    return stock_new(s.w.env, &s.config, &stock_ops, &s, &s.stock, s.why);
}

static void advance(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += STEP_MS) {
        test_env_advance_ms(s.w.env, STEP_MS);
        wired_pump(&s.w);
    }
}

static void begin(enum meas_mode mode, unsigned circs)
{
    prepare(mode, circs);
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    ck_assert_msg(s.connected == 1, "%s", s.failure.info);
    ck_ok(stock_go(s.stock));
}

static struct node *relay(void)
{
    return wired_node(&s.w, PLAN_MIDDLE, 0);
}

static void finish(void)
{
    stock_free(s.stock);
    echohop_free(s.hop);
    wired_pump(&s.w);
    ck_assert_uint_eq(node_counts(relay()).circuits, 0);
    tls_ctx_free(s.hop_tls);
    wired_stop(&s.w);
}

static void failed(enum meas_code code, bool sent_away, const char *says)
{
    ck_assert_uint_eq(s.ends, 1);
    ck_assert(s.failed);
    ck_assert_msg(s.failure.code == code, "%s: %s", meas_code_name(s.failure.code), s.failure.info);
    ck_assert_msg(strstr(s.failure.info, says) != NULL, "%s", s.failure.info);
    ck_assert_uint_eq(s.failure.meas_id, 7);
    ck_assert_int_eq(stock_was_sent_away(s.stock), sent_away);
}

static void refused(err_t want, const char *says)
{
    err_t e = start();
    ck_assert_msg(e == want, "%s (%s), not %s", err_name(e), s.why, err_name(want));
    ck_assert_msg(strstr(s.why, says) != NULL, "%s", s.why);
    advance(3000);
    ck_assert_uint_eq(s.dialled, 0);
    ck_assert_ptr_null(s.stock);
}

static struct docw descriptor(const struct identity *id, struct ipport or_port, const char *contact)
{
    struct docw w = {0};
    struct relaydoc_digests digests;
    const struct relaydoc doc = {.nickname = "tester",
                                 .or_port = or_port,
                                 .bandwidth_bytes = 1000000,
                                 .published_s = env_wall_s(s.w.env),
                                 .platform = "Tor 0.4.9.11 on Linux",
                                 .protos = RELAYDOC_PROTOS,
                                 .contact = contact,
                                 .policy = "reject *:*",
                                 .id = id,
                                 .tap = s.w.ids[0].rsa};
    relaydoc_write_server(&w, &doc, NULL);
    relaydoc_sign(&w, 0, id, &digests);
    ck_ok(w.err);
    return w;
}

/* ---- it measures ---- */

static void all_seconds_of(uint64_t least)
{
    ck_assert_uint_eq(s.n_reports, SECONDS);
    ck_assert_uint_eq(s.ends, 1);
    ck_assert_msg(!s.failed, "%s", s.failure.info);
    ck_assert(!stock_was_sent_away(s.stock));
    ck_assert_uint_gt(stock_bytes(s.stock), SECONDS * least);
}

static void all_seconds(void)
{
    all_seconds_of(GIVE);
}

START_TEST(test_stock_echo2_goes_twice_through_the_relay)
{
    begin(MEAS_ECHO2, 5);
    ck_assert_uint_eq(s.m.circs, 5);
    ck_assert_uint_eq(s.m.ready_circs, 5);
    advance(SECONDS * 1000 + 500);
    all_seconds();
    for (unsigned i = 0; i < SECONDS; i++) {
        const struct bw_report *r = &s.report[i];
        ck_assert_uint_ge(r->sent, GIVE / 2 * 9 / 10);
        ck_assert_uint_le(r->sent, GIVE / 2 * 11 / 10);
        ck_assert_uint_eq(r->checked * CHAN_CELL_MAX, r->sent); /* all of them */
        ck_assert_uint_ge(r->recv, 2 * r->sent);                /* once to the hop, once to us */
        ck_assert_uint_le(r->recv, 2 * r->sent * (100 + STOCK_WIRE_PERCENT) / 100);
        ck_assert_uint_eq(r->bad, 0);
        ck_assert_uint_eq(r->blocked, 0); /* it is we who give no more */
    }
    ck_assert_uint_eq(echohop_counts(s.hop).cells, echohop_counts(s.hop).returned);
    finish();
}
END_TEST

/* As a relay of tor under a limit: it reads what it may of what is sent to it each tenth of a
 * second, and nothing in between. */
static void read_burst(int64_t *left)
{
    struct wired *w = &s.w;
    uint64_t was = 0, is = 1;
    while (was != is) {
        was = is;
        is = 0;
        for (size_t i = 0; i < w->n_wires; i++) {
            struct link *a = w->wire[i].a, *b = w->wire[i].b;
            bool is_ours = ipport_equal(&link_target(a)->reach.addr, &s.relay);
            uint64_t before = link_bytes_out(a);
            if ((!is_ours || *left > 0) && wired_move(a, b) && is_ours)
                *left -= (int64_t)(link_bytes_out(a) - before);
            (void)wired_move(b, a);
            is += link_bytes_out(a) + link_bytes_out(b);
        }
        env_run_timers(w->env);
    }
}

START_TEST(test_stock_is_held_back_by_a_relay_that_reads_in_bursts)
{
    int64_t left = 0;
    begin(MEAS_ECHO2, 5);
    for (unsigned i = 0; i < SECONDS * 100; i++) {
        test_env_advance_ms(s.w.env, STEP_MS);
        env_run_timers(s.w.env);
        if (i % 10)
            continue;
        left += GIVE / 2 / 10 * 77 / 100;
        read_burst(&left);
    }
    advance(500);
    all_seconds_of(GIVE / 2);
    for (unsigned i = 2; i < SECONDS; i++) {
        ck_assert_uint_ge(s.report[i].recv, GIVE * 7 / 10);
        ck_assert_uint_le(s.report[i].recv, GIVE * 85 / 100);
        ck_assert_uint_ge(s.report[i].blocked, 95); /* though we gave little more than it took */
    }
    finish();
}
END_TEST

START_TEST(test_stock_sink2_goes_once_and_is_acknowledged)
{
    begin(MEAS_SINK2, 4);
    advance(SECONDS * 1000 + 6000);
    all_seconds();
    const struct bw_report *r = &s.report[2];
    uint64_t once = r->sent + r->sent / STOCK_SINK_EVERY;
    ck_assert_uint_ge(r->sent, GIVE * 8 / 10);
    ck_assert_uint_ge(r->recv, once * 9 / 10);
    ck_assert_uint_le(r->recv, once * 12 / 10);
    ck_assert_uint_eq(r->checked, echohop_counts(s.hop).returned ? r->checked : 1);
    ck_assert_uint_ge(echohop_counts(s.hop).cells, 40 * echohop_counts(s.hop).returned);
    finish();
}
END_TEST

START_TEST(test_stock_dir_counts_what_the_relay_sends)
{
    begin(MEAS_DIR, 3);
    advance(SECONDS * 1000 + 500);
    all_seconds_of(GIVE / 2);
    const struct bw_report *r = &s.report[2];
    ck_assert_uint_ge(r->recv, GIVE / 2);
    ck_assert_uint_le(r->recv, r->wire_in);
    ck_assert_uint_eq(echohop_counts(s.hop).links, 0);
    finish();
}
END_TEST

START_TEST(test_stock_drop_counts_what_it_sends)
{
    begin(MEAS_DROP, 3);
    advance(SECONDS * 1000 + 500);
    all_seconds_of(GIVE / 2);
    ck_assert_uint_ge(s.report[2].recv, GIVE * 9 / 10);
    ck_assert_uint_le(s.report[2].wire_in, GIVE / 10);
    finish();
}
END_TEST

START_TEST(test_stock_drop_is_for_this_machine_alone)
{
    const struct sha256 pin = {.b = {9}};
    char word[CONSENT_PIN_TEXT_MAX];
    prepare(MEAS_DROP, 5);
    const struct ipport far = at("192.0.2.1:9001");
    struct docw w =
        descriptor(&s.w.ids[wired_find(&s.w, PLAN_MIDDLE, 0)], far, consent_pin_text(&pin, word));
    s.config.pin = &pin;
    s.config.told.relay.addrs[0] = far;
    s.config.told.proof = docw_text(&w);
    refused(ERR_ARG, "of this machine alone");
    docw_free(&w);
    finish();
}
END_TEST

START_TEST(test_stock_http_goes_on_through_an_exit)
{
    prepare(MEAS_HTTP, 2);
    s.config.next = wired_hop(&s.w, PLAN_EXIT, 0, false);
    s.config.server = at("127.9.9.9:8080");
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    ck_assert_msg(s.connected == 1, "%s", s.failure.info);
    ck_ok(stock_go(s.stock));
    for (unsigned i = 0; i < SECONDS * 100 + 50; i++) {
        advance(STEP_MS);
        for (unsigned k = 0; k < 2; k++) { /* the server, at a pace */
            size_t room;
            uint8_t *in = s.w.target[k] ? target_in_room(s.w.target[k], &room) : NULL;
            if (!in)
                continue;
            memset(in, 'x', room < 500 ? room : 500);
            target_in_done(s.w.target[k], room < 500 ? room : 500);
        }
    }
    all_seconds_of(50 * 1000);
    ck_assert(ipport_equal(&s.w.to, &s.config.server));
    ck_assert_uint_ge(s.report[2].recv, 2 * 500 * 90);
    finish();
}
END_TEST

/* An exit that is not of this machine agrees by itself, too. */
START_TEST(test_stock_http_wants_the_exit_to_agree)
{
    const struct sha256 pin = {.b = {9}};
    prepare(MEAS_HTTP, 2);
    s.config.next = wired_hop(&s.w, PLAN_EXIT, 0, false);
    s.config.next.v4 = at("192.0.2.9:443");
    s.config.server = at("127.9.9.9:8080");
    refused(ERR_ARG, "has to agree, too");
    s.config.pin = &pin;
    refused(ERR_MALFORMED, "no descriptor");
    finish();
}
END_TEST

START_TEST(test_stock_gives_more_when_it_is_told)
{
    begin(MEAS_ECHO2, 5);
    advance(2000);
    stock_alloc(s.stock, 2 * GIVE);
    advance(2500);
    all_seconds();
    ck_assert_uint_ge(s.report[3].sent, GIVE * 9 / 10);
    finish();
}
END_TEST

/* ---- politely ---- */

START_TEST(test_stock_opens_few_links_and_slowly)
{
    prepare(MEAS_ECHO2, 160);
    ck_ok(start());
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_uint_le(s.dialled, i + 1);
        s.w.n_wires = s.w.n_wires; /* links are joined as they come */
        test_env_advance_ms(s.w.env, 50);
        if (s.w.n_wires >= WIRES_MAX - 2)
            break;
    }
    ck_assert_uint_ge(s.dialled, 25);
    for (unsigned i = 1; i < s.dialled; i++)
        ck_assert_uint_eq(s.dialled_ms[i] - s.dialled_ms[i - 1], 50); /* 40 over 2 s */
    finish();
}
END_TEST

START_TEST(test_stock_ends_when_the_relay_ends_a_circuit)
{
    begin(MEAS_ECHO2, 5);
    advance(1500);
    node_destroy_circuits(relay(), DESTROY_RESOURCELIMIT);
    advance(100);
    failed(MEAS_RELAY_LOST, true, "RESOURCELIMIT");
    uint64_t cells = node_counts(relay()).cells_in;
    advance(3000);
    ck_assert_uint_eq(node_counts(relay()).cells_in, cells);
    ck_assert_uint_eq(node_counts(relay()).links, 1); /* its own, to the second hop */
    ck_assert_uint_eq(s.n_reports, 1);
    finish();
}
END_TEST

START_TEST(test_stock_ends_when_the_relay_closes_a_link)
{
    begin(MEAS_ECHO2, 5);
    advance(1500);
    node_stop(relay());
    advance(100);
    failed(MEAS_RELAY_LOST, true, "closed a link");
    finish();
}
END_TEST

/* Whatever it is measured by. */
START_TEST(test_stock_each_mode_ends_when_the_relay_ends_a_circuit)
{
    static const enum meas_mode modes[] = {MEAS_SINK2, MEAS_DIR, MEAS_DROP};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        begin(modes[i], 3);
        advance(1500);
        node_destroy_circuits(relay(), DESTROY_RESOURCELIMIT);
        advance(100);
        failed(MEAS_RELAY_LOST, true, "RESOURCELIMIT");
        uint64_t cells = node_counts(relay()).cells_in;
        advance(2000);
        ck_assert_uint_eq(node_counts(relay()).cells_in, cells);
        ck_assert_uint_eq(s.n_reports, 1);
        finish();
    }
}
END_TEST

static void honest_over(struct nlink *nl, const struct link_end *end)
{
    (void)nl, (void)end;
}

static void keep(void *arg)
{
    (void)arg;
}

static err_t refusing_reply(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                            struct create_reply *r)
{
    (void)c, (void)cmd, (void)body, (void)e, (void)r;
    return ERR_NOMEM;
}

static void honest_face(struct nlink *nl, struct link_config *config, struct link_server *face)
{
    (void)nl, (void)config, (void)face;
}

static bool honest_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason)
{
    (void)c, (void)nl, (void)id, (void)reason;
    return true;
}

/* A relay that has not enough for one circuit is not asked for others. */
START_TEST(test_stock_leaves_alone_who_has_not_enough_for_a_circuit)
{
    static const enum meas_mode modes[] = {MEAS_ECHO2, MEAS_SINK2, MEAS_DIR, MEAS_DROP, MEAS_HTTP};
    const struct misdeeds refuses = {.face = honest_face,
                                     .link_over = honest_over,
                                     .reply = refusing_reply,
                                     .refusal = honest_refusal,
                                     .free = keep};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        prepare(modes[i], 5);
        s.config.server = at("127.9.9.9:8080");
        node_set_misdeeds(relay(), &refuses, NULL);
        ck_ok(start());
        advance(POLITE_OPEN_MS + 100);
        failed(MEAS_RELAY_LOST, true, "RESOURCELIMIT");
        ck_assert_uint_eq(s.dialled, 1);
        finish();
    }
}
END_TEST

static bool silent_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason)
{
    (void)c, (void)nl, (void)id, (void)reason;
    return false;
}

START_TEST(test_stock_relay_that_makes_no_circuit_is_not_waited_for)
{
    const struct misdeeds silent = {.face = honest_face,
                                    .link_over = honest_over,
                                    .reply = refusing_reply,
                                    .refusal = silent_refusal,
                                    .free = keep};
    prepare(MEAS_ECHO2, 5);
    node_set_misdeeds(relay(), &silent, NULL);
    ck_ok(start());
    advance(2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS);
    ck_assert_uint_eq(s.ends, 0);
    advance(POLITE_OPEN_MS + 100);
    failed(MEAS_LAUNCH_CIRCS, false, "0 of 5 circuits stood in time");
    ck_assert_uint_eq(node_counts(relay()).circuits, 0);
    finish();
}
END_TEST

START_TEST(test_stock_ends_when_the_second_hop_is_gone)
{
    begin(MEAS_ECHO2, 5);
    advance(1500);
    echohop_close(s.hop);
    advance(100);
    ck_assert_uint_eq(s.ends, 1);
    ck_assert(s.failed);
    finish();
}
END_TEST

START_TEST(test_stock_keeps_to_its_bytes)
{
    prepare(MEAS_ECHO2, 5);
    s.config.bytes_most = 1000 * 1000;
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    ck_ok(stock_go(s.stock));
    advance(5000);
    failed(MEAS_CANCELLED, false, "its bytes");
    ck_assert_uint_lt(s.n_reports, SECONDS);
    finish();
}
END_TEST

/* ---- what can go wrong before ---- */

START_TEST(test_stock_says_that_the_second_hop_is_not_reached)
{
    prepare(MEAS_ECHO2, 5);
    s.hop_is_away = true;
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    failed(MEAS_LAUNCH_CIRCS, false, "second hop");
    finish();
}
END_TEST

START_TEST(test_stock_says_that_nobody_is_there)
{
    prepare(MEAS_ECHO2, 5);
    node_stop(relay());
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    failed(MEAS_UNREACHABLE, false, "5 of 5 circuits failed");
    finish();
}
END_TEST

START_TEST(test_stock_says_that_it_is_another_relay)
{
    prepare(MEAS_ECHO2, 5);
    s.config.told.relay.ed25519.b[0] ^= 1;
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    failed(MEAS_WRONG_IDENTITY, false, "5 of 5 circuits failed");
    finish();
}
END_TEST

START_TEST(test_stock_waits_for_go_and_not_for_ever)
{
    prepare(MEAS_ECHO2, 5);
    ck_ok(start());
    ck_err(stock_go(s.stock), ERR_STATE);
    advance(POLITE_OPEN_MS + 100);
    ck_assert_uint_eq(s.connected, 1);
    advance(MEAS_GO_MS + 100);
    failed(MEAS_TIMEOUT, false, "go");
    ck_err(stock_go(s.stock), ERR_STATE);
    finish();
}
END_TEST

START_TEST(test_stock_is_cancelled)
{
    begin(MEAS_ECHO2, 5);
    ck_err(stock_go(s.stock), ERR_STATE);
    advance(1200);
    stock_stop(s.stock, MEAS_DEAD_MAN, "the coordinator is gone");
    stock_stop(s.stock, MEAS_CANCELLED, "twice");
    advance(100);
    failed(MEAS_DEAD_MAN, false, "coordinator");
    ck_assert_uint_eq(s.n_reports, 1);
    finish();
}
END_TEST

START_TEST(test_stock_stops_by_itself_without_a_coordinator)
{
    prepare(MEAS_ECHO2, 5);
    s.config.dead_man = true;
    s.config.told.dur = 30;
    ck_ok(start());
    advance(POLITE_OPEN_MS + 100);
    ck_ok(stock_go(s.stock));
    advance(4000);
    stock_heard(s.stock);
    advance(4000);
    ck_assert_uint_eq(s.ends, 0);
    advance(1100);
    failed(MEAS_DEAD_MAN, false, "coordinator");
    uint64_t cells = node_counts(relay()).cells_in;
    advance(1000);
    ck_assert_uint_eq(node_counts(relay()).cells_in, cells);
    finish();
}
END_TEST

/* ---- relays that cheat ---- */

static struct cheat {
    unsigned nth; /* cell that comes from the second hop */
    enum { CHEAT_FLIP, CHEAT_DROP, CHEAT_SHORTCUT, CHEAT_HOLD } how;
    unsigned n;
    bool dropped;
} cheat;

static bool cheat_cell_in(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body)
{
    (void)c;
    if (cmd != CELL_RELAY || ++cheat.n < cheat.nth)
        return true;
    if (cheat.how == CHEAT_HOLD)
        return false;
    if (cheat.how == CHEAT_FLIP && way == WAY_BACK)
        body[500] ^= 1;
    /* Answers at once what it should pass on, as if it had come back. */
    if (cheat.how == CHEAT_SHORTCUT && way == WAY_ON) {
        bool here;
        ck_ok(c->layer->kind->open(c->layer, cmd, body, &here));
        ck_ok(c->layer->kind->wrap(c->layer, cmd, body));
        rcirc_cell_as_is(c, WAY_BACK, CELL_RELAY, body);
        return false;
    }
    if (cheat.how != CHEAT_DROP || way != WAY_ON || cheat.dropped)
        return true;
    cheat.dropped = true;
    return false;
}

static bool honest_opened(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here)
{
    (void)c, (void)cmd, (void)body, (void)here;
    return true;
}

static bool honest_out(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body)
{
    (void)c, (void)way, (void)cmd, (void)body;
    return true;
}

static const struct misdeeds misdeeds = {.cell_in = cheat_cell_in,
                                         .opened = honest_opened,
                                         .cell_out = honest_out,
                                         .link_over = honest_over,
                                         .free = keep};

static void cheats(int how, unsigned nth)
{
    begin(MEAS_ECHO2, 5);
    cheat.how = how;
    cheat.nth = nth;
    cheat.n = 0;
    cheat.dropped = false;
    node_set_misdeeds(relay(), &misdeeds, &cheat);
    advance(1500);
    failed(MEAS_CHEAT, false, "expected");
    ck_assert_uint_eq(s.failure.cheat.kind, CHEAT_DIFFERENCE);
    finish();
}

START_TEST(test_stock_catches_a_relay_that_cheats)
{
    cheats(CHEAT_FLIP, 40);
    cheats(CHEAT_DROP, 41);
    cheats(CHEAT_SHORTCUT, 43);
}
END_TEST

/* What is under way when the last second ends may come back, and is not waited for long; nor is it
 * a failure that the relay ends it then. */
START_TEST(test_stock_waits_a_while_for_what_is_under_way)
{
    for (unsigned ends = 0; ends < 2; ends++) {
        begin(MEAS_ECHO2, 5);
        advance(SECONDS * 1000 - 100);
        cheat.how = CHEAT_HOLD;
        cheat.nth = cheat.n = 0;
        node_set_misdeeds(relay(), &misdeeds, &cheat);
        advance(150);
        ck_assert_uint_eq(s.n_reports, SECONDS);
        ck_assert_uint_eq(s.ends, 0);
        if (ends) {
            node_destroy_circuits(relay(), DESTROY_FINISHED);
            advance(100);
        } else {
            advance(STOCK_DRAIN_MS - 200);
            ck_assert_uint_eq(s.ends, 0);
            advance(300);
        }
        ck_assert_uint_eq(s.ends, 1);
        ck_assert_msg(!s.failed, "%s", s.failure.info);
        ck_assert(!stock_was_sent_away(s.stock));
        finish();
    }
}
END_TEST

/* ---- consent: no byte is sent ---- */

START_TEST(test_stock_sends_nothing_without_consent)
{
    static const char *const nobody[] = {"192.0.2.1:9001", "10.0.0.1:9001", "[2001:db8::1]:9001",
                                         "169.254.1.1:9001"};
    const struct sha256 pin = {.b = {9}};
    prepare(MEAS_ECHO2, 5);
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        s.config.told.relay.addrs[0] = at(nobody[i]);
        s.config.pin = NULL;
        refused(ERR_ARG, "coordinator with a key");
        s.config.pin = &pin;
        refused(ERR_MALFORMED, "no descriptor");
    }
    s.config.told.relay.addrs[0] = at("[::ffff:127.0.0.1]:9001");
    refused(ERR_ARG, "IPv4");
    s.config.told.relay.addrs[0] = at("0.0.0.0:9001");
    refused(ERR_ARG, "no relay's address");
    /* A second address is none that anybody has agreed for. */
    s.config.told.relay.addrs[0] = s.relay;
    s.config.told.relay.addrs[1] = at("192.0.2.1:9001");
    s.config.told.relay.n_addrs = 2;
    refused(ERR_ARG, "one address");
    finish();
}
END_TEST

START_TEST(test_stock_holds_the_descriptor_against_what_it_is_told)
{
    const struct sha256 pin = {.b = {9}}, other = {.b = {8}};
    char word[CONSENT_PIN_TEXT_MAX];
    prepare(MEAS_ECHO2, 5);
    const struct identity *id = &s.w.ids[wired_find(&s.w, PLAN_MIDDLE, 0)];
    const struct ipport far = at("192.0.2.1:9001"), victim = at("192.0.2.2:9001");
    struct docw good = descriptor(id, far, consent_pin_text(&pin, word));
    struct docw forged = descriptor(&s.w.ids[0], far, word), silent = descriptor(id, far, "me");
    s.config.pin = &pin;
    s.config.told.relay.addrs[0] = victim;
    s.config.told.proof = docw_text(&good);
    refused(ERR_BAD_KEY, "does not say that the relay is at");
    s.config.told.relay.addrs[0] = far;
    s.config.told.proof = docw_text(&forged);
    refused(ERR_BAD_KEY, "another relay's");
    s.config.told.proof = docw_text(&silent);
    refused(ERR_NOT_FOUND, word);
    s.config.told.proof = docw_text(&good);
    s.config.pin = &other;
    refused(ERR_NOT_FOUND, "ContactInfo");
    s.config.pin = &pin;
    refused(ERR_ARG, "relay's own machine"); /* the second hop is on loopback */
    s.config.next.v4 = at("198.51.100.1:443");
    ck_ok(start()); /* and so it may */
    stock_free(s.stock);
    s.stock = NULL;
    docw_free(&good);
    docw_free(&forged);
    docw_free(&silent);
    finish();
}
END_TEST

/* Nobody but its own descriptor says which keys an exit has. */
START_TEST(test_stock_exit_is_known_by_its_descriptor)
{
    struct circ_hop_target out;
    struct meas_exit exit = {.at = at("192.0.2.9:443")};
    prepare(MEAS_HTTP, 2);
    const struct identity *id = &s.w.ids[wired_find(&s.w, PLAN_EXIT, 0)];
    ck_err(stock_exit(&exit, &out, s.why), ERR_ARG);
    exit.proof = TEXT_LIT("nothing");
    ck_err(stock_exit(&exit, &out, s.why), ERR_ARG);
    struct docw w = descriptor(id, exit.at, "me");
    exit.proof = docw_text(&w);
    ck_ok(stock_exit(&exit, &out, s.why));
    ck_assert(rsa_id_equal(&out.rsa, &id->rsa_id));
    ck_assert(out.has_ed && ed_id_equal(&out.ed, &id->ed.pub));
    ck_assert_mem_eq(out.ntor_key.b, id->ntor_pub.b, sizeof out.ntor_key.b);
    ck_assert(ipport_equal(&out.v4, &exit.at) && !out.v6.port);
    exit.at = at("[2001:db8::9]:443");
    ck_ok(stock_exit(&exit, &out, s.why));
    ck_assert(ipport_equal(&out.v6, &exit.at) && !out.v4.port);
    memcpy(strstr(w.s, "\nntor-onion-key "), "\nXtor", 5);
    ck_err(stock_exit(&exit, &out, s.why), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(s.why, "exit's descriptor"));
    docw_free(&w);
    finish();
}
END_TEST

START_TEST(test_stock_says_what_each_mode_proves)
{
    static const struct {
        enum meas_mode mode;
        const char *says;
    } rows[] = {{MEAS_FLASHFLOW, "clients and all"}, {MEAS_ECHO2, "at least so much"},
                {MEAS_SINK2, "one in fifty"},        {MEAS_DIR, "nothing of what it takes"},
                {MEAS_DROP, "nothing proves"},       {MEAS_HTTP, "server and all"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_ptr_nonnull(strstr(stock_mode_proves(rows[i].mode), rows[i].says));
    ck_assert_int_eq(STOCK_SINK_EVERY, 50);
    ck_assert_str_eq(stock_mode_proves((enum meas_mode)77), "");
}
END_TEST

START_TEST(test_stock_refuses_what_makes_no_sense)
{
    prepare(MEAS_FLASHFLOW, 5);
    refused(ERR_ARG, "mode");
    s.config.told.mode = (enum meas_mode)77;
    refused(ERR_ARG, "mode");
    s.config.told.mode = MEAS_ECHO2;
    s.config.told.n_circs = 0;
    refused(ERR_ARG, "nothing to do");
    s.config.told.n_circs = MEAS_CIRCS_MOST + 1;
    refused(ERR_ARG, "nothing to do");
    s.config.told.n_circs = 1;
    s.config.hop = NULL;
    refused(ERR_ARG, "second hop");
    s.config.name = NULL;
    refused(ERR_ARG, "no name");
    char name[MEAS_NAME_MAX + 2] = {0};
    memset(name, 'n', MEAS_NAME_MAX + 1);
    s.config.name = name;
    refused(ERR_ARG, "too long");
    finish();
}
END_TEST

TESTS("measure/stock", test_stock_echo2_goes_twice_through_the_relay,
      test_stock_is_held_back_by_a_relay_that_reads_in_bursts,
      test_stock_sink2_goes_once_and_is_acknowledged, test_stock_dir_counts_what_the_relay_sends,
      test_stock_drop_counts_what_it_sends, test_stock_drop_is_for_this_machine_alone,
      test_stock_http_goes_on_through_an_exit, test_stock_http_wants_the_exit_to_agree,
      test_stock_gives_more_when_it_is_told, test_stock_opens_few_links_and_slowly,
      test_stock_ends_when_the_relay_ends_a_circuit,
      test_stock_each_mode_ends_when_the_relay_ends_a_circuit,
      test_stock_leaves_alone_who_has_not_enough_for_a_circuit,
      test_stock_ends_when_the_relay_closes_a_link,
      test_stock_relay_that_makes_no_circuit_is_not_waited_for,
      test_stock_waits_a_while_for_what_is_under_way, test_stock_ends_when_the_second_hop_is_gone,
      test_stock_keeps_to_its_bytes, test_stock_says_that_the_second_hop_is_not_reached,
      test_stock_says_that_nobody_is_there, test_stock_says_that_it_is_another_relay,
      test_stock_waits_for_go_and_not_for_ever, test_stock_is_cancelled,
      test_stock_stops_by_itself_without_a_coordinator, test_stock_catches_a_relay_that_cheats,
      test_stock_sends_nothing_without_consent,
      test_stock_holds_the_descriptor_against_what_it_is_told,
      test_stock_exit_is_known_by_its_descriptor, test_stock_says_what_each_mode_proves,
      test_stock_refuses_what_makes_no_sense)
