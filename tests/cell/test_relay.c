#include "cell/relay.h"

#include <string.h>

#include "support/test.h"
#include "support/vec.h"

static enum relay_format body_of(struct vec *v, uint8_t body[CELL_BODY_LEN], uint8_t *fill)
{
    ck_assert_uint_eq(vec_hex(v, "fill", fill, 1), 1);
    memset(body, *fill, CELL_BODY_LEN);
    vec_hex(v, "hex", body, CELL_BODY_LEN);
    return vec_int(v, "format") == 0 ? RELAY_V0 : RELAY_V1;
}

START_TEST(test_relay_cells_decode_as_published)
{
    struct vec *v = vec_open("vectors/cell/relay_cells.txt");
    size_t n = 0;
    for (; vec_next(v); n++) {
        uint8_t body[CELL_BODY_LEN], fill;
        struct relay_msg m;
        enum relay_format format = body_of(v, body, &fill);
        err_t e = relay_msg_decode(format, body, &m);
        if (vec_has(v, "error")) {
            ck_assert_str_eq(err_name(e), vec_text(v, "error"));
            continue;
        }
        ck_ok(e);
        ck_assert_int_eq(m.cmd, vec_int(v, "cmd"));
        ck_assert_int_eq(m.stream_id, vec_int(v, "stream"));
        ck_assert_uint_eq(m.len, (size_t)vec_int(v, "len"));
        ck_assert_ptr_eq(m.data, body + vec_int(v, "data_at"));
        ck_assert_ptr_eq(m.data, body + relay_data_at(format, m.cmd));
    }
    ck_assert_uint_eq(n, 24);
    vec_close(v);
}
END_TEST

START_TEST(test_relay_cells_encode_to_the_same_bytes)
{
    struct vec *v = vec_open("vectors/cell/relay_cells.txt");
    while (vec_next(v)) {
        uint8_t body[CELL_BODY_LEN], again[CELL_BODY_LEN], fill;
        enum relay_format format = body_of(v, body, &fill);
        if (!vec_has(v, "same"))
            continue;
        struct relay_msg m;
        size_t random_at;
        ck_ok(relay_msg_decode(format, body, &m));
        memset(again, fill, sizeof again);
        ck_ok(relay_msg_encode(format, &m, again, &random_at));
        ck_assert_mem_eq(again, body, sizeof body);
    }
    vec_close(v);
}
END_TEST

/* Encodes LEN bytes of 0xff over a body of 0xaa and looks at what follows them. */
static void check_padding(enum relay_format format, uint8_t cmd, uint16_t stream_id, size_t len)
{
    uint8_t data[RELAY_DATA_MAX], body[CELL_BODY_LEN];
    memset(data, 0xff, sizeof data);
    memset(body, 0xaa, sizeof body);
    struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    size_t random_at;
    ck_ok(relay_msg_encode(format, &m, body, &random_at));
    size_t end = relay_data_at(format, cmd) + len;
    size_t zeros = CELL_BODY_LEN - end < 4 ? CELL_BODY_LEN - end : 4;
    ck_assert_uint_eq(random_at, end + zeros);
    if (len)
        ck_assert_uint_eq(body[end - 1], 0xff);
    for (size_t i = end; i < CELL_BODY_LEN; i++)
        ck_assert_uint_eq(body[i], i < random_at ? 0 : 0xaa);
}

START_TEST(test_relay_padding_is_four_zeros_and_then_the_callers)
{
    for (int f = 0; f < 2; f++) {
        enum relay_format format = f ? RELAY_V1 : RELAY_V0;
        size_t max = relay_data_max(format, RELAY_DATA);
        const size_t lens[] = {0, 10, max - 5, max - 4, max - 3, max - 1, max};
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
            check_padding(format, RELAY_DATA, 0x250, lens[i]);
        max = relay_data_max(format, RELAY_EXTENDED2);
        const size_t more[] = {0, 10, max - 4, max - 3, max};
        for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
            check_padding(format, RELAY_EXTENDED2, 0, more[i]);
    }
}
END_TEST

START_TEST(test_relay_data_limits_are_those_of_the_formats)
{
    ck_assert_uint_eq(relay_data_max(RELAY_V0, RELAY_DATA), 498);
    ck_assert_uint_eq(relay_data_max(RELAY_V0, RELAY_SENDME), 498);
    ck_assert_uint_eq(relay_data_max(RELAY_V1, RELAY_DATA), 488);
    ck_assert_uint_eq(relay_data_max(RELAY_V1, RELAY_SENDME), 490);
}
END_TEST

static err_t encode(enum relay_format format, uint8_t cmd, uint16_t stream_id, size_t len)
{
    static const uint8_t data[RELAY_DATA_MAX + 1];
    uint8_t body[CELL_BODY_LEN];
    size_t random_at;
    struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    return relay_msg_encode(format, &m, body, &random_at);
}

START_TEST(test_relay_encoder_refuses_what_does_not_fit)
{
    ck_err(encode(RELAY_V0, RELAY_DATA, 1, 499), ERR_LIMIT);
    ck_err(encode(RELAY_V1, RELAY_DATA, 1, 489), ERR_LIMIT);
    ck_err(encode(RELAY_V1, RELAY_EXTENDED2, 0, 491), ERR_LIMIT);
}
END_TEST

START_TEST(test_relay_encoder_holds_to_the_table_of_stream_ids)
{
    ck_err(encode(RELAY_V1, RELAY_EXTENDED2, 10, 20), ERR_ARG);
    ck_err(encode(RELAY_V0, RELAY_EXTENDED2, 10, 20), ERR_ARG);
    ck_err(encode(RELAY_V1, RELAY_DATA, 0, 20), ERR_ARG);
    ck_err(encode(RELAY_V0, RELAY_DATA, 0, 20), ERR_ARG);
    ck_err(encode(RELAY_V0, 200, 1, 20), ERR_ARG);
    ck_ok(encode(RELAY_V0, RELAY_SENDME, 0, 23));
    ck_ok(encode(RELAY_V0, RELAY_SENDME, 7, 0));
    ck_err(encode(RELAY_V1, RELAY_SENDME, 7, 0), ERR_ARG); /* there is no room for the id */
}
END_TEST

/* What breaks the table goes out all the same, but not what has no room. */
START_TEST(test_relay_put_asks_no_table)
{
    static const uint8_t data[RELAY_DATA_MAX + 1] = {1, 2, 3};
    uint8_t body[CELL_BODY_LEN];
    size_t random_at;
    struct relay_msg m = {.cmd = 200, .stream_id = 7, .data = data, .len = 3}, back;
    ck_err(relay_msg_encode(RELAY_V0, &m, body, &random_at), ERR_ARG);
    ck_ok(relay_msg_put(RELAY_V0, &m, body, &random_at));
    ck_assert_uint_eq(random_at, 11 + 3 + 4);
    ck_ok(relay_msg_decode(RELAY_V0, body, &back));
    ck_assert_uint_eq(back.cmd, 200);
    ck_assert_uint_eq(back.stream_id, 7);
    ck_assert_mem_eq(back.data, data, 3);
    m.cmd = RELAY_EXTENDED2; /* in v1 there is no place for its stream id */
    ck_ok(relay_msg_put(RELAY_V1, &m, body, &random_at));
    ck_ok(relay_msg_decode(RELAY_V1, body, &back));
    ck_assert_uint_eq(back.stream_id, 0);
    m.len = RELAY_DATA_MAX + 1;
    ck_err(relay_msg_put(RELAY_V0, &m, body, &random_at), ERR_FULL);
}
END_TEST

START_TEST(test_relay_data_in_its_place_stays_there)
{
    uint8_t body[CELL_BODY_LEN];
    size_t random_at;
    uint8_t *place = body + relay_data_at(RELAY_V0, RELAY_DATA);
    memset(body, 0, sizeof body);
    memcpy(place, "abc", 3);
    struct relay_msg m = {.cmd = RELAY_DATA, .stream_id = 1, .data = place, .len = 3}, back;
    ck_ok(relay_msg_encode(RELAY_V0, &m, body, &random_at));
    ck_ok(relay_msg_decode(RELAY_V0, body, &back));
    ck_assert_uint_eq(back.len, 3);
    ck_assert_mem_eq(back.data, "abc", 3);
}
END_TEST

START_TEST(test_relay_v0_passes_unknown_commands_on)
{
    uint8_t body[CELL_BODY_LEN] = {249};
    struct relay_msg m;
    ck_ok(relay_msg_decode(RELAY_V0, body, &m));
    ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_UNSUPPORTED);
}
END_TEST

/* The v1 format has a stream id for exactly these. */
START_TEST(test_relay_stream_commands_are_those_of_v1)
{
    static const uint8_t with[] = {1, 2, 3, 4, 11, 12, 13, 43, 44};
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        bool want = memchr(with, (int)cmd, sizeof with) != NULL;
        ck_assert_uint_eq(relay_data_at(RELAY_V1, (uint8_t)cmd), want ? 21 : 19);
    }
}
END_TEST

START_TEST(test_relay_table_has_a_row_for_every_command_and_no_other)
{
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        bool want = (cmd >= 1 && cmd <= 15) || (cmd >= 19 && cmd <= 22) ||
                    (cmd >= 32 && cmd <= 44) || cmd == 60;
        ck_assert_msg((relay_rule((uint8_t)cmd) != NULL) == want, "command %u", cmd);
    }
    ck_assert_str_eq(relay_cmd_name(RELAY_XOFF), "XOFF");
    ck_assert_str_eq(relay_cmd_name(16), "unknown");
}
END_TEST

/* protocol facts that other layers build on */
START_TEST(test_relay_table_counts_data_only)
{
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        const struct relay_rule *rule = relay_rule((uint8_t)cmd);
        if (!rule)
            continue;
        ck_assert_int_eq((rule->traits & RELAY_COUNTED) != 0, cmd == RELAY_DATA);
        ck_assert_uint_le(rule->min_len, rule->max_len);
        ck_assert_uint_le(rule->max_len, RELAY_DATA_MAX);
    }
}
END_TEST

START_TEST(test_relay_table_conflux_orders_all_stream_messages_but_begin_dir_and_sendme)
{
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        const struct relay_rule *rule = relay_rule((uint8_t)cmd);
        if (rule)
            ck_assert_int_eq((rule->traits & RELAY_MULTIPLEXED) != 0,
                             rule->stream == RELAY_STREAM_NEEDED && cmd != RELAY_BEGIN_DIR);
    }
}
END_TEST

/* Every command, with the right and the wrong stream id, each length at the edge of what is
 * allowed, to a client, from the last hop and another. */
START_TEST(test_relay_check_sweep)
{
    static const uint8_t client[] = {2, 3, 4, 5, 9, 10, 12, 15, 20, 22, 37, 39, 40, 42, 43, 44};
    static const uint8_t any_hop[] = {RELAY_SENDME, RELAY_TRUNCATED, RELAY_DROP,
                                      RELAY_PADDING_NEGOTIATED};
    for (unsigned cmd = 0; cmd < 256; cmd++) {
        const struct relay_rule *rule = relay_rule((uint8_t)cmd);
        struct relay_msg m = {.cmd = (uint8_t)cmd};
        if (!rule || cmd == RELAY_EXTEND || cmd == RELAY_EXTENDED || cmd == RELAY_MEAS_ECHO) {
            ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_UNSUPPORTED);
            continue;
        }
        m.len = rule->min_len;
        m.stream_id = rule->stream == RELAY_STREAM_NEEDED ? 1 : 0;
        bool ours = memchr(client, (int)cmd, sizeof client) != NULL;
        ck_assert_msg((relay_msg_check(&m, RELAY_TO_CLIENT, true) == OK) == ours, "%s", rule->name);
        if (!ours)
            continue;
        bool any = memchr(any_hop, (int)cmd, sizeof any_hop) != NULL;
        ck_assert_msg((relay_msg_check(&m, RELAY_TO_CLIENT, false) == OK) == any, "%s", rule->name);
        m.stream_id ^= 1;
        ck_assert_int_eq(relay_msg_check(&m, RELAY_TO_CLIENT, true) == OK, cmd == RELAY_SENDME);
        m.stream_id ^= 1;
        m.len = rule->max_len;
        ck_ok(relay_msg_check(&m, RELAY_TO_CLIENT, true));
        m.len = rule->max_len + 1u;
        ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_MALFORMED);
        if (rule->min_len) {
            m.len = rule->min_len - 1u;
            ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_MALFORMED);
        }
    }
}
END_TEST

START_TEST(test_relay_check_end_without_reason_is_refused)
{
    struct relay_msg m = {.cmd = RELAY_END, .stream_id = 1};
    ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_MALFORMED); /* bug 41254 */
}
END_TEST

START_TEST(test_relay_check_begin_goes_to_services_and_relays)
{
    struct relay_msg m = {.cmd = RELAY_BEGIN, .stream_id = 1, .len = 10};
    ck_err(relay_msg_check(&m, RELAY_TO_CLIENT, true), ERR_MALFORMED);
    ck_ok(relay_msg_check(&m, RELAY_TO_SERVICE, true));
    ck_err(relay_msg_check(&m, RELAY_TO_SERVICE, false), ERR_MALFORMED);
    ck_ok(relay_msg_check(&m, RELAY_TO_RELAY, false));
}
END_TEST

TESTS("cell/relay", test_relay_cells_decode_as_published, test_relay_cells_encode_to_the_same_bytes,
      test_relay_padding_is_four_zeros_and_then_the_callers,
      test_relay_data_limits_are_those_of_the_formats, test_relay_encoder_refuses_what_does_not_fit,
      test_relay_encoder_holds_to_the_table_of_stream_ids, test_relay_put_asks_no_table,
      test_relay_data_in_its_place_stays_there, test_relay_v0_passes_unknown_commands_on,
      test_relay_stream_commands_are_those_of_v1,
      test_relay_table_has_a_row_for_every_command_and_no_other, test_relay_table_counts_data_only,
      test_relay_table_conflux_orders_all_stream_messages_but_begin_dir_and_sendme,
      test_relay_check_sweep, test_relay_check_end_without_reason_is_refused,
      test_relay_check_begin_goes_to_services_and_relays)
