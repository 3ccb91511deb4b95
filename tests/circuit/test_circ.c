#include "circuit/circ_int.h"

#include <stdio.h>
#include <string.h>

#include "support/circworld.h"

/* ---- building ---- */

START_TEST(test_circ_builds_every_length)
{
    for (unsigned hops = 1; hops <= 7; hops++) {
        struct world w;
        world_new(&w, hops);
        ck_assert_int_eq(circ_state(w.c), CIRC_IDLE);
        build(&w, hops);
        ck_assert_int_eq(circ_state(w.c), CIRC_OPEN);
        ck_assert_uint_eq(w.on_hop, hops);
        ck_assert_uint_eq(w.on_open, 1);
        ck_assert_uint_eq(circ_hops(w.c), hops);
        ck_assert_uint_eq(w.l->early, hops - 1);
        ck_assert_uint_eq(w.l->uses, hops > 1); /* a link of directory circuits is not padded */
        ck_assert_uint_eq(w.l->last_htype, hops % 2 ? HANDSHAKE_NTOR : HANDSHAKE_NTOR_V3);
        const struct circ_hop_target *last = &w.c->onion.hop[hops - 1].target;
        ck_assert(rsa_id_equal(&last->rsa, &w.l->relay[hops - 1].target.rsa));
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_build_fast)
{
    struct world w;
    world_new(&w, 1);
    ck_ok(circ_build_fast(w.c));
    ck_err(circ_build_fast(w.c), ERR_STATE);
    fake_pump(w.l);
    ck_assert_int_eq(circ_state(w.c), CIRC_OPEN);
    ck_assert(ed_id_equal(&w.c->onion.hop[0].target.ed, &w.l->relay[0].target.ed));
    ck_assert(w.c->onion.hop[0].target.has_ed);
    fake_send(w.l, 1, RELAY_TRUNCATED, 0, "\1", 1); /* keys agree both ways */
    assert_closed(&w, OK);
    world_free(&w);

    world_new(&w, 1); /* a relay without one */
    memset(&w.l->relay[0].target.ed, 0, sizeof w.l->relay[0].target.ed);
    ck_ok(circ_build_fast(w.c));
    fake_pump(w.l);
    ck_assert_int_eq(circ_state(w.c), CIRC_OPEN);
    ck_assert(!w.c->onion.hop[0].target.has_ed);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_extends_an_open_circuit)
{
    struct world w;
    world_new(&w, 2);
    build(&w, 1);
    ck_ok(circ_build(w.c, &w.l->relay[1].target, 1));
    ck_assert_int_eq(circ_state(w.c), CIRC_BUILDING);
    ck_err(circ_build(w.c, &w.l->relay[2].target, 1), ERR_STATE);
    fake_pump(w.l);
    ck_assert_int_eq(circ_state(w.c), CIRC_OPEN);
    ck_assert_uint_eq(circ_hops(w.c), 2);
    ck_assert_uint_eq(w.on_open, 2);
    ck_err(circ_build(w.c, &w.l->relay[2].target, 0), ERR_ARG);
    ck_err(circ_build(w.c, &w.l->relay[2].target, 7), ERR_LIMIT);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_wrong_handshake_reply_closes)
{
    for (unsigned hop = 1; hop <= HOPS; hop++) {
        struct world w;
        struct circ_hop_target path[HOPS];
        world_new(&w, 3);
        for (unsigned i = 0; i < HOPS; i++)
            path[i] = w.l->relay[i].target;
        if (hop > 1)
            build(&w, hop - 1);
        w.l->garble = 1;
        ck_ok(circ_build(w.c, path + hop - 1, 1));
        fake_pump(w.l);
        assert_closed(&w, ERR_CIRC_HANDSHAKE);
        ck_assert_uint_eq(w.end.reason, DESTROY_PROTOCOL);
        ck_assert_uint_eq(w.end.hops, hop - 1);
        ck_assert(w.l->destroy_sent);
        ck_assert_uint_eq(w.l->destroy_reason, DESTROY_NONE);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_fast_with_wrong_reply_closes)
{
    struct world w;
    world_new(&w, 4);
    w.l->garble = 1;
    ck_ok(circ_build_fast(w.c));
    fake_pump(w.l);
    assert_closed(&w, ERR_CIRC_HANDSHAKE);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_unasked_congestion_control_closes)
{
    struct world w;
    world_new(&w, 5);
    build(&w, 1);
    w.l->SM = "\1\2\1\37";
    w.l->SM_len = 4;
    ck_ok(circ_build(w.c, &w.l->relay[1].target, 1));
    fake_pump(w.l);
    assert_closed(&w, ERR_CIRC_HANDSHAKE);
    world_free(&w);
}
END_TEST

/* Every cell command in every state of building. */
START_TEST(test_circ_cells_out_of_place_close)
{
    for (unsigned stage = 0; stage < 4; stage++) {
        for (unsigned cmd = 0; cmd < 256; cmd++) {
            struct world w;
            uint8_t body[CELL_BODY_LEN] = {0};
            world_new(&w, 6);
            w.l->mute = stage < 3;
            if (stage == 1)
                ck_ok(circ_build_fast(w.c));
            if (stage == 2)
                ck_ok(circ_build(w.c, &w.l->relay[0].target, 1));
            if (stage == 3)
                build(&w, 1);
            w.l->lc->ops->on_cell(w.l->lc->arg, (uint8_t)cmd, body);
            err_t why = ERR_CIRC_PROTO;
            if (cmd == CELL_RELAY)
                why = ERR_CIRC_UNRECOGNIZED;
            if ((stage == 1 && cmd == CELL_CREATED_FAST) || (stage == 2 && cmd == CELL_CREATED2))
                why = ERR_CIRC_HANDSHAKE;
            assert_closed(&w, why);
            world_free(&w);
        }
    }
}
END_TEST

START_TEST(test_circ_created2_with_length_beyond_the_cell_closes)
{
    struct world w;
    uint8_t body[CELL_BODY_LEN] = {0xff, 0xff};
    world_new(&w, 7);
    ck_ok(circ_build(w.c, &w.l->relay[0].target, 1));
    w.l->lc->ops->on_cell(w.l->lc->arg, CELL_CREATED2, body);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_extended2_from_another_hop_closes)
{
    struct world w;
    uint8_t data[66] = {0, 64};
    world_new(&w, 8);
    build(&w, 2);
    w.l->mute = true;
    ck_ok(circ_build(w.c, &w.l->relay[2].target, 1));
    fake_pump(w.l);
    fake_send(w.l, 1, RELAY_EXTENDED2, 0, data, sizeof data);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_extends_without_the_ed25519_identity_if_told_to)
{
    for (unsigned unsaid = 0; unsaid <= 1; unsaid++) {
        struct world w;
        struct relay_extend2 m;
        struct linkspec_relay relay;
        world_new(&w, 8);
        build(&w, 2);
        w.l->mute = true;
        struct circ_hop_target next = w.l->relay[2].target;
        next.ed_unsaid = unsaid;
        ck_ok(circ_build(w.c, &next, 1));
        fake_pump(w.l);
        const struct fake_msg *sent = fake_last(w.l, RELAY_EXTEND2);
        ck_ok(relay_extend2_decode(rd_over(sent->data, sent->len), &m));
        linkspecs_read(&m.specs, &relay);
        ck_assert(rsa_id_equal(&relay.rsa, &next.rsa));
        ck_assert(relay.has_ed == !unsaid);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_build_fails_with_the_link_full)
{
    struct world w;
    world_new(&w, 9);
    w.l->refuse_all = true;
    ck_err(circ_build(w.c, &w.l->relay[0].target, 1), ERR_FULL);
    assert_closed(&w, ERR_FULL);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_relay_early_as_c_tor)
{
    bool seven = false, eight = false;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w;
        open_world(&w, seed);
        ck_assert_uint_eq(w.l->early, 3); /* two EXTEND2, one BEGIN */
        for (unsigned i = 0; i < 20; i++)
            ck_ok(circ_send(w.c, HOPS, RELAY_DATA, 7, (const uint8_t *)"x", 1));
        ck_ok(circ_send(w.c, 1, RELAY_BEGIN_DIR, 8, NULL, 0));
        fake_pump(w.l);
        ck_assert_uint_eq(fake_last(w.l, RELAY_BEGIN_DIR)->chan_cmd, CELL_RELAY);
        seven |= w.l->early == 7;
        eight |= w.l->early == 8;
        /* None is left for another EXTEND2. */
        ck_err(circ_build(w.c, &w.l->relay[3].target, 1), ERR_LIMIT);
        assert_open(&w);
        world_free(&w);
    }
    ck_assert(seven && eight);
}
END_TEST

/* ---- messages ---- */

/* EXTEND2 takes the last of them, and then there is none. */
START_TEST(test_circ_extends_as_long_as_there_is_relay_early)
{
    struct circ_config config = circ_config_defaults();
    unsigned extended = 0;
    config.early_most = HOPS;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w;
        uint8_t data[RELAY_DATA_MAX] = {0};
        world_with(&w, seed, &config);
        build(&w, HOPS);
        unsigned left = w.c->early_left; /* one or none */
        err_t err = circ_build(w.c, &w.l->relay[HOPS].target, 1);
        ck_err(err, left ? OK : ERR_LIMIT);
        fake_pump(w.l);
        ck_assert_uint_eq(circ_hops(w.c), HOPS + (err == OK));
        ck_err(circ_send(w.c, circ_hops(w.c), RELAY_EXTEND2, 0, data, 100), ERR_LIMIT);
        assert_open(&w);
        extended += err == OK;
        world_free(&w);
    }
    ck_assert(extended > 0 && extended < 20);
}
END_TEST

START_TEST(test_circ_messages_both_ways)
{
    struct world w;
    uint8_t big[RELAY_V0_DATA_MAX];
    open_world(&w, 10);
    memset(big, 'y', sizeof big);
    ck_ok(circ_send(w.c, HOPS, RELAY_DATA, 7, big, sizeof big));
    ck_err(circ_send(w.c, HOPS, RELAY_END, 7, big, sizeof big + 1), ERR_LIMIT);
    ck_err(circ_send(w.c, HOPS + 1, RELAY_END, 7, big, 1), ERR_ARG);
    ck_err(circ_send(w.c, 0, RELAY_END, 7, big, 1), ERR_ARG);
    fake_pump(w.l);
    const struct fake_msg *got = fake_last(w.l, RELAY_DATA);
    ck_assert_uint_eq(got->hop, HOPS);
    ck_assert_uint_eq(got->len, sizeof big);
    ck_assert_mem_eq(got->data, big, sizeof big);
    fake_send(w.l, HOPS, RELAY_CONNECTED, 7, NULL, 0);
    ck_assert_uint_eq(w.last.cmd, RELAY_CONNECTED);
    fake_send(w.l, HOPS, RELAY_DATA, 7, big, sizeof big);
    ck_assert_uint_eq(w.on_msg, 2);
    ck_assert_uint_eq(w.last_hop, HOPS);
    ck_assert_uint_eq(w.last.stream_id, 7);
    ck_assert_mem_eq(w.last.data, big, sizeof big);
    assert_open(&w);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_there_is_nothing_to_be_had_of_hops_that_are_not_there)
{
    struct world w;
    open_world(&w, 47);
    for (unsigned hop = 0; hop <= HOPS + 1; hop += HOPS + 1) {
        ck_assert_uint_eq(circ_window(w.c, hop), 0);
        ck_assert_uint_eq(circ_data_max(w.c, hop), 0);
        ck_assert_uint_eq(circ_message_max(w.c, hop, RELAY_END), 0);
        ck_assert(!circ_stream_sendmes(w.c, hop));
    }
    for (unsigned hop = 1; hop <= HOPS; hop++) {
        ck_assert_uint_eq(circ_window(w.c, hop), 1000);
        ck_assert_uint_eq(circ_data_max(w.c, hop), RELAY_V0_DATA_MAX);
        ck_assert_uint_eq(circ_message_max(w.c, hop, RELAY_END), RELAY_V0_DATA_MAX);
        ck_assert(circ_stream_sendmes(w.c, hop));
    }
    world_free(&w);
}
END_TEST

START_TEST(test_circ_a_stream_at_an_earlier_hop)
{
    struct world w;
    open_world(&w, 11);
    ck_ok(circ_send(w.c, 2, RELAY_BEGIN_DIR, 9, NULL, 0));
    fake_pump(w.l);
    ck_assert_uint_eq(fake_last(w.l, RELAY_BEGIN_DIR)->hop, 2);
    fake_send(w.l, 2, RELAY_CONNECTED, 9, NULL, 0);
    ck_assert_uint_eq(w.last_hop, 2);
    assert_open(&w);
    fake_send(w.l, 1, RELAY_CONNECTED, 9, NULL, 0); /* we never spoke to hop 1 */
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_any_relay_message_any_stream_any_hop)
{
    static const uint8_t to_user[] = {RELAY_DATA, RELAY_END, RELAY_CONNECTED, RELAY_RESOLVED,
                                      RELAY_SENDME};
    uint8_t data[300] = {1};
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        for (unsigned hop = 1; hop <= HOPS; hop++) {
            for (uint16_t id = 0; id < 2; id++) {
                struct world w;
                open_world(&w, 12);
                size_t len = cmd == RELAY_TRUNCATED ? 1 : cmd == RELAY_PADDING_NEGOTIATED ? 8 : 300;
                fake_send(w.l, hop, (uint8_t)cmd, id, data, len);
                bool user = memchr(to_user, (int)cmd, sizeof to_user) != NULL && id == 1;
                if (user && (hop == HOPS || cmd == RELAY_SENDME)) {
                    ck_assert_uint_eq(w.on_msg, 1);
                    assert_open(&w);
                } else {
                    bool truncated = cmd == RELAY_TRUNCATED && id == 0;
                    bool sendme = cmd == RELAY_SENDME && id == 0;
                    assert_closed(&w, truncated ? OK : sendme ? ERR_CIRC_SENDME : ERR_CIRC_PROTO);
                    ck_assert_int_eq(w.end.remote, truncated);
                    ck_assert_uint_eq(w.on_msg, 0);
                }
                world_free(&w);
            }
        }
    }
}
END_TEST

START_TEST(test_circ_messages_while_building)
{
    uint8_t data[300] = {1};
    for (unsigned cmd = 0; cmd < 50; cmd++) {
        struct world w;
        world_new(&w, 13);
        build(&w, 2);
        ck_ok(circ_send(w.c, 2, RELAY_BEGIN_DIR, 1, NULL, 0));
        w.l->mute = true;
        ck_ok(circ_build(w.c, &w.l->relay[2].target, 1));
        fake_pump(w.l);
        bool stream = cmd == RELAY_DATA || cmd == RELAY_END || cmd == RELAY_CONNECTED ||
                      cmd == RELAY_RESOLVED || cmd == RELAY_SENDME;
        fake_send(w.l, 2, (uint8_t)cmd, stream, data, cmd == RELAY_TRUNCATED ? 1 : 300);
        if (stream)
            ck_assert_int_eq(circ_state(w.c), CIRC_BUILDING);
        else
            assert_closed(&w, cmd == RELAY_TRUNCATED ? OK : ERR_CIRC_PROTO);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_bad_cells_close)
{
    struct world w;
    uint8_t body[CELL_BODY_LEN] = {RELAY_DATA, 0, 0, 0, 7, 0, 0, 0, 0, 1, 0xf3}; /* length 499 */
    open_world(&w, 14);
    fake_send_body(w.l, HOPS, CELL_RELAY, body);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);

    uint8_t early[CELL_BODY_LEN] = {RELAY_DATA, 0, 0, 0, 7};
    open_world(&w, 15);
    fake_send_body(w.l, HOPS, CELL_RELAY_EARLY, early);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);

    uint8_t noise[CELL_BODY_LEN];
    open_world(&w, 16);
    env_random(w.env, noise, sizeof noise);
    w.l->lc->ops->on_cell(w.l->lc->arg, CELL_RELAY, noise);
    assert_closed(&w, ERR_CIRC_UNRECOGNIZED);
    world_free(&w);

    open_world(&w, 17);
    fake_send(w.l, HOPS, RELAY_TRUNCATED, 0, NULL, 0);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);

    open_world(&w, 18);
    fake_send(w.l, HOPS, RELAY_END, 7, NULL, 0);
    assert_closed(&w, ERR_CIRC_PROTO);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_without_a_user_streams_have_no_business)
{
    struct world w;
    open_world(&w, 19);
    circ_set_user(w.c, NULL, NULL);
    fake_send(w.l, HOPS, RELAY_CONNECTED, 7, NULL, 0);
    ck_assert_int_eq(circ_state(w.c), CIRC_CLOSED);
    w.user_ends = 1; /* nobody to tell */
    settle(&w);
    ck_assert_int_eq(w.end.why, ERR_CIRC_PROTO);
    world_free(&w);
}
END_TEST

static void keep_line(void *arg, enum log_level level, const char *line)
{
    if (level == LOG_WARN)
        snprintf(arg, 200, "%s", line);
}

/* tor(1), ProtocolWarnings */
START_TEST(test_circ_warns_of_what_is_against_the_protocol_if_asked_to)
{
    for (int asked = 0; asked < 2; asked++) {
        struct world w;
        char line[200] = "";
        open_world(&w, 51);
        w.env->log->warn_protocol = asked;
        w.env->log->sink = keep_line;
        w.env->log->arg = line;
        fake_send(w.l, HOPS, RELAY_END, 7, NULL, 0);
        assert_closed(&w, ERR_CIRC_PROTO);
        ck_assert_int_eq(strstr(line, "RELAY cell against the protocol") != NULL, asked);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_takes_no_stream_when_crowded_or_closed)
{
    struct world w;
    open_world(&w, 49);
    ck_assert(circ_may_begin(w.c));
    w.l->crowded = true;
    ck_assert(!circ_may_begin(w.c));
    w.l->crowded = false;
    ck_assert(circ_may_begin(w.c));
    circ_close(w.c, OK, DESTROY_FINISHED);
    ck_assert(!circ_may_begin(w.c));
    settle(&w);
    world_free(&w);
}
END_TEST

static err_t cannot_originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    (void)l, (void)chan_cmd, (void)body;
    return ERR_NOMEM;
}

/* Half a cell's cipher stream is used up: nothing more can be said. */
START_TEST(test_circ_cell_that_cannot_be_sealed_closes)
{
    struct world w;
    open_world(&w, 50);
    struct layer *last = w.c->onion.hop[HOPS - 1].layer;
    struct layer_kind broken = *last->kind;
    broken.originate = cannot_originate;
    last->kind = &broken;
    ck_err(circ_send(w.c, HOPS, RELAY_END, 7, (const uint8_t *)"\1", 1), ERR_NOMEM);
    assert_closed(&w, ERR_NOMEM);
    ck_assert_uint_eq(w.end.reason, DESTROY_INTERNAL);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_errors_of_the_user)
{
    static const struct {
        err_t err;
        bool closes;
    } rows[] = {{ERR_CIRC_WINDOW, true},
                {ERR_BUG, true},
                {ERR_STREAM_PROTO, false},
                {ERR_MALFORMED, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        open_world(&w, 20);
        w.answer = rows[i].err;
        fake_send(w.l, HOPS, RELAY_CONNECTED, 7, NULL, 0);
        if (rows[i].closes)
            assert_closed(&w, rows[i].err);
        else
            assert_open(&w);
        world_free(&w);
    }
}
END_TEST

/* ---- messages without a stream ---- */

/* What is ours to answer, and in an open circuit. */
static bool is_for_control(uint8_t cmd, enum relay_receiver us)
{
    const struct relay_rule *rule = relay_rule(cmd);
    return rule && rule->stream == RELAY_STREAM_NONE && rule->receivers & us &&
           cmd != RELAY_EXTENDED2 && cmd != RELAY_TRUNCATED && cmd != RELAY_DROP &&
           cmd != RELAY_PADDING_NEGOTIATED; /* for padding machines, of which none runs */
}

START_TEST(test_circ_messages_without_a_stream_go_to_who_wants_them)
{
    uint8_t data[300] = {1};
    for (unsigned service = 0; service < 2; service++) {
        enum relay_receiver us = service ? RELAY_TO_SERVICE : RELAY_TO_CLIENT;
        for (unsigned cmd = 0; cmd < 256; cmd++) {
            const struct relay_rule *rule = relay_rule((uint8_t)cmd);
            struct world w;
            open_world(&w, 40);
            circ_set_control(w.c, on_control, &w);
            if (service)
                circ_serve(w.c);
            size_t len = rule && rule->max_len < sizeof data ? rule->max_len : sizeof data;
            fake_send(w.l, HOPS, (uint8_t)cmd, 0, data, len);
            ck_assert_uint_eq(w.on_msg, 0);
            if (is_for_control((uint8_t)cmd, us)) {
                ck_assert_uint_eq(w.on_control, 1);
                ck_assert_uint_eq(w.last.cmd, cmd);
                ck_assert_uint_eq(w.last_hop, HOPS);
                ck_assert_uint_eq(w.last.len, len);
                assert_open(&w);
            } else {
                ck_assert_uint_eq(w.on_control, 0);
                ck_assert_int_eq(circ_state(w.c), CIRC_CLOSED);
            }
            world_free(&w);
        }
    }
}
END_TEST

START_TEST(test_circ_messages_without_a_stream_from_another_hop_close)
{
    uint8_t data[300] = {1};
    struct world w;
    open_world(&w, 41);
    circ_set_control(w.c, on_control, &w);
    fake_send(w.l, 2, RELAY_RENDEZVOUS2, 0, data, sizeof data);
    assert_closed(&w, ERR_CIRC_PROTO);
    ck_assert_uint_eq(w.on_control, 0);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_what_nobody_has_a_use_for_closes)
{
    static const struct {
        err_t err;
        bool closes;
    } rows[] = {{ERR_CIRC_PROTO, true}, {ERR_BUG, true}, {ERR_MALFORMED, false}, {OK, false}};
    uint8_t data[300] = {1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        open_world(&w, 42);
        circ_set_control(w.c, on_control, &w);
        w.answer = rows[i].err;
        fake_send(w.l, HOPS, RELAY_INTRODUCE_ACK, 0, data, sizeof data);
        if (rows[i].closes)
            assert_closed(&w, rows[i].err);
        else
            assert_open(&w);
        world_free(&w);
    }
}
END_TEST

/* A rendezvous point has no business with a circuit that is not there yet. */
START_TEST(test_circ_messages_without_a_stream_while_building)
{
    uint8_t data[300] = {1};
    struct world w;
    world_new(&w, 43);
    circ_set_control(w.c, on_control, &w);
    build(&w, 2);
    w.l->mute = true;
    ck_ok(circ_build(w.c, &w.l->relay[2].target, 1));
    fake_pump(w.l);
    fake_send(w.l, 2, RELAY_RENDEZVOUS2, 0, data, sizeof data);
    assert_closed(&w, ERR_CIRC_PROTO);
    ck_assert_uint_eq(w.on_control, 0);
    world_free(&w);
}
END_TEST

/* ---- windows ---- */

static unsigned send_data(struct world *w, unsigned most)
{
    uint8_t data[RELAY_V0_DATA_MAX] = {0};
    unsigned n = 0;
    while (n < most) {
        err_t err = circ_send(w->c, HOPS, RELAY_DATA, 7, data, circ_data_max(w->c, HOPS));
        if (err != OK) {
            ck_assert_int_eq(err, ERR_FULL);
            break;
        }
        n++;
    }
    return n;
}

/* Where room has to be left for random padding, more is refused. */
START_TEST(test_circ_takes_no_more_data_than_it_says)
{
    uint8_t data[RELAY_V0_DATA_MAX] = {0};
    struct world w;
    unsigned n = 0;
    open_world(&w, 48);
    for (; circ_data_max(w.c, HOPS) == sizeof data; n++)
        ck_ok(circ_send(w.c, HOPS, RELAY_DATA, 7, data, sizeof data));
    ck_assert_uint_lt(n, 100);
    size_t max = circ_data_max(w.c, HOPS);
    ck_err(circ_send(w.c, HOPS, RELAY_DATA, 7, data, max + 1), ERR_LIMIT);
    ck_ok(circ_send(w.c, HOPS, RELAY_END, 7, data, sizeof data)); /* not DATA */
    ck_ok(circ_send(w.c, HOPS, RELAY_DATA, 7, data, max));
    world_free(&w);
}
END_TEST

START_TEST(test_circ_package_window_runs_out_and_refills)
{
    struct world w;
    open_world(&w, 21);
    w.l->no_sendmes = true;
    ck_assert_uint_eq(circ_window(w.c, HOPS), 1000);
    ck_assert_uint_eq(circ_window(w.c, 1), 1000);
    ck_assert_uint_eq(send_data(&w, 2000), 1000);
    ck_assert_uint_eq(circ_window(w.c, HOPS), 0);
    ck_assert_uint_eq(circ_window(w.c, 1), 1000);
    w.l->no_sendmes = false;
    ck_assert_uint_eq(w.on_writable, 0);
    fake_pump(w.l);
    ck_assert_uint_eq(w.on_writable, 1); /* it did not write again, so it is told no more */
    ck_assert_uint_eq(circ_window(w.c, HOPS), 1000);
    ck_assert_uint_eq(send_data(&w, 5), 5);
    assert_open(&w);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_link_refuses_and_has_room_again)
{
    struct world w;
    open_world(&w, 22);
    w.l->data_room = 3;
    ck_assert_uint_eq(send_data(&w, 10), 3);
    /* Control messages pass. */
    ck_ok(circ_send(w.c, HOPS, RELAY_END, 7, (const uint8_t *)"\1", 1));
    fake_writable(w.l, 2);
    ck_assert_uint_eq(w.on_writable, 1);
    ck_assert_uint_eq(send_data(&w, 10), 2);
    fake_pump(w.l);
    ck_assert_uint_eq(fake_count(w.l, RELAY_DATA, 7), 5);
    /* But not past the hard cap. */
    w.l->refuse_all = true;
    ck_err(circ_send(w.c, HOPS, RELAY_END, 7, (const uint8_t *)"\1", 1), ERR_FULL);
    assert_closed(&w, ERR_FULL);
    ck_assert_uint_eq(w.end.reason, DESTROY_RESOURCELIMIT);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_tells_room_to_who_wants_to_know)
{
    static const struct circ_user_ops deaf = {.on_msg = on_msg};
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        open_world(&w, 48);
        w.l->data_room = 0;
        ck_assert_uint_eq(send_data(&w, 1), 0);
        circ_set_user(w.c, i ? &deaf : NULL, &w);
        fake_writable(w.l, 3);
        ck_assert_uint_eq(send_data(&w, 1), 1);
        world_free(&w);
    }
}
END_TEST

/* A SENDME makes no room on the link, nor the link's room a window. */
START_TEST(test_circ_tells_when_what_was_in_the_way_is_gone)
{
    struct world w;
    open_world(&w, 44);
    w.l->no_sendmes = true;
    ck_assert_uint_eq(send_data(&w, 100), 100);
    fake_pump(w.l);
    w.l->data_room = 0;
    ck_assert_uint_eq(send_data(&w, 1), 0);
    fake_sendme(w.l, HOPS, 1, w.l->relay[HOPS - 1].last_in_tag, 20);
    ck_assert_uint_eq(w.on_writable, 0);
    fake_writable(w.l, FAKE_QUEUE);
    ck_assert_uint_eq(w.on_writable, 1);

    ck_assert_uint_eq(send_data(&w, 100), 100);
    fake_pump(w.l);
    ck_assert_uint_eq(send_data(&w, 1000), 900);
    w.l->refused = true; /* another circuit was */
    fake_writable(w.l, FAKE_QUEUE);
    ck_assert_uint_eq(w.on_writable, 1);
    fake_sendme(w.l, HOPS, 1, w.l->relay[HOPS - 1].last_in_tag, 20);
    ck_assert_uint_eq(w.on_writable, 2);
    assert_open(&w);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_sendmes_answer_each_hundredth_cell_with_its_tag)
{
    struct world w;
    uint8_t data[RELAY_V0_DATA_MAX] = {0};
    open_world(&w, 23);
    for (unsigned n = 0; n < 2500; n++) {
        fake_send(w.l, HOPS, RELAY_DATA, 7, data, sizeof data);
        fake_pump(w.l); /* checks the tags */
    }
    ck_assert_uint_eq(w.l->relay[HOPS - 1].sendmes_in, 25);
    ck_assert_uint_eq(w.on_msg, 2500);
    assert_open(&w);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_bad_sendmes_close)
{
    for (unsigned bad = 0; bad < 6; bad++) {
        struct world w;
        open_world(&w, 24);
        w.l->no_sendmes = true;
        ck_assert_uint_eq(send_data(&w, bad == 0 ? 99 : 100), bad == 0 ? 99 : 100);
        fake_pump(w.l);
        uint8_t tag[24] = {0};
        memcpy(tag, w.l->relay[HOPS - 1].last_in_tag, 20);
        tag[19] ^= bad == 1;
        if (bad == 2)
            fake_send(w.l, HOPS, RELAY_SENDME, 0, NULL, 0);
        else
            fake_sendme(w.l, bad == 5 ? 1 : HOPS, bad == 3 ? 0 : 1, tag, bad == 4 ? 16 : 20);
        assert_closed(&w, ERR_CIRC_SENDME);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_second_sendme_for_one_cell_closes)
{
    struct world w;
    open_world(&w, 25);
    ck_assert_uint_eq(send_data(&w, 100), 100);
    fake_pump(w.l);
    assert_open(&w);
    fake_sendme(w.l, HOPS, 1, w.l->relay[HOPS - 1].last_in_tag, 20);
    assert_closed(&w, ERR_CIRC_SENDME);
    world_free(&w);
}
END_TEST

/* ---- the config ---- */

START_TEST(test_circ_config_says_how_many_relay_early_cells)
{
    struct circ_config config = circ_config_defaults();
    unsigned seen = 0; /* bit N: N of them */
    config.early_most = 4;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w;
        world_with(&w, seed, &config);
        build(&w, HOPS);
        for (unsigned i = 0; i < 10; i++)
            ck_ok(circ_send(w.c, HOPS, RELAY_BEGIN, 7, (const uint8_t *)"a:1", 4));
        fake_pump(w.l);
        seen |= 1u << w.l->early;
        world_free(&w);
    }
    ck_assert_uint_eq(seen, 1 << 3 | 1 << 4);
}
END_TEST

START_TEST(test_circ_config_says_the_window)
{
    struct circ_config config = circ_config_defaults();
    struct world w;
    config.flow.package_start = 300;
    world_with(&w, 45, &config);
    build(&w, HOPS);
    w.l->no_sendmes = true;
    ck_assert_uint_eq(circ_window(w.c, HOPS), 300);
    ck_assert_uint_eq(send_data(&w, 1000), 300);
    world_free(&w);
}
END_TEST

/* A network of old: SENDMEs are empty and prove nothing. */
START_TEST(test_circ_config_says_which_sendmes)
{
    struct circ_config config = circ_config_defaults();
    uint8_t data[10] = {0};
    struct world w;
    config.sendme_version = 0;
    world_with(&w, 46, &config);
    build(&w, HOPS);
    ck_ok(circ_send(w.c, HOPS, RELAY_BEGIN, 7, (const uint8_t *)"a:1", 4));
    w.l->no_sendmes = w.l->old_sendmes = true;
    for (unsigned n = 0; n < 200; n++) {
        fake_send(w.l, HOPS, RELAY_DATA, 7, data, sizeof data);
        fake_pump(w.l);
    }
    ck_assert_uint_eq(w.l->relay[HOPS - 1].sendmes_in, 2);
    ck_assert_uint_eq(send_data(&w, 100), 100);
    fake_send(w.l, HOPS, RELAY_SENDME, 0, NULL, 0);
    ck_assert_uint_eq(circ_window(w.c, HOPS), 1000);
    assert_open(&w);
    fake_pump(w.l);
    fake_sendme(w.l, HOPS, 1, w.l->relay[HOPS - 1].last_in_tag, 20);
    assert_closed(&w, ERR_CIRC_SENDME);
    world_free(&w);
}
END_TEST

/* ---- ends ---- */

START_TEST(test_circ_destroy_at_every_point)
{
    for (unsigned built = 0; built <= HOPS; built++) {
        struct world w;
        world_new(&w, 26);
        if (built)
            build(&w, built);
        w.l->mute = true;
        if (built < HOPS)
            ck_ok(circ_build(w.c, &w.l->relay[built].target, 1));
        struct link_circ *lc = w.l->lc;
        lc->link = NULL;
        w.l->lc = NULL;
        w.free_in_closed = true;
        lc->ops->on_destroy(lc->arg, DESTROY_CONNECTFAILED);
        settle(&w);
        ck_assert_uint_eq(w.ends, 1);
        ck_assert(w.end.remote);
        ck_assert_uint_eq(w.end.reason, DESTROY_CONNECTFAILED);
        ck_assert_uint_eq(w.end.hops, built);
        ck_assert(!w.l->destroy_sent);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_truncated_at_every_point)
{
    for (unsigned built = 1; built <= HOPS; built++) {
        for (unsigned hop = 1; hop <= built; hop++) {
            struct world w;
            world_new(&w, 27);
            build(&w, built);
            w.l->mute = true;
            if (built < HOPS)
                ck_ok(circ_build(w.c, &w.l->relay[built].target, 1));
            fake_send(w.l, hop, RELAY_TRUNCATED, 0, "\10", 1);
            assert_closed(&w, OK);
            ck_assert(w.end.remote && w.l->destroy_sent);
            ck_assert_uint_eq(w.end.reason, DESTROY_CHANNEL_CLOSED);
            world_free(&w);
        }
    }
}
END_TEST

START_TEST(test_circ_link_ends_under_it)
{
    for (unsigned built = 0; built <= HOPS; built++) {
        struct world w;
        struct link_end end = {.why = ERR_LINK_CLOSED, .reason = OR_IOERROR, .text = "it broke"};
        char text[100];
        world_new(&w, 28);
        if (built)
            build(&w, built);
        struct link_circ *lc = w.l->lc;
        lc->link = NULL;
        w.l->lc = NULL;
        lc->ops->on_link_closed(lc->arg, &end);
        assert_closed(&w, ERR_LINK_CLOSED);
        ck_assert(w.end.link_ended);
        ck_assert_str_eq(circ_end_text(&w.end, text, sizeof text), "link ended: it broke");
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_end_is_said_in_words)
{
    const struct circ_end by_relay = {.remote = true, .hops = 2, .reason = DESTROY_CONNECTFAILED};
    const struct circ_end by_us = {.hops = 3, .why = ERR_CIRC_PROTO, .reason = DESTROY_PROTOCOL};
    char text[100], want[100];
    ck_assert_str_eq(circ_end_text(&by_relay, text, sizeof text),
                     "hop 2: CONNECTFAILED (a relay could not reach the next one)");
    snprintf(want, sizeof want, "hop 3: TORPROTOCOL (%s)", err_text(ERR_CIRC_PROTO));
    ck_assert_str_eq(circ_end_text(&by_us, text, sizeof text), want);
}
END_TEST

START_TEST(test_circ_closed_inside_every_callback)
{
    for (unsigned where = CLOSE_IN_HOP; where <= CLOSE_IN_GONE; where++) {
        struct world w;
        world_new(&w, 29);
        w.close_in = where;
        w.free_in_closed = true;
        build(&w, HOPS);
        if (circ_state(w.c) == CIRC_OPEN) {
            ck_ok(circ_send(w.c, HOPS, RELAY_BEGIN, 7, (const uint8_t *)"a:1", 4));
            fake_pump(w.l);
            fake_send(w.l, HOPS, RELAY_CONNECTED, 7, NULL, 0);
        }
        if (circ_state(w.c) == CIRC_OPEN) {
            w.l->data_room = 0;
            ck_assert_uint_eq(send_data(&w, 1), 0);
            fake_writable(w.l, 10);
        }
        if (where == CLOSE_IN_GONE)
            circ_close(w.c, OK, DESTROY_FINISHED);
        ck_assert_int_eq(circ_state(w.c), CIRC_CLOSED);
        settle(&w);
        ck_assert_uint_eq(w.ends, 1);
        ck_assert_ptr_null(w.c);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_circ_freed_while_open_sends_destroy_and_tells_nobody)
{
    struct world w;
    open_world(&w, 30);
    circ_free(w.c);
    w.c = NULL;
    settle(&w);
    ck_assert(w.l->destroy_sent);
    ck_assert_uint_eq(w.ends + w.user_ends, 0);
    world_free(&w);
}
END_TEST

START_TEST(test_circ_padding_is_four_zeros_and_then_random)
{
    struct world w;
    open_world(&w, 31);
    uint8_t seen[CELL_BODY_LEN] = {0};
    bool mine;
    for (unsigned round = 0; round < 8; round++) {
        ck_ok(circ_send(w.c, 1, RELAY_BEGIN_DIR, 9, NULL, 0));
        uint8_t *body = w.l->queue[w.l->queued - 1].body;
        ck_ok(w.l->relay[0].layer->kind->open(w.l->relay[0].layer, 3, body, &mine));
        ck_assert(mine);
        for (size_t i = 11; i < 15; i++)
            ck_assert_uint_eq(body[i], 0);
        for (size_t i = 15; i < CELL_BODY_LEN; i++)
            seen[i] |= body[i];
        w.l->queued = 0;
    }
    for (size_t i = 15; i < CELL_BODY_LEN; i++)
        ck_assert_uint_ne(seen[i], 0);
    world_free(&w);
}
END_TEST

TESTS("circuit/circ", test_circ_builds_every_length, test_circ_build_fast,
      test_circ_extends_an_open_circuit, test_circ_wrong_handshake_reply_closes,
      test_circ_fast_with_wrong_reply_closes, test_circ_unasked_congestion_control_closes,
      test_circ_cells_out_of_place_close, test_circ_created2_with_length_beyond_the_cell_closes,
      test_circ_extended2_from_another_hop_closes, test_circ_build_fails_with_the_link_full,
      test_circ_extends_without_the_ed25519_identity_if_told_to, test_circ_relay_early_as_c_tor,
      test_circ_extends_as_long_as_there_is_relay_early, test_circ_takes_no_more_data_than_it_says,
      test_circ_messages_both_ways, test_circ_there_is_nothing_to_be_had_of_hops_that_are_not_there,
      test_circ_a_stream_at_an_earlier_hop, test_circ_any_relay_message_any_stream_any_hop,
      test_circ_messages_while_building, test_circ_bad_cells_close,
      test_circ_without_a_user_streams_have_no_business, test_circ_tells_room_to_who_wants_to_know,
      test_circ_warns_of_what_is_against_the_protocol_if_asked_to,
      test_circ_takes_no_stream_when_crowded_or_closed, test_circ_cell_that_cannot_be_sealed_closes,
      test_circ_errors_of_the_user, test_circ_messages_without_a_stream_go_to_who_wants_them,
      test_circ_messages_without_a_stream_from_another_hop_close,
      test_circ_what_nobody_has_a_use_for_closes,
      test_circ_messages_without_a_stream_while_building,
      test_circ_tells_when_what_was_in_the_way_is_gone,
      test_circ_config_says_how_many_relay_early_cells, test_circ_config_says_the_window,
      test_circ_config_says_which_sendmes, test_circ_package_window_runs_out_and_refills,
      test_circ_link_refuses_and_has_room_again,
      test_circ_sendmes_answer_each_hundredth_cell_with_its_tag, test_circ_bad_sendmes_close,
      test_circ_second_sendme_for_one_cell_closes, test_circ_destroy_at_every_point,
      test_circ_truncated_at_every_point, test_circ_link_ends_under_it,
      test_circ_end_is_said_in_words, test_circ_closed_inside_every_callback,
      test_circ_freed_while_open_sends_destroy_and_tells_nobody,
      test_circ_padding_is_four_zeros_and_then_random)
