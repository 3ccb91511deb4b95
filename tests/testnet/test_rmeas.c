/* A relay that lets itself be measured, as coordinators and measurers meet it. */
#include "testnet/node_int.h"
#include "testnet/peer.h"

static struct wired w;
static struct peer coord, m[3];
static struct party coordinator, stranger, measurer;
static const uint8_t session[MEAS_SESSION_LEN] = {7, 8, 9};
enum { SECOND_MS = 1000, SECONDS = 10 };

static void parties(void)
{
    party_make(&coordinator, 1);
    party_make(&stranger, 2);
    party_make(&measurer, 3);
}

static void start_with(const struct measurable *said)
{
    parties();
    wired_start_with(&w, 0, &wired_world, said);
    peer_start(&coord, &w, 1, &coordinator);
    memset(m, 0, sizeof m);
}

static void start(void)
{
    const struct measurable willing = {
        .allowed = {true, 1}, .coordinators = &coordinator.id.ed, .n_coordinators = 1};
    start_with(&willing);
}

static void stop(void)
{
    for (size_t i = 0; i < 3; i++)
        if (m[i].w)
            peer_stop(&m[i]);
    peer_stop(&coord);
    wired_stop(&w);
}

static struct node *relay(void)
{
    return wired_node(&w, PLAN_GUARD, 0);
}

static void pass_ms(uint64_t ms)
{
    for (; ms; ms -= 10) {
        test_env_advance_ms(w.env, 10);
        wired_pump(&w);
    }
}

/* ---- what is asked ---- */

static struct meas_cell params(uint16_t seconds, uint8_t echo)
{
    struct meas_cell p = {.cmd = MEAS_PARAMS, .params.seconds = seconds};
    struct meas_ext *ext = &p.params.ext;
    ext->has_form = ext->has_session = true;
    ext->version = MEAS_VERSION;
    ext->echo = echo;
    memcpy(ext->session, session, sizeof session);
    ext->n_measurers = 1;
    ext->measurers[0] = (struct meas_measurer){measurer.id.ed, 2};
    return p;
}

static unsigned ask(struct meas_cell p)
{
    peer_say(&coord, &p);
    return peer_heard(&coord);
}

static unsigned echo_on(struct peer *p, uint8_t host, const struct party *who)
{
    struct meas_cell on = {.cmd = MEAS_ECHO_ON};
    memcpy(on.echo_on.session, session, sizeof session);
    peer_start(p, &w, host, who);
    peer_say(p, &on);
    return peer_heard(p);
}

/* A run with one measurer of one circuit, and no cell yet. */
static void run(uint8_t echo)
{
    start();
    ck_assert_uint_eq(ask(params(SECONDS, echo)), 0);
    ck_assert_uint_eq(echo_on(&m[0], 2, &measurer), 0);
}

START_TEST(test_rmeas_query_tells_limits_and_starts_nothing)
{
    start();
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(ask(params(0, MEAS_ECHO_RAW)), 0);
        const struct meas_ext *said = &coord.said[coord.n_said - 1].ok;
        ck_assert(said->has_form && said->has_limits);
        ck_assert_uint_eq(said->version, MEAS_VERSION);
        ck_assert_uint_eq(said->background_percent, 25);
        ck_assert_uint_eq(said->seconds_most, 45);
        ck_assert_uint_eq(said->background_floor, 416666);
    }
    ck_assert_uint_eq(echo_on(&m[0], 2, &measurer), MEAS_ERR_MEASURER);
    stop();
}
END_TEST

START_TEST(test_rmeas_who_never_said_a_word_is_silent)
{
    const struct meas_cell p = params(0, MEAS_ECHO_RAW);
    start_with(NULL);
    peer_say(&coord, &p);
    ck_assert_uint_eq(coord.n_said, 0);
    ck_assert(!coord.over && !coord.link_over);
    stop();
}
END_TEST

START_TEST(test_rmeas_refusals_have_their_codes)
{
    const struct measurable unwilling = {
        .allowed = {true, 0}, .coordinators = &coordinator.id.ed, .n_coordinators = 1};
    start_with(&unwilling);
    ck_assert_uint_eq(ask(params(0, 1)), MEAS_ERR_NOT_ALLOWED);
    stop();
    start();
    struct meas_cell odd = params(10, 1);
    odd.params.ext.version = 2;
    ck_assert_uint_eq(ask(odd), MEAS_ERR_VERSION);
    odd = params(10, 1);
    odd.params.ext.n_measurers = 0;
    ck_assert_uint_eq(ask(odd), MEAS_ERR_MALFORMED);
    odd = params(10, 1);
    odd.params.ext.has_session = false;
    ck_assert_uint_eq(ask(odd), MEAS_ERR_MALFORMED);
    ck_assert_uint_eq(ask(params(43, 1)), MEAS_ERR_TOO_LONG);
    static const uint8_t eleven[] = {MEAS_PARAMS, 0, 10, 11};
    peer_send(&coord, CELL_MEASUREMENT, eleven, sizeof eleven);
    wired_pump(&w);
    ck_assert_uint_eq(peer_heard(&coord), MEAS_ERR_MALFORMED);
    ck_assert_uint_eq(ask(params(42, 1)), 0);
    ck_assert_uint_eq(ask(params(10, 1)), MEAS_ERR_BUSY);
    ck_assert_uint_eq(ask(params(0, 1)), MEAS_ERR_BUSY);
    peer_start(&m[0], &w, 2, &stranger);
    struct meas_cell p = params(0, 1);
    peer_say(&m[0], &p);
    ck_assert_uint_eq(peer_heard(&m[0]), MEAS_ERR_COORDINATOR);
    peer_start(&m[1], &w, 3, NULL);
    peer_say(&m[1], &p);
    ck_assert_uint_eq(peer_heard(&m[1]), MEAS_ERR_COORDINATOR);
    ck_assert(!m[0].over && !m[1].over && !coord.over);
    stop();
}
END_TEST

START_TEST(test_rmeas_refusals_are_not_endless)
{
    start();
    peer_start(&m[0], &w, 2, &stranger);
    struct meas_cell p = params(0, 1);
    for (unsigned i = 0; i < 20 && !m[0].over; i++)
        peer_say(&m[0], &p);
    ck_assert(m[0].over && !m[0].link_over);
    ck_assert_uint_eq(m[0].n_said, 8);
    stop();
}
END_TEST

START_TEST(test_rmeas_twice_a_period_and_coordinator)
{
    struct meas_cell abort = {.cmd = MEAS_ERR, .err.code = MEAS_ERR_ABORTED};
    start();
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(ask(params(10, 1)), 0);
        peer_say(&coord, &abort);
        pass_ms(3600 * SECOND_MS);
    }
    ck_assert_uint_eq(ask(params(10, 1)), MEAS_ERR_TOO_OFTEN);
    ck_assert_uint_eq(ask(params(0, 1)), MEAS_ERR_TOO_OFTEN);
    test_env_advance_ms(w.env, (uint64_t)22 * 3600 * SECOND_MS - 60000);
    ck_assert_uint_eq(ask(params(10, 1)), MEAS_ERR_TOO_OFTEN);
    test_env_advance_ms(w.env, 120000);
    ck_assert_uint_eq(ask(params(10, 1)), 0);
    stop();
}
END_TEST

START_TEST(test_rmeas_measurers_have_identity_session_and_sockets)
{
    start();
    ck_assert_uint_eq(echo_on(&m[0], 2, &measurer), MEAS_ERR_MEASURER);
    peer_stop(&m[0]);
    ck_assert_uint_eq(ask(params(10, MEAS_ECHO_RAW)), 0);
    ck_assert_uint_eq(echo_on(&m[0], 2, &stranger), MEAS_ERR_MEASURER);
    peer_stop(&m[0]);
    peer_start(&m[0], &w, 2, &measurer);
    struct meas_cell on = {.cmd = MEAS_ECHO_ON};
    peer_say(&m[0], &on);
    ck_assert_uint_eq(peer_heard(&m[0]), MEAS_ERR_MEASURER);
    memcpy(on.echo_on.session, session, sizeof session);
    peer_say(&m[0], &on);
    ck_assert_uint_eq(peer_heard(&m[0]), 0);
    ck_assert_uint_eq(echo_on(&m[1], 3, &measurer), 0);
    ck_assert_uint_eq(echo_on(&m[2], 4, &measurer), MEAS_ERR_MEASURER); /* it has two */
    peer_stop(&m[1]);
    wired_pump(&w);
    peer_say(&m[2], &on);
    ck_assert_uint_eq(peer_heard(&m[2]), 0);
    peer_say(&m[2], &on);
    ck_assert_uint_eq(peer_heard(&m[2]), MEAS_ERR_MALFORMED); /* twice */
    stop();
}
END_TEST

/* ---- echoes ---- */

START_TEST(test_rmeas_raw_cells_come_back_decrypted)
{
    uint8_t want[CELL_BODY_LEN];
    run(MEAS_ECHO_RAW);
    for (unsigned i = 1; i < 200; i++) {
        ck_assert(peer_raw(&m[0], (uint8_t)i));
        wired_pump(&w);
        ck_assert_uint_eq(m[0].got, i);
        memset(want, (int)i, sizeof want);
        ck_assert_mem_eq(m[0].last, want, sizeof want);
    }
    stop();
}
END_TEST

/* A relay message with its digest; false in NEAR of nothing. */
static void send_framed(struct peer *p, uint8_t body[CELL_BODY_LEN])
{
    uint8_t data[RELAY_DATA_MAX], sealed[CELL_BODY_LEN];
    size_t at;
    memset(data, 0x5a, sizeof data);
    const struct relay_msg msg = {.cmd = RELAY_MEAS_ECHO, .data = data, .len = sizeof data};
    ck_ok(relay_msg_encode(RELAY_V0, &msg, sealed, &at));
    memcpy(body, sealed, CELL_BODY_LEN);
    ck_ok(tor1_kind.originate(p->layer, CELL_RELAY, sealed));
    memcpy(body + RELAY_V0_DIGEST_AT, p->layer->sent_tag, 4);
    peer_send(p, CELL_RELAY, sealed, sizeof sealed);
    wired_pump(p->w);
}

START_TEST(test_rmeas_framed_cells_come_back_decrypted)
{
    uint8_t body[CELL_BODY_LEN];
    run(MEAS_ECHO_FRAMED);
    for (unsigned i = 1; i < 100; i++) {
        send_framed(&m[0], body);
        ck_assert_uint_eq(m[0].got, i);
        ck_assert_mem_eq(m[0].last, body, sizeof body);
    }
    stop();
}
END_TEST

START_TEST(test_rmeas_316s_measurers_have_an_address_only)
{
    static const uint8_t home[4] = {127, 0, 0, 2};
    uint8_t body[CELL_BODY_LEN];
    struct meas_cell p = {.cmd = MEAS_PARAMS, .params = {.seconds = 10, .n_addrs = 1}};
    p.params.addrs[0].ip = ip_v4(home);
    start();
    ck_assert_uint_eq(ask(p), 0);
    ck_assert(!coord.said[0].ok.has_form && !coord.said[0].ok.has_limits);
    peer_start(&m[0], &w, 2, NULL);
    send_framed(&m[0], body);
    ck_assert_uint_eq(m[0].got, 1);
    ck_assert_mem_eq(m[0].last, body, sizeof body);
    peer_start(&m[1], &w, 3, NULL); /* whom nobody named */
    send_framed(&m[1], body);
    ck_assert_uint_eq(m[1].got, 0);
    ck_assert(!m[1].over);
    stop();
}
END_TEST

START_TEST(test_rmeas_nothing_comes_back_without_a_measurement)
{
    uint8_t body[CELL_BODY_LEN];
    start();
    peer_start(&m[0], &w, 2, &measurer);
    send_framed(&m[0], body);
    ck_assert_uint_eq(m[0].got, 0);
    ck_assert(!m[0].over);
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    ck_assert_uint_eq(m[0].got, 0);
    ck_assert(m[0].over); /* as any cell that nobody recognizes */
    stop();
}
END_TEST

/* ---- a run ---- */

START_TEST(test_rmeas_clock_starts_with_the_first_echo)
{
    run(MEAS_ECHO_RAW);
    pass_ms(5 * SECOND_MS);
    size_t before = coord.n_said;
    ck_assert_uint_eq(before, 1);
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    for (unsigned s = 1; s <= SECONDS; s++) {
        ck_assert(!m[0].over);
        pass_ms(SECOND_MS - 20);
        ck_assert_uint_eq(coord.n_said, before + s - 1);
        pass_ms(20);
        ck_assert_uint_eq(coord.n_said, before + s);
        ck_assert_uint_eq(coord.said[before + s - 1].cmd, MEAS_BG);
        ck_assert_uint_eq(coord.said[before + s - 1].bg.second, s);
    }
    ck_assert(m[0].over);
    ck_assert_uint_eq(m[0].reason, DESTROY_FINISHED);
    pass_ms(3 * SECOND_MS);
    ck_assert_uint_eq(coord.n_said, before + SECONDS);
    ck_assert(!coord.over && !coord.link_over && !m[0].link_over);
    ck_assert_uint_eq(ask(params(10, 1)), 0); /* the second one of the period */
    stop();
}
END_TEST

START_TEST(test_rmeas_takes_no_longer_than_it_may)
{
    run(MEAS_ECHO_RAW);
    pass_ms(44 * SECOND_MS);
    ck_assert(peer_raw(&m[0], 1)); /* too late for ten seconds */
    pass_ms(SECOND_MS + 20);
    ck_assert_uint_eq(peer_heard(&coord), MEAS_ERR_TIMEOUT);
    ck_assert(m[0].over);
    stop();
}
END_TEST

START_TEST(test_rmeas_ends_with_its_coordinator)
{
    run(MEAS_ECHO_RAW);
    ck_assert(peer_raw(&m[0], 1));
    pass_ms(2 * SECOND_MS);
    ck_assert(!m[0].over);
    peer_stop(&coord);
    wired_pump(&w);
    ck_assert(m[0].over);
    peer_start(&coord, &w, 1, &coordinator);
    ck_assert_uint_eq(ask(params(0, 1)), 0);
    stop();
}
END_TEST

START_TEST(test_rmeas_stopped_node_says_so)
{
    run(MEAS_ECHO_RAW);
    node_stop(relay());
    wired_pump(&w);
    ck_assert_uint_eq(peer_heard(&coord), MEAS_ERR_ABORTED);
    ck_assert(m[0].over && coord.over);
    stop();
}
END_TEST

/* ---- clients ---- */

/* The relay moves to the next second, echoing so many cells of M[0] in each tenth. */
static void second_with(unsigned cells)
{
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned n = 0; n < cells; n++) {
            ck_assert(peer_raw(&m[0], 1));
            wired_pump(&w);
        }
        pass_ms(100);
    }
}

/* A client wants as much as it can have; bytes that it got so far. */
static void client_wants(size_t *bytes)
{
    wired_say(&w, 1 << 20);
    *bytes = w.bytes;
}

START_TEST(test_rmeas_clients_have_their_share)
{
    /* X is what is measured in a second, in kB: clients get a third of it, but of 1250 kB at
     * least. */
    static const struct {
        unsigned cells; /* in a tenth */
        uint64_t most;  /* bytes a second */
    } cases[] = {{10, 416666}, {500, 856666}};
    for (size_t i = 0; i < 2; i++) {
        size_t had = 0, has = 0;
        run(MEAS_ECHO_RAW);
        wired_build_asking(&w, 3, true, (struct hop_ask){.cc = true});
        ck_assert(w.open);
        wired_begin(&w, 1, "localhost 80", 0);
        second_with(cases[i].cells);
        second_with(cases[i].cells);
        uint64_t before = node_counts(relay()).client_out;
        for (unsigned s = 0; s < 5; s++)
            for (unsigned tenth = 0; tenth < 10; tenth++) {
                for (unsigned n = 0; n < cases[i].cells; n++) {
                    ck_assert(peer_raw(&m[0], 1));
                    wired_pump(&w);
                }
                client_wants(&had);
                pass_ms(100);
            }
        has = node_counts(relay()).client_out - before;
        ck_assert_uint_le(has, cases[i].most * 5 + 65536);
        ck_assert_uint_ge(has, cases[i].most * 5 * 95 / 100);
        pass_ms(10 * SECOND_MS);
        ck_assert(m[0].over);
        size_t now = w.bytes;
        for (unsigned n = 0; n < 20; n++)
            client_wants(&has);
        ck_assert_uint_ge(w.bytes - now, 2 << 20); /* it is over */
        stop();
    }
}
END_TEST

/* After seconds in which they wanted nothing, clients have one second's share, in each second. */
START_TEST(test_rmeas_share_is_not_saved_up)
{
    size_t had;
    run(MEAS_ECHO_RAW);
    wired_build_asking(&w, 3, true, (struct hop_ask){.cc = true});
    wired_begin(&w, 1, "localhost 80", 0);
    for (unsigned s = 0; s < SECONDS; s++)
        for (unsigned tenth = 0; tenth < 10; tenth++) {
            ck_assert(peer_raw(&m[0], 1));
            wired_pump(&w);
            if (s >= 4)
                client_wants(&had);
            pass_ms(100);
        }
    for (size_t i = 0; i < coord.n_said; i++)
        if (coord.said[i].cmd == MEAS_BG && coord.said[i].bg.second > 4)
            ck_assert_uint_le(coord.said[i].bg.sent, 416666 + 32768);
    ck_assert_uint_gt(coord.said[coord.n_said - 1].bg.sent, 380000);
    stop();
}
END_TEST

START_TEST(test_rmeas_background_is_what_the_node_counts)
{
    uint64_t sent = 0, recv = 0;
    run(MEAS_ECHO_RAW);
    wired_build_asking(&w, 3, true, (struct hop_ask){.cc = false});
    wired_begin(&w, 1, "localhost 80", 0);
    struct node_counts before = node_counts(relay());
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    for (unsigned s = 0; s < SECONDS; s++) {
        wired_say(&w, 10000);
        second_with(3);
    }
    struct node_counts after = node_counts(relay());
    for (size_t i = 0; i < coord.n_said; i++)
        if (coord.said[i].cmd == MEAS_BG) {
            sent += coord.said[i].bg.sent;
            recv += coord.said[i].bg.recv;
        }
    ck_assert_uint_gt(sent, SECONDS * 10000);
    ck_assert_uint_eq(sent, after.client_out - before.client_out);
    ck_assert_uint_eq(recv, after.client_in - before.client_in);
    stop();
}
END_TEST

/* ---- who does not read its echoes ---- */

START_TEST(test_rmeas_stops_reading_who_does_not_read)
{
    run(MEAS_ECHO_RAW);
    struct link *own = w.wire[w.n_wires - 1].b;
    /* The wire back is cut for a while: nothing is taken from the relay's end. */
    w.wire[w.n_wires - 1].a = NULL;
    size_t len, room, most = 0;
    for (unsigned i = 0; i < 20000; i++) {
        (void)peer_raw(&m[0], 1);
        const uint8_t *at = link_seal(m[0].link, &len);
        uint8_t *in = at ? link_in_room(own, &room) : NULL;
        if (in) {
            len = len < room ? len : room;
            memcpy(in, at, len);
            link_sent(m[0].link, len);
            link_in_done(own, len);
        }
        size_t queued = node_counts(relay()).queued;
        most = queued > most ? queued : most;
    }
    ck_assert(!m[0].over && !m[0].link_over);
    ck_assert_uint_gt(most, 0);
    ck_assert_uint_le(most, 4 * 64 * 510);
    uint64_t sent = m[0].sent;
    ck_assert_uint_lt(sent, 2000);
    w.wire[w.n_wires - 1].a = m[0].link;
    wired_pump(&w);
    ck_assert_uint_eq(m[0].got, sent); /* none was lost */
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    ck_assert_uint_eq(m[0].got, sent + 1);
    stop();
}
END_TEST

/* A relay that has all the links it may have takes those of measurers. */
START_TEST(test_rmeas_measurers_find_room)
{
    static const uint8_t named[4] = {127, 0, 0, 2}, other[4] = {127, 0, 0, 3};
    const struct ipport measurer_at = {ip_v4(named), 1}, other_at = {ip_v4(other), 1};
    struct meas_cell p = {.cmd = MEAS_PARAMS, .params = {.seconds = 10, .n_addrs = 1}};
    p.params.addrs[0].ip = ip_v4(named);
    start();
    while (node_accept(relay(), &other_at))
        continue;
    ck_assert_ptr_null(node_accept(relay(), &measurer_at));
    ck_assert_uint_eq(ask(p), 0);
    ck_assert_ptr_nonnull(node_accept(relay(), &measurer_at));
    ck_assert_ptr_null(node_accept(relay(), &other_at));
    for (unsigned i = 0; i < 5000 && node_accept(relay(), &measurer_at); i++)
        continue;
    ck_assert_ptr_null(node_accept(relay(), &measurer_at)); /* bounded, all the same */
    stop();
}
END_TEST

/* ---- the operator's terms ---- */

START_TEST(test_rmeas_node_beats_consensus)
{
    const struct measurable own = {.allowed = {true, 1},
                                   .background_percent = {true, 50},
                                   .seconds_most = {true, 12},
                                   .period_s = {true, 0},
                                   .coordinators = &coordinator.id.ed,
                                   .n_coordinators = 1};
    struct meas_cell abort = {.cmd = MEAS_ERR, .err.code = MEAS_ERR_ABORTED};
    start_with(&own);
    ck_assert_uint_eq(ask(params(0, 1)), 0);
    const struct meas_ext *said = &coord.said[0].ok;
    ck_assert_uint_eq(said->background_percent, 50);
    ck_assert_uint_eq(said->background_floor, 1250000);
    ck_assert_uint_eq(said->seconds_most, 12);
    ck_assert_uint_eq(ask(params(10, 1)), MEAS_ERR_TOO_LONG); /* with its handshakes */
    for (int i = 0; i < 5; i++) {                             /* as often as it likes */
        ck_assert_uint_eq(ask(params(9, 1)), 0);
        peer_say(&coord, &abort);
    }
    stop();
}
END_TEST

TESTS("testnet/rmeas", test_rmeas_query_tells_limits_and_starts_nothing,
      test_rmeas_who_never_said_a_word_is_silent, test_rmeas_refusals_have_their_codes,
      test_rmeas_refusals_are_not_endless, test_rmeas_twice_a_period_and_coordinator,
      test_rmeas_measurers_have_identity_session_and_sockets,
      test_rmeas_raw_cells_come_back_decrypted, test_rmeas_framed_cells_come_back_decrypted,
      test_rmeas_316s_measurers_have_an_address_only,
      test_rmeas_nothing_comes_back_without_a_measurement,
      test_rmeas_clock_starts_with_the_first_echo, test_rmeas_takes_no_longer_than_it_may,
      test_rmeas_ends_with_its_coordinator, test_rmeas_stopped_node_says_so,
      test_rmeas_clients_have_their_share, test_rmeas_share_is_not_saved_up,
      test_rmeas_background_is_what_the_node_counts, test_rmeas_stops_reading_who_does_not_read,
      test_rmeas_measurers_find_room, test_rmeas_node_beats_consensus)
