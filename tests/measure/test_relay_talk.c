#include "measure/relay_talk.h"

#include "measworld.h"

struct cast {
    struct mw_world w;
    struct relay_talk *t;
    unsigned granted, bgs, ends;
    struct meas_ext limits;
    struct meas_bg bg;
    enum meas_code code;
    char text[MEAS_INFO_MAX];
};

static void on_granted(void *arg, const struct meas_ext *limits)
{
    struct cast *c = arg;
    c->granted++;
    c->limits = *limits;
}

static void on_bg(void *arg, const struct meas_bg *bg)
{
    struct cast *c = arg;
    c->bgs++;
    c->bg = *bg;
}

static void on_end(void *arg, enum meas_code code, const char *text)
{
    struct cast *c = arg;
    c->ends++;
    c->code = code;
    snprintf(c->text, sizeof c->text, "%s", text);
}

static const struct relay_talk_ops ops = {on_granted, on_bg, on_end};

static void begin_with(struct cast *c, enum mw_answer answer, bool hasty)
{
    memset(c, 0, sizeof *c);
    mw_new(&c->w, 3, 0);
    c->w.answer = answer;
    c->w.hasty = hasty;
    c->w.refusal = MEAS_ERR_TOO_OFTEN;
    const struct relay_talk_config config = {.link = {.tls = c->w.client_tls},
                                             .ops_world = &mw_ops,
                                             .world = &c->w,
                                             .relay = mw_relay(&c->w),
                                             .params = {.seconds = 30}};
    ck_ok(relay_talk_new(c->w.env, &config, &ops, c, &c->t));
    test_env_advance_ms(c->w.env, 1000);
}

static void begin(struct cast *c, enum mw_answer answer)
{
    begin_with(c, answer, false);
}

static void finish(struct cast *c)
{
    relay_talk_free(c->t);
    mw_free(&c->w);
}

static void say(struct cast *c, const struct meas_cell *cell)
{
    mw_say(&c->w.wire[0], cell);
    test_env_advance_ms(c->w.env, 10);
}

START_TEST(test_relay_talk_granted_then_each_second)
{
    struct cast c;
    begin(&c, MW_GRANTS);
    ck_assert_uint_eq(c.granted, 1);
    ck_assert_uint_eq(c.limits.seconds_most, 45);
    ck_assert_mem_eq(relay_talk_peer(c.t), &c.w.id.ed.pub, sizeof(struct ed_id));
    for (uint16_t s = 1; s <= 3; s++) {
        const struct meas_cell cell = {.cmd = MEAS_BG, .bg = {s, 100, 200}};
        say(&c, &cell);
        ck_assert_uint_eq(c.bgs, s);
        ck_assert_uint_eq(c.bg.second, s);
    }
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.w.env, 100 * 1000); /* nothing more is due */
    ck_assert_uint_eq(c.ends, 0);
    relay_talk_leave(c.t, true);
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(c.ends, 0);
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_refusal_has_the_relays_reason)
{
    struct cast c;
    begin(&c, MW_REFUSES);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_REFUSED);
    ck_assert_ptr_nonnull(strstr(c.text, meas_error_text(MEAS_ERR_TOO_OFTEN)));
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_silence_is_unsupported)
{
    struct cast c;
    begin(&c, MW_SILENT);
    test_env_advance_ms(c.w.env, RELAY_TALK_ANSWER_MS - 1500);
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.w.env, 1500);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_UNSUPPORTED);
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_lost_relay)
{
    struct cast c;
    begin(&c, MW_DESTROYS);
    ck_assert_int_eq(c.code, MEAS_RELAY_LOST);
    finish(&c);
    begin(&c, MW_GRANTS);
    link_tcp_failed(c.w.wire[0].client, 104);
    test_env_advance_ms(c.w.env, 10);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_RELAY_LOST);
    finish(&c);
}
END_TEST

/* What no relay may say, before and after it has agreed. */
START_TEST(test_relay_talk_nonsense_ends_it)
{
    static const struct meas_cell odd[] = {
        {.cmd = MEAS_PARAMS_OK}, {.cmd = MEAS_ECHO_ON}, {.cmd = MEAS_PARAMS}};
    struct cast c;
    begin(&c, MW_GARBLES);
    ck_assert_int_eq(c.code, MEAS_MALFORMED_TOR_RESP);
    finish(&c);
    for (size_t i = 0; i < 3; i++) {
        begin(&c, MW_GRANTS);
        say(&c, &odd[i]);
        ck_assert_uint_eq(c.ends, 1);
        ck_assert_int_eq(c.code, MEAS_MALFORMED_TOR_RESP);
        finish(&c);
    }
    begin(&c, MW_SILENT);
    const struct meas_cell bg = {.cmd = MEAS_BG, .bg = {1, 1, 1}};
    say(&c, &bg);
    ck_assert_int_eq(c.code, MEAS_MALFORMED_TOR_RESP);
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_answer_before_there_is_a_circuit)
{
    struct cast c;
    begin_with(&c, MW_GRANTS, true);
    ck_assert_uint_eq(c.granted, 0);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_MALFORMED_TOR_RESP);
    finish(&c);
}
END_TEST

static struct relay_talk_config config_of(struct cast *c, size_t n_addrs)
{
    struct relay_talk_config config = {.link = {.tls = c->w.client_tls},
                                       .ops_world = &mw_ops,
                                       .world = &c->w,
                                       .relay = mw_relay(&c->w)};
    for (; config.relay.n_addrs < n_addrs; config.relay.n_addrs++) {
        config.relay.addrs[config.relay.n_addrs] = config.relay.addrs[0];
        config.relay.addrs[config.relay.n_addrs].port += (uint16_t)config.relay.n_addrs;
    }
    return config;
}

/* It is said at once, and is no silence of a relay that does not know measuring. */
START_TEST(test_relay_talk_nobody_is_there)
{
    struct cast c;
    memset(&c, 0, sizeof c);
    mw_new(&c.w, 3, 0);
    c.w.refuse_dials = 3;
    struct relay_talk_config config = config_of(&c, 3);
    ck_ok(relay_talk_new(c.w.env, &config, &ops, &c, &c.t));
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(c.text, "no relay is there: "));
    ck_assert_ptr_nonnull(strstr(c.text, "refused"));
    ck_assert_uint_eq(c.w.n_wires, 3); /* each address once */
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_goes_on_at_the_next_address)
{
    struct cast c;
    memset(&c, 0, sizeof c);
    mw_new(&c.w, 3, 0);
    c.w.refuse_dials = 1;
    c.w.answer = MW_GRANTS;
    struct relay_talk_config config = config_of(&c, 3);
    ck_ok(relay_talk_new(c.w.env, &config, &ops, &c, &c.t));
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(c.granted, 1);
    ck_assert_uint_eq(c.ends, 0);
    ck_assert_uint_eq(relay_talk_at(c.t)->port, 9002);
    ck_assert_uint_eq(c.w.n_wires, 2);
    finish(&c);
}
END_TEST

/* Nothing is dialled for who has left. */
START_TEST(test_relay_talk_that_was_left_goes_nowhere)
{
    struct cast c;
    memset(&c, 0, sizeof c);
    mw_new(&c.w, 3, 0);
    c.w.refuse_dials = 3;
    struct relay_talk_config config = config_of(&c, 3);
    ck_ok(relay_talk_new(c.w.env, &config, &ops, &c, &c.t));
    relay_talk_leave(c.t, false);
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(c.ends, 0);
    ck_assert_uint_eq(c.w.n_wires, 1);
    finish(&c);
}
END_TEST

/* Nobody has asked for anything that comes in RELAY cells. */
START_TEST(test_relay_talk_relay_that_sends_what_nobody_asked_for)
{
    const uint8_t body[CELL_BODY_LEN] = {1, 2, 3};
    struct cast c;
    begin(&c, MW_GRANTS);
    ck_assert(rsa_id_equal(relay_talk_peer_rsa(c.t), &c.w.id.rsa_id));
    ck_assert(mw_send(&c.w.wire[0], body));
    test_env_advance_ms(c.w.env, 100);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_MALFORMED_TOR_RESP);
    ck_assert_ptr_null(c.w.wire[0].client);
    ck_assert_ptr_null(relay_talk_peer_rsa(c.t));
    ck_assert_ptr_null(relay_talk_peer(c.t));
    finish(&c);
}
END_TEST

START_TEST(test_relay_talk_wrong_relay)
{
    struct cast c;
    memset(&c, 0, sizeof c);
    mw_new(&c.w, 3, 0);
    struct relay_talk_config config = {.link = {.tls = c.w.client_tls},
                                       .ops_world = &mw_ops,
                                       .world = &c.w,
                                       .relay = mw_relay(&c.w)};
    config.relay.ed25519.b[3] ^= 1;
    ck_ok(relay_talk_new(c.w.env, &config, &ops, &c, &c.t));
    test_env_advance_ms(c.w.env, 1000);
    ck_assert_uint_eq(c.ends, 1);
    ck_assert_int_eq(c.code, MEAS_WRONG_IDENTITY);
    ck_assert_uint_eq(c.granted, 0);
    finish(&c);
    mw_new(&c.w, 3, 0);
    config.link.tls = c.w.client_tls;
    config.relay.n_addrs = 0;
    ck_err(relay_talk_new(c.w.env, &config, &ops, &c, &c.t), ERR_ARG);
    mw_free(&c.w);
}
END_TEST

TESTS("measure/relay_talk", test_relay_talk_granted_then_each_second,
      test_relay_talk_refusal_has_the_relays_reason, test_relay_talk_silence_is_unsupported,
      test_relay_talk_lost_relay, test_relay_talk_nonsense_ends_it,
      test_relay_talk_answer_before_there_is_a_circuit, test_relay_talk_nobody_is_there,
      test_relay_talk_goes_on_at_the_next_address, test_relay_talk_that_was_left_goes_nowhere,
      test_relay_talk_relay_that_sends_what_nobody_asked_for, test_relay_talk_wrong_relay)
