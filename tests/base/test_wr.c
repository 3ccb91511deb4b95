#include "base/wr.h"

#include <string.h>

#include "base/rd.h"
#include "support/test.h"

START_TEST(test_wr_integers_are_in_network_order)
{
    static const uint8_t want[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                   0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96};
    uint8_t out[15];
    struct wr w = wr_over(out, sizeof out);
    wr_u8(&w, 0x01);
    wr_u16(&w, 0x2345);
    wr_u32(&w, 0x6789abcd);
    wr_u64(&w, 0xeff0e1d2c3b4a596u);
    ck_ok(wr_end(&w));
    ck_assert_uint_eq(w.len, 15);
    ck_assert_mem_eq(out, want, 15);
}
END_TEST

START_TEST(test_wr_what_the_reader_reads_is_what_was_written)
{
    uint8_t out[64];
    struct wr w = wr_over(out, sizeof out);
    wr_u64(&w, UINT64_MAX - 1);
    wr_bytes(&w, "abc", 3);
    wr_zeros(&w, 2);
    wr_u16(&w, UINT16_MAX);
    struct rd r = rd_over(out, w.len);
    ck_assert_uint_eq(rd_u64(&r), UINT64_MAX - 1);
    ck_assert_mem_eq(rd_bytes(&r, 5), "abc\0\0", 5);
    ck_assert_uint_eq(rd_u16(&r), UINT16_MAX);
    ck_ok(rd_end(&r));
}
END_TEST

START_TEST(test_wr_what_does_not_fit_is_not_written_at_all)
{
    uint8_t out[4] = {7, 7, 7, 7};
    struct wr w = wr_over(out, 3);
    wr_u32(&w, 0);
    ck_err(wr_end(&w), ERR_FULL);
    ck_assert_uint_eq(w.len, 0);
    ck_assert_mem_eq(out, "\7\7\7\7", 4);
}
END_TEST

START_TEST(test_wr_failure_latches)
{
    uint8_t out[3] = {7, 7, 7};
    struct wr w = wr_over(out, sizeof out);
    wr_u8(&w, 1);
    wr_u32(&w, 0);
    wr_u8(&w, 2); /* would fit */
    wr_zeros(&w, 0);
    ck_assert_ptr_null(wr_room(&w, 0));
    ck_err(wr_end(&w), ERR_FULL);
    ck_assert_uint_eq(w.len, 1);
    ck_assert_mem_eq(out, "\1\7\7", 3);
}
END_TEST

START_TEST(test_wr_fills_up_to_the_last_byte)
{
    uint8_t out[9];
    memset(out, 7, sizeof out);
    struct wr w = wr_over(out, 8);
    wr_u64(&w, 0);
    wr_bytes(&w, NULL, 0);
    ck_ok(wr_end(&w));
    wr_u8(&w, 0);
    ck_err(wr_end(&w), ERR_FULL);
    ck_assert_uint_eq(out[8], 7);
}
END_TEST

START_TEST(test_wr_huge_length_does_not_wrap)
{
    uint8_t out[8];
    struct wr w = wr_over(out, sizeof out);
    wr_u8(&w, 1);
    ck_assert_ptr_null(wr_room(&w, SIZE_MAX));
    ck_err(wr_end(&w), ERR_FULL);
}
END_TEST

START_TEST(test_wr_parts_get_their_lengths_nested)
{
    uint8_t out[16];
    struct wr w = wr_over(out, sizeof out);
    size_t outer = wr_open_u16(&w);
    wr_u8(&w, 0xaa);
    size_t inner = wr_open_u8(&w);
    wr_bytes(&w, "xyz", 3);
    wr_close_u8(&w, inner);
    size_t empty = wr_open_u8(&w);
    wr_close_u8(&w, empty);
    wr_close_u16(&w, outer);
    ck_ok(wr_end(&w));
    ck_assert_uint_eq(w.len, 8);
    ck_assert_mem_eq(out, "\0\6\xaa\3xyz\0", 8);
}
END_TEST

START_TEST(test_wr_longest_part_of_each_prefix_fits_and_one_more_does_not)
{
    static uint8_t out[UINT16_MAX + 16];
    for (size_t over = 0; over < 2; over++) {
        struct wr w = wr_over(out, sizeof out);
        size_t mark = wr_open_u8(&w);
        wr_zeros(&w, UINT8_MAX + over);
        wr_close_u8(&w, mark);
        ck_err(wr_end(&w), over ? ERR_FULL : OK);
        w = wr_over(out, sizeof out);
        mark = wr_open_u16(&w);
        wr_zeros(&w, UINT16_MAX + over);
        wr_close_u16(&w, mark);
        ck_err(wr_end(&w), over ? ERR_FULL : OK);
        if (!over)
            ck_assert_mem_eq(out, "\xff\xff", 2);
    }
}
END_TEST

START_TEST(test_wr_part_without_room_for_its_prefix_fails)
{
    uint8_t out[2] = {7, 7};
    struct wr w = wr_over(out, 1);
    size_t mark = wr_open_u16(&w);
    wr_u8(&w, 1);
    wr_close_u16(&w, mark);
    ck_err(wr_end(&w), ERR_FULL);
    ck_assert_mem_eq(out, "\7\7", 2);
}
END_TEST

TESTS("base/wr", test_wr_integers_are_in_network_order,
      test_wr_what_the_reader_reads_is_what_was_written,
      test_wr_what_does_not_fit_is_not_written_at_all, test_wr_failure_latches,
      test_wr_fills_up_to_the_last_byte, test_wr_huge_length_does_not_wrap,
      test_wr_parts_get_their_lengths_nested,
      test_wr_longest_part_of_each_prefix_fits_and_one_more_does_not,
      test_wr_part_without_room_for_its_prefix_fails)
