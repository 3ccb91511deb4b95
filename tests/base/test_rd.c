#include "base/rd.h"

#include <string.h>

#include "support/test.h"

static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96};

START_TEST(test_rd_integers_are_in_network_order)
{
    struct rd r = rd_over(bytes, sizeof bytes);
    ck_assert_uint_eq(rd_u8(&r), 0x01);
    ck_assert_uint_eq(rd_u16(&r), 0x2345);
    ck_assert_uint_eq(rd_u32(&r), 0x6789abcd);
    ck_assert_uint_eq(rd_u64(&r), 0xeff0e1d2c3b4a596u);
    ck_ok(rd_end(&r));
}
END_TEST

START_TEST(test_rd_past_the_end_fails_and_moves_nothing)
{
    struct rd r = rd_over(bytes, 3);
    ck_assert_uint_eq(rd_u32(&r), 0);
    ck_assert_uint_eq(r.left, 3);
    ck_assert_ptr_eq(r.at, bytes);
    ck_err(rd_ok(&r), ERR_TRUNCATED);
    ck_err(rd_end(&r), ERR_TRUNCATED);
}
END_TEST

START_TEST(test_rd_failure_latches)
{
    struct rd r = rd_over(bytes, 3);
    ck_assert_ptr_null(rd_bytes(&r, 4));
    ck_assert_uint_eq(rd_u8(&r), 0);
    ck_assert_ptr_null(rd_bytes(&r, 0));
    ck_assert_uint_eq(r.left, 3);
    ck_err(rd_end(&r), ERR_TRUNCATED);
}
END_TEST

START_TEST(test_rd_every_integer_fails_one_byte_short)
{
    struct rd r8 = rd_over(bytes, 0), r16 = rd_over(bytes, 1), r32 = rd_over(bytes, 3),
              r64 = rd_over(bytes, 7);
    ck_assert_uint_eq(rd_u8(&r8), 0);
    ck_assert_uint_eq(rd_u16(&r16), 0);
    ck_assert_uint_eq(rd_u32(&r32), 0);
    ck_assert_uint_eq(rd_u64(&r64), 0);
    ck_assert(r8.failed && r16.failed && r32.failed && r64.failed);
}
END_TEST

START_TEST(test_rd_left_over_bytes_are_an_error_at_the_end_only)
{
    struct rd r = rd_over(bytes, 3);
    (void)rd_u16(&r);
    ck_ok(rd_ok(&r));
    ck_err(rd_end(&r), ERR_TRAILING);
}
END_TEST

START_TEST(test_rd_no_bytes_are_not_null)
{
    struct rd r = rd_over(NULL, 0);
    ck_assert_ptr_nonnull(rd_bytes(&r, 0));
    ck_ok(rd_end(&r));
    ck_assert_ptr_null(rd_bytes(&r, 1));
}
END_TEST

START_TEST(test_rd_null_has_no_bytes_whatever_its_length)
{
    struct rd r = rd_over(NULL, 5);
    ck_assert_uint_eq(r.left, 0);
    ck_assert_uint_eq(rd_u8(&r), 0);
    ck_assert(r.failed);
}
END_TEST

START_TEST(test_rd_huge_length_does_not_wrap)
{
    struct rd r = rd_over(bytes, sizeof bytes);
    (void)rd_u8(&r);
    ck_assert_ptr_null(rd_bytes(&r, SIZE_MAX));
    ck_assert(r.failed);
}
END_TEST

START_TEST(test_rd_copy_gives_bytes_or_zeros)
{
    uint8_t out[4] = {9, 9, 9, 9}, zero[4] = {0};
    struct rd r = rd_over(bytes, 6);
    ck_assert(rd_copy(&r, out, 4));
    ck_assert_mem_eq(out, bytes, 4);
    ck_assert(!rd_copy(&r, out, 4));
    ck_assert_mem_eq(out, zero, 4);
}
END_TEST

START_TEST(test_rd_sub_is_bounded_and_skipped)
{
    struct rd r = rd_over(bytes, 6);
    struct rd sub = rd_sub(&r, 2);
    ck_assert_uint_eq(rd_u16(&sub), 0x0123);
    ck_ok(rd_end(&sub));
    ck_assert_uint_eq(rd_u8(&sub), 0);
    ck_err(rd_ok(&sub), ERR_TRUNCATED);
    ck_ok(rd_ok(&r)); /* the outer one does not notice */
    ck_assert_uint_eq(rd_u32(&r), 0x456789ab);
    ck_ok(rd_end(&r));
}
END_TEST

START_TEST(test_rd_sub_that_is_not_there_fails_both)
{
    struct rd r = rd_over(bytes, 3);
    struct rd sub = rd_sub(&r, 4);
    ck_assert(r.failed && sub.failed);
    ck_assert_uint_eq(sub.left, 0);
    ck_err(rd_end(&sub), ERR_TRUNCATED);
}
END_TEST

START_TEST(test_rd_rest_takes_all_and_fails_with_its_reader)
{
    struct rd r = rd_over(bytes, 5);
    (void)rd_u8(&r);
    struct rd rest = rd_rest(&r);
    ck_assert_uint_eq(rest.left, 4);
    ck_ok(rd_end(&r));
    struct rd none = rd_rest(&r);
    ck_ok(rd_end(&none));
    (void)rd_u8(&r);
    struct rd late = rd_rest(&r);
    ck_err(rd_end(&late), ERR_TRUNCATED);
}
END_TEST

TESTS("base/rd", test_rd_integers_are_in_network_order,
      test_rd_past_the_end_fails_and_moves_nothing, test_rd_failure_latches,
      test_rd_every_integer_fails_one_byte_short,
      test_rd_left_over_bytes_are_an_error_at_the_end_only, test_rd_no_bytes_are_not_null,
      test_rd_null_has_no_bytes_whatever_its_length, test_rd_huge_length_does_not_wrap,
      test_rd_copy_gives_bytes_or_zeros, test_rd_sub_is_bounded_and_skipped,
      test_rd_sub_that_is_not_there_fails_both, test_rd_rest_takes_all_and_fails_with_its_reader)
