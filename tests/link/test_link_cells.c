/* Cells on a link without TLS: the handshake, the table of cells, circuits. */
#include <string.h>

#include "cell/reason.h"
#include "link/naked.h"

static struct world w;

static void run(void)
{
    env_run_timers(w.env);
}

static void expect_closed(err_t why, enum or_reason reason, const char *text)
{
    ck_assert_int_eq(link_state(w.link), LINK_CLOSED);
    ck_assert_uint_eq(w.closed, 0); /* not before the wake-up's end */
    run();
    ck_assert_uint_eq(w.closed, 1);
    ck_assert_str_eq(err_name(w.end.why), err_name(why));
    ck_assert_int_eq(w.end.reason, reason);
    ck_assert_msg(strstr(w.end.text, text) != NULL, "\"%s\" says nothing of \"%s\"", w.end.text,
                  text);
}

/* ---- the handshake ---- */

START_TEST(test_link_cells_open_under_each_version)
{
    for (unsigned version = 3; version <= 5; version++) {
        struct sent_cell c;
        size_t id_len = world_id_len(version);
        naked_start(&w, version);
        ck_assert(naked_sent(&w, 2, &c));
        ck_assert_uint_eq(c.cmd, CELL_VERSIONS);
        ck_assert_mem_eq(c.body, "\0\3\0\4\0\5", 6);
        ck_assert_uint_eq(c.len, 6);
        naked_advance(&w, STAGE_UNVERIFIED, version);
        ck_assert_uint_eq(link_version(w.link), version);
        ck_assert(!naked_sent(&w, id_len, &c));
        world_free(&w);

        naked_open(&w, version, version);
        ck_assert_int_eq(link_state(w.link), LINK_OPEN);
        ck_assert_uint_eq(w.skews, 0);
        ck_assert(ed_id_equal(link_peer_ed(w.link), &w.keys.id.pub));
        ck_assert(rsa_id_equal(link_peer_rsa(w.link), &w.keys.rsa_id));
        ck_assert_uint_eq(link_opened_us(w.link), w.env->mono_us);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_netinfo_is_a_clients)
{
    static const uint8_t want[] = {0, 0, 0, 0, 4, 4, 127, 0, 0, 2, 0, 0};
    struct sent_cell c;
    naked_start(&w, 1);
    ck_assert(naked_sent(&w, 2, &c));
    naked_advance(&w, STAGE_VERIFIED, 5); /* right after CERTS, as tor */
    ck_assert(naked_sent(&w, 4, &c));
    ck_assert_uint_eq(c.cmd, CELL_NETINFO);
    ck_assert_uint_eq(c.id, 0);
    ck_assert_mem_eq(c.body, want, sizeof want);
    ck_assert(!naked_sent(&w, 4, &c));
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_bytes_one_at_a_time)
{
    uint8_t storage[NAKED_STREAM_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    naked_start(&w, 1);
    put_versions(&s, 4);
    put_cell(&s, 4, 0, CELL_VPADDING, "abc", 3);
    put_cell(&s, 4, 7, 200, "unknown", 7);
    put_certs(&s, 4, &w.certs.list);
    put_challenge(&s, 4);
    put_netinfo(&s, 4, env_wall_s(w.env));
    for (size_t i = 0; i < s.len; i++) {
        ck_assert_uint_eq(w.opened, 0);
        naked_feed(&w, storage + i, 1);
    }
    ck_assert_uint_eq(w.opened, 1);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_netinfo_may_come_without_auth_challenge)
{
    uint8_t storage[CHAN_CELL_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    naked_start(&w, 1);
    naked_advance(&w, STAGE_VERIFIED, 5);
    put_netinfo(&s, 4, env_wall_s(w.env));
    naked_feed_wr(&w, &s);
    ck_assert_uint_eq(w.opened, 1);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_highest_common_version_wins)
{
    naked_start(&w, 1);
    naked_cell(&w, 0, CELL_VERSIONS, "\0\1\0\5\0\3\0\7\1\4", 10);
    ck_assert_uint_eq(link_version(w.link), 5);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_no_common_version)
{
    naked_start(&w, 1);
    naked_cell(&w, 0, CELL_VERSIONS, "\0\1\0\2\0\6", 6);
    expect_closed(ERR_LINK_VERSION, OR_MISC, "none of link protocols 3 to 5");
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_odd_versions)
{
    naked_start(&w, 1);
    naked_cell(&w, 0, CELL_VERSIONS, "\0\5\0", 3);
    expect_closed(ERR_LINK_PROTO, OR_MISC, "bad VERSIONS");
    world_free(&w);
}
END_TEST

static void count_breaches(void *arg, enum log_level level, const char *line)
{
    *(unsigned *)arg += level == LOG_WARN && strstr(line, "breaks the link protocol");
}

/* tor(1), ProtocolWarnings: "Tor will log with severity 'warn' various cases of other parties not
 * following the Tor specification." */
START_TEST(test_link_cells_breach_of_the_protocol_is_told_of_and_no_other_end)
{
    unsigned told = 0;
    for (int i = 0; i < 3; i++) {
        naked_start(&w, 1);
        w.env->log->sink = count_breaches;
        w.env->log->arg = &told;
        w.env->log->least = LOG_WARN;
        w.env->log->warn_protocol = true;
        if (i == 0)
            naked_cell(&w, 0, CELL_VERSIONS, "\0\5\0", 3);
        else if (i == 1)
            naked_cell(&w, 0, CELL_VERSIONS, "\0\1\0\2\0\6", 6);
        else
            link_close(w.link, ERR_LINK_TIMEOUT, OR_TIMEOUT, NULL);
        ck_assert_int_eq(link_state(w.link), LINK_CLOSED);
        ck_assert_uint_eq(told, i < 1 ? 1 : 2);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_later_versions_are_ignored)
{
    naked_open(&w, 1, 5);
    naked_cell(&w, 0, CELL_VERSIONS, "\0\3", 2);
    ck_assert_uint_eq(link_version(w.link), 5);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_handshake_cells_have_no_circuit_id)
{
    uint8_t storage[NAKED_STREAM_MAX];
    for (int i = 0; i < 4; i++) {
        naked_start(&w, 1);
        struct wr s = wr_over(storage, sizeof storage);
        if (i == 0)
            put_versions(&s, 4);
        if (i == 1)
            put_certs(&s, 4, &w.certs.list);
        if (i == 2)
            put_challenge(&s, 4);
        if (i == 3)
            put_netinfo(&s, 4, 0);
        naked_advance(&w, (enum link_stage)i, 4);
        storage[1] = 9; /* in its circuit id */
        naked_feed_wr(&w, &s);
        expect_closed(ERR_LINK_PROTO, OR_MISC, "circuit id");
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_wrong_identity_closes)
{
    uint8_t storage[NAKED_STREAM_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    world_prepare(&w, 1);
    w.target.ed.b[0] ^= 1;
    world_link(&w);
    link_start_cells(w.link, &w.tls_cert);
    naked_advance(&w, STAGE_UNVERIFIED, 5);
    put_certs(&s, 4, &w.certs.list);
    put_netinfo(&s, 4, env_wall_s(w.env));
    naked_feed_wr(&w, &s);
    expect_closed(ERR_LINK_IDENTITY, OR_IDENTITY, "Ed25519 expected");
    ck_assert_int_eq(w.end.during, LINK_HANDSHAKING);
    ck_assert_uint_eq(w.opened, 0);
    world_free(&w);
}
END_TEST

static void feed_netinfo(int64_t time_s)
{
    uint8_t storage[CHAN_CELL_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    put_netinfo(&s, 4, time_s);
    naked_feed_wr(&w, &s);
    ck_assert_uint_eq(w.opened, 1);
}

START_TEST(test_link_cells_clock_skew_is_told_from_an_hour_on)
{
    static const int64_t skews[] = {0, 3600, 3601, -3600, -3601, 86400};
    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        bool told = skews[i] > 3600 || skews[i] < -3600;
        naked_start(&w, 1);
        naked_advance(&w, STAGE_CHALLENGED, 5);
        feed_netinfo(env_wall_s(w.env) - skews[i]);
        ck_assert_uint_eq(w.skews, told);
        ck_assert_int_eq(w.skew_s, told ? skews[i] : 0);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_clock_skew_needs_a_time_and_a_prompt_answer)
{
    naked_start(&w, 1);
    naked_advance(&w, STAGE_CHALLENGED, 5);
    feed_netinfo(0);
    ck_assert_uint_eq(w.skews, 0);
    world_free(&w);

    /* C tor, channel_tls_process_netinfo_cell(): within three minutes */
    static const unsigned seconds[] = {1, 179, 181};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        world_prepare(&w, 1);
        w.config.handshake_timeout_ms = w.config.connect_timeout_ms = 1000 * 1000;
        world_link(&w);
        link_start_cells(w.link, &w.tls_cert);
        naked_advance(&w, STAGE_CHALLENGED, 5);
        test_env_advance_ms(w.env, seconds[i] * 1000);
        feed_netinfo(env_wall_s(w.env) - 7200);
        ck_assert_uint_eq(w.skews, seconds[i] < 180);
        world_free(&w);
    }
}
END_TEST

/* ---- the table ---- */

/* Every command in every stage does what its row says. */
START_TEST(test_link_cells_every_command_in_every_stage)
{
    static const uint8_t zeros[CELL_BODY_LEN];
    for (enum link_stage stage = STAGE_VERSIONS; stage < LINK_STAGES; stage++) {
        struct note_circ circ;
        naked_start(&w, 1);
        naked_advance(&w, stage, 5);
        for (unsigned cmd = 0; cmd < 256; cmd++) {
            enum link_rule rule = link_rule(LINK_INITIATOR, stage, (uint8_t)cmd);
            if (rule == RULE_HANDSHAKE)
                continue; /* tests of their own */
            if (link_state(w.link) == LINK_CLOSED) {
                world_free(&w);
                naked_start(&w, 1);
                naked_advance(&w, stage, 5);
            }
            if (stage == STAGE_OPEN)
                note_open(&w, &circ);
            bool variable = chan_cmd_is_variable((uint8_t)cmd);
            naked_cell(&w, stage == STAGE_OPEN ? circ.lc.id : 0, (uint8_t)cmd, zeros,
                       variable ? 20 : CELL_BODY_LEN);
            ck_assert_msg((link_state(w.link) == LINK_CLOSED) == (rule == RULE_CLOSE),
                          "command %u %s", cmd, link_stage_name(stage));
            ck_assert_int_eq(w.link->hs.stage, stage);
            if (stage == STAGE_OPEN) {
                ck_assert_uint_eq(circ.cells + circ.destroys, rule == RULE_CIRCUIT);
                run();
                link_circ_close(&circ.lc, false, 0);
            }
        }
        world_free(&w);
    }
}
END_TEST

/* What the table must say, whatever else: a second look at the rows that matter most. */
START_TEST(test_link_cells_rules_that_matter)
{
    static const struct {
        enum link_stage stage;
        uint8_t cmd;
        enum link_rule rule;
    } must[] = {
        {STAGE_VERSIONS, CELL_VERSIONS, RULE_HANDSHAKE},
        {STAGE_VERSIONS, CELL_CERTS, RULE_CLOSE},
        {STAGE_VERSIONS, CELL_NETINFO, RULE_CLOSE},
        {STAGE_UNVERIFIED, CELL_CERTS, RULE_HANDSHAKE},
        {STAGE_UNVERIFIED, CELL_NETINFO, RULE_CLOSE},
        {STAGE_UNVERIFIED, CELL_AUTH_CHALLENGE, RULE_CLOSE},
        {STAGE_UNVERIFIED, CELL_RELAY, RULE_CLOSE},
        {STAGE_VERIFIED, CELL_CERTS, RULE_CLOSE},
        {STAGE_VERIFIED, CELL_CREATED2, RULE_CLOSE},
        {STAGE_CHALLENGED, CELL_AUTH_CHALLENGE, RULE_CLOSE},
        {STAGE_CHALLENGED, CELL_NETINFO, RULE_HANDSHAKE},
        {STAGE_CHALLENGED, CELL_DESTROY, RULE_CLOSE},
        {STAGE_OPEN, CELL_RELAY, RULE_CIRCUIT},
        {STAGE_OPEN, CELL_RELAY_EARLY, RULE_CIRCUIT},
        {STAGE_OPEN, CELL_CREATED_FAST, RULE_CIRCUIT},
        {STAGE_OPEN, CELL_CREATED2, RULE_CIRCUIT},
        {STAGE_OPEN, CELL_DESTROY, RULE_CIRCUIT},
        {STAGE_OPEN, CELL_CREATE, RULE_CLOSE},
        {STAGE_OPEN, CELL_CREATE2, RULE_CLOSE},
        {STAGE_OPEN, CELL_CREATE_FAST, RULE_CLOSE},
        {STAGE_OPEN, CELL_PADDING_NEGOTIATE, RULE_CLOSE},
        {STAGE_OPEN, CELL_PADDING, RULE_IGNORE},
        {STAGE_OPEN, CELL_VPADDING, RULE_IGNORE},
    };
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++)
        ck_assert_msg(link_rule(LINK_INITIATOR, must[i].stage, must[i].cmd) == must[i].rule,
                      "%s %s", chan_cmd_name(must[i].cmd), link_stage_name(must[i].stage));
}
END_TEST

/* A link that was made to measure hands MEASUREMENT to its circuit; any other does as if nobody
 * knew that command. */
START_TEST(test_link_cells_measurement_is_for_who_asked_for_it)
{
    static const uint8_t body[CELL_BODY_LEN] = {2, 0, 1};
    for (unsigned measures = 0; measures < 2; measures++) {
        struct note_circ circ;
        naked_open(&w, 1, 5);
        w.link->config.measures = measures == 1;
        note_open(&w, &circ);
        naked_cell(&w, circ.lc.id, CELL_MEASUREMENT, body, sizeof body);
        ck_assert_uint_eq(circ.cells, measures);
        ck_assert_uint_eq(circ.last_cmd, measures ? CELL_MEASUREMENT : 0);
        ck_assert_uint_eq(circ.last_byte, measures ? 2 : 0);
        ck_assert_int_eq(link_state(w.link), LINK_OPEN);
        /* of no circuit: a stray, or nobody's */
        naked_cell(&w, circ.lc.id ^ 1, CELL_MEASUREMENT, body, sizeof body);
        ck_assert_uint_eq(circ.cells, measures);
        ck_assert_uint_eq(w.link->circs.strays, measures);
        naked_cell(&w, 0, CELL_MEASUREMENT, body, sizeof body);
        ck_assert_int_eq(link_state(w.link), measures ? LINK_CLOSED : LINK_OPEN);
        run();
        link_circ_close(&circ.lc, false, 0);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_measurement_before_the_link_is_open_closes)
{
    for (enum link_stage stage = STAGE_VERSIONS; stage < STAGE_OPEN; stage++) {
        naked_start(&w, 1);
        w.link->config.measures = true;
        naked_advance(&w, stage, 5);
        naked_cell(&w, 1, CELL_MEASUREMENT, "", 0);
        expect_closed(ERR_LINK_PROTO, OR_MISC, "MEASUREMENT");
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_variable_cell_over_its_cap_closes_at_its_head)
{
    naked_start(&w, 1);
    naked_advance(&w, STAGE_UNVERIFIED, 5);
    naked_feed(&w, "\0\0\0\0\x81\x40", 6);
    ck_assert_int_eq(link_state(w.link), LINK_HANDSHAKING);
    naked_feed(&w, "\x01", 1);
    expect_closed(ERR_LINK_PROTO, OR_MISC, "CERTS cell of too many bytes");
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_longest_vpadding_is_ignored)
{
    static uint8_t zeros[65535];
    naked_open(&w, 1, 4);
    naked_cell(&w, 0, CELL_VPADDING, zeros, sizeof zeros);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    world_free(&w);
}
END_TEST

/* ---- circuits ---- */

START_TEST(test_link_cells_circuit_gets_its_cells_only)
{
    struct note_circ a, b;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    note_open(&w, &b);
    ck_assert_uint_eq(link_circuits(w.link), 2);
    naked_cell(&w, a.lc.id, CELL_RELAY, "\x11", 1);
    naked_cell(&w, b.lc.id, CELL_CREATED2, "\x22", 1);
    ck_assert_uint_eq(a.cells, 1);
    ck_assert_uint_eq(a.last_byte, 0x11);
    ck_assert_uint_eq(b.cells, 1);
    ck_assert_uint_eq(b.last_cmd, CELL_CREATED2);
    world_free(&w);
    ck_assert_uint_eq(a.closes, 1); /* told by link_free() */
    ck_assert_uint_eq(w.closed, 0);
}
END_TEST

START_TEST(test_link_cells_written_in_place)
{
    for (unsigned version = 3; version <= 5; version++) {
        struct note_circ a;
        struct sent_cell c;
        naked_open(&w, 1, version);
        note_open(&w, &a);
        unsigned told = w.outputs;
        uint8_t *body = link_cell(&a.lc, CELL_CREATE2, LINK_URGENT);
        ck_assert_ptr_nonnull(body);
        memset(body, 0x77, CELL_BODY_LEN);
        ck_assert_uint_eq(w.outputs, told);
        link_cell_commit(&a.lc);
        ck_assert_uint_eq(w.outputs, told + 1);
        ck_assert(naked_sent(&w, world_id_len(version), &c));
        ck_assert_uint_eq(c.cmd, CELL_CREATE2);
        ck_assert_uint_eq(c.id, a.lc.id);
        ck_assert_uint_eq(c.body[0], 0x77);
        ck_assert_uint_eq(c.body[CELL_BODY_LEN - 1], 0x77);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_output_is_told_once_until_sealed)
{
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    unsigned told = w.outputs;
    a.to_write = 3;
    note_write(&a);
    ck_assert_uint_eq(w.outputs, told + 1);
    size_t len;
    ck_assert_ptr_nonnull(link_seal(w.link, &len));
    a.to_write = 1;
    note_write(&a);
    ck_assert_uint_eq(w.outputs, told + 2);
    world_free(&w);
}
END_TEST

/* Whoever holds cells back learns when that would make circuits wait. */
START_TEST(test_link_cells_output_is_told_again_when_loaded)
{
    struct note_circ a;
    size_t len;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    unsigned told = w.outputs;
    a.to_write = LINK_OUT_LOW / CELL_BODY_LEN + 8;
    note_write(&a);
    ck_assert(link_is_loaded(w.link));
    ck_assert_uint_eq(w.outputs, told + 2);
    ck_assert_ptr_nonnull(link_seal(w.link, &len));
    link_sent(w.link, len);
    ck_assert(!link_is_loaded(w.link));
    a.to_write = 1;
    note_write(&a);
    ck_assert_uint_eq(w.outputs, told + 3);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_destroy_from_the_peer)
{
    struct note_circ a;
    struct sent_cell c;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    uint32_t id = a.lc.id;
    naked_cell(&w, id, CELL_DESTROY, "\x0a", 1);
    ck_assert_uint_eq(a.destroys, 1);
    ck_assert_uint_eq(a.reason, DESTROY_TIMEOUT);
    ck_assert_ptr_null(a.lc.link);
    ck_assert_uint_eq(link_circuits(w.link), 0);
    naked_cell(&w, id, CELL_DESTROY, "\x0a", 1);
    naked_cell(&w, id, CELL_RELAY, "\x0a", 1);
    ck_assert_uint_eq(a.destroys, 1);
    ck_assert_uint_eq(a.cells, 0);
    ck_assert(!naked_sent(&w, 4, &c)); /* it is not answered */
    ck_assert_ptr_null(link_cell(&a.lc, CELL_RELAY, LINK_DATA));
    world_free(&w);
    ck_assert_uint_eq(a.closes, 0);
}
END_TEST

/* A peer that ends our last circuit leaves the link as idle as we would. */
START_TEST(test_link_cells_destroy_of_the_last_circuit_makes_the_link_idle)
{
    struct note_circ a;
    world_prepare(&w, 1);
    w.config.idle_timeout_ms = 180 * 1000;
    world_link(&w);
    link_start_cells(w.link, &w.tls_cert);
    naked_advance(&w, STAGE_OPEN, 5);
    note_open(&w, &a);
    test_env_advance_ms(w.env, 1000 * 1000);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    naked_cell(&w, a.lc.id, CELL_DESTROY, "\x0a", 1);
    test_env_advance_ms(w.env, 180 * 1000 - 1);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(link_state(w.link), LINK_CLOSED);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_close_sends_destroy)
{
    struct note_circ a;
    struct sent_cell c;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    uint32_t id = a.lc.id;
    link_circ_close(&a.lc, true, 0);
    link_circ_close(&a.lc, true, 0); /* harmless */
    ck_assert(naked_sent(&w, 4, &c));
    ck_assert_uint_eq(c.cmd, CELL_DESTROY);
    ck_assert_uint_eq(c.id, id);
    ck_assert_uint_eq(c.body[0], 0);
    ck_assert(!naked_sent(&w, 4, &c));
    naked_cell(&w, id, CELL_RELAY, "\x01", 1); /* was on its way: dropped */
    ck_assert_uint_eq(a.cells, 0);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    note_open(&w, &a);
    link_circ_close(&a.lc, false, 0);
    ck_assert(!naked_sent(&w, 4, &c));
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_circuit_closed_inside_its_cell)
{
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    a.close_in_cell = true;
    uint8_t storage[2 * CHAN_CELL_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    uint32_t id = a.lc.id;
    put_cell(&s, 4, id, CELL_RELAY, "a", 1);
    put_cell(&s, 4, id, CELL_RELAY, "b", 1);
    naked_feed_wr(&w, &s);
    ck_assert_uint_eq(a.cells, 1);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_link_closed_inside_a_cell)
{
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    a.close_link_in_cell = true;
    uint8_t storage[2 * CHAN_CELL_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    put_cell(&s, 4, a.lc.id, CELL_RELAY, "a", 1);
    put_cell(&s, 4, a.lc.id, CELL_RELAY, "b", 1);
    naked_feed_wr(&w, &s);
    ck_assert_uint_eq(a.cells, 1);
    ck_assert_uint_eq(a.closes, 0);
    ck_assert_ptr_null(link_cell(&a.lc, CELL_RELAY, LINK_URGENT));
    expect_closed(OK, OR_DONE, "from a circuit");
    ck_assert_uint_eq(a.closes, 1);
    ck_assert_str_eq(a.end.text, "from a circuit");
    run();
    ck_assert_uint_eq(w.closed, 1);
    world_free(&w);
}
END_TEST

static void close_at_once(struct world *world)
{
    link_close(world->link, OK, OR_DONE, "changed my mind");
}

START_TEST(test_link_cells_link_closed_inside_on_open)
{
    naked_start(&w, 1);
    w.in_open = close_at_once;
    naked_advance(&w, STAGE_OPEN, 5);
    expect_closed(OK, OR_DONE, "changed my mind");
    ck_assert_int_eq(w.end.during, LINK_OPEN);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_circuits_need_an_open_link)
{
    static const struct link_circ_ops none;
    struct link_circ lc = {.ops = &none};
    naked_start(&w, 1);
    for (enum link_stage stage = STAGE_VERSIONS; stage < STAGE_OPEN; stage++)
        ck_err(link_circ_open(w.link, &lc), ERR_STATE);
    naked_advance(&w, STAGE_OPEN, 5);
    ck_ok(link_circ_open(w.link, &lc));
    ck_err(link_circ_open(w.link, &lc), ERR_STATE); /* it is on one */
    link_circ_close(&lc, false, 0);
    link_close(w.link, OK, OR_DONE, NULL);
    ck_err(link_circ_open(w.link, &lc), ERR_STATE);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_circuit_id_zero_closes)
{
    static const uint8_t cmds[] = {CELL_RELAY, CELL_RELAY_EARLY, CELL_CREATED2, CELL_DESTROY,
                                   CELL_CREATED_FAST};
    for (size_t i = 0; i < sizeof cmds; i++) {
        naked_open(&w, 1, 5);
        naked_cell(&w, 0, cmds[i], "", 0);
        expect_closed(ERR_LINK_PROTO, OR_MISC, "without a circuit id");
        world_free(&w);
    }
}
END_TEST

START_TEST(test_link_cells_strays_are_borne_up_to_a_limit)
{
    naked_open(&w, 1, 5);
    for (int i = 0; i < LINK_STRAYS_MOST; i++)
        naked_cell(&w, 0x81234567, CELL_RELAY, "", 0);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    test_env_advance_ms(w.env, LINK_ID_REST_MS);
    for (int i = 0; i < LINK_STRAYS_MOST; i++)
        naked_cell(&w, 0x81234567, CELL_RELAY, "", 0);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    naked_cell(&w, 0x81234567, CELL_RELAY, "", 0);
    expect_closed(ERR_LINK_PROTO, OR_MISC, "circuits that never were");
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_late_cells_of_a_closed_circuit_do_not_count)
{
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    uint32_t id = a.lc.id;
    link_circ_close(&a.lc, true, 0);
    for (int i = 0; i <= 2 * LINK_STRAYS_MOST; i++)
        naked_cell(&w, id, CELL_RELAY, "", 0);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    world_free(&w);
}
END_TEST

/* ---- output caps and turns ---- */

static size_t held(void)
{
    return link_held(w.link);
}

START_TEST(test_link_cells_data_stops_at_the_soft_cap_urgent_at_the_hard_one)
{
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    a.to_write = 100000;
    note_write(&a);
    ck_assert_uint_ge(held(), LINK_OUT_SOFT);
    ck_assert_uint_lt(held(), LINK_OUT_SOFT + CHAN_CELL_MAX);
    ck_assert(link_may_begin(&a.lc)); /* data alone keeps no stream from being opened */
    ck_assert(!link_is_stuck(&a.lc)); /* nothing was given to the peer yet */
    uint8_t *body;
    while ((body = link_cell(&a.lc, CELL_RELAY, LINK_URGENT))) {
        memset(body, 0, CELL_BODY_LEN);
        link_cell_commit(&a.lc);
    }
    ck_assert_uint_le(held(), LINK_OUT_HARD);
    ck_assert_uint_gt(held(), LINK_OUT_HARD - CHAN_CELL_MAX);
    ck_assert(!link_may_begin(&a.lc));
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_destroy_fits_above_the_hard_cap_then_the_link_ends)
{
    static struct note_circ many[200];
    struct note_circ a;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    uint8_t *body;
    while ((body = link_cell(&a.lc, CELL_RELAY, LINK_URGENT))) {
        memset(body, 0, CELL_BODY_LEN);
        link_cell_commit(&a.lc);
    }
    size_t room = (LINK_OUT_OWN - held()) / CHAN_CELL_MAX;
    ck_assert_uint_lt(room, 200);
    for (size_t i = 0; i <= room; i++)
        note_open(&w, &many[i]);
    for (size_t i = 0; i < room; i++)
        link_circ_close(&many[i].lc, true, 0);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    link_circ_close(&many[room].lc, true, 0);
    expect_closed(ERR_FULL, OR_RESOURCELIMIT, "takes no more");
    ck_assert_uint_le(held(), LINK_OUT_OWN);
    world_free(&w);
}
END_TEST

/* Cells of version 3 have 512 bytes, so that some number of them fills the buffer to the end. */
START_TEST(test_link_cells_destroy_is_zero_to_its_end_and_no_further)
{
    enum { CELLS = 4 };
    struct note_circ circs[CELLS];
    struct sent_cell c;
    static const uint8_t zeros[CELL_BODY_LEN];
    naked_open(&w, 1, 3);
    for (int i = 0; i < CELLS; i++)
        note_open(&w, &circs[i]);
    for (int i = 0; i < CELLS; i++)
        link_circ_close(&circs[i].lc, true, 9);
    ck_assert_uint_eq(w.link->out.len, w.link->out.size);
    for (int i = 0; i < CELLS; i++) {
        ck_assert(naked_sent(&w, 2, &c));
        ck_assert_uint_eq(c.cmd, CELL_DESTROY);
        ck_assert_uint_eq(c.body[0], 9);
        ck_assert_mem_eq(c.body + 1, zeros, CELL_BODY_LEN - 1);
    }
    world_free(&w);
}
END_TEST

/* Sends all that is held and counts data cells by circuit. */
static void send_all(struct note_circ *circs, unsigned *sent, size_t n)
{
    struct sent_cell c;
    size_t left = held() / CHAN_CELL_MAX;
    while (left-- && naked_sent(&w, 4, &c)) {
        for (size_t i = 0; i < n; i++)
            sent[i] += circs[i].lc.id == c.id;
    }
}

START_TEST(test_link_cells_waiting_circuits_share_the_output)
{
    enum { N = 5 };
    struct note_circ circs[N];
    unsigned sent[N] = {0};
    naked_open(&w, 1, 5);
    for (size_t i = 0; i < N; i++) {
        note_open(&w, &circs[i]);
        circs[i].to_write = 4000;
        note_write(&circs[i]); /* the first fills the output, the others wait */
    }
    ck_assert_uint_eq(circs[1].wrote, 0);
    send_all(circs, sent, N);
    memset(sent, 0, sizeof sent);
    for (int round = 0; round < 40; round++)
        send_all(circs, sent, N);
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(sent[i] + LINK_TURN_CELLS * 2 >= sent[0] &&
                          sent[0] + LINK_TURN_CELLS * 2 >= sent[i],
                      "circuit %zu sent %u, the first %u", i, sent[i], sent[0]);
    ck_assert_uint_gt(sent[0], 100);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_newcomer_waits_behind_those_who_wait)
{
    struct note_circ a, b, c;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    note_open(&w, &b);
    note_open(&w, &c);
    a.to_write = 1000;
    note_write(&a);
    b.to_write = 1000;
    note_write(&b);
    ck_assert(a.lc.waiting);
    ck_assert(b.lc.waiting);
    struct sent_cell cell;
    ck_assert(naked_sent(&w, 4, &cell)); /* room for a cell, but above the low mark: no turns yet */
    ck_assert_uint_eq(b.turns, 0);
    c.to_write = 1;
    note_write(&c);
    ck_assert_uint_eq(c.wrote, 0);
    ck_assert(c.lc.waiting);
    size_t len;
    link_seal(w.link, &len);
    link_sent(w.link, len);
    ck_assert_uint_eq(c.wrote, 1);
    world_free(&w);
}
END_TEST

START_TEST(test_link_cells_circuit_that_leaves_the_ring_is_not_called)
{
    struct note_circ a, b;
    size_t len;
    naked_open(&w, 1, 5);
    note_open(&w, &a);
    note_open(&w, &b);
    a.to_write = 200;
    note_write(&a);
    b.to_write = 200;
    note_write(&b);
    link_circ_close(&b.lc, false, 0);
    link_seal(w.link, &len);
    link_sent(w.link, len);
    ck_assert_uint_eq(b.turns, 0);
    ck_assert_uint_gt(a.turns, 0);
    world_free(&w);
}
END_TEST

TESTS("link/link_cells", test_link_cells_open_under_each_version,
      test_link_cells_netinfo_is_a_clients, test_link_cells_bytes_one_at_a_time,
      test_link_cells_netinfo_may_come_without_auth_challenge,
      test_link_cells_highest_common_version_wins, test_link_cells_no_common_version,
      test_link_cells_odd_versions,
      test_link_cells_breach_of_the_protocol_is_told_of_and_no_other_end,
      test_link_cells_later_versions_are_ignored,
      test_link_cells_handshake_cells_have_no_circuit_id, test_link_cells_wrong_identity_closes,
      test_link_cells_clock_skew_is_told_from_an_hour_on,
      test_link_cells_clock_skew_needs_a_time_and_a_prompt_answer,
      test_link_cells_every_command_in_every_stage, test_link_cells_rules_that_matter,
      test_link_cells_measurement_is_for_who_asked_for_it,
      test_link_cells_measurement_before_the_link_is_open_closes,
      test_link_cells_variable_cell_over_its_cap_closes_at_its_head,
      test_link_cells_longest_vpadding_is_ignored, test_link_cells_circuit_gets_its_cells_only,
      test_link_cells_written_in_place, test_link_cells_output_is_told_once_until_sealed,
      test_link_cells_output_is_told_again_when_loaded, test_link_cells_destroy_from_the_peer,
      test_link_cells_destroy_of_the_last_circuit_makes_the_link_idle,
      test_link_cells_close_sends_destroy, test_link_cells_circuit_closed_inside_its_cell,
      test_link_cells_link_closed_inside_a_cell, test_link_cells_link_closed_inside_on_open,
      test_link_cells_circuits_need_an_open_link, test_link_cells_circuit_id_zero_closes,
      test_link_cells_strays_are_borne_up_to_a_limit,
      test_link_cells_late_cells_of_a_closed_circuit_do_not_count,
      test_link_cells_data_stops_at_the_soft_cap_urgent_at_the_hard_one,
      test_link_cells_destroy_fits_above_the_hard_cap_then_the_link_ends,
      test_link_cells_destroy_is_zero_to_its_end_and_no_further,
      test_link_cells_waiting_circuits_share_the_output,
      test_link_cells_newcomer_waits_behind_those_who_wait,
      test_link_cells_circuit_that_leaves_the_ring_is_not_called)
