/* MEASUREMENT cells: what each field becomes, what is refused, and that nobody who does not measure
 * knows MEAS_ECHO. Round trips, truncations and vectors of bytes are in test_vectors.c. */
#include "cell/measurement.h"

#include <string.h>

#include "cell/chan.h"
#include "cell/relay.h"
#include "support/test.h"

static size_t encode(const struct meas_cell *m, uint8_t body[CELL_BODY_LEN])
{
    struct wr w = wr_over(body, CELL_BODY_LEN);
    ck_ok(meas_cell_encode(&w, m));
    memset(body + w.len, 0, CELL_BODY_LEN - w.len);
    return w.len;
}

static err_t decode(const uint8_t *body, size_t len, struct meas_cell *out)
{
    return meas_cell_decode(rd_over(body, len), out);
}

static err_t encodes(const struct meas_cell *m)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    return meas_cell_encode(&w, m);
}

/* The longest there is has room in a cell. */
START_TEST(test_measurement_ten_measurers_by_identity_fit)
{
    static struct meas_cell m = {.cmd = MEAS_PARAMS,
                                 .params = {.seconds = 30,
                                            .ext = {.has_form = true,
                                                    .version = MEAS_VERSION,
                                                    .echo = MEAS_ECHO_RAW,
                                                    .has_session = true,
                                                    .n_measurers = MEAS_MEASURERS_MAX,
                                                    .has_rate = true,
                                                    .rate_most = 0x0123456789abcdef}}},
                            back;
    uint8_t body[CELL_BODY_LEN];
    for (uint8_t i = 0; i < MEAS_MEASURERS_MAX; i++) {
        memset(m.params.ext.measurers[i].ed.b, i + 1, 32);
        m.params.ext.measurers[i].sockets = i;
    }
    ck_assert_uint_eq(encode(&m, body), 397);
    ck_ok(decode(body, sizeof body, &back));
    const struct meas_ext *e = &back.params.ext;
    ck_assert_uint_eq(back.params.seconds, 30);
    ck_assert_uint_eq(back.params.n_addrs, 0);
    ck_assert_uint_eq(e->echo, MEAS_ECHO_RAW);
    ck_assert(e->has_form && e->has_session && e->has_rate && !e->has_limits);
    ck_assert_uint_eq(e->rate_most, 0x0123456789abcdef);
    ck_assert_uint_eq(e->n_measurers, MEAS_MEASURERS_MAX);
    for (uint8_t i = 0; i < MEAS_MEASURERS_MAX; i++) {
        ck_assert_uint_eq(e->measurers[i].ed.b[31], i + 1u);
        ck_assert_uint_eq(e->measurers[i].sockets, i);
    }
}
END_TEST

START_TEST(test_measurement_ok_says_the_limits)
{
    struct meas_cell m = {.cmd = MEAS_PARAMS_OK,
                          .ok = {.has_limits = true,
                                 .background_percent = 25,
                                 .seconds_most = 45,
                                 .background_floor = 416666}},
                     back;
    uint8_t body[CELL_BODY_LEN];
    encode(&m, body);
    ck_ok(decode(body, sizeof body, &back));
    ck_assert_int_eq(back.cmd, MEAS_PARAMS_OK);
    ck_assert(back.ok.has_limits && !back.ok.has_form);
    ck_assert_uint_eq(back.ok.background_percent, 25);
    ck_assert_uint_eq(back.ok.seconds_most, 45);
    ck_assert_uint_eq(back.ok.background_floor, 416666);
    m.ok.background_percent = 100;
    ck_err(encodes(&m), ERR_ARG);
}
END_TEST

/* An older peer takes what it knows. */
START_TEST(test_measurement_unknown_extensions_and_specifiers_are_skipped)
{
    static const uint8_t ok[] = {1, 3, 200, 2, 7, 7, 5, 7, 50, 0, 60, 0, 0, 0, 9, 201, 0};
    static const uint8_t params[] = {0, 0, 10, 2, 2, 3, 9, 9, 9, 0, 6, 127, 0, 0, 1, 4, 0, 0};
    struct meas_cell m;
    ck_ok(decode(ok, sizeof ok, &m));
    ck_assert(m.ok.has_limits);
    ck_assert_uint_eq(m.ok.background_floor, 9);
    ck_ok(decode(params, sizeof params, &m));
    ck_assert_uint_eq(m.params.n_addrs, 1);
    ck_assert_uint_eq(m.params.addrs[0].port, 1024);
}
END_TEST

/* A later version's form may be longer and mean something else: the receiver answers that it does
 * not speak it. */
START_TEST(test_measurement_a_form_of_another_version_is_handed_on)
{
    static const uint8_t body[] = {1, 1, 1, 4, 2, 77, 1, 2};
    struct meas_cell m;
    ck_ok(decode(body, sizeof body, &m));
    ck_assert(m.ok.has_form);
    ck_assert_uint_eq(m.ok.version, 2);
}
END_TEST

START_TEST(test_measurement_bounds)
{
    uint8_t body[CELL_BODY_LEN] = {MEAS_PARAMS, 2, 88, 0};
    struct meas_cell m;
    ck_ok(decode(body, sizeof body, &m)); /* 600 */
    body[2]++;
    ck_err(decode(body, sizeof body, &m), ERR_LIMIT);
    uint8_t many[CELL_BODY_LEN] = {MEAS_PARAMS, 0, 30, 10};
    for (size_t i = 0; i < 11; i++)
        memcpy(many + 4 + 8 * i, "\0\6\1\2\3\4\0\1", 8);
    memset(many + 4 + 80, 0, 8);
    ck_ok(decode(many, sizeof many, &m));
    ck_assert_uint_eq(m.params.n_addrs, MEAS_MEASURERS_MAX);
    many[3]++;
    ck_err(decode(many, sizeof many, &m), ERR_LIMIT);
    uint8_t exts[CELL_BODY_LEN] = {MEAS_PARAMS_OK, MEAS_EXTS_MAX};
    for (size_t i = 2; i < sizeof exts; i += 2)
        exts[i] = 200;
    ck_ok(decode(exts, sizeof exts, &m));
    exts[1]++;
    ck_err(decode(exts, sizeof exts, &m), ERR_LIMIT);
    uint8_t team[CELL_BODY_LEN] = {MEAS_PARAMS_OK, MEAS_MEASURERS_MAX};
    for (size_t i = 0; i < MEAS_MEASURERS_MAX + 1; i++)
        memcpy(team + 2 + 36 * i, "\3\42", 2);
    ck_ok(decode(team, sizeof team, &m));
    team[1]++;
    ck_err(decode(team, sizeof team, &m), ERR_LIMIT);
}
END_TEST

START_TEST(test_measurement_encoder_refuses_what_decoders_would)
{
    struct meas_cell m = {.cmd = MEAS_PARAMS, .params.seconds = MEAS_SECONDS_MOST + 1};
    ck_err(encodes(&m), ERR_ARG);
    m.params.seconds = 0;
    ck_ok(encodes(&m));
    m.params.n_addrs = 1; /* of no family */
    ck_err(encodes(&m), ERR_ARG);
    m.params.n_addrs = MEAS_MEASURERS_MAX + 1;
    ck_err(encodes(&m), ERR_ARG);
    m = (struct meas_cell){.cmd = MEAS_PARAMS_OK, .ok.n_measurers = MEAS_MEASURERS_MAX + 1};
    ck_err(encodes(&m), ERR_ARG);
    m.ok = (struct meas_ext){.has_form = true, .version = MEAS_VERSION, .echo = 2};
    ck_err(encodes(&m), ERR_ARG);
    m = (struct meas_cell){.cmd = MEAS_BG, .bg.second = 0};
    ck_err(encodes(&m), ERR_ARG);
    m.bg.second = MEAS_SECONDS_MOST + 1;
    ck_err(encodes(&m), ERR_ARG);
    m.cmd = MEAS_ECHO_ON + 1;
    ck_err(encodes(&m), ERR_ARG);
}
END_TEST

START_TEST(test_measurement_every_error_has_its_words)
{
    const char *of_none = meas_error_text(MEAS_ERR_OTHER);
    for (unsigned a = 0; a < 256; a++) {
        bool known = a >= MEAS_ERR_VERSION && a <= MEAS_ERR_ABORTED;
        ck_assert_int_eq(strcmp(meas_error_text((uint8_t)a), of_none) != 0, known);
        for (unsigned b = MEAS_ERR_VERSION; b < a && known; b++)
            ck_assert_str_ne(meas_error_text((uint8_t)a), meas_error_text((uint8_t)b));
    }
}
END_TEST

START_TEST(test_measurement_echo_is_for_who_measures_only)
{
    static const uint8_t data[RELAY_DATA_MAX];
    static const enum relay_receiver others[] = {RELAY_TO_CLIENT, RELAY_TO_SERVICE, RELAY_TO_RELAY};
    struct relay_msg m = {.cmd = RELAY_MEAS_ECHO, .data = data, .len = sizeof data};
    for (size_t i = 0; i < 3; i++)
        ck_err(relay_msg_check(&m, others[i], true), ERR_UNSUPPORTED);
    ck_ok(relay_msg_check(&m, RELAY_TO_MEASURING, true));
    m.len--;
    ck_err(relay_msg_check(&m, RELAY_TO_MEASURING, true), ERR_MALFORMED);
    m.len++;
    m.stream_id = 1;
    ck_err(relay_msg_check(&m, RELAY_TO_MEASURING, true), ERR_MALFORMED);
    m = (struct relay_msg){.cmd = RELAY_DATA, .stream_id = 1};
    ck_err(relay_msg_check(&m, RELAY_TO_MEASURING, true), ERR_MALFORMED);
}
END_TEST

START_TEST(test_measurement_is_a_fixed_cell_of_a_circuit)
{
    ck_assert_str_eq(chan_cmd_name(CELL_MEASUREMENT), "MEASUREMENT");
    ck_assert(!chan_cmd_is_variable(CELL_MEASUREMENT));
    ck_assert(chan_cmd_circ_id_ok(CELL_MEASUREMENT, 1) &&
              !chan_cmd_circ_id_ok(CELL_MEASUREMENT, 0));
    ck_assert_str_eq(chan_cmd_name(CELL_MEASUREMENT - 1), "unknown");
    ck_assert_str_eq(chan_cmd_name(CELL_MEASUREMENT + 1), "unknown");
}
END_TEST

TESTS("cell/measurement", test_measurement_ten_measurers_by_identity_fit,
      test_measurement_ok_says_the_limits,
      test_measurement_unknown_extensions_and_specifiers_are_skipped,
      test_measurement_a_form_of_another_version_is_handed_on, test_measurement_bounds,
      test_measurement_encoder_refuses_what_decoders_would,
      test_measurement_every_error_has_its_words, test_measurement_echo_is_for_who_measures_only,
      test_measurement_is_a_fixed_cell_of_a_circuit)
