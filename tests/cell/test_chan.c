#include "cell/chan.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/vec.h"

enum { ROOM = 2000, VAR_CAP = 1000 };

static size_t frame_bytes(struct vec *v, uint8_t out[ROOM])
{
    memset(out, 0, ROOM);
    size_t len = vec_hex(v, "hex", out, ROOM);
    return vec_has(v, "pad") ? (size_t)vec_int(v, "circ_id_len") + 1 + CELL_BODY_LEN : len;
}

START_TEST(test_chan_frames_decode_as_published)
{
    struct vec *v = vec_open("vectors/cell/frames.txt");
    size_t n = 0;
    for (; vec_next(v); n++) {
        uint8_t bytes[ROOM];
        struct chan_frame f;
        size_t len = frame_bytes(v, bytes);
        size_t circ_id_len = (size_t)vec_int(v, "circ_id_len");
        err_t e = chan_frame_decode(bytes, len, circ_id_len, VAR_CAP, &f);
        if (vec_has(v, "error")) {
            ck_assert_str_eq(err_name(e), vec_text(v, "error"));
            continue;
        }
        ck_ok(e);
        ck_assert_int_eq(f.circ_id, vec_int(v, "circ_id"));
        ck_assert_int_eq(f.cmd, vec_int(v, "cmd"));
        ck_assert_uint_eq(f.body_len, (size_t)vec_int(v, "body_len"));
        ck_assert_ptr_eq(f.body, bytes + chan_head_len(circ_id_len, f.cmd));
        ck_assert_uint_eq(f.used, len);
        ck_assert_int_eq(chan_cmd_circ_id_ok(f.cmd, f.circ_id), vec_int(v, "circ_id_ok"));
    }
    ck_assert_uint_eq(n, 17);
    vec_close(v);
}
END_TEST

START_TEST(test_chan_frames_encode_to_the_same_bytes)
{
    struct vec *v = vec_open("vectors/cell/frames.txt");
    while (vec_next(v)) {
        uint8_t bytes[ROOM], again[ROOM];
        struct chan_frame f;
        size_t len = frame_bytes(v, bytes);
        size_t circ_id_len = (size_t)vec_int(v, "circ_id_len");
        if (chan_frame_decode(bytes, len, circ_id_len, VAR_CAP, &f) != OK)
            continue;
        struct wr w = wr_over(again, sizeof again);
        ck_ok(chan_head_encode(&w, circ_id_len, f.circ_id, f.cmd, f.body_len));
        wr_bytes(&w, f.body, f.body_len);
        ck_assert_uint_eq(w.len, len);
        ck_assert_mem_eq(again, bytes, len);
    }
    vec_close(v);
}
END_TEST

START_TEST(test_chan_frame_cut_anywhere_wants_more_and_says_how_much)
{
    static const uint8_t cmds[] = {CELL_RELAY, CELL_VERSIONS, CELL_CERTS};
    for (size_t i = 0; i < 2 * sizeof cmds; i++) {
        size_t circ_id_len = i % 2 ? 4 : 2;
        uint8_t bytes[ROOM];
        struct wr w = wr_over(bytes, sizeof bytes);
        size_t mark = chan_cell_open(&w, circ_id_len, 7, cmds[i / 2]);
        wr_zeros(&w, 100);
        ck_ok(chan_cell_close(&w, circ_id_len, mark));
        for (size_t len = 0; len < w.len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            ck_assert_ptr_nonnull(exact);
            memcpy(exact, bytes, len);
            struct chan_frame f;
            ck_err(chan_frame_decode(exact, len, circ_id_len, VAR_CAP, &f), ERR_MORE);
            ck_assert_uint_gt(f.used, len);
            ck_assert_uint_le(f.used, w.len);
            free(exact);
        }
    }
}
END_TEST

START_TEST(test_chan_frame_over_the_cap_is_refused_at_the_header)
{
    uint8_t head[] = {0, 0, 0, 0, CELL_CERTS, 0x03, 0xe9};
    struct chan_frame f;
    ck_err(chan_frame_decode(head, sizeof head, 4, 1000, &f), ERR_LIMIT);
    head[6] = 0xe8;
    ck_err(chan_frame_decode(head, sizeof head, 4, 1000, &f), ERR_MORE);
    ck_assert_uint_eq(f.used, sizeof head + 1000);
}
END_TEST

START_TEST(test_chan_frame_cap_does_not_touch_fixed_cells)
{
    uint8_t bytes[CHAN_CELL_MAX] = {0, 0, 0, 1, CELL_RELAY};
    struct chan_frame f;
    ck_ok(chan_frame_decode(bytes, sizeof bytes, 4, 0, &f));
    ck_assert_uint_eq(f.used, CHAN_CELL_MAX);
}
END_TEST

START_TEST(test_chan_frame_next_cell_begins_where_the_first_ends)
{
    uint8_t bytes[ROOM];
    struct wr w = wr_over(bytes, sizeof bytes);
    size_t mark = chan_cell_open(&w, 4, 0, CELL_VPADDING);
    ck_ok(chan_cell_close(&w, 4, mark));
    mark = chan_cell_open(&w, 4, 9, CELL_DESTROY);
    wr_u8(&w, 3);
    ck_ok(chan_cell_close(&w, 4, mark));
    struct chan_frame f;
    ck_ok(chan_frame_decode(bytes, w.len, 4, VAR_CAP, &f));
    ck_assert_uint_eq(f.cmd, CELL_VPADDING);
    ck_assert_uint_eq(f.body_len, 0);
    ck_ok(chan_frame_decode(bytes + f.used, w.len - f.used, 4, VAR_CAP, &f));
    ck_assert_uint_eq(f.cmd, CELL_DESTROY);
    ck_assert_uint_eq(f.circ_id, 9);
    ck_assert_uint_eq(f.body[0], 3);
}
END_TEST

START_TEST(test_chan_circ_id_len_other_than_2_and_4_is_refused)
{
    uint8_t bytes[CHAN_CELL_MAX] = {0};
    struct chan_frame f;
    struct wr w = wr_over(bytes, sizeof bytes);
    ck_err(chan_frame_decode(bytes, sizeof bytes, 3, VAR_CAP, &f), ERR_ARG);
    ck_err(chan_head_encode(&w, 0, 0, CELL_PADDING, CELL_BODY_LEN), ERR_ARG);
    chan_cell_open(&w, 8, 0, CELL_PADDING);
    ck_err(wr_end(&w), ERR_FULL);
}
END_TEST

START_TEST(test_chan_head_with_values_too_big_for_their_fields_is_refused)
{
    uint8_t bytes[16];
    struct wr w = wr_over(bytes, sizeof bytes);
    ck_err(chan_head_encode(&w, 2, 65536, CELL_DESTROY, CELL_BODY_LEN), ERR_ARG);
    ck_err(chan_head_encode(&w, 4, 1, CELL_CERTS, 65536), ERR_ARG);
    ck_err(chan_head_encode(&w, 4, 1, CELL_RELAY, 508), ERR_ARG);
    ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(test_chan_cell_pads_with_zeros_and_never_over_its_size)
{
    uint8_t bytes[ROOM];
    memset(bytes, 0xee, sizeof bytes);
    struct wr w = wr_over(bytes, sizeof bytes);
    size_t mark = chan_cell_open(&w, 4, 1, CELL_DESTROY);
    wr_u8(&w, 1);
    ck_ok(chan_cell_close(&w, 4, mark));
    ck_assert_uint_eq(w.len, CHAN_CELL_MAX);
    for (size_t i = 6; i < CHAN_CELL_MAX; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_uint_eq(bytes[CHAN_CELL_MAX], 0xee);

    w = wr_over(bytes, sizeof bytes);
    mark = chan_cell_open(&w, 4, 1, CELL_DESTROY);
    wr_zeros(&w, CELL_BODY_LEN);
    ck_ok(chan_cell_close(&w, 4, mark));
    ck_assert_uint_eq(w.len, CHAN_CELL_MAX);

    w = wr_over(bytes, sizeof bytes);
    mark = chan_cell_open(&w, 4, 1, CELL_DESTROY);
    wr_zeros(&w, CELL_BODY_LEN + 1);
    ck_err(chan_cell_close(&w, 4, mark), ERR_FULL);
}
END_TEST

START_TEST(test_chan_variable_are_versions_and_all_from_128)
{
    for (unsigned cmd = 0; cmd < 256; cmd++)
        ck_assert_int_eq(chan_cmd_is_variable((uint8_t)cmd), cmd == 7 || cmd >= 128);
}
END_TEST

START_TEST(test_chan_cmd_names)
{
    ck_assert_str_eq(chan_cmd_name(CELL_PADDING), "PADDING");
    ck_assert_str_eq(chan_cmd_name(CELL_NETINFO), "NETINFO");
    ck_assert_str_eq(chan_cmd_name(CELL_PADDING_NEGOTIATE), "PADDING_NEGOTIATE");
    ck_assert_str_eq(chan_cmd_name(13), "unknown");
    ck_assert_str_eq(chan_cmd_name(CELL_VPADDING), "VPADDING");
    ck_assert_str_eq(chan_cmd_name(CELL_AUTHORIZE), "AUTHORIZE");
    ck_assert_str_eq(chan_cmd_name(133), "unknown");
}
END_TEST

TESTS("cell/chan", test_chan_frames_decode_as_published, test_chan_frames_encode_to_the_same_bytes,
      test_chan_frame_cut_anywhere_wants_more_and_says_how_much,
      test_chan_frame_over_the_cap_is_refused_at_the_header,
      test_chan_frame_cap_does_not_touch_fixed_cells,
      test_chan_frame_next_cell_begins_where_the_first_ends,
      test_chan_circ_id_len_other_than_2_and_4_is_refused,
      test_chan_head_with_values_too_big_for_their_fields_is_refused,
      test_chan_cell_pads_with_zeros_and_never_over_its_size,
      test_chan_variable_are_versions_and_all_from_128, test_chan_cmd_names)
